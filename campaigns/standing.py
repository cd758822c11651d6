"""How each campaign stands in the last weeks: the dashboards' numbers for the list of campaigns and the page of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from campaigns.attribution import numbers
from campaigns.attribution.filters import Filters
from campaigns.attribution.numbers import Row, Table
from campaigns.models import Goal
from cdp_site import sql

DAYS = 90


@dataclass(frozen=True)
class Standing:
    """`rows` by campaign id; campaigns without any touchpoint in these days have none."""

    goal: Goal
    filters: Filters
    table: Table
    rows: Mapping[int, Row]

    @property
    def currency(self) -> str:
        return self.table.currency


def standing() -> Standing | None:
    """By the first goal, over the last `DAYS` days; None while nobody has said what counts as a conversion."""
    goal = Goal.objects.filter(enabled=True).first()
    if goal is None:
        return None
    today = timezone.localdate()
    filters = Filters(goal.pk, today - timedelta(days=DAYS - 1), today)
    table = numbers.campaign_table(filters)
    return Standing(goal, filters, table, {row.id: row for row in table.rows if row.id})


_SPENT = """
SELECT campaign_id, sum(amount)::float8 FROM campaign_cost
WHERE campaign_id IS NOT NULL AND day >= %s AND currency = %s GROUP BY campaign_id
"""


def spent(currency: str, days: int = DAYS) -> dict[int, float]:
    """What each campaign cost in the last days, in one currency."""
    since = timezone.localdate() - timedelta(days=days - 1)
    return dict(sql.rows(_SPENT, (since, currency)))


_BY_DAY = """
SELECT day, sum(amount)::float8, sum(clicks)::int8, sum(impressions)::int8 FROM campaign_cost
WHERE campaign_id = %s AND day BETWEEN %s AND %s AND currency = %s GROUP BY day ORDER BY day
"""


def cost_by_bucket(campaign: int, currency: str, starts: tuple[date, ...], until: date) -> list[float]:
    """What a campaign cost in each of the table's buckets."""
    if not starts:
        return []
    sums = [0.0] * len(starts)
    place = 0
    for day, amount, _, _ in sql.rows(_BY_DAY, (campaign, starts[0], until, currency)):
        while place + 1 < len(starts) and day >= starts[place + 1]:
            place += 1
        sums[place] += amount
    return sums
