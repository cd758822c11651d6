"""What channels and campaigns cost in some days, in one currency; what is in others is said, and not counted."""

from dataclasses import dataclass
from datetime import date

from cdp_site import sql


@dataclass(frozen=True)
class Spend:
    """`impressions` and `clicks` are None where no row says them."""

    amount: float
    impressions: int | None
    clicks: int | None


@dataclass(frozen=True)
class Costs:
    """By channel (all that is known of it, its campaigns' too) and by campaign (of living ones). `other`: (currency,
    amount), by currency."""

    channels: dict[int, Spend]
    campaigns: dict[int, Spend]
    total: float | None
    other: tuple[tuple[str, float], ...]


_COSTS = """
SELECT currency = %(currency)s, currency, campaign_cost.channel_id, coalesce(campaign.merged_into_id, campaign.id),
       sum(amount)::float8, sum(impressions)::bigint, sum(clicks)::bigint
FROM campaign_cost LEFT JOIN campaign ON campaign.id = campaign_id
WHERE day BETWEEN %(since)s AND %(until)s
GROUP BY 1, 2, 3, 4
"""


def costs(since: date, until: date, currency: str) -> Costs:
    """Cost: one pass over the rows of these days."""
    channels: dict[int, Spend] = {}
    campaigns: dict[int, Spend] = {}
    other: dict[str, float] = {}
    total = None
    asked = {"currency": currency, "since": since, "until": until}
    for ours, said, channel, campaign, amount, impressions, clicks in sql.rows(_COSTS, asked):
        if not ours:
            other[said] = other.get(said, 0.0) + amount
            continue
        one = Spend(amount, impressions, clicks)
        total = (total or 0.0) + amount
        channels[channel] = _both(channels.get(channel), one)
        if campaign is not None:
            campaigns[campaign] = _both(campaigns.get(campaign), one)
    return Costs(channels, campaigns, total, tuple(sorted(other.items())))


def _both(one: Spend | None, other: Spend) -> Spend:
    if one is None:
        return other
    return Spend(one.amount + other.amount, _sum(one.impressions, other.impressions), _sum(one.clicks, other.clicks))


def _sum(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else one + other
