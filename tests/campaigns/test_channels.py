"""The rule table: Google's default grouping as it stands there, our own events before it, and what a change moves."""

import numpy as np
import pytest

from campaigns.attribution import channel_table, channels, moves
from campaigns.attribution.channels import UNASSIGNED, assign, channels_of, folded, origins
from campaigns.attribution.rules import Condition, Rule, first_lines, read, written
from campaigns.attribution.sites import list_of
from campaigns.models import Campaign, CampaignName, Channel, ChannelRule, Origin
from cdp_site.checks import run_all

RULES = [Rule(channel, read(conditions)) for channel, conditions in channel_table.default_rules()]
NAMES = {id: name for id, name, _, _ in channel_table._CHANNELS}
SAID = {folded(name): id for id, name in NAMES.items()}
TEXTS = ("category", "event", "said", "source", "medium", "campaign_name", "ad", "referrer", "click")


def row(id: int = 1, **said: str) -> tuple[object, ...]:
    said.setdefault("category", "web")
    return (id, *(said.get(name, "") for name in TEXTS), None, None)


def channel(**said: str) -> str:
    return NAMES[int(channels_of(origins([row(**said)]), RULES, SAID)[0])]


# support.google.com/analytics/answer/9756891, one or more a line of the table there.
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, "Direct"),
        ({"source": "(direct)", "medium": "(none)"}, "Direct"),
        ({"source": "google", "medium": "cpc", "campaign_name": "x cross-network y"}, "Cross-network"),
        ({"source": "amazon", "medium": "paid-listing"}, "Paid Shopping"),
        ({"source": "google", "medium": "cpc", "campaign_name": "shopping-shoes"}, "Paid Shopping"),
        ({"source": "google", "medium": "ppc", "campaign_name": "eshop sale"}, "Paid Shopping"),
        ({"source": "google", "medium": "cpc", "campaign_name": "bishop"}, "Paid Search"),
        ({"source": "google", "medium": "cpc", "campaign_name": "bdshop"}, "Paid Search"),
        ({"source": "google", "medium": "cpc"}, "Paid Search"),
        ({"source": "bing", "medium": "retargeting"}, "Paid Search"),
        ({"source": "facebook", "medium": "paid-social"}, "Paid Social"),
        ({"source": "tiktok.com", "medium": "cpm"}, "Paid Social"),
        ({"source": "youtube", "medium": "cpv-cpc"}, "Paid Video"),
        ({"source": "criteo", "medium": "display"}, "Display"),
        ({"source": "somewhere", "medium": "cpm"}, "Display"),
        ({"source": "somewhere", "medium": "banner"}, "Display"),
        ({"source": "somewhere", "medium": "paid-post"}, "Paid Other"),
        ({"source": "ebay.de"}, "Organic Shopping"),
        ({"source": "instagram"}, "Organic Social"),
        ({"source": "club", "medium": "social-media"}, "Organic Social"),
        ({"source": "vimeo"}, "Organic Video"),
        ({"source": "x-site", "medium": "webvideo"}, "Organic Video"),
        ({"source": "duckduckgo"}, "Organic Search"),
        ({"source": "in-house", "medium": "organic"}, "Organic Search"),
        ({"source": "newsletter", "medium": "e-mail"}, "E-mail"),
        ({"source": "e_mail", "medium": "x"}, "E-mail"),
        ({"source": "awin", "medium": "affiliate"}, "Affiliates"),
        ({"source": "partner", "medium": "link"}, "Referral"),
        ({"source": "spotify-ads", "medium": "audio"}, "Audio"),
        ({"source": "sms", "medium": "x"}, "SMS"),
        ({"source": "app", "medium": "web push"}, "Mobile Push Notifications"),
        ({"source": "firebase", "medium": "x"}, "Mobile Push Notifications"),
        ({"source": "somewhere", "medium": "leaflet"}, "Unassigned"),
    ],
)
def test_the_table_is_googles_default_grouping(said: dict[str, str], expected: str) -> None:
    assert channel(**said) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"category": "app"}, "App"),
        ({"event": "email opened", "campaign_name": "the-coat-edit"}, "E-mail"),
        ({"event": "sms clicked"}, "SMS"),
        ({"event": "push notification tapped"}, "Mobile Push Notifications"),
        ({"event": "store visited"}, "Store"),
        ({"event": "phone call"}, "Call centre"),
        ({"event": "ad clicked", "source": "google", "campaign_name": "brand"}, "Paid Search"),
        ({"event": "ad clicked", "source": "facebook"}, "Paid Social"),
        ({"event": "ad viewed", "source": "google"}, "Display"),
        ({"event": "ad viewed", "source": "criteo"}, "Display"),
        ({"event": "ad viewed", "source": "instagram"}, "Paid Social"),
        ({"event": "touchpoint", "said": "e mail"}, "E-mail"),
        ({"event": "touchpoint", "said": "Paid Search", "source": "facebook"}, "Paid Search"),
        ({"click": "gclid"}, "Paid Search"),
        ({"click": "msclkid"}, "Paid Search"),
        ({"click": "dclid"}, "Display"),
        ({"click": "ttclid"}, "Paid Social"),
        ({"click": "fbclid"}, "Organic Social"),
        ({"referrer": "www.google.co.uk"}, "Organic Search"),
        ({"referrer": "l.facebook.com"}, "Organic Social"),
        ({"referrer": "mail.google.com"}, "E-mail"),
        ({"referrer": "blog.example"}, "Referral"),
        ({"event": "too many origins", "category": ""}, "Unassigned"),
    ],
)
def test_events_click_ids_and_referring_sites_find_their_channel(said: dict[str, str], expected: str) -> None:
    assert channel(**said) == expected


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("google", "search"), ("google.com", "search"), ("www.google.es", "search"), ("news.google.co.uk", "search"),
        ("mail.google.com", "mail"), ("notgoogle.com", ""), ("google.evil.example", ""), ("t.co", "social"),
        ("youtu.be", "video"), ("smile.amazon.de", "shopping"), ("", ""), (".", ""), ("com", ""),
    ],
)  # fmt: skip
def test_a_host_is_on_the_list_of_its_site(host: str, key: str) -> None:
    assert list_of(host) == key


def test_the_first_line_that_holds_says_the_channel() -> None:
    asked = origins([row(1, source="a"), row(2, source="b", medium="m"), row(3)])
    rules = [
        Rule(7, (Condition("source", "is", ("b",)), Condition("medium", "empty"))),
        Rule(8, (Condition("source", "is", ("a", "b")),)),
        Rule(9, ()),
    ]
    assert first_lines(asked, rules).tolist() == [1, 1, 2]


def test_conditions_that_make_no_sense_are_told_in_words() -> None:
    for wrong in (
        [{"field": "nonsense", "is": "is", "value": "x"}],
        [{"field": "source", "is": "sounds like", "value": "x"}],
        [{"field": "source", "is": "is", "value": " "}],
        [{"field": "source", "is": "listed", "value": "shops"}],
        [{"field": "source", "is": "is", "value": ["x" * 300]}],
        "source",
    ):
        with pytest.raises(ValueError, match=r"^[A-Z].* .*"):
            read(wrong)
    conditions = read(
        [{"field": "medium", "is": "is", "value": ["CPC ", "paid*"]}, {"field": "source", "is": "filled"}]
    )
    assert read(written(conditions)) == conditions


def test_many_stars_are_no_work() -> None:
    rule = Rule(1, read([{"field": "campaign_name", "is": "is", "value": ["*a" * 60 + "b"]}]))
    assert first_lines(origins([row(campaign_name="a" * 200)]), [rule]).tolist() == [-1]


def origin(id: int, **said: str) -> Origin:
    return Origin.objects.create(id=id, key=id, **({"category": "web"} | said))


@pytest.mark.django_db
def test_new_origins_get_their_channel_and_campaign() -> None:
    origin(1, source="google", medium="cpc", campaign_name="brand-search")
    origin(2, event="ad clicked", source="google", campaign_name="brand-search", category="ads")
    origin(3, source="bing", medium="cpc", campaign_name="brand-search")
    origin(4, category="ads", event="ad viewed", source="meta", ad="120099")
    origin(5)
    assign([1, 2, 3, 4, 5])
    found = Origin.objects.in_bulk()
    assert {id: one.channel.name for id, one in found.items() if one.channel} == {
        1: "Paid Search", 2: "Paid Search", 3: "Paid Search", 4: "Paid Social", 5: "Direct",
    }  # fmt: skip
    assert found[1].campaign_id == found[2].campaign_id != found[3].campaign_id
    assert found[5].campaign is None
    assert sorted(Campaign.objects.values_list("name", flat=True)) == [
        "120099",
        "brand-search",
        "brand-search (google)",
    ]
    assert set(Campaign.objects.values_list("status", flat=True)) == {"recognised"}
    assign()
    assert Campaign.objects.count() == 3, "what is known isn't recognised again"
    assert [one for one in run_all() if not one.ok] == []


@pytest.mark.django_db
def test_a_channel_that_is_said_and_not_there_is_made() -> None:
    origin(1, event="touchpoint", said="alpha partners")
    origin(2, event="touchpoint", said="E-Mail")
    assign([1, 2])
    found = Origin.objects.in_bulk()
    assert found[1].channel and found[1].channel.name == "Alpha Partners"
    assert found[2].channel and found[2].channel.name == "E-mail"


@pytest.mark.django_db
def test_a_line_for_what_is_said_goes_before_it() -> None:
    origin(1, event="touchpoint", said="fb")
    social = Channel.objects.get(name="Paid Social")
    moves.keep_line(None, social, read([{"field": "said", "is": "is", "value": "fb"}]), 1)
    assert Origin.objects.get(pk=1).channel == social


@pytest.mark.django_db
def test_a_change_is_previewed_and_then_moves_what_it_said() -> None:
    origin(1, source="partner", medium="link")
    origin(2, source="partner", medium="link", campaign_name="spring")
    assign()
    affiliates = Channel.objects.get(name="Affiliates")
    conditions = read([{"field": "source", "is": "is", "value": "partner"}])
    (move,) = moves.moves(moves.with_line(None, affiliates.pk, conditions, 1))
    assert (NAMES[move.before], NAMES[move.after], move.origins) == ("Referral", "Affiliates", 2)
    assert set(Origin.objects.values_list("channel__name", flat=True)) == {"Referral"}, "a look changes nothing"
    moves.keep_line(None, affiliates, conditions, 1)
    assert set(Origin.objects.values_list("channel__name", flat=True)) == {"Affiliates"}
    assert Campaign.objects.get().channel == affiliates, "a campaign that is only recognised goes along"
    line = ChannelRule.objects.order_by("position").first()
    assert line
    (back,) = moves.moves(moves.without_line(line.pk))
    assert (NAMES[back.before], NAMES[back.after]) == ("Affiliates", "Referral")
    moves.remove_line(line.pk)
    assert set(Origin.objects.values_list("channel__name", flat=True)) == {"Referral"}


@pytest.mark.django_db
def test_the_table_can_be_put_back() -> None:
    before = list(ChannelRule.objects.order_by("position").values_list("channel_id", "conditions"))
    assert before == channel_table.default_rules()
    ChannelRule.objects.all().delete()
    Channel.objects.filter(name="Audio").delete()
    channel_table.restore()
    assert list(ChannelRule.objects.order_by("position").values_list("channel_id", "conditions")) == before


@pytest.mark.django_db
def test_channels_that_something_stands_on_stay() -> None:
    assert "always needed" in moves.remove_channel(Channel.objects.get(pk=UNASSIGNED))
    assert "Lines of the table" in moves.remove_channel(Channel.objects.get(name="Audio"))
    mine = Channel.objects.create(name="Flyers")
    assert moves.remove_channel(mine) == ""


def test_many_origins_are_told_apart_at_once() -> None:
    said = [row(number, source=f"s{number}", medium="cpc", campaign_name=f"c{number}") for number in range(20_000)]
    assert np.unique(channels_of(origins(said), RULES, SAID)).tolist() == [9], "all of them Paid Other"


def test_colours_are_the_same_each_time() -> None:
    assert channels.hue_of("Alpha") == channels.hue_of("alpha ") < 360


@pytest.mark.django_db
def test_names_are_unique_to_a_campaign() -> None:
    origin(1, source="google", campaign_name="a", medium="cpc")
    origin(2, source="google", campaign_name="a", medium="cpc", ad="7")
    assign()
    assert CampaignName.objects.values_list("kind", "source", "value").get() == ("utm", "google", "a")
