"""What sets the members of a segment apart: traits and recent events that they have more often, or less, than everybody.

Both sides are counted in one pass over people drawn by a hash of their ids, the same ones each time. What a difference is
worth is judged by how unlikely it were if the members had been drawn from everybody (a two-proportion z).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from django.utils import timezone

from cdp_site import sql
from segments.models import Segment

# Above so many people one in so many is looked at: a share is then right to about half a per cent.
MOST_PEOPLE = 25_000
DAYS = 30  # of events
LEAST = 5  # people of a side, below whom nothing is said
SURE = 4.0  # z, below which a difference may be chance: some hundreds of values are compared
MOST_SHOWN = 8  # rows of each direction
LONGEST_VALUE = 60


@dataclass(frozen=True)
class Feature:
    """A trait's value, or an event's name (with `value` empty)."""

    kind: str  # 'trait' or 'event'
    name: str
    value: str = ""

    @property
    def words(self) -> str:
        if self.kind == "event":
            return f"did “{self.name}”"
        return f"{self.name.replace('_', ' ')}: {_TRUTHS.get(self.value, self.value)}"


_TRUTHS = {"true": "yes", "false": "no"}


@dataclass(frozen=True)
class Telling:
    """How common a feature is among the members and among everybody; counts are of the people looked at, times `sampled`."""

    feature: Feature
    members: int
    share: float
    everybody: int
    base: float

    @property
    def index(self) -> float:
        """2.0: twice as common as among everybody; 0 where no member has it."""
        return self.share / self.base

    @property
    def times(self) -> str:
        """'2.4×': how much more or less common it is than among everybody."""
        if not self.index:
            return "never"
        return (
            f"{self.index:,.0f}×" if self.index >= 10 else f"{self.index:.1f}×" if self.index >= 0.1 else "under 0.1×"
        )

    @property
    def bar(self) -> int:
        """How long its bar is, up to 100: eight times as common or as rare, or more."""
        return round(100 * min(abs(math.log(self.index, 8)), 1.0)) if self.index else 100


@dataclass(frozen=True)
class Makeup:
    """The most telling first. `sampled`: one in so many people was looked at, 1 when all were; `of` members and people."""

    over: tuple[Telling, ...]
    under: tuple[Telling, ...]
    sampled: tuple[int, int]
    of: tuple[int, int]


Counts: TypeAlias = Mapping[Feature, int]

# Members are drawn more densely than everybody where they are few: each side has its own sample. Of a list each item counts
# once a person. Values that are long, or that only a handful of people have, say nothing about the rest.
_TRAITS = """
SELECT name, value #>> '{}' AS text, count(*) FROM (
    SELECT one.key AS name, item.value
    FROM profile
    CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(traits) WHEN 'object' THEN traits ELSE '{}' END) AS one
    CROSS JOIN LATERAL (
        SELECT one.value WHERE jsonb_typeof(one.value) <> 'array'
        UNION SELECT * FROM jsonb_array_elements(CASE jsonb_typeof(one.value) WHEN 'array' THEN one.value ELSE '[]' END)
    ) AS item (value)
    WHERE (%(every)s = 1 OR (hashint8(id) & 2147483647) %% %(every)s::int = 0)
      AND (%(segment)s::bigint IS NULL
           OR id IN (SELECT profile_id FROM membership WHERE segment_id = %(segment)s::bigint))
) AS held
WHERE jsonb_typeof(value) IN ('string', 'boolean', 'number') AND length(value #>> '{}') BETWEEN 1 AND %(longest)s
GROUP BY 1, 2 HAVING count(*) >= %(least)s
"""
_EVENTS = """
SELECT event_name.name, '', sum(done.number)::bigint FROM (
    SELECT name_id, count(DISTINCT profile_id) AS number FROM event
    WHERE time > %(since)s AND time <= %(now)s
      AND (%(every)s = 1 OR (hashint8(profile_id) & 2147483647) %% %(every)s::int = 0)
      AND (%(segment)s::bigint IS NULL
           OR profile_id IN (SELECT profile_id FROM membership WHERE segment_id = %(segment)s::bigint))
    GROUP BY name_id
) AS done JOIN event_name ON event_name.id = done.name_id GROUP BY 1
"""
_PEOPLE = """
SELECT count(*) FROM profile WHERE %(every)s = 1 OR (hashint8(id) & 2147483647) %% %(every)s::int = 0
"""
_MEMBERS = """
SELECT count(*) FROM membership
WHERE segment_id = %(segment)s AND (%(every)s = 1 OR (hashint8(profile_id) & 2147483647) %% %(every)s::int = 0)
"""


def makeup(segment: Segment, now: datetime | None = None) -> Makeup:
    """What is over- and under-represented among the members.

    Cost: two statements a side, each over at most 25,000 people (about 0.15 s for everybody's traits, 0.05 s for their
    events).
    """
    now = now or timezone.now()
    people = sql.rows(_PEOPLE, {"every": 1})[0][0]
    inside, outside = _every(segment.size), _every(people)
    members = sql.rows(_MEMBERS, {"segment": segment.pk, "every": inside})[0][0]
    base = sql.rows(_PEOPLE, {"every": outside})[0][0]
    found = telling(
        _counts(segment.pk, inside, now), members, _counts(None, outside, now), base, times=(inside, outside)
    )
    return Makeup(
        tuple(one for one in found if one.index > 1)[:MOST_SHOWN],
        tuple(one for one in found if one.index < 1)[:MOST_SHOWN],
        (inside, outside),
        (members * inside, base * outside),
    )


def telling(inside: Counts, members: int, outside: Counts, base: int, times: tuple[int, int] = (1, 1)) -> list[Telling]:
    """The features in whose shares the two differ by more than chance, the surest first. Pure.

    `members` and `base`: how many people each side's counts are of; `times`: how many people each of them stands for.
    """
    if members < LEAST or base < LEAST:
        return []
    found = []
    for feature in {**inside, **outside}:
        many, all = inside.get(feature, 0), outside.get(feature, 0)
        if max(many, all) < LEAST or not all:
            continue
        one = Telling(feature, many * times[0], many / members, all * times[1], all / base)
        pooled = (many + all) / (members + base)
        error = math.sqrt(pooled * (1 - pooled) * (1 / members + 1 / base))
        if error and abs(one.share - one.base) / error >= SURE:
            found.append((abs(one.share - one.base) / error, one))
    found.sort(key=lambda pair: (-pair[0], pair[1].feature.name, pair[1].feature.value))
    return [one for _, one in found]


def _every(people: int) -> int:
    return -(-people // MOST_PEOPLE) or 1


def _counts(segment: int | None, every: int, now: datetime) -> Counts:
    parameters = {
        "segment": segment, "every": every, "least": LEAST, "longest": LONGEST_VALUE,
        "since": now - timedelta(days=DAYS), "now": now,
    }  # fmt: skip
    traits = {Feature("trait", name, value): number for name, value, number in sql.rows(_TRAITS, parameters)}
    events = {Feature("event", name): number for name, _, number in sql.rows(_EVENTS, parameters)}
    return {**traits, **events}
