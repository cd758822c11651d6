"""Reading stored messages again, where other rules make other links of them: what is blocked, priorities, roles.

Links are kept because a message said them. Which ones a message says follows from the rules (its strongest identifier
with each other one, and so on), so where those change every event is asked anew, some thousand at a time in the order of
their arrival: a merge may move an event meanwhile, but never change its number. What no message says any more goes.
"""

import json
from collections.abc import Iterable, Mapping

from cdp_site import sql
from cdp_site.arrays import bools, int8s, texts, times, uuids
from profiles import normalise
from profiles.claims import Claim, Slot, claims_of, write_claims
from profiles.component import columns
from profiles.gather import LOOK_UP
from profiles.grouping import TAKEN, WEAK
from profiles.identifiers import USER, Because, Identifier, Kind, Pair, as_kept

EVENTS = 20_000
VALUES = 50_000

UNTIL = """
SELECT coalesce((SELECT id FROM event WHERE id > %b ORDER BY id OFFSET %b LIMIT 1), (SELECT max(id) FROM event WHERE id > %b))
"""
_TOLD = """
WITH said AS (
    SELECT event.identifiers, CASE WHEN event_name.type = 'alias' THEN event.properties ->> 'previousId' END AS previous,
           event.source_id, event.message_key, event.time
    FROM event JOIN event_name ON event_name.id = event.name_id
    WHERE event.id > %b AND event.id <= %b AND event.identifiers IS NOT NULL
)
SELECT DISTINCT ON (identifiers, previous) identifiers::text, previous, source_id, message_key, time,
       max(time) OVER (PARTITION BY identifiers, previous)
FROM said ORDER BY identifiers, previous, time, message_key
"""
_REORDER = """
UPDATE event SET identifiers = said.now::jsonb FROM unnest(%b::text[], %b::text[]) AS said (before, now)
WHERE event.id > %b AND event.id <= %b AND event.identifiers = said.before::jsonb
"""
_KNOW = """
INSERT INTO identifier (kind_id, value, source_id, message_key, first_seen, shared, disputed, blocked)
SELECT *, false, false, false FROM unnest(%b::smallint[], %b::text[], %b::bigint[], %b::uuid[], %b::timestamptz[])
ON CONFLICT DO NOTHING
"""
_HASH = "hashtextextended({0}other_value, hashtextextended({0}value, {0}kind_id * 1000 + {0}other_kind_id))"
_MEET = f"""
INSERT INTO rebuild_link AS kept (hash, first, last, source_id, message_key)
SELECT DISTINCT ON (hash) * FROM (
    SELECT {_HASH.format("")} AS hash, first, last, source_id, message_key
    FROM unnest(%b::smallint[], %b::text[], %b::smallint[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::bigint[],
                %b::uuid[])
         AS said (kind_id, value, other_kind_id, other_value, first, last, source_id, message_key)
) AS said
ON CONFLICT (hash) DO UPDATE SET
    source_id = CASE WHEN (excluded.first, excluded.message_key) < (kept.first, kept.message_key)
                     THEN excluded.source_id ELSE kept.source_id END,
    message_key = CASE WHEN (excluded.first, excluded.message_key) < (kept.first, kept.message_key)
                       THEN excluded.message_key ELSE kept.message_key END,
    first = least(kept.first, excluded.first), last = greatest(kept.last, excluded.last)
"""


def begin() -> None:
    """Forget what a reading noted that was broken off: by other rules the messages may have said other links."""
    with sql.cursor() as cursor:
        cursor.execute("DELETE FROM rebuild_link")


def read_some(after: int, kinds: Mapping[int, Kind]) -> int:
    """Keep the links that the next events say; returns up to which event (`after` itself when there is none left)."""
    until = sql.rows(UNTIL, (after, EVENTS, after))[0][0]
    if until is None:
        return after
    said: list[tuple[Slot, Because]] = []
    before, now = [], []
    for text, previous, source, key, first, last in sql.rows(_TOLD, (after, until)):
        kept: list[Identifier] = [(kind, value) for kind, value in json.loads(text)]
        fit, blocked = as_kept(kept, kinds)
        if kept != [*fit, *blocked]:
            before.append(text)
            now.append(json.dumps([*fit, *blocked]))
        said_by_nobody = any(kind == USER for kind, _ in blocked) and all(kind != USER for kind, _ in fit)
        slot = tuple(fit), None if said_by_nobody else _user_before(previous, kinds)
        if fit:
            said += [(slot, Because(source, key.bytes, time)) for time in (first, last)]
    if before:
        with sql.cursor() as cursor:
            cursor.execute(_REORDER, (texts(before), texts(now), after, until))
    slots, claims = claims_of(said, kinds)
    _know({one: because for (fit, _), (because, _) in slots.items() for one in fit})
    named = sorted({one for pair in claims for one in pair})
    known = sql.rows(LOOK_UP, columns(named)) if named else []
    write_claims(
        claims, kinds, {(kind, value) for kind, value, _, is_shared, is_disputed in known if is_shared or is_disputed}
    )
    _meet(claims)
    return int(until)


def _user_before(previous: str | None, kinds: Mapping[int, Kind]) -> Identifier | None:
    value = normalise.in_form(kinds[USER].form, previous) if previous else None
    return (USER, value) if value and not kinds[USER].blocks(value) else None


def _know(because: Mapping[Identifier, Because]) -> None:
    """Have a row for each identifier, also for one that was blocked till now."""
    if not because:
        return
    names = sorted(because)
    said = [because[one] for one in names]
    with sql.cursor() as cursor:
        cursor.execute(
            _KNOW,
            (*columns(names), int8s([one.source_id for one in said]), uuids([one.key for one in said]),
             times([one.time for one in said])),
        )  # fmt: skip


def _meet(claims: Mapping[Pair, Claim]) -> None:
    """Note what these messages say. One statement."""
    if not claims:
        return
    pairs = sorted(claims)
    said = [claims[pair] for pair in pairs]
    with sql.cursor() as cursor:
        cursor.execute(
            _MEET,
            (*columns([one for one, _ in pairs]), *columns([other for _, other in pairs]),
             times([one.because.time for one in said]), times([one.last for one in said]),
             int8s([one.because.source_id for one in said]), uuids([one.because.key for one in said])),
        )  # fmt: skip


# A link that no message was the reason of was made by hand, and stays; so does one whose message is no longer kept.
_STALE = f"""
DELETE FROM identity_link USING message WHERE message.key = identity_link.message_key
  AND NOT EXISTS (SELECT FROM rebuild_link WHERE rebuild_link.hash = {_HASH.format("identity_link.")})
  AND EXISTS (SELECT FROM event WHERE event.id = message.event_id)
  AND (NOT by_hand OR (kind_id, value) IN (SELECT kind_id, value FROM identifier WHERE blocked)
                   OR (other_kind_id, other_value) IN (SELECT kind_id, value FROM identifier WHERE blocked))
"""
# When it was said first, by which message, and last: of the messages that say it now.
_CORRECT = f"""
UPDATE identity_link SET first = said.first, last = said.last, source_id = said.source_id, message_key = said.message_key
FROM rebuild_link AS said, message
WHERE said.hash = {_HASH.format("identity_link.")} AND message.key = identity_link.message_key
  AND (identity_link.first, identity_link.last, identity_link.message_key) <> (said.first, said.last, said.message_key)
  AND EXISTS (SELECT FROM event WHERE event.id = message.event_id)
"""
_VERDICTS = """
UPDATE identity_link SET verdict = CASE WHEN weak.stands THEN %(weak)b::smallint ELSE %(taken)b::smallint END
FROM (SELECT one.id AS one, other.id AS other, 'suggest' IN (one.role, other.role) AS stands
      FROM identifier_kind AS one CROSS JOIN identifier_kind AS other) AS weak
WHERE weak.one = identity_link.kind_id AND weak.other = identity_link.other_kind_id
  AND weak.stands <> (identity_link.verdict = %(weak)b::smallint)
"""


def forget_unsaid() -> None:
    """Let go of the links that no message says any more, once all are read; nobody may resolve meanwhile.

    Cost: one pass over the links.
    """
    with sql.cursor() as cursor:
        cursor.execute(_STALE)
        cursor.execute(_CORRECT)
        cursor.execute(_VERDICTS, {"weak": WEAK, "taken": TAKEN})
        cursor.execute("DELETE FROM rebuild_link")


_VALUES = """
SELECT value, blocked FROM identifier WHERE kind_id = %b AND value > %b ORDER BY value LIMIT %b
"""
# Whether a value that is free again is seen with too many people is for the judging of all links to say.
_BLOCK = """
UPDATE identifier SET blocked = said.blocked, shared = said.blocked,
                      shared_since = CASE WHEN said.blocked THEN coalesce(shared_since, %b::timestamptz) END
FROM unnest(%b::text[], %b::boolean[]) AS said (value, blocked)
WHERE identifier.kind_id = %b AND identifier.value = said.value RETURNING identifier.profile_id
"""


def mark_blocked(kinds: Iterable[Kind], now: object) -> set[int]:
    """Keep with each identifier whether its kind's rules block it; returns to whom those led of which that changed: their
    messages may find somebody else. Cost: one pass over the identifiers of these kinds."""
    homes: set[int] = set()
    for kind in kinds:
        after = ""
        while found := sql.rows(_VALUES, (kind.id, after, VALUES)):
            after = found[-1][0]
            changed = [(value, not blocked) for value, blocked in found if kind.blocks(value) != blocked]
            if changed:
                values, flags = zip(*changed, strict=True)
                rows = sql.rows(_BLOCK, (now, texts(values), bools(flags), kind.id))
                homes.update(home for (home,) in rows if home is not None)
    return homes
