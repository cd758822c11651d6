"""What there is to decide: which traits were said, where sources differ, and for how many people a policy would change
what is shown. Asked before anything is saved.

Up to `ALL_UP_TO` people are all looked at; of more, a sample that is spread over all of them and the same each time.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cdp_site import sql
from cdp_site.arrays import int8s
from profiles import counts
from profiles.models.traits import ALL_OTHERS
from profiles.policies import Policies, Policy, Rule, read
from profiles.winners import winners

ALL_UP_TO = 100_000  # people
SAMPLE = 25_000
# To say what is said most often, events must be read: fewer people.
COUNTED = 10_000
EXAMPLES = 8
_AT_ONCE = 20_000


@dataclass(frozen=True)
class LookedAt:
    """How many people were looked at, of how many."""

    number: int
    total: int

    @property
    def everybody(self) -> bool:
        return self.number == self.total

    @property
    def scale(self) -> float:
        return self.total / self.number if self.number else 0.0


def people(most: int = ALL_UP_TO, sample: int = SAMPLE) -> tuple[list[int], LookedAt]:
    """Everybody, or a sample where there are more than `most`. Cost: one pass over the profiles' pages."""
    total = int(sql.rows("SELECT count(*) FROM profile")[0][0])
    if total <= most:
        ids = [id for (id,) in sql.rows("SELECT id FROM profile ORDER BY id")]
        return ids, LookedAt(len(ids), len(ids))
    # A little more than wanted is drawn, so that it is seldom less.
    share = min(100.0, 110.0 * sample / total)
    query = "SELECT id FROM profile TABLESAMPLE BERNOULLI (%b) REPEATABLE (7) ORDER BY hashint8(id) LIMIT %b"
    ids = sorted(id for (id,) in sql.rows(query, (share, sample)))
    return ids, LookedAt(len(ids), total)


@dataclass
class Seen:
    """A trait that was said: of how many people, by which sources, and of how many sources say different things."""

    name: str
    people: int = 0
    conflicts: int = 0
    by_source: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Catalogue:
    traits: list[Seen]
    looked_at: LookedAt

    def named(self, name: str) -> Seen:
        return next((one for one in self.traits if one.name == name), Seen(name))


_SEEN = """
SELECT name, count(*), count(*) FILTER (WHERE lowest <> highest) FROM (
    SELECT name, min(value::text) AS lowest, max(value::text) AS highest FROM trait_value
    WHERE profile_id = ANY(%b::bigint[]) AND value <> 'null'::jsonb GROUP BY profile_id, name
) AS person GROUP BY name
"""
_BY_SOURCE = """
SELECT name, source_id, count(*) FROM trait_value
WHERE profile_id = ANY(%b::bigint[]) AND value <> 'null'::jsonb GROUP BY name, source_id
"""


def catalogue() -> Catalogue:
    """All traits that were said, most people first; numbers are scaled up where a sample was looked at.

    Cost: two passes over the words on at most 100,000 people, about a second.
    """
    ids, looked_at = people()
    seen: dict[str, Seen] = {}
    for some in _cut(ids):
        for name, number, conflicts in sql.rows(_SEEN, (int8s(some),)):
            one = seen.setdefault(name, Seen(name))
            one.people += number
            one.conflicts += conflicts
        for name, source, number in sql.rows(_BY_SOURCE, (int8s(some),)):
            by_source = seen[name].by_source
            by_source[source] = by_source.get(source, 0) + number
    for one in seen.values():
        one.people, one.conflicts = round(one.people * looked_at.scale), round(one.conflicts * looked_at.scale)
        one.by_source = {source: round(number * looked_at.scale) for source, number in one.by_source.items()}
    return Catalogue(sorted(seen.values(), key=lambda one: (-one.people, one.name)), looked_at)


def was_said(name: str) -> bool:
    """Whether anybody ever said this trait. Cost: up to one pass over all words, where nobody did."""
    return bool(sql.rows("SELECT 1 FROM trait_value WHERE name = %b LIMIT 1", (name,)))


@dataclass(frozen=True)
class Example:
    """Somebody whose trait would be shown differently; None: no value."""

    profile_id: int
    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Effect:
    """For how many people something else would be shown, of those who were looked at."""

    changed: int
    looked_at: LookedAt
    examples: list[Example]

    @property
    def estimate(self) -> int:
        return round(self.changed * self.looked_at.scale)


# Under the table's name, so that the same query decides.
_COUNTED_HERE = """
trait_count AS (
    SELECT profile_id, name, source_id, value_key, value::jsonb AS value, times, time, message_key FROM unnest(
        %(c0)b::bigint[], %(c1)b::text[], %(c2)b::bigint[], %(c3)b::uuid[], %(c4)b::text[], %(c5)b::bigint[],
        %(c6)b::timestamptz[], %(c7)b::uuid[])
        AS said (profile_id, name, source_id, value_key, value, times, time, message_key)
),
"""
_DIFFERENCES = """
WITH {counted} winner AS ({winners}), shown AS (
    SELECT profile.id AS profile_id, said.key AS name, said.value FROM profile, jsonb_each(profile.traits) AS said
    WHERE profile.id = ANY(%(profiles)b::bigint[]) AND (%(all)b OR said.key = %(name)b)
), different AS (
    SELECT profile_id, name, shown.value AS before, held.value AS after, row_number() OVER () AS place
    FROM shown FULL JOIN (
        SELECT profile_id, name, value FROM winner WHERE value <> 'null'::jsonb
    ) AS held USING (profile_id, name) WHERE shown.value IS DISTINCT FROM held.value
)
SELECT count(DISTINCT profile_id), coalesce(jsonb_agg(
    jsonb_build_array(profile_id::text, name, before, after)) FILTER (WHERE place <= %(examples)b), '[]')::text
FROM different
"""


def effect(name: str, policy: Policy) -> Effect:
    """What would be shown differently if this policy decided this trait, and nobody said anything more.

    Cost: about 10 µs for each of at most 100,000 people; for what is said most often, a sample's events are read as well
    (some seconds).
    """
    before = read()
    after = before.changed(name, policy)
    counting = policy.rule == Rule.FREQUENT and (name not in before.frequent or name in before.counting)
    ids, looked_at = people(COUNTED, COUNTED) if counting else people()
    changed, examples = 0, list[Example]()
    for some in _cut(ids):
        number, found = _differences(some, name, after, counting)
        changed += number
        examples += found
    return Effect(changed, looked_at, examples[:EXAMPLES])


def _differences(some: Sequence[int], name: str, after: Policies, counting: bool) -> tuple[int, list[Example]]:
    parameters: dict[str, Any] = {
        **after.columns, "profiles": int8s(some), "all": name == ALL_OTHERS, "name": name, "examples": EXAMPLES,
    }  # fmt: skip
    if counting:
        columns = counts.counted(some, [name]).columns()
        parameters |= {f"c{number}": column for number, column in enumerate(columns)}
    whose = "trait_value.profile_id = ANY(%(profiles)b::bigint[]) AND (%(all)b OR trait_value.name = %(name)b)"
    statement = _DIFFERENCES.format(winners=winners(after, whose), counted=_COUNTED_HERE if counting else "")
    number, found = sql.rows(statement, parameters)[0]
    return number, [Example(int(id), *rest) for id, *rest in json.loads(found)]


def _cut(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
