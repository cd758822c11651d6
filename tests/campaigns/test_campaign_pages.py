"""The pages of campaigns, channels and costs: whom they let in, what they show, what their forms do."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from campaigns import costs, named
from campaigns.attribution.channels import assign
from campaigns.models import AudienceChannel, Campaign, Channel, ChannelRule, Cost, Origin
from campaigns.named import Told
from cdp_site.roles import AGENT, MARKETER
from connectors.models import AudienceSegment
from tests.campaigns import world
from tests.factories import AudienceFactory, SegmentFactory, account

pytestmark = pytest.mark.django_db
PAGES = (
    "/campaigns/",
    "/campaigns/channels/",
    "/campaigns/channels/lines/new/",
    "/campaigns/costs/",
    "/campaigns/left-out/",
)


@pytest.fixture
def marketer() -> Client:
    client = Client()
    client.force_login(account(MARKETER))
    return client


def text(client: Client, address: str) -> str:
    answer = client.get(address, follow=True)
    assert answer.status_code == 200, address
    return answer.content.decode()


@pytest.mark.parametrize("address", PAGES)
def test_pages_are_for_marketers_and_full_of_words_when_empty(marketer: Client, address: str) -> None:
    assert text(marketer, address)
    agent = Client()
    agent.force_login(account(AGENT))
    assert agent.get(address).status_code == 403


def a_journey() -> Campaign:
    """Somebody clicked an advertisement and bought, yesterday."""
    ago = (timezone.now() - world.NOON) / timedelta(days=1) - 1
    sources = world.sources()
    query = "?utm_source=google&utm_medium=cpc&utm_campaign=brand-search"
    world.tell(sources["web"], world.page("v1", ago, query=query))
    world.tell(sources["web"], world.order(ago + 0.1, "1", 80.0, anonymous="v1"))
    from cdp_site import stages

    while stages.work_once("journeys"):
        pass
    return Campaign.objects.get()


def test_a_recognised_campaign_is_shown_confirmed_and_told_about(marketer: Client) -> None:
    one = a_journey()
    assert "to confirm" in text(marketer, "/campaigns/")
    marketer.post("/campaigns/confirm/", {"id": one.pk})
    assert "to confirm" not in text(marketer, "/campaigns/")
    today = timezone.localdate()
    channel = Channel.objects.get(name="Paid Search")
    costs.by_hand(channel, one, today - timedelta(days=3), today, Decimal(40), "EUR", "me")
    page = text(marketer, f"/campaigns/{one.pk}/")
    assert "Journeys it is in" in page
    assert "Only an experiment can" in page
    assert "40" in text(marketer, "/campaigns/?q=brand")
    answer = marketer.post(
        f"/campaigns/{one.pk}/", {"name": "Brand", "channel": channel.pk, "margin": "52.5"}, follow=True
    )
    one.refresh_from_db()
    assert (one.name, float(one.margin or 0)) == ("Brand", 0.525)
    assert answer.status_code == 200
    wrong = marketer.post(f"/campaigns/{one.pk}/", {"name": "Brand", "starts": "2026-03-02", "ends": "2026-03-01"})
    assert wrong.status_code == 422
    assert "ends before it begins" in wrong.content.decode()


def test_two_campaigns_are_merged_after_a_question(marketer: Client) -> None:
    one, other = named.create(Told("A", None), [("utm", "a", "x")]), named.create(Told("B", None), [("utm", "b", "x")])
    assert "one campaign" in text(marketer, f"/campaigns/merge/?id={one.pk}&id={other.pk}")
    marketer.post("/campaigns/merge/", {"id": [one.pk, other.pk], "winner": other.pk})
    answer = marketer.get(f"/campaigns/{one.pk}/")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/campaigns/{other.pk}/"), "a signpost"
    assert "at least two" in text(marketer, f"/campaigns/merge/?id={one.pk}")
    marketer.post(f"/campaigns/{other.pk}/names/", {"kind": "ad", "source": "", "value": "77"})
    assert other.names.count() == 3
    marketer.post(f"/campaigns/{other.pk}/names/", {"remove": other.names.get(kind="ad").pk})
    assert other.names.count() == 2


def test_a_line_is_tried_kept_and_removed(marketer: Client) -> None:
    Origin.objects.create(id=1, key=1, category="web", source="leaflet", medium="paper")
    assign()
    assert "leaflet" in text(marketer, "/campaigns/channels/")
    store = Channel.objects.get(name="Store")
    typed = {
        "field": ["medium", ""],
        "is": ["is", "is"],
        "value": ["paper, card", ""],
        "channel": store.pk,
        "number": 1,
    }
    page = marketer.get("/campaigns/channels/lines/new/", typed).content.decode()
    assert "source leaflet, medium paper" in page
    assert Origin.objects.get().channel_id == 2
    marketer.post("/campaigns/channels/lines/new/", typed)
    assert Origin.objects.get().channel == store
    line = ChannelRule.objects.order_by("position")[0]
    assert line.conditions == [{"field": "medium", "is": "is", "value": ["paper", "card"]}]
    assert text(marketer, f"/campaigns/channels/lines/{line.pk}/")
    wrong = marketer.post(f"/campaigns/channels/lines/{line.pk}/", typed | {"value": ["", ""]})
    assert wrong.status_code == 422
    assert "Unassigned" in text(marketer, f"/campaigns/channels/lines/{line.pk}/remove/")
    marketer.post(f"/campaigns/channels/lines/{line.pk}/remove/")
    assert Origin.objects.get().channel_id == 2
    ChannelRule.objects.all().delete()
    marketer.post("/campaigns/channels/lines/restore/")
    assert ChannelRule.objects.count() > 30


def test_a_channel_is_made_renamed_and_removed(marketer: Client) -> None:
    marketer.post("/campaigns/channels/new/", {"name": "Flyers", "hue": 30, "paid": "on"})
    one = Channel.objects.get(name="Flyers")
    marketer.post(f"/campaigns/channels/{one.pk}/", {"name": "Leaflets", "hue": 31})
    one.refresh_from_db()
    assert (one.name, one.hue, one.paid) == ("Leaflets", 31, False)
    marketer.post(f"/campaigns/channels/{one.pk}/", {"act": "remove"})
    assert not Channel.objects.filter(pk=one.pk).exists()


def test_a_file_of_costs_that_is_no_table_or_was_only_opened(marketer: Client) -> None:
    assert marketer.get("/campaigns/costs/file/")["Location"] == "/campaigns/costs/"
    sent = SimpleUploadedFile("picture.png", b"\x89PNG\r\n\0\0", "image/png")
    page = marketer.post("/campaigns/costs/file/", {"file": sent}, follow=True).content.decode()
    assert "picture.png is no text" in page
    none = marketer.post("/campaigns/costs/file/", {"text": "day,channel,cost\nsoon,Display,1\n"}).content.decode()
    assert "No line of it can be taken" in none
    assert 'name="keep"' not in none


def test_a_file_of_costs_is_looked_at_and_kept(marketer: Client) -> None:
    body = b"day,channel,campaign,cost\n2026-03-01,Display,banners,12.50\nsoon,Display,banners,1\n"
    sent = SimpleUploadedFile("costs.csv", body, "text/csv")
    page = marketer.post("/campaigns/costs/file/", {"file": sent}).content.decode()
    assert "line 3" in page
    assert "banners" in page
    assert not Cost.objects.exists()
    marketer.post("/campaigns/costs/file/", {"text": body.decode(), "name": "costs.csv", "keep": "1"})
    assert Cost.objects.get().said_by == "costs.csv"
    page = text(marketer, "/campaigns/costs/")
    assert "12.50" in page
    marketer.post("/campaigns/costs/remove/", {"channel": Channel.objects.get(name="Display").pk,
                                               "campaign": Campaign.objects.get().pk})  # fmt: skip
    assert not Cost.objects.exists()
    for nothing in ({}, {"text": "\0"}, {"text": "a,b"}):
        assert marketer.post("/campaigns/costs/file/", nothing, follow=True).status_code == 200


def test_costs_are_typed_in(marketer: Client) -> None:
    told = {"channel": Channel.objects.get(name="Display").pk, "since": "2026-03-01", "until": "2026-03-04",
            "amount": "10", "currency": "eur"}  # fmt: skip
    marketer.post("/campaigns/costs/", told)
    assert sorted(Cost.objects.values_list("amount", "currency")) == [(2.5, "EUR")] * 4
    wrong = marketer.post("/campaigns/costs/", told | {"until": "2026-02-01"})
    assert wrong.status_code == 422
    assert "ends before it begins" in wrong.content.decode()


def test_an_audience_is_put_down_to_a_channel(marketer: Client) -> None:
    audience = AudienceFactory()
    for role in ("include", "exclude"):
        AudienceSegment.objects.create(audience=audience, segment=SegmentFactory(), role=role)
    display = Channel.objects.get(name="Display")
    marketer.post("/campaigns/left-out/", {"audience": audience.pk, "channel": display.pk})
    assert AudienceChannel.objects.get(audience_id=audience.pk).channel == display
    assert "No cost of it is known" in text(marketer, "/campaigns/left-out/")
    marketer.post("/campaigns/left-out/", {"audience": audience.pk})
    assert not AudienceChannel.objects.exists()


def test_a_campaign_is_found_from_anywhere_by_whoever_may_see_it(marketer: Client) -> None:
    one, other = named.create(Told("Spring coats", None), [("utm", "", "a")]), named.create(Told("Coats again", None))
    named.merge(one, [other])
    found = text(marketer, "/search/?q=coats")
    assert f"/campaigns/{one.pk}/" in found
    assert f"/campaigns/{other.pk}/" not in found
    agent = Client()
    agent.force_login(account(AGENT))
    assert "Spring coats" not in text(agent, "/search/?q=coats")
