"""Writing events: their names' dictionary, the months' partitions, and one COPY a batch."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec
from django.db import transaction
from django.utils import timezone
from psycopg import sql as compose

from cdp_site import sql
from profiles.extract import Said
from profiles.identifiers import Identifier

MAX_NAMES = 30_000
# Older months share one partition, made by the first migration.
FIRST_MONTH = datetime(2015, 1, 1, tzinfo=UTC)
COLUMNS = (
    "profile_id", "time", "id", "source_id", "name_id", "value", "message_key", "message_id", "identifiers",
    "properties", "context",
)  # fmt: skip
_json = msgspec.json.Encoder()
# Between JSON's tokens a line break is as good as a blank; inside its strings none occurs.
_BLANKS = bytes.maketrans(b"\n\r\t", b"   ")


class MonthsMissing(Exception):
    """The batch has events of months that have no partition yet: make them, outside the transaction, and try again."""

    def __init__(self, months: set[datetime]) -> None:
        super().__init__(f"{len(months)} months without a partition")
        self.months = months


def require_months(times: Iterable[datetime]) -> None:
    """Raise `MonthsMissing` unless every time has its partition."""
    months = {(time.year, time.month) for time in times if time >= FIRST_MONTH}
    wanted = {f"event_{year:04}_{month:02}": datetime(year, month, 1, tzinfo=UTC) for year, month in months}
    if not wanted:
        return
    there = sql.rows("SELECT name FROM unnest(%b::text[]) AS name WHERE to_regclass(name) IS NOT NULL", (list(wanted),))
    if missing := set(wanted) - {name for (name,) in there}:
        raise MonthsMissing({wanted[name] for name in missing})


# Asked of a table: a statement that reads none doesn't hear of what others made while it waited for the lock.
_ATTACHED = "SELECT 1 FROM pg_inherits WHERE inhrelid = to_regclass(%s)"


def make_months(months: Iterable[datetime]) -> None:
    """Make partitions. Attached when made, so that readers and writers of other months don't wait."""
    for month in sorted(months):
        following = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
        name = compose.Identifier(f"event_{month:%Y_%m}")
        with transaction.atomic(), sql.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('tributary event months', 0))")
            if cursor.execute(_ATTACHED, (f"event_{month:%Y_%m}",)).fetchone():
                continue
            cursor.execute(compose.SQL("CREATE TABLE {} (LIKE event INCLUDING ALL)").format(name))
            cursor.execute(
                compose.SQL("ALTER TABLE event ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                    name, compose.Literal(month.isoformat()), compose.Literal(following.isoformat())
                )
            )


_KNOWN = """
SELECT type, name, id FROM event_name WHERE (type, name) IN (SELECT * FROM unnest(%b::text[], %b::text[]))
"""
_ADD = """
INSERT INTO event_name (id, type, name, first_seen)
SELECT (SELECT coalesce(max(id), 0) FROM event_name) + row_number() OVER (), type, name, %b::timestamptz
FROM unnest(%b::text[], %b::text[]) AS said (type, name)
RETURNING type, name, id
"""


def name_ids(names: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The number of each (type, name); new names get one, until there are 30,000. Names without one are left out."""
    if not names:
        return {}
    wanted = sorted(names)
    columns = [[type for type, _ in wanted], [name for _, name in wanted]]
    known = {(type, name): id for type, name, id in sql.rows(_KNOWN, columns)}
    if len(known) == len(wanted):
        return known
    with sql.cursor() as cursor:
        # New names are rare: one drain at a time may add, so that numbers stay dense and small.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('tributary event names', 0))")
    known = {(type, name): id for type, name, id in sql.rows(_KNOWN, columns)}
    room = MAX_NAMES - int(sql.rows("SELECT coalesce(max(id), 0) FROM event_name")[0][0])
    fresh = [pair for pair in wanted if pair not in known][: max(room, 0)]
    if fresh:
        added = sql.rows(_ADD, (timezone.now(), [type for type, _ in fresh], [name for _, name in fresh]))
        known |= {(type, name): id for type, name, id in added}
    return known


def store(rows: Iterable[tuple[int, int, Said]], names: Mapping[tuple[str, str], int]) -> None:
    """COPY events, given as (profile id, event id, message)."""
    shown: dict[tuple[tuple[Identifier, ...], tuple[Identifier, ...]], bytes] = {}
    lines = []
    for profile, event, said in rows:
        named = said.identifiers, said.blocked
        identifiers = shown.get(named)
        if identifiers is None:
            identifiers = shown[named] = _escaped(_json.encode(named[0] + named[1]))
        lines.append(
            b"%d\t%b\t%d\t%d\t%d\t%b\t%b\t%b\t%b\t%b\t%b\n"
            % (
                profile,
                said.time.isoformat().encode(),
                event,
                said.source_id,
                names[said.type, said.name],
                said.value.encode() if said.value is not None else b"\\N",
                said.key.hex().encode(),
                sql.escape(said.message_id).encode() if said.message_id is not None else b"\\N",
                identifiers,
                _escaped(said.properties) if said.properties else b"\\N",
                _escaped(said.context) if said.context else b"\\N",
            )
        )
    sql.copy_text("event", COLUMNS, b"".join(lines))


def _escaped(json: bytes) -> bytes:
    """JSON text for COPY's text format."""
    return json.translate(_BLANKS).replace(b"\\", b"\\\\")
