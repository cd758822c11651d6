"""The stage 'seal': past events into column blocks, in the background, a bounded batch at a time.

A name that has many events is begun once: day by day, all that is there of each. From then on all such names go on
together, in the order of the events' keys, that is, of their arrival: each batch gives the days that it touches a part
more, and where a day has many parts they are put together. Nothing is read twice, and late events are nothing special.

No event is left out: sealed is only what the past was closed for (`profiles.sealing`). Where events went from one person
to another by anything but a merge, those people are read from the table until all has been sealed anew.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zlib import crc32

import numpy as np
import structlog
from django.db import transaction

from cdp_site import sql, stages
from cdp_site.arrays import int2s, int8s
from cdp_site.ids import first_at, new_id, new_ids
from profiles import sealing as past
from segments.blocks import asked
from segments.blocks.numbers import Numbers
from segments.blocks.packing import DAY, Packed, pack, together, unpack
from segments.blocks.values import Codes
from segments.compare import Parameters

log = structlog.get_logger(__name__)

# Fewer events of a name are read from the table as quickly.
LEAST = 20_000
# Events a batch: some hundred milliseconds. A day that has more is taken whole.
BATCH = 200_000
# What arrived in the last minutes stays in the table: closing the past makes drains wait for each other.
SETTLED = timedelta(minutes=5)
# What has arrived since is sealed once it is so much, or so old.
DUE = 20_000
DUE_AFTER = timedelta(hours=1)
# A day's parts are put together when there are so many.
PARTS = 8
# With more people whom blocks don't speak for, all is sealed anew.
MOST_UNSEALED = 1_000
_FIRST_DAY = -1_000_000
numbers = Numbers()
codes = Codes()


@stages.stage("seal", counts="events_sealed", every=60)
def seal_some() -> int:
    """One batch; returns how many events were sealed (at least 1 while there is something to do)."""
    # By the database's clock: keys that are made from now on come after what is closed, whoever closed it.
    return seal(sql.rows("SELECT clock_timestamp()")[0][0])


def seal(now: datetime) -> int:
    """One batch as of `now` (tests give it; else the clock on the wall)."""
    try:
        with transaction.atomic():
            done = _go_on()
        return done or _begin(now) or _follow(now) or _put_together()
    except BaseException:
        # What was given in a transaction that failed was never given.
        numbers.forget()
        codes.forget()
        raise


def drop() -> int:
    """Throw all blocks away; returns how many there were. Answers stay the same."""
    with transaction.atomic():
        sql.rows("SELECT pg_advisory_xact_lock(hashtextextended('tributary stage seal', 0))")
        with sql.cursor() as cursor:
            dropped = cursor.execute("DELETE FROM block").rowcount
            for table in ("block_name", "block_people", "block_value"):
                cursor.execute(f"DELETE FROM {table}")
    numbers.forget()
    codes.forget()
    return dropped


_STATE = """
SELECT count(DISTINCT block.name_id), count(*), coalesce(sum(events), 0)::bigint, coalesce(sum(octet_length(body)), 0)::bigint,
       (SELECT count(*) FROM block_name WHERE edge IS NOT NULL), (SELECT count(*) FROM unsealed_profile)
FROM block JOIN block_name USING (name_id, generation) WHERE edge IS NULL
"""


def state() -> dict[str, int]:
    """How far sealing is, in words that read on: names, blocks, events, bytes, and what is under way."""
    words = ("names", "blocks", "events", "bytes", "names being sealed", "people read from the table")
    return dict(zip(words, map(int, sql.rows(_STATE)[0]), strict=True))


@dataclass
class Name:
    """How far a name is: see `segments.models.BlockName`."""

    id: int
    generation: int
    until: int
    edge: int | None
    properties: list[str] = field(default_factory=list)


_NAMES = "SELECT name_id, generation, until, edge, properties FROM block_name ORDER BY name_id, generation"


def sealed_names() -> list[Name]:
    return [
        Name(id, generation, until, edge, json.loads(properties))
        for id, generation, until, edge, properties in sql.rows(_NAMES)
    ]


# -- a name from its first day on

_STRETCH = """
SELECT min(time) FROM (
    (SELECT time FROM event WHERE name_id = %(name)s AND time >= %(start)s ORDER BY time OFFSET %(batch)s LIMIT 1)
) AS beyond
"""
_FIRST = "SELECT min(time) FROM event WHERE name_id = %s AND time >= %s"
_EDGE = "UPDATE block_name SET edge = %s, version = version + 1 WHERE name_id = %s AND generation = %s"
_OLDER = (
    "DELETE FROM block WHERE name_id = %s AND generation < %s",
    "DELETE FROM block_name WHERE name_id = %s AND generation < %s",
)


def _go_on() -> int:
    """The next days of a name that is being sealed from its beginning."""
    name = next((one for one in sealed_names() if one.edge is not None), None)
    if name is None or name.edge is None:
        return 0
    start = sql.rows(_FIRST, (name.id, _moment(name.edge)))[0][0]
    day = None if start is None else _day(start)
    if day is None:
        edge, sealed = None, 0
    else:
        beyond = sql.rows(_STRETCH, {"name": name.id, "start": _moment(day), "batch": BATCH})[0][0]
        # Whole days, at least one.
        edge = None if beyond is None else max(_day(beyond), day + 1)
        sealed = _seal(
            [name], _Range(start=_moment(day), end=None if edge is None else _moment(edge), until=name.until)
        )
    with sql.cursor() as cursor:
        cursor.execute(_EDGE, (edge, name.id, name.generation))
        if edge is None:
            for query in _OLDER:
                cursor.execute(query, (name.id, name.generation))
    return max(sealed, 1)


_UNSEALED = "SELECT count(*), count(*) FILTER (WHERE noticed) FROM unsealed_profile"
_NOTICE = "UPDATE unsealed_profile SET noticed = true WHERE NOT noticed"
_SETTLED_AGAIN = "DELETE FROM unsealed_profile WHERE noticed"
_START = """
INSERT INTO block_name (name_id, generation, version, until, edge, properties)
SELECT name_id, %(generation)s, 0, %(until)s, %(edge)s, properties::jsonb
FROM unnest(%(names)s::smallint[], %(properties)s::text[]) AS one (name_id, properties)
"""


def _begin(now: datetime) -> int:
    """Begin names that have many events now; those anew whose blocks lack a property; all of them where people parted.

    Only when no name is being begun: so what was noticed then has been sealed anew by now.
    """
    names = {name.id: name for name in sealed_names()}
    unsealed, noticed = sql.rows(_UNSEALED)[0]
    if noticed:
        with sql.cursor() as cursor:
            cursor.execute(_SETTLED_AGAIN)
        return 1
    wanted = asked.properties()
    anew = [id for id, name in names.items() if not set(wanted.get(id, ())) <= set(name.properties)]
    again = bool(names) and unsealed > MOST_UNSEALED
    begun = sorted({*asked.many(set(names), LEAST), *(names if again else anew)})
    if not begun:
        return 0
    until = past.close(first_at(now - SETTLED))
    if until is None:
        return 0
    with transaction.atomic(), sql.cursor() as cursor:
        if again:
            # In a transaction before the one that reads their events.
            cursor.execute(_NOTICE)
        properties = [
            json.dumps(sorted({*wanted.get(id, ()), *(names[id].properties if id in names else ())})) for id in begun
        ]
        cursor.execute(
            _START,
            {"names": begun, "properties": properties, "generation": new_id(), "until": until, "edge": _FIRST_DAY},
        )
    log.info("blocks_begun", names=len(begun), again=again)
    return 1


# -- what has arrived since

_BEYOND = "SELECT id FROM event WHERE id > %(after)s AND id <= %(until)s ORDER BY id OFFSET %(batch)s LIMIT 1"
_NEWS = "SELECT 1 FROM event WHERE id > %s AND id <= %s LIMIT 1"
_ADVANCE = """
UPDATE block_name SET until = greatest(until, %s), version = version + 1 WHERE name_id = ANY(%s::smallint[])
"""


def _follow(now: datetime) -> int:
    """The next events by arrival, of all names that are sealed."""
    names = sealed_names()
    if not names:
        return 0
    after, aim = min(name.until for name in names), first_at(now - SETTLED)
    if aim <= after:
        return 0
    many = sql.rows(_BEYOND, {"after": after, "until": aim, "batch": DUE})
    if not many and (after > first_at(now - SETTLED - DUE_AFTER) or not sql.rows(_NEWS, (after, aim))):
        return 0
    until = past.close(aim)
    if until is None:
        return 0
    with transaction.atomic():
        beyond = sql.rows(_BEYOND, {"after": after, "until": until, "batch": BATCH})
        if beyond:
            until = int(beyond[0][0])
        sealed = _seal(names, _Range(after=after, until=until))
        with sql.cursor() as cursor:
            cursor.execute(_ADVANCE, (until, [name.id for name in names]))
    return max(sealed, 1)


# -- reading events, writing blocks


@dataclass(frozen=True)
class _Range:
    """Events with keys in (after, until], of times in [start, end)."""

    until: int
    after: int | None = None
    start: datetime | None = None
    end: datetime | None = None


def _seal(names: Sequence[Name], where: _Range) -> int:
    """Put these events into blocks; returns how many. One statement to read them, one COPY to write."""
    parameters = Parameters()
    conditions = [f"name_id = ANY({parameters.add([name.id for name in names])}::smallint[])"]
    conditions.append(f"id <= {parameters.add(where.until)}")
    for condition, bound in (("id >", where.after), ("time >=", where.start), ("time <", where.end)):
        if bound is not None:
            conditions.append(f"{condition} {parameters.add(bound)}")
    wanted = sorted({one for name in names for one in name.properties})
    texts = [named(names, one, parameters) for one in wanted]
    found = sql.packed(
        f"SELECT {', '.join(['profile_id', 'time', 'id', 'name_id', *texts])} FROM event WHERE {' AND '.join(conditions)}",
        parameters.values,
        [("profile", "i8"), ("time", "time"), ("id", "i8"), ("name", "i2")]
        + [(f"text{number}", "text") for number in range(len(wanted))],
    )
    person = numbers.give(found["profile"])
    codes.begin(numbers.born)
    rows, sealed = [], 0
    for name in names:
        mine = np.flatnonzero((found["name"] == name.id) & (found["id"] > (name.until if where.after else 0)))
        if len(mine):
            columns = tuple(codes.of(name.id, one, found[f"text{wanted.index(one)}"][mine]) for one in name.properties)
            sealed += len(mine)
            rows += _by_day(name, Packed(person[mine], found["time"][mine], columns).in_order())
    codes.write()
    _write(rows)
    return sealed


def named(names: Sequence[Name], property: str, parameters: Parameters) -> str:
    """An expression for what an event says of a property, NULL for names whose blocks don't have it."""
    having = [name.id for name in names if property in name.properties]
    return asked.text(property, having, len(having) == len(names), parameters)


_Row = tuple[int, int, int, int, bytes]


def _by_day(name: Name, events: Packed) -> list[_Row]:
    """(name, generation, day, events, body) of events in order of time."""
    days = events.time // DAY
    starts = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    answer = []
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(days)], strict=True):
        day = int(days[start])
        answer.append((name.id, name.generation, day, end - start, pack(events.chosen(slice(start, end)), day)))
    return answer


_COPY = "COPY block (name_id, generation, day, part, events, checksum, body) FROM STDIN (FORMAT BINARY)"


def _write(rows: Sequence[_Row]) -> None:
    if not rows:
        return
    with sql.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(["int2", "int8", "int4", "int8", "int4", "int8", "bytea"])
        for part, (name, generation, day, events, body) in zip(new_ids(len(rows)), rows, strict=True):
            copy.write_row((name, generation, day, part, events, crc32(body), body))


_CROWDED = """
SELECT name_id, generation, day FROM block GROUP BY name_id, generation, day HAVING count(*) >= %s
ORDER BY sum(events) LIMIT 100
"""
_TAKE = """
DELETE FROM block USING unnest(%b::smallint[], %b::bigint[], %b::bigint[]) AS one (name_id, generation, day)
WHERE block.name_id = one.name_id AND block.generation = one.generation AND block.day = one.day
RETURNING block.name_id, block.generation, block.day, checksum, body
"""
_CHANGED = "UPDATE block_name SET version = version + 1 WHERE name_id = ANY(%s::smallint[])"


def _put_together() -> int:
    """Days that have many parts get one; no event is read for it."""
    with transaction.atomic():
        crowded = sql.rows(_CROWDED, (PARTS,))
        if not crowded:
            return 0
        names = {(name.id, name.generation): name for name in sealed_names()}
        ids, generations, days = zip(*crowded, strict=True)
        parts: dict[tuple[int, int, int], list[Packed]] = {}
        for id, generation, day, checksum, body in sql.rows(
            _TAKE, (int2s(ids), int8s(generations), int8s(days)), binary=True
        ):
            columns = tuple(range(len(names[id, generation].properties)))
            parts.setdefault((id, generation, day), []).append(unpack(bytes(body), day, columns, checksum))
        rows = []
        for (id, generation, _), some in parts.items():
            rows += _by_day(names[id, generation], together(some).in_order())
        _write(rows)
        with sql.cursor() as cursor:
            cursor.execute(_CHANGED, (sorted({*ids}),))
        return len(crowded)


def _day(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)).days


def _moment(day: int) -> datetime:
    """The start of a day; of any before the year 1 the beginning of time."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
