"""Two profiles become one: the rows of the losers move to the winners, in one transaction, set-based.

`profile_id` is never updated where it is part of a key: rows are inserted anew and the old ones deleted. What other apps
keep about a person (memberships, audiences) is not moved: both profiles are put among the changed ones, and the stages
behind take the loser out and evaluate the winner.
"""

import json
from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone
from msgspec import Struct

from cdp_site import sql
from cdp_site.ids import new_ids
from profiles import counts, policies, sealing
from profiles.identifiers import Because, Identifier


class Joined(Struct, frozen=True):
    """That `loser` became part of `winner`; through which identifier, because of which message, where it was one."""

    winner: int
    loser: int
    identifier: Identifier | None
    because: Because | None


_ROUTES = "unnest(%(losers)b::bigint[], %(winners)b::bigint[]) AS route (loser, winner)"

_EVENTS = f"""
WITH moved AS (
    DELETE FROM event USING {_ROUTES} WHERE event.profile_id = route.loser
    RETURNING route.winner, time, id, source_id, name_id, value, message_key, message_id, identifiers, properties, context
)
INSERT INTO event (profile_id, time, id, source_id, name_id, value, message_key, message_id, identifiers, properties, context)
SELECT * FROM moved
"""

# A record lives where its number leads, so the same record on both sides means that the later message's state holds.
_RECORDS = f"""
WITH moved AS (
    DELETE FROM record USING {_ROUTES} WHERE record.profile_id = route.loser
    RETURNING route.winner, source_id, kind, external_id, status, title, value, currency, opened_at, closed_at,
              updated_at, message_key, properties
), newest AS (
    SELECT DISTINCT ON (winner, source_id, kind, external_id) * FROM moved
    ORDER BY winner, source_id, kind, external_id, updated_at DESC, message_key DESC
)
INSERT INTO record AS kept (profile_id, source_id, kind, external_id, status, title, value, currency, opened_at, closed_at,
                            updated_at, message_key, properties)
SELECT * FROM newest
ON CONFLICT (profile_id, source_id, kind, external_id) DO UPDATE SET
    status = excluded.status, title = excluded.title, value = excluded.value, currency = excluded.currency,
    opened_at = least(kept.opened_at, excluded.opened_at), closed_at = excluded.closed_at,
    updated_at = excluded.updated_at, message_key = excluded.message_key, properties = excluded.properties
WHERE (excluded.updated_at, excluded.message_key) > (kept.updated_at, kept.message_key)
"""

_TRAITS = f"""
WITH moved AS (
    DELETE FROM trait_value USING {_ROUTES} WHERE trait_value.profile_id = route.loser
    RETURNING route.winner, name, source_id, trait_value.value, time, message_key
), newest AS (
    SELECT DISTINCT ON (winner, name, source_id) * FROM moved
    ORDER BY winner, name, source_id, time DESC, message_key DESC
)
INSERT INTO trait_value AS kept (profile_id, name, source_id, value, time, message_key)
SELECT * FROM newest
ON CONFLICT (profile_id, name, source_id) DO UPDATE
SET value = excluded.value, time = excluded.time, message_key = excluded.message_key
WHERE (excluded.time, excluded.message_key) > (kept.time, kept.message_key)
"""

_COUNTS = f"""
WITH moved AS (
    DELETE FROM trait_count USING {_ROUTES} WHERE trait_count.profile_id = route.loser
    RETURNING route.winner, name, source_id, value_key, trait_count.value, times, time, message_key
), together AS (
    SELECT DISTINCT ON (winner, name, source_id, value_key) winner, name, source_id, value_key, value,
           (sum(times) OVER (PARTITION BY winner, name, source_id, value_key))::bigint AS times, time, message_key
    FROM moved ORDER BY winner, name, source_id, value_key, time DESC, message_key DESC
)
INSERT INTO trait_count AS kept (profile_id, name, source_id, value_key, value, times, time, message_key)
SELECT * FROM together
{counts.ADDED_UP}
"""

_SEEN = f"""
UPDATE profile SET first_seen = least(profile.first_seen, lost.first_seen),
                   last_seen = greatest(profile.last_seen, lost.last_seen),
                   identified = profile.identified OR lost.identified,
                   contested = profile.contested OR lost.contested
FROM (
    SELECT route.winner, min(loser.first_seen) AS first_seen, max(loser.last_seen) AS last_seen,
           bool_or(loser.identified) AS identified, bool_or(loser.contested) AS contested
    FROM {_ROUTES} JOIN profile AS loser ON loser.id = route.loser
    GROUP BY route.winner
) AS lost
WHERE profile.id = lost.winner
"""

_GONE = "DELETE FROM profile WHERE id = ANY(%(losers)b::bigint[])"
_IDENTIFIERS = f"""
UPDATE identifier SET profile_id = route.winner FROM {_ROUTES} WHERE identifier.profile_id = route.loser
RETURNING route.loser, kind_id, value
"""
# Redirects never chain: whoever led to a loser leads to its winner now.
_REDIRECTS = f"""
UPDATE profile_redirect SET profile_id = route.winner FROM {_ROUTES} WHERE profile_redirect.profile_id = route.loser
"""
_REDIRECT = (
    f"INSERT INTO profile_redirect (id, profile_id, at) SELECT loser, winner, %(at)b::timestamptz FROM {_ROUTES}"
)

_STEPS = (_EVENTS, _RECORDS, _TRAITS, _COUNTS, _SEEN, _GONE, _REDIRECTS)


def merge(joined: Sequence[tuple[Joined, int]]) -> None:
    """Carry out merges: each with the profile that its loser ends in (after all merges of the batch).

    The profiles are locked by the caller. Cost: the losers' rows, once each. The winners' traits are to be decided anew
    (`traits.decide`), and both sides marked as changed, by the caller.
    """
    if not joined:
        return
    losers, winners = [one.loser for one, _ in joined], [winner for _, winner in joined]
    route = {"losers": losers, "winners": winners, "at": timezone.now()}
    with sql.cursor() as cursor:
        for step in _STEPS:
            cursor.execute(step, route, prepare=True)
        cursor.execute(_REDIRECT, route, prepare=True)
    sealing.inherit(losers, winners)
    # Somebody who was counted has become one with somebody who wasn't yet.
    counts.recount(sorted({winner for _, winner in joined}), policies.hold().counting)
    brought: dict[int, list[Identifier]] = {}
    for loser, kind, value in sql.rows(_IDENTIFIERS, route):
        brought.setdefault(loser, []).append((kind, value))
    sql.copy_rows(
        "profile_merge",
        ["profile_id", "id", "loser_id", "message_key", "source_id", "kind_id", "value", "at", "identifiers"],
        [
            _note(key, one, brought.get(one.loser, []))
            for key, (one, _) in zip(new_ids(len(joined)), joined, strict=True)
        ],
    )


def _note(key: int, one: Joined, brought: list[Identifier]) -> tuple[object, ...]:
    """Who became part of whom, why, and with what: by that a merge can be undone."""
    kind, value = one.identifier or (None, "")
    message = (UUID(bytes=one.because.key), one.because.source_id) if one.because else (None, None)
    at = one.because.time if one.because else timezone.now()
    return one.winner, key, one.loser, *message, kind, value, at, json.dumps(sorted(brought))
