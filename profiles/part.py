"""People part: events, records and traits go home to where their own identifiers lead now.

The opposite of `profiles.merge`, and rare. An event remembers the identifiers that it came with, strongest first: it
belongs to the person of the first of them that isn't shared. Traits are told anew from the events of all who parted,
so that everybody has what they would have had without each other.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from cdp_site import sql
from cdp_site.arrays import int8s, texts, times
from cdp_site.ids import new_ids
from profiles import policies, sealing, telling, traits
from profiles.component import columns
from profiles.identifiers import Because, Identifier, Kind

_PROFILES_PART = """
INSERT INTO profile (id, first_seen, last_seen, identified, contested, name, email, phone, traits)
SELECT id, first_seen, last_seen, false, false, '', '', '', '{}'
FROM unnest(%b::bigint[], %b::timestamptz[], %b::timestamptz[]) AS fresh (id, first_seen, last_seen)
ON CONFLICT (id) DO NOTHING
"""
_TOLD = """
SELECT DISTINCT profile_id, identifiers::text FROM event WHERE profile_id = ANY(%b::bigint[])
"""
_HOMES = """
SELECT kind_id, value, profile_id, shared OR disputed FROM identifier
WHERE (kind_id, value) IN (SELECT * FROM unnest(%b::smallint[], %b::text[]))
"""
_EVENTS = """
WITH moved AS (
    DELETE FROM event USING unnest(%(from)b::bigint[], %(said)b::text[], %(to)b::bigint[]) AS route (profile_id, said, target)
    WHERE event.profile_id = route.profile_id AND event.identifiers = route.said::jsonb
    RETURNING route.target, time, id, source_id, name_id, value, message_key, message_id, identifiers, properties, context
)
INSERT INTO event (profile_id, time, id, source_id, name_id, value, message_key, message_id, identifiers, properties, context)
SELECT * FROM moved
"""
# A record goes with its number: source:kind:id.
_RECORDS = """
WITH moved AS (
    DELETE FROM record USING unnest(%(from)b::bigint[], %(said)b::text[], %(to)b::bigint[]) AS route (profile_id, said, target)
    WHERE record.profile_id = route.profile_id
      AND record.source_id::text || ':' || record.kind || ':' || record.external_id = route.said
    RETURNING route.target, source_id, kind, external_id, status, title, record.value, currency, opened_at, closed_at,
              updated_at, message_key, properties
)
INSERT INTO record (profile_id, source_id, kind, external_id, status, title, value, currency, opened_at, closed_at,
                    updated_at, message_key, properties)
SELECT * FROM moved
"""
_FORGET = "DELETE FROM trait_value WHERE profile_id = ANY(%b::bigint[])"
_FORGET_COUNTS = "DELETE FROM trait_count WHERE profile_id = ANY(%b::bigint[])"
_SEEN = """
UPDATE profile SET first_seen = seen.first_seen, last_seen = seen.last_seen FROM (
    SELECT profile_id, min(time) AS first_seen, max(time) AS last_seen FROM event
    WHERE profile_id = ANY(%b::bigint[]) GROUP BY profile_id
) AS seen WHERE profile.id = seen.profile_id
"""
_IDENTIFIED = """
UPDATE profile SET identified = EXISTS (
    SELECT FROM identifier WHERE identifier.profile_id = profile.id AND identifier.kind_id = ANY(%b::smallint[]))
WHERE id = ANY(%b::bigint[])
"""


# People whose traits are told at once: what their messages said is in memory meanwhile.
_AT_ONCE = 200
# The identifier that turned out not to join people, and the message that showed it.
Reason = tuple[Identifier, Because]


def part(
    moves: Mapping[Identifier, tuple[int, int]],
    unsettled: set[int],
    kinds: Mapping[int, Kind],
    spans: Mapping[int, tuple[datetime, datetime]],
    reasons: Mapping[tuple[int, int], Reason],
) -> set[int]:
    """Carry out moves of identifiers, {identifier: (from, to)}, already written; `unsettled`: others whose messages may
    find somebody else now; `spans`: when people are seen in this batch, whose messages are yet to be stored; `reasons`
    by (from, to), where a message gave one. Returns all profiles that had or got any.

    The profiles are locked by the caller, who has the winning traits decided anew and both sides marked as changed.
    Cost: reads all events of the people concerned, and writes those that move.
    """
    left = {profile for profile, _ in moves.values()} | unsettled
    events = _event_routes(left)
    got = {profile for _, profile in moves.values()} | {profile for _, _, profile in events}
    now = timezone.now()
    everybody = sorted(left | got)
    sealing.unseal(everybody)
    with sql.cursor() as cursor:
        seen = [spans.get(profile, (now, now)) for profile in sorted(got)]
        ids = int8s(sorted(got))
        cursor.execute(_PROFILES_PART, (ids, times([first for first, _ in seen]), times([last for _, last in seen])))
        for table, routes in ((_EVENTS, events), (_RECORDS, _record_routes(moves, kinds))):
            if routes:
                origins, said, targets = zip(*routes, strict=True)
                cursor.execute(table, {"from": int8s(origins), "said": texts(said), "to": int8s(targets)})
        cursor.execute(_FORGET, (int8s(everybody),))
        cursor.execute(_FORGET_COUNTS, (int8s(everybody),))
    rules = policies.hold()
    for start in range(0, len(everybody), _AT_ONCE):
        traits.keep(list(telling.of(everybody[start : start + _AT_ONCE])), rules)
    with sql.cursor() as cursor:
        cursor.execute(_SEEN, (int8s(everybody),))
        cursor.execute(_IDENTIFIED, ([id for id, kind in kinds.items() if kind.identifies], int8s(everybody)))
    _note(moves, now, reasons)
    return {*everybody}


def _event_routes(left: Iterable[int]) -> list[tuple[int, str, int]]:
    """(from, identifiers as JSON, to) for the events that are not at home any more."""
    told = [(profile, text, _identifiers(text)) for profile, text in sql.rows(_TOLD, (int8s(sorted(left)),)) if text]
    named = sorted({one for _, _, identifiers in told for one in identifiers})
    homes = {(kind, value): (profile, lost) for kind, value, profile, lost in sql.rows(_HOMES, columns(named))}
    routes = []
    for profile, text, identifiers in told:
        known = [homes[one] for one in identifiers if one in homes]
        home = next((home for home, lost in known if not lost), known[0][0] if known else None)
        if home is not None and home != profile:
            routes.append((profile, text, home))
    return routes


def _identifiers(text: str) -> list[Identifier]:
    return [(kind, value) for kind, value in json.loads(text)]


def _record_routes(
    moves: Mapping[Identifier, tuple[int, int]], kinds: Mapping[int, Kind]
) -> list[tuple[int, str, int]]:
    return [
        (before, value, home) for (kind, value), (before, home) in moves.items() if kinds[kind].role == "attach"
    ]  # fmt: skip


def _note(
    moves: Mapping[Identifier, tuple[int, int]], now: datetime, reasons: Mapping[tuple[int, int], Reason]
) -> None:
    """Keep who parted, with which identifiers, and why."""
    routes: dict[tuple[int, int], list[Identifier]] = {}
    for one, route in moves.items():
        routes.setdefault(route, []).append(one)
    rows = []
    for key, (route, identifiers) in zip(new_ids(len(routes)), routes.items(), strict=True):
        because: tuple[object, ...] = (None, None, None, "")
        if reason := reasons.get(route):
            because = (UUID(bytes=reason[1].key), reason[1].source_id, *reason[0])
        rows.append((route[0], key, route[1], json.dumps(sorted(identifiers)), now, *because))
    columns = ["profile_id", "id", "parted_id", "identifiers", "at", "message_key", "source_id", "kind_id", "value"]
    sql.copy_rows("profile_part", columns, rows)
