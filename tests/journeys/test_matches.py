"""The CRM has a customer under a mistyped name and address: the agent sees it, and makes one person of two by keyboard."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cdp_site import stages
from profiles.identifiers import EMAIL, EXTERNAL, USER
from profiles.matching import job
from profiles.models import Profile
from tests.factories import SourceFactory
from tests.journeys.conftest import check_accessible, screenshot
from tests.profiles import lookalikes
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db(transaction=True)

LUCIA = {
    "firstName": "Lucia", "lastName": "Zabaleta", "email": "lucia.zabaleta@example.net", "phone": "+34600999111",
    "birthday": "1987-06-05", "address": {"street": "Calle Sol 4", "city": "Madrid", "postalCode": "28001"},
}  # fmt: skip
MISTYPED = {**LUCIA, "lastName": "Zabaletta", "email": "lucia.zabalta@example.net", "phone": ""}


def compare_everybody() -> None:
    """A company of which some dozen customers are in the CRM twice; Lucia among them."""
    shop, crm = SourceFactory(name="Shop"), SourceFactory(name="CRM", hue=20)
    lookalikes.company(shop, crm, number=80, doubles=12)
    send(shop, {"type": "identify", "userId": "lucia", "traits": LUCIA})
    send(crm, lookalikes.contact(900, MISTYPED))
    resolve_all()
    job.ask("admin")
    while stages.attempt(job.match_some):
        pass
    stages.drain_all()


def test_she_sees_the_letters_that_differ_joins_by_keyboard_and_sees_one_person(sign_in: Callable[..., Page]) -> None:
    compare_everybody()
    lucia, contact = person(USER, "lucia").pk, person(EXTERNAL, "crm:c900").pk
    before = Profile.objects.count()
    page = sign_in("agent")
    page.get_by_role("link", name="may be the same person").click()
    check_accessible(page, "the queue")
    page.goto(f"/people/matches/{min(lucia, contact)}/{max(lucia, contact)}/")
    match = page.get_by_role("region", name="One person, to")
    row = match.get_by_role("row", name="Last name")
    expect(row).to_contain_text("Zabaleta")
    expect(row).to_contain_text("Zabaletta")
    expect(row.locator("mark")).to_have_text("t")
    expect(row).to_contain_text("a letter or two differ")
    expect(match.get_by_role("row", name="E-mail").locator("mark").first).to_have_text("e")
    expect(match.get_by_role("row", name="Birth date")).to_contain_text("the same")
    screenshot(page, "matches-1440")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        check_accessible(page, f"two people side by side, {scheme}")

    page.keyboard.press("j")

    expect(page.get_by_role("status")).to_contain_text("they are one person now")
    expect(page.get_by_role("heading", level=2, name="One person, to")).to_be_focused()
    assert Profile.objects.count() == before - 1
    assert person(EMAIL, MISTYPED["email"]) == person(USER, "lucia")
    page.goto(f"/people/{contact}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Zabalet")
    expect(page.get_by_role("region", name="Identity")).to_contain_text("lucia.zabalta@example.net")
    expect(page.get_by_role("region", name="Identity")).to_contain_text("lucia.zabaleta@example.net")

    # Arrows walk the queue, n and l answer as well.
    page.goto("/people/matches/")
    waiting = page.locator(".waiting a")
    expect(waiting.first).to_have_attribute("aria-current", "true")
    number = waiting.count()
    page.keyboard.press("ArrowDown")
    expect(waiting.nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("n")
    expect(page.get_by_role("status")).to_contain_text("won’t be suggested again")
    expect(waiting).to_have_count(number - 1)
    page.keyboard.press("l")
    expect(page.get_by_role("status")).to_contain_text("Put off")
    expect(waiting.last).to_contain_text("put off")
    page.get_by_role("region", name="Decided").get_by_role("button", name="Take back").first.click()
    expect(page.get_by_role("status")).to_contain_text("Taken back")
    expect(waiting).to_have_count(number)

    phone = sign_in("agent", width=390, height=844, javascript=False)
    phone.goto("/people/matches/")
    assert phone.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    screenshot(phone, "matches-390")
    phone.get_by_role("button", name="Not the same").click()
    expect(phone.get_by_role("status")).to_contain_text("won’t be suggested again")
