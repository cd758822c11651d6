"""What sources say of people: each one's latest word is kept with its time; which of them holds, the policies decide."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cdp_site import sql
from cdp_site.arrays import int8s, texts, times, uuids
from profiles import counts, normalise, policies
from profiles.policies import Policies
from profiles.telling import Telling
from profiles.winners import winners

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

# A trait that was taken back (null) has no value; a name, e-mail or phone that is no text shows as none, and a name without
# the characters that would turn the text around it.
_DECIDE = """
WITH winner AS ({winners}), decided AS (
    SELECT profile_id, jsonb_object_agg(name, value) AS traits
    FROM winner WHERE value <> 'null'::jsonb GROUP BY profile_id
)
UPDATE profile SET
    traits = decided.traits,
    name = CASE WHEN jsonb_typeof(decided.traits -> 'name') = 'string'
                THEN left(translate(decided.traits ->> 'name', %(turns)b::text, ''), %(longest)b) ELSE '' END,
    email = CASE WHEN jsonb_typeof(decided.traits -> 'email') = 'string' THEN decided.traits ->> 'email' ELSE '' END,
    phone = CASE WHEN jsonb_typeof(decided.traits -> 'phone') IN ('string', 'number')
                 THEN decided.traits ->> 'phone' ELSE '' END
FROM (
    SELECT touched.id AS profile_id, coalesce(decided.traits, '{{}}') AS traits
    FROM unnest(%(profiles)b::bigint[]) AS touched (id) LEFT JOIN decided ON decided.profile_id = touched.id
) AS decided
WHERE profile.id = decided.profile_id AND profile.traits <> decided.traits
RETURNING profile.id
"""


def keep(said: Sequence[tuple[int, Telling]], rules: Policies) -> set[int]:
    """Keep what these messages say, by (profile, message), each for the first time; returns the profiles for which
    anything is new.

    Cost: one statement, a row for each (profile, trait, source) in the batch; one more where values are counted.
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
    counted = counts.add(said, rules)
    slots = sorted(latest)
    profiles, names, sources = zip(*slots, strict=True)
    values, messages = zip(*(latest[slot] for slot in slots), strict=True)
    columns = (
        int8s(profiles), texts(names), int8s(sources), texts(_json.encode(value).decode() for value in values),
        times([message.time for message in messages]), uuids([message.key for message in messages]),
    )  # fmt: skip
    return {row[0] for row in sql.rows(_KEEP, columns)} | counted


def decide(profiles: Sequence[int], rules: Policies | None = None) -> set[int]:
    """Decide the winning values of these profiles anew; returns those whose traits changed.

    By `rules`, else by the policies as they are now, held until the transaction ends. Cost: one statement.
    """
    if not profiles:
        return set()
    rules = rules or policies.hold()
    statement = _DECIDE.format(winners=winners(rules))
    shown = {"turns": normalise.TURNS, "longest": normalise.LONGEST_NAME}
    return {row[0] for row in sql.rows(statement, {**rules.columns, **shown, "profiles": int8s(profiles)})}
