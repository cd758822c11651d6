"""What an agent sees of who is who: a kiosk, a family's address, a number given anew, and a merge undone."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from cdp_site import checks, stages
from connectors.models import Source
from profiles.models import Act
from tests.factories import SourceFactory
from tests.journeys.conftest import check_accessible, screenshot
from tests.profiles.test_hand import ANA, BEN, WRONG, bought, called
from tests.stream import person, send

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = [(1440, 900, "light"), (390, 844, "dark")]


def arrive(*batches: list[dict[str, Any]]) -> Source:
    shop = SourceFactory(name="Shop", category="shop", hue=160)
    for batch in batches:
        send(shop, *batch)
        stages.drain_all()
    return shop


def open_identity(page: Page, kind: int, value: str, *, scripted: bool = True) -> None:
    """From the person's page to why it is one. (What looks for faults is a script itself.)"""
    page.goto(f"/people/{person(kind, value).pk}/")
    page.get_by_role("link", name="Why is this one person?").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Why is this one person?")
    if scripted:
        check_accessible(page, "identity")


def joins_nothing(page: Page) -> Any:
    return page.get_by_role("region", name="What joins nothing, and why")


def test_a_store_tablet_that_many_sign_in_on_keeps_people_apart_and_says_so(sign_in: Callable[..., Page]) -> None:
    tablet = {"device": {"id": "tablet-goya"}}
    arrive(
        [
            called(f"Customer {number}", number + 1, userId=f"u{number}", context=tablet,
                   traits={"email": f"person{number}@example.com"})
            for number in range(7)
        ]
    )  # fmt: skip
    assert len({person(1, f"u{number}").pk for number in range(7)}) == 7
    page = sign_in("agent")
    open_identity(page, 1, "u3")
    expect(joins_nothing(page)).to_contain_text("tablet-goya")
    expect(joins_nothing(page)).to_contain_text("This device is shared: it was seen with 7 user ids")
    expect(page.get_by_role("region", name="What joins them")).to_contain_text("person3@example.com")
    expect(page.get_by_role("region", name="What joins them")).not_to_contain_text("tablet-goya")
    screenshot(page, "identity-kiosk")


def test_a_family_with_one_address_is_two_people_until_an_agent_says_whose_it_is(sign_in: Callable[..., Page]) -> None:
    arrive(
        [called("Marta Ortega", 1, userId="marta", traits={"email": "ortega@example.com"})],
        [called("Luis Ortega", 2, userId="luis", traits={"email": "ortega@example.com"})],
    )
    page = sign_in("agent")
    page.goto(f"/people/{person(1, 'luis').pk}/")
    identity = page.get_by_role("region", name="Identity")
    expect(identity).to_contain_text("Claimed by other accounts at the same time")
    check_accessible(page, "somebody with a disputed address")
    screenshot(page, "person-family")
    identity.get_by_role("link", name="who claims it?").click()
    expect(joins_nothing(page)).to_contain_text("This person and Marta Ortega claim this e-mail at the same time")
    check_accessible(page, "a disputed address")
    screenshot(page, "identity-family")
    joins_nothing(page).get_by_role("link", name="Marta Ortega").click()
    expect(page.locator(".crumb")).to_contain_text("Marta Ortega")
    expect(joins_nothing(page)).to_contain_text("This person and Luis Ortega claim this e-mail at the same time")

    joins_nothing(page).get_by_role("link", name="This person’s", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Say that E-mail ortega@example.com is Marta Ortega’s?")
    check_accessible(page, "settling")
    screenshot(page, "identity-settle")
    page.get_by_label("Why?").fill("Luis wrote that it is hers")
    page.get_by_role("button", name="It is").click()
    expect(page.get_by_role("status")).to_contain_text("Done.")
    expect(page.get_by_role("region", name="What joins them")).to_contain_text("ortega@example.com")
    came_about = page.get_by_role("region", name="How it came about")
    expect(came_about).to_contain_text(
        "agent said that E-mail ortega@example.com is this person’s. “Luis wrote that it is hers”"
    )
    assert person(3, "ortega@example.com") == person(1, "marta") != person(1, "luis")


def test_a_phone_number_given_anew_goes_to_its_new_owner_and_both_pages_say_so(sign_in: Callable[..., Page]) -> None:
    long_ago = {"timestamp": "2024-02-01T09:00:00Z"}
    arrive(
        [called("Old Owner", 1, userId="old", traits={"phone": "600111222", "email": "old@example.com"}) | long_ago],
        [called("New Owner", 1, userId="new", traits={"phone": "600111222", "email": "new@example.com"})],
    )
    assert person(4, "+34600111222") == person(1, "new") != person(1, "old")
    page = sign_in("agent")
    open_identity(page, 1, "old")
    expect(joins_nothing(page)).to_contain_text("The phone was given anew: it was last said of this person in Feb 2024")
    expect(joins_nothing(page)).to_contain_text("and of New Owner until Mar 2026")
    expect(page.get_by_role("region", name="How it came about")).to_contain_text("Because it was seen that")
    open_identity(page, 1, "new")
    expect(joins_nothing(page)).to_contain_text("last said of Old Owner in Feb 2024, and of this person until Mar 2026")
    screenshot(page, "identity-phone")


@pytest.mark.parametrize("scripted", [True, False], ids=["with script", "without script"])
def test_an_agent_undoes_a_merge_sees_both_and_takes_it_back(sign_in: Callable[..., Page], scripted: bool) -> None:
    arrive(ANA, BEN, [WRONG | {"anonymousId": "ben-home"}])
    page = sign_in("agent", javascript=scripted)
    open_identity(page, 1, "u1", scripted=scripted)
    came_about = page.get_by_role("region", name="How it came about")
    expect(came_about).to_contain_text("became part of this person, with E-mail ben@example.com")
    expect(came_about).to_contain_text("Because of Anonymous id ben-home")
    came_about.get_by_role("link", name="Not the same person").click()
    expect(page.get_by_role("heading", name="It would be 2 people")).to_be_visible()
    if scripted:
        check_accessible(page, "undo")
    sides = page.locator(".sides article")
    expect(sides.nth(0)).to_contain_text("keeps this page · 3 events")
    expect(sides.nth(0)).to_contain_text("ana@example.com")
    expect(sides.nth(1)).to_contain_text("gets a page of their own · 3 events")
    expect(sides.nth(1)).to_contain_text("ben-home")
    screenshot(page, f"identity-undo-{scripted}")
    page.get_by_label("Why?").fill("She signed in on Ben's computer")
    page.get_by_role("button", name="Undo the merge").click()
    expect(page.get_by_role("status")).to_contain_text("Done.")
    expect(joins_nothing(page)).to_contain_text("agent cut this link on")
    if scripted:
        check_accessible(page, "undone")
    stages.drain_all()
    came_about.get_by_role("link", name="Ben").click()
    page.get_by_role("link", name="Ben", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ben")
    expect(page.locator("#timeline")).to_contain_text("order b2")
    expect(page.locator("#timeline")).not_to_contain_text("order a1")
    page.goto(f"/people/{person(1, 'u1').pk}/")
    expect(page.locator("#timeline")).to_contain_text("order a1")
    expect(page.locator("#timeline")).not_to_contain_text("order b2")
    assert [one.detail for one in checks.run_all() if not one.ok] == []

    page.get_by_role("link", name="Why is this one person?").click()
    came_about.get_by_role("link", name="Take back").click()
    expect(page.get_by_role("heading", name="It would be one person")).to_be_visible()
    page.get_by_label("Why?").fill("It is her computer after all")
    page.get_by_role("button", name="Take it back").click()
    expect(came_about).to_contain_text("agent took back that agent undid a merge")
    assert person(1, "u1") == person(3, "ben@example.com")
    assert [act.by for act in Act.objects.all()] == ["agent", "agent"]


def test_a_wrong_link_is_cut_and_two_others_are_joined(sign_in: Callable[..., Page]) -> None:
    arrive(ANA, BEN, [bought("x", 7, anonymousId="kitchen")])
    page = sign_in("agent")
    open_identity(page, 1, "u1")
    page.get_by_role("row", name="ana-phone").get_by_role("link", name="Not the same person").click()
    expect(page.locator("main")).to_contain_text("they lead to nobody until one is")
    page.get_by_label("Why?").fill("borrowed")
    page.get_by_role("button", name="Cut them apart").click()
    expect(page.get_by_role("region", name="What joins them")).not_to_contain_text("ana-phone")

    page.get_by_role("link", name="Join with another person").click()
    page.get_by_label("Find the other person").fill("ben@")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="Ben")).to_be_visible()
    check_accessible(page, "join")
    page.get_by_role("row", name="Ben").get_by_role("link").click()
    expect(page.get_by_role("heading", name="As they are now")).to_be_visible()
    check_accessible(page, "side by side")
    screenshot(page, "identity-join")
    page.get_by_label("Why?").fill("married name")
    page.get_by_role("button", name="Join them").click()
    expect(page.get_by_role("region", name="How it came about")).to_contain_text("agent joined two people")
    expect(page.get_by_role("region", name="What joins them")).to_contain_text("by hand")
    assert person(1, "u1") == person(3, "ben@example.com")


def test_a_marketer_reads_why_and_is_offered_nothing(sign_in: Callable[..., Page]) -> None:
    arrive(ANA, BEN, [WRONG | {"anonymousId": "ben-home"}])
    page = sign_in("marketer")
    open_identity(page, 1, "u1")
    expect(page.get_by_role("link", name="Not the same person")).to_have_count(0)
    expect(page.get_by_role("link", name="Join with another person")).to_have_count(0)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]} {size[2]}")
def test_its_pages_fit_and_are_readable(sign_in: Callable[..., Page], size: tuple[int, int, str]) -> None:
    long = "a-very-long-address-that-goes-on-and-on@a-very-long-domain-name.example.com"
    arrive(
        [*ANA, called("Ana", 3, userId="u1", traits={"email": long, "phone": "600111222", "loyalty_card": "HP 123 456"})],
        [called("Luis", 2, userId="u2", traits={"email": "ana@example.com"}), *BEN],
        [WRONG | {"anonymousId": "ben-home"}],
        [WRONG | {"anonymousId": f"browser-{number}", "messageId": f"b{number}"} for number in range(20)],
    )  # fmt: skip
    ana = person(1, "u1").pk
    page = sign_in("agent", width=size[0], height=size[1], scheme=size[2])
    page.goto(f"/people/{ana}/identity/")
    undo = page.locator(".step a.btn").first.get_attribute("href")
    settle = joins_nothing(page).locator("a[href*=settle]").first.get_attribute("href")
    addresses = [f"/people/{ana}/", f"/people/{ana}/identity/", undo, settle, f"/people/{ana}/identity/join/?q=luis",
                 f"/people/{ana}/identity/join/?with={person(1, 'u2').pk}"]  # fmt: skip
    for number, address in enumerate(addresses):
        assert address is not None
        page.goto(address)
        screenshot(page, f"identity-{number}-{size[0]}-{size[2]}")
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{address} is {over} px too wide"
        check_accessible(page, address)
