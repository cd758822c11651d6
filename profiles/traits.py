"""What sources say of people: each one's latest word is kept with its time, and the newest over all sources wins."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from cdp_site import sql
from cdp_site.arrays import int8s, texts, times, uuids

_json = msgspec.json.Encoder()

_KEEP = """
INSERT INTO trait_value AS kept (profile_id, name, source_id, value, time, message_key)
SELECT profile_id, name, source_id, value::jsonb, time, message_key
FROM unnest(%b::bigint[], %b::text[], %b::bigint[], %b::text[], %b::timestamptz[], %b::uuid[])
     AS said (profile_id, name, source_id, value, time, message_key)
ON CONFLICT (profile_id, name, source_id) DO UPDATE
SET value = excluded.value, time = excluded.time, message_key = excluded.message_key
WHERE (excluded.time, excluded.message_key) > (kept.time, kept.message_key)
RETURNING profile_id
"""

# A trait that its newest source took back (null) has no value; a name, e-mail or phone that is no text shows as none.
_DECIDE = """
WITH newest AS (
    SELECT DISTINCT ON (profile_id, name) profile_id, name, value
    FROM trait_value WHERE profile_id = ANY(%b::bigint[])
    ORDER BY profile_id, name, time DESC, message_key DESC
), decided AS (
    SELECT profile_id, jsonb_object_agg(name, value) AS traits
    FROM newest WHERE value <> 'null'::jsonb GROUP BY profile_id
)
UPDATE profile SET
    traits = decided.traits,
    name = CASE WHEN jsonb_typeof(decided.traits -> 'name') = 'string' THEN decided.traits ->> 'name' ELSE '' END,
    email = CASE WHEN jsonb_typeof(decided.traits -> 'email') = 'string' THEN decided.traits ->> 'email' ELSE '' END,
    phone = CASE WHEN jsonb_typeof(decided.traits -> 'phone') IN ('string', 'number')
                 THEN decided.traits ->> 'phone' ELSE '' END
FROM (
    SELECT touched.id AS profile_id, coalesce(decided.traits, '{}') AS traits
    FROM unnest(%b::bigint[]) AS touched (id) LEFT JOIN decided ON decided.profile_id = touched.id
) AS decided
WHERE profile.id = decided.profile_id AND profile.traits <> decided.traits
RETURNING profile.id
"""


class Telling(Protocol):
    """What says something of a person: a message that has just come, or a stored event that is read again."""

    @property
    def source_id(self) -> int: ...
    @property
    def time(self) -> datetime: ...
    @property
    def key(self) -> bytes: ...
    @property
    def traits(self) -> dict[str, Any]: ...


def keep(said: Iterable[tuple[int, Telling]]) -> set[int]:
    """Keep what these messages say, by (profile, message); returns the profiles for which anything is new.

    Cost: one statement, a row for each (profile, trait, source) in the batch.
    """
    latest: dict[tuple[int, str, int], tuple[Any, Telling]] = {}
    for profile, message in said:
        for name, value in message.traits.items():
            slot = (profile, name, message.source_id)
            before = latest.get(slot)
            if before is None or (message.time, message.key) > (before[1].time, before[1].key):
                latest[slot] = (value, message)
    if not latest:
        return set()
    slots = sorted(latest)
    profiles, names, sources = zip(*slots, strict=True)
    values, messages = zip(*(latest[slot] for slot in slots), strict=True)
    columns = (
        int8s(profiles), texts(names), int8s(sources), texts(_json.encode(value).decode() for value in values),
        times([message.time for message in messages]), uuids([message.key for message in messages]),
    )  # fmt: skip
    return {row[0] for row in sql.rows(_KEEP, columns)}


def decide(profiles: Sequence[int]) -> set[int]:
    """Decide the winning values of these profiles anew; returns those whose traits changed. Cost: one statement."""
    if not profiles:
        return set()
    return {row[0] for row in sql.rows(_DECIDE, (int8s(profiles), int8s(profiles)))}
