"""What a segment's pages show: members a page at a time, its size hour by hour, who came and went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from cdp_site import asked, sql
from segments.models import Segment, SegmentSize

PAGE = 50


@dataclass(frozen=True)
class Member:
    id: int
    name: str
    email: str
    last_seen: datetime
    since: datetime

    @property
    def title(self) -> str:
        return self.name or self.email or f"Visitor {str(self.id)[-6:]}"


_MEMBERS = """
SELECT profile_id, since FROM membership WHERE segment_id = %s AND (since, profile_id) < (%s::timestamptz, %s::bigint)
ORDER BY since DESC, profile_id DESC LIMIT %s
"""
_PEOPLE = "SELECT id, name, email, last_seen FROM profile WHERE id = ANY(%s::bigint[])"


def _people(ids: Sequence[int]) -> dict[int, tuple[str, str, datetime]]:
    rows = sql.rows(_PEOPLE, (list(ids),)) if ids else []
    return {id: (name, email, last_seen) for id, name, email, last_seen in rows}


def members(segment: Segment, after: str = "") -> tuple[list[Member], str | None]:
    """Members by when they entered, newest first, from the cursor on; the cursor of the next page. Cost: one index range."""
    rows = sql.rows(_MEMBERS, (segment.pk, *asked.cursor(after), PAGE + 1))
    following = f"{rows[PAGE - 1][1].isoformat()},{rows[PAGE - 1][0]}" if len(rows) > PAGE else None
    rows = rows[:PAGE]
    people = _people([row[0] for row in rows])
    return [Member(id, *people[id], since) for id, since in rows if id in people], following


def some(ids: tuple[int, ...]) -> list[Member]:
    """The people of a sample, in its order."""
    people = _people(ids)
    now = timezone.now()
    return [Member(id, *people[id], now) for id in ids if id in people]


@dataclass(frozen=True)
class Sizes:
    """Size by hour, oldest first; `entered` and `left` in that hour. In the first, all were there at once: nobody came."""

    hours: list[str]
    sizes: list[int]
    entered: list[int]
    left: list[int]


def sizes(segment: Segment, days: int = 30) -> Sizes:
    """The hours in which the segment changed, of the last `days`, and now."""
    rows = list(
        SegmentSize.objects.filter(segment_id=segment.pk, hour__gt=timezone.now() - timedelta(days=days)).order_by(
            "hour"
        )
    )
    local = [timezone.localtime(row.hour).isoformat() for row in rows]
    if rows and not SegmentSize.objects.filter(segment_id=segment.pk, hour__lt=rows[0].hour).exists():
        rows[0].entered = rows[0].left = 0
    found = Sizes(local, [row.size for row in rows], [row.entered for row in rows], [row.left for row in rows])
    found.hours.append(timezone.localtime().isoformat())
    found.sizes.append(segment.size)
    found.entered.append(0)
    found.left.append(0)
    return found


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
    people = {row[0]: row[1] or row[2] for row in sql.rows(_PEOPLE, ([row[0] for row in rows],))} if rows else {}
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
