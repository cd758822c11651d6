"""What the demo company knows of its campaigns: the paid ones, confirmed, and what each cost a day."""

import random
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from campaigns import costs, named
from campaigns.attribution.channels import assign
from campaigns.models import AudienceChannel, Campaign, CampaignName, Channel, Cost, Experiment, Goal
from cdp_site.demo import company, history, people, setting
from connectors.models import Audience

E_MAIL = "E-mail"
BY = "Harbour & Pine's media agency"
# Name, channel, utm_source and utm_campaign, euros a day for all its customers, euros a click, impressions a click.
_CAMPAIGNS = (
    ("Brand search (Google)", "Paid Search", "google", "brand-search", 90.0, 5.1, 9),
    ("Brand search (Bing)", "Paid Search", "bing", "brand-search", 18.0, 5.2, 9),
    ("Shoes (Google Shopping)", "Paid Shopping", "google", "shopping-shoes", 85.0, 8.5, 110),
    ("Autumn coats (Facebook)", "Paid Social", "facebook", "autumn-coats", 70.0, 8.8, 160),
    ("Linen summer (Instagram)", "Paid Social", "instagram", "linen-summer", 75.0, 9.5, 170),
    ("Retargeting banners (Criteo)", "Display", "criteo", "retargeting", 620.0, 20.0, 2_400),
    ("Voucher sites (Awin)", "Affiliates", "awin", "voucher-sites", 95.0, 7.0, 0),
)
_CHANNELS = (("E-mail", 55.0),)  # what the newsletter's system costs
MARGIN = Decimal("0.52")


def tell(ending: datetime, count: int = people.PEOPLE) -> None:
    """Campaigns, their costs until the day before `ending`, what the test was about, what is left of the revenue. Told
    once; a second time changes nothing."""
    if Cost.objects.exists():
        return
    channels = {one.name: one for one in Channel.objects.all()}
    last = timezone.localdate(ending) - timedelta(days=1)
    size = count / people.PEOPLE
    rnd = random.Random("money")
    spent: list[costs.Spent] = []
    for name, channel, source, value, daily, click, shown in _CAMPAIGNS:
        if channel not in channels:
            continue
        campaign = _campaign(name, channels[channel], source, value)
        for ago in range(history.DAYS):
            day = last - timedelta(days=ago)
            amount = Decimal(f"{daily * size * company.SEASON[day.month - 1] * rnd.uniform(0.75, 1.25):.2f}")
            clicks = round(float(amount) / click)
            spent.append(
                costs.Spent(
                    channels[channel].pk, campaign.pk, day, amount, "EUR", clicks * shown if shown else None, clicks
                )
            )
    for channel, daily in _CHANNELS:
        if channel in channels:
            amount = Decimal(f"{daily * size:.2f}")
            spent += [
                costs.Spent(channels[channel].pk, None, last - timedelta(days=ago), amount, "EUR")
                for ago in range(history.DAYS)
            ]
    costs.write(spent, BY)
    assign()
    key, name = history.TEST
    if E_MAIL in channels:
        Experiment.objects.update_or_create(
            key=key, defaults={"name": name, "channel": channels[E_MAIL], "days": history.TEST_DAYS}
        )
    for destination, channel in ((setting.CHANNEL, "Paid Social"), (setting.BANNERS, "Display")):
        audience = Audience.objects.filter(destination__name=destination).first()
        if audience and channel in channels:
            AudienceChannel.objects.update_or_create(
                audience_id=audience.pk, defaults={"channel": channels[channel], "campaign": None}
            )
    Goal.objects.filter(margin=1, currency="EUR").update(margin=MARGIN)


def _campaign(name: str, channel: Channel, source: str, value: str) -> Campaign:
    """It may have been recognised already: then it is confirmed under its proper name."""
    known = CampaignName.objects.filter(kind="utm", source=source, value=value).select_related("campaign").first()
    if known is None:
        return named.create(named.Told(name, channel), [("utm", source, value)])
    named.change(known.campaign, named.Told(name, channel))
    return known.campaign
