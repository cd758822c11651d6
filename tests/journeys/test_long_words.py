"""Somebody sends a word of two thousand letters as a name: no page gets wider than its window, and the others stay readable."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cdp_site import stages
from profiles.models import Suggestion
from segments import changes
from segments.rules import from_json
from tests.factories import SourceFactory
from tests.journeys.conftest import check_accessible, screenshot
from tests.profiles.test_hand import called
from tests.stream import person, send

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = [(1440, 900, "light"), (390, 844, "dark")]
# As its sender wrote it: with a first name of two thousand letters.
LONG = {"firstName": "W" * 2_000, "lastName": "Long", "email": "w@example.com", "city": "V" * 500}


def crowd() -> tuple[int, int]:
    """Somebody with a name without end, who shares an address with Marta and had the number that is Nico's now."""
    shop = SourceFactory(name="Shop", category="shop", hue=160)
    long_ago = {"timestamp": "2024-02-01T09:00:00Z"}
    home = {"email": "home@example.com"}
    send(
        shop,
        {"type": "identify", "userId": "u1", "messageId": "w1", "traits": {**LONG, "phone": "622333444"}, **long_ago},
        {"type": "identify", "userId": "u1", "messageId": "w2", "traits": home, "timestamp": "2024-02-02T09:00:00Z"},
        called("Marta", 1, userId="u2", traits=home),
        called("Nico After", 2, userId="u3", traits={"phone": "622333444", "email": f"{'n' * 60}@example.com"}),
    )
    stages.drain_all()
    return person(1, "u1").pk, person(1, "u2").pk


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]} {size[2]}")
def test_no_page_grows_wider_than_the_window(sign_in: Callable[..., Page], size: tuple[int, int, str]) -> None:
    long, marta = crowd()
    segment = changes.create("Everybody", from_json({"all": [{"trait": "email", "exists": True}]}))
    stages.drain_all()
    one, other = sorted((long, marta))
    Suggestion.objects.create(profile_id=one, other_id=other, probability=0.9, weight=5, sure=True, evidence={})
    page = sign_in("admin", width=size[0], height=size[1], scheme=size[2])
    for number, address in enumerate(
        [
            "/people/", "/people/?q=home@example.com", f"/people/{long}/", f"/people/{long}/identity/",
            f"/people/{long}/identity/join/?q=marta", f"/people/{long}/identity/join/?with={marta}", "/people/matches/",
            f"/segments/{segment.pk}/", "/connectors/stream/",
        ]
    ):  # fmt: skip
        page.goto(address)
        expect(page.locator("main")).to_contain_text("WWWW")
        fits(page, address)
        screenshot(page, f"long-{number}-{size[0]}-{size[2]}")
        check_accessible(page, address)
    page.goto("/people/")
    page.locator(f"a[href='/people/{marta}/']").first.evaluate("link => link.scrollIntoView()")
    assert (page.locator(f"a[href='/people/{marta}/']").first.bounding_box() or {})["height"] < 40, "Marta on one line"
    page.goto("/")
    page.locator("body").press("/")
    page.get_by_label("Search everything").press_sequentially("wwww")
    expect(page.locator("#palette-results")).to_contain_text("WWWW")
    fits(page, "the palette")
    results = page.locator("#palette-results").evaluate("some => some.scrollWidth - some.clientWidth")
    assert results <= 0, f"the palette's results are {results} px too wide"
    screenshot(page, f"long-palette-{size[0]}-{size[2]}")


def fits(page: Page, where: str) -> None:
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert over <= 0, f"{where} is {over} px too wide"
