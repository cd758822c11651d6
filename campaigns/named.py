"""What a marketer does with campaigns: confirm, rename, merge, add and take away names. Each act shows at once.

Every act ends with `assign`, for journeys keep origins and are read through the campaigns' names.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction

from campaigns.attribution import channels
from campaigns.attribution.origins import fold
from campaigns.models import Campaign, CampaignName, Channel, Experiment
from cdp_site import sql


class NotSo(ValueError):
    """What was asked for can't be; the message says why, to whoever asked."""


@dataclass(frozen=True)
class Told:
    """What somebody says of a campaign. `margin`: the share of its revenue that is kept; None for the goal's."""

    name: str
    channel: Channel | None
    starts: date | None = None
    ends: date | None = None
    margin: Decimal | None = None


def living() -> list[Campaign]:
    """All campaigns that aren't merged into another one, by name."""
    return list(
        Campaign.objects.exclude(status=Campaign.Status.MERGED).select_related("channel").order_by("name", "id")
    )


def create(told: Told, names: Iterable[tuple[str, str, str]] = ()) -> Campaign:
    """A campaign by hand, confirmed; `names` as (kind, source, value). What has already arrived under them is its own."""
    return create_all([(told, names)])[0]


def create_all(campaigns: Sequence[tuple[Told, Iterable[tuple[str, str, str]]]]) -> list[Campaign]:
    """Several, with one look at what has arrived."""
    made = []
    with transaction.atomic():
        for told, names in campaigns:
            _check(told)
            one = Campaign.objects.create(
                name=_name(told), channel=told.channel, status=Campaign.Status.CONFIRMED, starts=told.starts,
                ends=told.ends, margin=told.margin,
            )  # fmt: skip
            for kind, source, value in names:
                _take_name(one, kind, source, value)
            made.append(one)
        channels.assign()
    return made


def change(campaign: Campaign, told: Told) -> None:
    """Say what it is; that confirms it."""
    _check(told)
    campaign.name, campaign.channel, campaign.margin = _name(told), told.channel, told.margin
    campaign.starts, campaign.ends, campaign.status = told.starts, told.ends, Campaign.Status.CONFIRMED
    campaign.save()


def confirm(campaigns: Sequence[int]) -> int:
    """Recognised ones are right as they are; returns how many were waiting for that."""
    waiting = Campaign.objects.filter(pk__in=campaigns, status=Campaign.Status.RECOGNISED)
    return waiting.update(status=Campaign.Status.CONFIRMED)


def _check(told: Told) -> None:
    _name(told)
    if told.starts and told.ends and told.ends < told.starts:
        raise NotSo("It ends before it begins.")
    if told.margin is not None and not 0 <= told.margin <= 1:
        raise NotSo("The margin is a share of the revenue: between 0 and 100 %.")


def _name(told: Told) -> str:
    if not (name := told.name.strip()[:200]):
        raise NotSo("Give it a name.")
    return name


_CURRENCIES = """
SELECT day, channel_id FROM campaign_cost WHERE campaign_id = ANY(%s::bigint[])
GROUP BY day, channel_id HAVING count(DISTINCT currency) > 1 ORDER BY day LIMIT 1
"""
# One statement: the rows that go are read by the one that puts their sums in their place.
_COSTS = """
WITH gone AS (DELETE FROM campaign_cost WHERE campaign_id = ANY(%(all)s::bigint[]) RETURNING *)
INSERT INTO campaign_cost (id, channel_id, campaign_id, day, amount, currency, impressions, clicks, said_by, said_at)
SELECT min(id), channel_id, %(winner)s::bigint, day, sum(amount), min(currency), sum(impressions), sum(clicks),
    left(string_agg(DISTINCT said_by, ', '), 120), max(said_at)
FROM gone GROUP BY channel_id, day RETURNING 1
"""


def merge(winner: Campaign, others: Sequence[Campaign]) -> None:
    """The others are this one: their names, costs and experiments are its own from now on, and links to them lead here."""
    losers = [one for one in others if one.pk != winner.pk]
    if not losers:
        raise NotSo("Choose at least two campaigns.")
    if any(one.status == Campaign.Status.MERGED for one in [winner, *losers]):
        raise NotSo("One of them was merged meanwhile. Load the page again.")
    ids = [one.pk for one in losers]
    with transaction.atomic():
        everything = [winner.pk, *ids]
        if clash := sql.rows(_CURRENCIES, (everything,)):
            raise NotSo(
                f"They have costs in different currencies on {clash[0][0]:%-d %B %Y}: remove one of them first."
            )
        sql.rows(_COSTS, {"all": everything, "winner": winner.pk})
        CampaignName.objects.filter(campaign__in=ids).update(campaign=winner)
        Experiment.objects.filter(campaign__in=ids).update(campaign=winner)
        Campaign.objects.filter(merged_into__in=ids).update(merged_into=winner)
        Campaign.objects.filter(pk__in=ids).update(status=Campaign.Status.MERGED, merged_into=winner)
        Campaign.objects.filter(pk=winner.pk).update(status=Campaign.Status.CONFIRMED)
        channels.assign()


def add_name(campaign: Campaign, kind: str, source: str, value: str) -> None:
    """From now on what arrives under this name is the campaign's, and what has arrived, too."""
    with transaction.atomic():
        _take_name(campaign, kind, source, value)
        channels.assign()


def _take_name(campaign: Campaign, kind: str, source: str, value: str) -> None:
    """Give it the name; taken from a campaign that was only recognised, which goes when it has no other."""
    source, value = fold(source, encoded=False), fold(value, encoded=False)
    if kind not in ("utm", "ad") or not value:
        raise NotSo("Give the name as it is sent: utm_campaign, or an ad's id.")
    held = CampaignName.objects.filter(kind=kind, source=source, value=value).select_related("campaign").first()
    if held is None:
        CampaignName.objects.create(campaign=campaign, kind=kind, source=source, value=value, given=True)
        return
    if held.campaign_id == campaign.pk:
        CampaignName.objects.filter(pk=held.pk).update(given=True)
        return
    if held.campaign.status == Campaign.Status.CONFIRMED:
        raise NotSo(f"“{value}” belongs to {held.campaign.name}. Merge the two, or take it away there.")
    before = held.campaign
    held.campaign, held.given = campaign, True
    held.save(update_fields=["campaign", "given"])
    if before.status == Campaign.Status.RECOGNISED and not before.names.exists():
        _fold_into(before, campaign)


def _fold_into(empty: Campaign, campaign: Campaign) -> None:
    """A recognised campaign without a name is nothing any more but a signpost; its costs go along."""
    Campaign.objects.filter(pk=campaign.pk).update(status=Campaign.Status.CONFIRMED)
    merge(Campaign.objects.get(pk=campaign.pk), [empty])


def remove_name(name: CampaignName) -> None:
    """What arrives under it is a campaign of its own again, recognised anew."""
    with transaction.atomic():
        if not CampaignName.objects.filter(campaign=name.campaign_id).exclude(pk=name.pk).exists():
            raise NotSo("It is the campaign's only name: what arrives under it has to be something.")
        name.delete()
        channels.assign()
