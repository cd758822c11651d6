"""Sources differ on a customer: an admin says who is believed, and an agent reads which word holds and why."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cdp_site import stages
from profiles import policies
from profiles.policies import Rule
from tests.factories import SourceFactory
from tests.journeys.conftest import check_accessible, screenshot
from tests.journeys.world import small_company
from tests.stream import person, send

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = [(1440, 900, "light"), (390, 844, "dark")]


def fits(page: Page, name: str, size: tuple[int, int, str]) -> None:
    screenshot(page, f"{name}-{size[0]}-{size[2]}")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
    check_accessible(page, f"{name} at {size[0]} px, {size[2]}")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]} {size[2]}")
def test_which_word_holds_and_why(sign_in: Callable[..., Page], size: tuple[int, int, str]) -> None:
    shop = small_company()["shop"]
    crm = SourceFactory(name="CRM", category="crm", hue=280)
    for number in range(7):
        send(crm, {"type": "identify", "userId": "u0", "traits": {"city": "Cadiz", "size": "M", "plan": "gold"},
                   "messageId": f"c{number}"})  # fmt: skip
    for number in range(2):
        send(shop, {"type": "identify", "userId": "u0", "traits": {"city": "Vigo", "size": "L", "plan": "free"},
                    "messageId": f"s{number}", "timestamp": "2026-04-01T00:00:00Z"})  # fmt: skip
    policies.change("size", Rule.FREQUENT)
    stages.drain_all()

    page = sign_in("admin", width=size[0], height=size[1], scheme=size[2])
    page.goto("/admin/")
    page.get_by_role("link", name="Traits", exact=True).first.click()
    row = page.get_by_role("row", name="city")
    expect(row).to_contain_text("as all others")
    fits(page, "traits", size)
    row.get_by_role("link").click()
    page.get_by_label("The first source in an order").check()
    page.get_by_label("CRM").fill("1")
    fits(page, "trait-form", size)
    page.get_by_role("button", name="See what would change").click()
    expect(page.locator("#content")).to_contain_text("Something else would be shown for 1 of 12 people.")
    expect(page.get_by_role("region", name="Examples")).to_contain_text("Cadiz")
    fits(page, "trait-preview", size)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="city")).to_contain_text("CRM first, then the newest of the others")
    stages.drain_all()

    page.goto(f"/people/{person(1, 'u0').pk}/")
    card = page.get_by_role("region", name="Traits")
    expect(card).to_contain_text("CRM comes first")
    expect(card).to_contain_text("said 7 times of 9")
    expect(card).to_contain_text("newest")
    for other in card.get_by_text("also said").all():
        other.click()
    expect(card).to_contain_text("2 times, last by Shop")
    fits(page, "person-traits", size)
