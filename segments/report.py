"""What a segment's pages show: its size over time, who came and went, what moved in a week, where it is used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from cdp_site import sql
from segments.models import Segment, SegmentSize
from segments.rules import RuleError, from_json, segments_in

PERIODS = (30, 90, 365)  # days
HOURLY = 30  # days; of longer periods the days are shown


@dataclass(frozen=True)
class Member:
    """Somebody in a list of a few people."""

    id: int
    name: str
    email: str
    last_seen: datetime

    @property
    def title(self) -> str:
        return self.name or self.email or f"Visitor {str(self.id)[-6:]}"


_PEOPLE = "SELECT id, name, email, last_seen FROM profile WHERE id = ANY(%s::bigint[])"


def some(ids: Sequence[int]) -> list[Member]:
    """These people, in their order; without those who are gone."""
    people = {row[0]: Member(*row) for row in sql.rows(_PEOPLE, (list(ids),))} if ids else {}
    return [people[id] for id in ids if id in people]


@dataclass(frozen=True)
class Sizes:
    """Size over time, oldest first; `entered` and `left` up to each. At first all were there at once: nobody came."""

    times: list[str]
    sizes: list[int]
    entered: list[int]
    left: list[int]

    @property
    def rows(self) -> list[tuple[str, int, int, int]]:
        """As a table."""
        return list(zip(self.times, self.sizes, self.entered, self.left, strict=True))


# Hours, or days of the company's time zone: the last size of each, and all who came and went in it. The segment's first
# hour is the one in which it was filled.
_SIZES = """
SELECT date_trunc(%(unit)s, segment_size.hour, %(zone)s), (array_agg(size ORDER BY segment_size.hour DESC))[1],
       coalesce(sum(entered) FILTER (WHERE segment_size.hour > first.hour), 0),
       coalesce(sum("left") FILTER (WHERE segment_size.hour > first.hour), 0)
FROM segment_size CROSS JOIN (SELECT min(hour) AS hour FROM segment_size WHERE segment_id = %(segment)s) AS first (hour)
WHERE segment_id = %(segment)s AND segment_size.hour > %(since)s GROUP BY 1 ORDER BY 1
"""


def sizes(segment: Segment, days: int = HOURLY) -> Sizes:
    """The hours (of longer periods: days) in which the segment changed, of the last `days`, and now.

    Cost: one index range of at most 8,760 rows.
    """
    since = timezone.now() - timedelta(days=days)
    parameters = {
        "unit": "hour" if days <= HOURLY else "day", "zone": timezone.get_current_timezone_name(),
        "segment": segment.pk, "since": since,
    }  # fmt: skip
    found = [(at, size, int(came), int(went)) for at, size, came, went in sql.rows(_SIZES, parameters)]
    before = SegmentSize.objects.filter(segment_id=segment.pk, hour__lte=since).order_by("-hour").first()
    if before:
        found.insert(0, (since, before.size, 0, 0))
    found.append((timezone.now(), segment.size, 0, 0))
    return Sizes(
        [timezone.localtime(at).isoformat() for at, _, _, _ in found],
        [size for _, size, _, _ in found],
        [came for _, _, came, _ in found],
        [went for _, _, _, went in found],
    )


@dataclass(frozen=True)
class Flip:
    profile_id: int
    person: str
    entered: bool
    at: datetime


_FLIPS = """
SELECT profile_id, entered, at FROM membership_change WHERE segment_id = %s ORDER BY id DESC LIMIT %s
"""


def flips(segment: Segment, most: int = 12) -> list[Flip]:
    """Who entered or left last."""
    rows = sql.rows(_FLIPS, (segment.pk, most))
    people = {one.id: one.title for one in some([row[0] for row in rows])}
    return [Flip(id, people.get(id) or f"Visitor {str(id)[-6:]}", entered, at) for id, entered, at in rows]


_WEEK = """
SELECT segment_id, sum(entered - "left") FROM segment_size AS hourly
WHERE hour > %s AND hour > (SELECT min(hour) FROM segment_size AS first WHERE first.segment_id = hourly.segment_id)
GROUP BY segment_id
"""
_LINES = """
SELECT segment_id, date_trunc('day', hour) AS day, (array_agg(size ORDER BY hour DESC))[1]
FROM segment_size WHERE hour > %s GROUP BY 1, 2 ORDER BY 2
"""


def changes_in_a_week() -> dict[int, int]:
    """What each segment gained or lost in seven days; its first hour, in which it was filled, is no change.

    Segments that are younger than that and had no other hour aren't among them: there is nothing to say of them yet.
    """
    since = timezone.now() - timedelta(days=7)
    settled = dict.fromkeys(Segment.objects.filter(created_at__lt=since).values_list("pk", flat=True), 0)
    return settled | {id: int(change) for id, change in sql.rows(_WEEK, (since,))}


def lines() -> dict[int, list[int]]:
    """Each segment's size at the end of the days on which it changed, of the last thirty."""
    found: dict[int, list[int]] = {}
    for id, _, size in sql.rows(_LINES, (timezone.now() - timedelta(days=30),)):
        found.setdefault(id, []).append(size)
    return found


def asked_by(segments: Sequence[Segment]) -> Mapping[str, list[Segment]]:
    """By a segment's name, the others whose live rule, coming rule or draft asks for it. Pure; archived ones don't count."""
    found: dict[str, list[Segment]] = {}
    for one in segments:
        if one.status != Segment.Status.ARCHIVED:
            for name in {name for rule in (one.rule, one.coming, one.draft) if rule for name in _segments_in(rule)}:
                found.setdefault(name, []).append(one)
    return found


def _segments_in(rule: object) -> set[str]:
    try:
        return segments_in(from_json(rule))
    except RuleError:
        return set()
