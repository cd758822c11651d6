"""Every page: answers, fits a phone, and is free of serious faults, in light and dark, with much and with nothing."""

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from cdp_site import stages
from segments import changes
from segments.rules import from_json
from tests.journeys.conftest import check_accessible, screenshot
from tests.journeys.world import small_company
from tests.stream import person

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = [(1440, 900, "light"), (1440, 900, "dark"), (390, 844, "light"), (390, 844, "dark")]
# The suite looks at the pages with a company in two of them; `WHOLE=1` in all four.
MAIN = SIZES if os.environ.get("WHOLE") else [SIZES[0], SIZES[3]]


def look_at(page: Page, addresses: list[str], size: tuple[int, int, str], status: int = 200) -> None:
    for address in addresses:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == status, address
        page.wait_for_load_state("load")
        name = address.strip("/").replace("/", "-").replace("?", "-") or "home"
        screenshot(page, f"{name[:60]}-{size[0]}-{size[2]}")
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{address} is {over} px too wide at {size[0]} px"
        check_accessible(page, f"{address} at {size[0]} px, {size[2]}")


@pytest.mark.parametrize("size", MAIN, ids=lambda size: f"{size[0]} {size[2]}")
def test_with_a_company(sign_in: Callable[..., Page], size: tuple[int, int, str]) -> None:
    sources = small_company()
    segment = changes.create("Buyers", from_json({"all": [{"did": "Order Completed"}]}))
    stages.drain_all()
    ana = person(1, "u0").pk
    page = sign_in("admin", width=size[0], height=size[1], scheme=size[2])
    look_at(
        page,
        [
            "/", "/people/", "/people/?q=ana", "/people/?q=nobody", f"/people/{ana}/", "/people/matches/", "/segments/",
            f"/segments/{segment.pk}/", f"/segments/{segment.pk}/edit/", f"/segments/{segment.pk}/why/{ana}/",
            "/connectors/", f"/connectors/sources/{sources['shop'].pk}/", "/connectors/stream/", "/connectors/rejected/",
            "/admin/", "/admin/connectors/source/", "/admin/connectors/source/add/", "/admin/connectors/destination/add/",
            "/admin/connectors/audience/add/", "/admin/profiles/matchsettings/",
        ],
        size,
    )  # fmt: skip
    look_at(page, ["/people/1/"], size, status=404)


@pytest.mark.parametrize("size", [SIZES[0], SIZES[3]], ids=lambda size: f"{size[0]} {size[2]}")
def test_with_nothing(sign_in: Callable[..., Page], size: tuple[int, int, str]) -> None:
    page = sign_in("admin", width=size[0], height=size[1], scheme=size[2])
    look_at(
        page,
        ["/", "/people/", "/people/matches/", "/segments/", "/segments/new/", "/connectors/", "/connectors/stream/"],
        size,
    )


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]} {size[2]}")
def test_the_way_in(open_page: Callable[..., Page], accounts: None, size: tuple[int, int, str]) -> None:
    page = open_page(width=size[0], height=size[1], scheme=size[2])
    look_at(page, ["/sign-in/"], size)
    page.get_by_label("Name").fill("agent")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    check_accessible(page, "sign-in, refused")
