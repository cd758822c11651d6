"""Campaigns: confirmed, renamed, merged, given names and robbed of them; and that nothing that arrived is lost by it."""

from datetime import date
from decimal import Decimal

import pytest

from campaigns import named
from campaigns.attribution.channels import assign
from campaigns.models import Campaign, CampaignName, Channel, Cost, Origin
from campaigns.named import NotSo, Told
from cdp_site.checks import run_all

pytestmark = pytest.mark.django_db


def arrived(id: int, source: str, name: str, **said: str) -> Campaign:
    one = Origin.objects.create(
        id=id, key=id, category="web", source=source, campaign_name=name, **({"medium": "cpc"} | said)
    )
    assign([id])
    one.refresh_from_db()
    assert one.campaign
    return one.campaign


def campaign_of(id: int) -> Campaign | None:
    return Origin.objects.get(pk=id).campaign


def cost(campaign: Campaign, day: int, amount: int, currency: str = "EUR") -> None:
    channel = Channel.objects.get(name="Paid Search")
    Cost.objects.create(
        channel=channel, campaign=campaign, day=date(2026, 3, day), amount=amount, currency=currency, said_by="me"
    )


def test_merging_puts_names_costs_and_what_arrived_together() -> None:
    one, other, third = arrived(1, "google", "brand"), arrived(2, "bing", "brand"), arrived(3, "bing", "brand-2")
    for day, amount in ((1, 10), (2, 20)):
        cost(one, day, amount)
    cost(other, 2, 5)
    cost(third, 2, 1)
    cost(third, 3, 7)
    named.merge(one, [other, third])
    assert {campaign_of(id) for id in (1, 2, 3)} == {one}
    assert list(Cost.objects.order_by("day").values_list("campaign_id", "amount")) == [
        (one.pk, Decimal(10)), (one.pk, Decimal(26)), (one.pk, Decimal(7)),
    ]  # fmt: skip
    other.refresh_from_db()
    assert (other.status, other.merged_into_id) == ("merged", one.pk)
    assert named.living() == [one]
    assert Campaign.objects.get(pk=one.pk).status == "confirmed"
    assert [finding for finding in run_all() if not finding.ok] == []


def test_signposts_never_form_a_chain() -> None:
    one, other, third = arrived(1, "google", "a"), arrived(2, "google", "b"), arrived(3, "google", "c")
    named.merge(other, [one])
    named.merge(third, [Campaign.objects.get(pk=other.pk)])
    assert set(Campaign.objects.filter(status="merged").values_list("merged_into_id", flat=True)) == {third.pk}


def test_what_was_merged_cant_be_merged_again_nor_with_itself() -> None:
    one, other = arrived(1, "google", "a"), arrived(2, "google", "b")
    with pytest.raises(NotSo):
        named.merge(one, [one])
    named.merge(one, [other])
    with pytest.raises(NotSo, match="meanwhile"):
        named.merge(one, [Campaign.objects.get(pk=other.pk)])


def test_costs_in_two_currencies_keep_campaigns_apart() -> None:
    one, other = arrived(1, "google", "a"), arrived(2, "google", "b")
    cost(one, 1, 10)
    cost(other, 1, 10, "USD")
    with pytest.raises(NotSo, match="different currencies on 1 March 2026"):
        named.merge(one, [other])
    assert Cost.objects.count() == 2
    assert campaign_of(2) == other


def test_a_name_brings_what_has_arrived_and_taken_away_it_is_a_campaign_again() -> None:
    arrived(1, "google", "brand")
    arrived(2, "tiktok", "brand-tt")
    mine = named.create(Told("Brand", Channel.objects.get(name="Paid Search")), [("utm", "google", "Brand ")])
    assert campaign_of(1) == mine
    named.add_name(mine, "utm", "tiktok", "brand-tt")
    assert campaign_of(2) == mine
    assert named.living() == [mine], "what was only recognised gave way"
    named.remove_name(CampaignName.objects.get(value="brand-tt"))
    again = campaign_of(2)
    assert again and again != mine
    assert again.status == "recognised"
    with pytest.raises(NotSo, match="only name"):
        named.remove_name(mine.names.get())


def test_a_confirmed_campaigns_name_isnt_taken_from_it() -> None:
    one = arrived(1, "google", "brand")
    assert named.confirm([one.pk, one.pk]) == 1
    other = named.create(Told("Other", None))
    with pytest.raises(NotSo, match="belongs to brand"):
        named.add_name(other, "utm", "google", "brand")


def test_an_ads_id_goes_before_the_campaigns_name() -> None:
    one = arrived(1, "facebook", "coats", ad="11")
    mine = named.create(Told("Coats, video", None), [("ad", "", "11")])
    assert campaign_of(1) == mine
    assert one in named.living()


@pytest.mark.parametrize(
    "told",
    [
        Told("  ", None),
        Told("x", None, date(2026, 3, 2), date(2026, 3, 1)),
        Told("x", None, margin=Decimal("1.2")),
    ],
)
def test_what_makes_no_sense_is_refused(told: Told) -> None:
    with pytest.raises(NotSo):
        named.create(told)
