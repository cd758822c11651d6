"""What channels and campaigns cost a day: typed by hand or read from a file, checked first, and the later word holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from campaigns import cost_file, named
from campaigns.attribution.channels import folded
from campaigns.attribution.origins import fold
from campaigns.cost_file import Line, Wrong
from campaigns.models import Campaign, CampaignName, Channel, Cost
from cdp_site import sql
from cdp_site.ids import new_ids

MOST_DAYS = 3 * 366
Key = tuple[int, int | None, date]  # channel, campaign, day


@dataclass(frozen=True)
class Spent:
    """What one channel, or campaign of it, cost on one day. `new`: a campaign that isn't known yet, as (name, source, ad)."""

    channel: int
    campaign: int | None
    day: date
    amount: Decimal
    currency: str
    impressions: int | None = None
    clicks: int | None = None
    new: tuple[str, str, str] | None = None

    @property
    def key(self) -> Key:
        return self.channel, self.campaign, self.day


@dataclass(frozen=True)
class Plan:
    """What a file would do. `totals`: (channel's name, currency, amount), the largest first. `made`: campaigns that aren't
    known and would be made. `replaces`: days that have another amount now; `same`: that have this one already."""

    spent: tuple[Spent, ...]
    wrong: tuple[Wrong, ...]
    ignored: tuple[str, ...]
    totals: tuple[tuple[str, str, Decimal], ...]
    made: tuple[str, ...]
    replaces: int
    same: int
    since: date | None
    until: date | None


def plan(text: str) -> Plan:
    """Read a file of costs without changing anything. `cost_file.Unreadable` where it can't be read at all."""
    read = cost_file.read(text)
    known = _Known()
    spent: dict[tuple[Key, object], Spent] = {}
    wrong = list(read.wrong)
    for line in read.lines:
        try:
            one = known.spent(line)
            place = (one.key, one.new)
            spent[place] = _together(spent[place], one) if place in spent else one
        except ValueError as why:
            wrong.append(Wrong(line.number, str(why)))
    there = _there(spent.values())
    changed = [one for one in spent.values() if one.key in there and not one.new]
    same = sum(there[one.key] == (one.amount, one.currency) for one in changed)
    totals: dict[tuple[str, str], Decimal] = {}
    for one in spent.values():
        name = known.names[one.channel], one.currency
        totals[name] = totals.get(name, Decimal(0)) + one.amount
    days = [one.day for one in spent.values()]
    return Plan(
        tuple(spent.values()), tuple(sorted(wrong, key=lambda one: one.number)), read.ignored,
        tuple((name, currency, sum_) for (name, currency), sum_ in sorted(totals.items(), key=lambda item: -item[1])),
        tuple(dict.fromkeys(one.new[0] or one.new[2] for one in spent.values() if one.new)), len(changed) - same, same,
        min(days, default=None), max(days, default=None),
    )  # fmt: skip


def _together(one: Spent, other: Spent) -> Spent:
    """Two lines about the same campaign and day: ads of one campaign, say. They add up."""
    if one.currency != other.currency:
        raise ValueError(f"a line above has the same day and campaign in {one.currency}")

    def both(first: int | None, second: int | None) -> int | None:
        return None if first is None and second is None else (first or 0) + (second or 0)

    return Spent(
        one.channel, one.campaign, one.day, one.amount + other.amount, one.currency,
        both(one.impressions, other.impressions), both(one.clicks, other.clicks), one.new,
    )  # fmt: skip


class _Known:
    """The channels and campaigns that a line may name, looked up once for a whole file."""

    def __init__(self) -> None:
        there = list(Channel.objects.values_list("id", "name"))
        self.names = dict(there)
        self.channels = {folded(name): id for id, name in there}
        campaigns = list(Campaign.objects.exclude(status="merged").values_list("id", "name", "channel_id"))
        self.channel_of = {id: channel for id, _, channel in campaigns}
        self.by_name: dict[str, list[int]] = {}
        for id, name, _ in campaigns:
            self.by_name.setdefault(name.lower(), []).append(id)
        self.by_value: dict[tuple[str, str], dict[str, int]] = {}
        for kind, source, value, id in CampaignName.objects.values_list("kind", "source", "value", "campaign_id"):
            self.by_value.setdefault((kind, value), {})[source] = id

    def spent(self, line: Line) -> Spent:
        """ValueError where it can't be told what the line is about."""
        channel = self.channels.get(folded(line.channel)) if line.channel else None
        if line.channel and channel is None:
            raise ValueError(f"channel: there is none called “{line.channel[:60]}”")
        campaign = self._campaign(line, channel)
        new = (
            (line.campaign, fold(line.source, encoded=False), line.ad)
            if campaign is None and (line.campaign or line.ad)
            else None
        )
        channel = channel or (self.channel_of.get(campaign) if campaign else None)
        if channel is None:
            what = line.campaign or line.ad
            raise ValueError(f"channel: “{what[:60]}” is not known yet, so the line must say of which channel it is")
        currency = line.currency or settings.CURRENCY
        return Spent(channel, campaign, line.day, line.amount, currency, line.impressions, line.clicks, new)

    def _campaign(self, line: Line, channel: int | None) -> int | None:
        found: set[int] = set()
        for kind, value in (("ad", line.ad), ("utm", line.campaign)):
            by_source = self.by_value.get((kind, fold(value, encoded=False)), {}) if value else {}
            source = fold(line.source, encoded=False)
            if not found and by_source:
                found = {by_source[source]} if source and source in by_source else set(by_source.values())
        found = found or set(self.by_name.get(line.campaign.lower(), []))
        if len(found) > 1 and channel is not None:
            found = {id for id in found if self.channel_of.get(id) == channel} or found
        if len(found) > 1:
            raise ValueError(
                f"campaign: “{line.campaign[:60]}” is several campaigns; add a column source (google, bing …)"
            )
        return next(iter(found), None)


def _there(spent: Iterable[Spent]) -> Mapping[Key, tuple[Decimal, str]]:
    days = {one.day for one in spent}
    if not days:
        return {}
    rows = Cost.objects.filter(day__gte=min(days), day__lte=max(days))
    return {
        (channel, campaign, day): (amount, currency)
        for channel, campaign, day, amount, currency in rows.values_list(
            "channel_id", "campaign_id", "day", "amount", "currency"
        )
    }


_WRITE = """
INSERT INTO campaign_cost (id, channel_id, campaign_id, day, amount, currency, impressions, clicks, said_by, said_at)
SELECT id, channel, nullif(campaign, 0), day, amount, currency, impressions, clicks, %(by)s, %(at)s
FROM unnest(%(ids)s::bigint[], %(channels)s::bigint[], %(campaigns)s::bigint[], %(days)s::date[], %(amounts)s::numeric[],
    %(currencies)s::text[], %(impressions)s::bigint[], %(clicks)s::bigint[])
    AS told (id, channel, campaign, day, amount, currency, impressions, clicks)
ON CONFLICT (channel_id, campaign_id, day) DO UPDATE SET amount = excluded.amount, currency = excluded.currency,
    impressions = excluded.impressions, clicks = excluded.clicks, said_by = excluded.said_by, said_at = excluded.said_at
RETURNING 1
"""


def write(spent: Sequence[Spent], by: str) -> int:
    """Keep these costs; where a (channel, campaign, day) has one, the later word holds. Returns how many days.

    Campaigns that aren't known are made, confirmed, under the names that the file has for them.
    """
    with transaction.atomic():
        made = _make({one.new: one.channel for one in spent if one.new})
        whole: dict[Key, Spent] = {}
        for one in spent:
            campaign = made[one.new] if one.new else one.campaign
            whole[one.channel, campaign, one.day] = one
        columns = {
            "ids": list(new_ids(len(whole))), "channels": [key[0] for key in whole],
            "campaigns": [key[1] or 0 for key in whole], "days": [key[2] for key in whole],
            "amounts": [one.amount for one in whole.values()], "currencies": [one.currency for one in whole.values()],
            "impressions": [one.impressions for one in whole.values()], "clicks": [one.clicks for one in whole.values()],
            "by": by[:120], "at": timezone.now(),
        }  # fmt: skip
        return len(sql.rows(_WRITE, columns)) if whole else 0


def _make(wanted: Mapping[tuple[str, str, str], int]) -> dict[tuple[str, str, str], int]:
    channels = Channel.objects.in_bulk(set(wanted.values()))
    told = [
        (
            named.Told(name or ad, channels[channel]),
            [(kind, source, text) for kind, text in (("utm", name), ("ad", ad)) if text],
        )
        for (name, source, ad), channel in wanted.items()
    ]
    return dict(zip(wanted, (one.pk for one in named.create_all(told)), strict=True)) if told else {}


def by_hand(
    channel: Channel, campaign: Campaign | None, since: date, until: date, total: Decimal, currency: str, by: str
) -> int:
    """A total for some days, spread evenly over them. `named.NotSo` where it can't be."""
    days = (until - since).days + 1
    if days < 1:
        raise named.NotSo("It ends before it begins.")
    if days > MOST_DAYS:
        raise named.NotSo("At most three years at once.")
    each = cost_file.parts(total, days)
    spent = [
        Spent(channel.pk, campaign.pk if campaign else None, since + timedelta(days=place), amount, currency)
        for place, amount in enumerate(each)
    ]
    return write(spent, by)


def remove(channel: int, campaign: int | None, since: date, until: date) -> int:
    """Forget what was said for these days; returns of how many."""
    found = Cost.objects.filter(channel=channel, campaign=campaign, day__gte=since, day__lte=until)
    return found.delete()[0]
