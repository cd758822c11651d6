"""What an event says of where somebody came from."""

import json
from typing import Any

import pytest

from campaigns.attribution.origins import MOST_TEXT, Texts, fold, key_of
from campaigns.attribution.said import Said, host, of_event, of_hit
from campaigns.attribution.values import Touch

SHOP = "https://www.shop.example/linen"


def told(campaign: str, url: str, referrer: str) -> Said:
    """What a hit says, as its event is read."""
    address, _, query = url.partition("?")
    return of_hit("web", campaign, query, host(address), host(referrer))


def hit(url: str = SHOP, referrer: str = "", **campaign: Any) -> Texts:
    return told(json.dumps(campaign) if campaign else "", url, referrer).texts


def test_the_contexts_campaign_goes_before_the_addresss() -> None:
    found = hit(f"{SHOP}?utm_source=bing&utm_campaign=x", source="Google", medium="CPC", name="Spring%20Sale", id=7)
    assert found == Texts(category="web", source="google", medium="cpc", campaign_name="spring sale", ad="7")


def test_the_addresss_query_is_read() -> None:
    found = told("", f"{SHOP}?utm_source=news&utm_medium=email&utm_campaign=May+News%21&utm_id=9#top", "")
    assert found.texts == Texts(category="web", source="news", medium="email", campaign_name="may news!", ad="9")
    assert found.kind == Touch.CLICK


@pytest.mark.parametrize("kind", ["gclid", "wbraid", "fbclid", "msclkid", "li_fat_id", "sccid"])
def test_click_ids_are_told_by_their_kind(kind: str) -> None:
    found = told("", f"{SHOP}?a=b&{kind}=AbC-1", "")
    assert (found.texts.click, found.click_id, found.kind) == (kind, "AbC-1", Touch.CLICK)


def test_a_visit_that_says_nothing_is_direct() -> None:
    assert hit().direct
    assert not hit(referrer="https://news.example/a").direct
    assert told("", SHOP, "").kind == Touch.VISIT


@pytest.mark.parametrize(
    ("referrer", "led"),
    [
        ("https://www.Google.com/search?q=x", "google.com"),
        ("https://www.shop.example/cart", ""),
        ("https://checkout.shop.example/pay", ""),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("not an address", ""),
        ("https://[broken", ""),
    ],
)
def test_the_host_that_led_here_is_none_of_our_own(referrer: str, led: str) -> None:
    assert hit(referrer=referrer).referrer == led


def test_whatever_is_sent_as_an_address_is_read() -> None:
    for url in ("", "?", "https://x.example/?utm_source=%00%ff%zz", "//", "http://[", "?" + "a=1&" * 500):
        told("[]", url, url)


def test_folding_bounds_and_straightens() -> None:
    assert fold("  Big\n SALE\t2026 ") == "big sale 2026"
    assert len(fold("x" * 5_000)) == MOST_TEXT
    assert "\x00" not in fold("a%00b")
    assert key_of(Texts(source="a")) != key_of(Texts(medium="a"))


def event(name: str, **properties: Any) -> Any:
    return of_event(name, "ads", json.dumps(properties))


def test_an_ads_click_names_network_campaign_and_click_id() -> None:
    found = event("ad clicked", network="Google", campaign="Spring", ad_id=12, click_id="c1")
    assert found.texts == Texts("ads", "ad clicked", "", "google", "", "spring", "12")
    assert (found.kind, found.click_id) == (Touch.CLICK, "c1")


def test_a_mail_without_campaign_is_known_by_its_subject() -> None:
    assert event("email link clicked", subject="New in May").texts.campaign_name == "new in may"
    assert event("email opened", subject="New in May", campaign="news").texts.campaign_name == "news"
    assert event("email opened").kind == Touch.VIEW


def test_calls_are_one_origin_and_tickets_count_when_they_came_by_phone() -> None:
    assert event("call answered").texts == event("call ended").texts
    assert event("ticket opened", channel="Phone").texts.event == "phone call"
    assert event("ticket opened", channel="e-mail") is None


def test_a_touchpoint_says_itself_what_it_is() -> None:
    found = event("touchpoint", channel="Partner", kind="view", campaign="x", source="y", medium="z")
    assert found.texts == Texts("ads", "touchpoint", "partner", "y", "z", "x")
    assert found.kind == Touch.VIEW
    assert event("touchpoint", channel="Partner").kind == Touch.CLICK


def test_odd_properties_say_nothing() -> None:
    assert event("ad clicked", network=None, campaign=["a"], click_id={"a": 1}).texts == Texts("ads", "ad clicked")
    assert of_event("ad clicked", "ads", "null").texts == Texts("ads", "ad clicked")  # type: ignore[union-attr]
