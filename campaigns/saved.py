"""What leaving people out saved: whom an audience would have without its exclusions, and what each of them would have cost.

An estimate, and said so: it takes it that who is left out would have cost as much a day as who is in. It counts from the
day on which the audience was made, never before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
from django.utils import timezone

from campaigns.models import AudienceChannel
from cdp_site import sql
from connectors.models import Audience

MOST_DAYS = 90
COST_DAYS = 30  # what a day costs is the average of these


@dataclass(frozen=True)
class Day:
    """At the end of a day (or now): how many the audience had, and how many more it would have had."""

    day: date
    reached: int
    left_out: int


@dataclass(frozen=True)
class Saving:
    """`why`: the segments that are left out. `daily`: what its channel cost a day on average, None where no cost is known
    or nobody said which channel it is; then the money is None, too."""

    audience: Audience
    why: tuple[str, ...]
    days: tuple[Day, ...]
    told: AudienceChannel | None
    daily: Decimal | None
    impressions_daily: int | None
    currency: str

    @property
    def now(self) -> Day:
        return self.days[-1]

    @property
    def reached(self) -> int:
        """Person-days in the audience."""
        return sum(one.reached for one in self.days)

    @property
    def left_out(self) -> int:
        """Person-days that it was spared."""
        return sum(one.left_out for one in self.days)

    @property
    def each(self) -> float | None:
        """What one person cost a day."""
        if self.daily is None or not self.reached:
            return None
        return float(self.daily) * len(self.days) / self.reached

    @property
    def saved(self) -> float | None:
        return None if self.each is None else self.each * self.left_out

    @property
    def in_a_month(self) -> float | None:
        """In 30 days, if it goes on as now."""
        return None if self.each is None else self.each * self.now.left_out * 30

    @property
    def impressions(self) -> int | None:
        """Advertisements that weren't shown, at as many a person and day as those in it saw."""
        if self.impressions_daily is None or not self.reached:
            return None
        return round(self.impressions_daily * len(self.days) / self.reached * self.left_out)


def savings() -> list[Saving]:
    """Of every audience that leaves somebody out. Cost: the memberships of its segments once, and their flips."""
    audiences = Audience.objects.filter(segments__role="exclude").distinct()
    return [_saving(one) for one in audiences.select_related("destination").prefetch_related("segments__segment")]


def _saving(audience: Audience) -> Saving:
    now = timezone.now()
    lines = list(audience.segments.all())
    included = [one.segment_id for one in lines if one.role == "include"]
    excluded = [one.segment_id for one in lines if one.role == "exclude"]
    first = max(timezone.localdate(audience.created_at), timezone.localdate(now) - timedelta(days=MOST_DAYS - 1))
    told = AudienceChannel.objects.filter(audience_id=audience.pk).select_related("channel", "campaign").first()
    daily, impressions, currency = _daily_cost(told, timezone.localdate(now))
    return Saving(
        audience, tuple(one.segment.name for one in lines if one.role == "exclude"),
        tuple(_days(included, excluded, first, now)), told, daily, impressions, currency,
    )  # fmt: skip


_COST = """
SELECT sum(amount), sum(impressions), min(currency), count(DISTINCT day)
FROM campaign_cost WHERE channel_id = %(channel)s AND (%(campaign)s::bigint IS NULL OR campaign_id = %(campaign)s)
  AND day >= %(since)s AND day < %(until)s
  AND currency = (SELECT currency FROM campaign_cost WHERE channel_id = %(channel)s ORDER BY day DESC LIMIT 1)
"""


def _daily_cost(told: AudienceChannel | None, today: date) -> tuple[Decimal | None, int | None, str]:
    if told is None:
        return None, None, ""
    asked = {
        "channel": told.channel_id, "campaign": told.campaign_id, "since": today - timedelta(days=COST_DAYS), "until": today,
    }  # fmt: skip
    amount, impressions, currency, days = sql.rows(_COST, asked)[0]
    if not days:
        return None, None, ""
    return amount / days, None if impressions is None else round(impressions / days), currency


_MEMBERS = "SELECT profile_id, segment_id FROM membership WHERE segment_id = ANY(%(segments)s::bigint[])"
_FLIPS = """
SELECT profile_id, segment_id, at, entered::int FROM membership_change
WHERE segment_id = ANY(%(segments)s::bigint[]) AND at >= %(since)s ORDER BY at DESC, id DESC
"""


def _days(included: Sequence[int], excluded: Sequence[int], first: date, now: datetime) -> list[Day]:
    """From today back to the first day, flips taken back one day at a time."""
    segments = [*included, *excluded]
    zone = timezone.get_current_timezone()
    since = datetime.combine(first, time.min, zone)
    members = sql.packed(_MEMBERS, {"segments": segments}, [("profile", "i8"), ("segment", "i8")])
    flips = sql.packed(
        _FLIPS, {"segments": segments, "since": since},
        [("profile", "i8"), ("segment", "i8"), ("at", "time"), ("entered", "i4")],
    )  # fmt: skip
    people = np.unique(np.concatenate([members["profile"], flips["profile"]]))
    order = {segment: place for place, segment in enumerate(segments)}
    inside = np.zeros((len(segments), len(people)), bool)
    for segment, place in order.items():
        inside[place, np.searchsorted(people, members["profile"][members["segment"] == segment])] = True
    where = np.searchsorted(people, flips["profile"])
    rows = np.fromiter((order[segment] for segment in flips["segment"].tolist()), np.int64, len(flips))
    found = []
    day, undone = timezone.localdate(now), 0
    while day >= first:
        wanted, barred = inside[: len(included)].any(axis=0), inside[len(included) :].any(axis=0)
        found.append(Day(day, int((wanted & ~barred).sum()), int((wanted & barred).sum())))
        begins = int(datetime.combine(day, time.min, zone).timestamp() * 1_000_000)
        upto = undone + int((flips["at"][undone:] >= begins).sum())
        # The newest first: of several flips of somebody in a day the earliest one is written last, and holds.
        inside[rows[undone:upto], where[undone:upto]] = flips["entered"][undone:upto] == 0
        day, undone = day - timedelta(days=1), upto
    return found[::-1]
