"""A marketer reads one segment: who is in it and why, what sets them apart, what a draft would change."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cdp_site import stages
from segments import changes, versions
from segments.rules import Rule, from_json
from tests.journeys.conftest import check_accessible, screenshot
from tests.journeys.world import small_company

pytestmark = pytest.mark.django_db(transaction=True)
BUYERS: Rule = from_json({"all": [{"did": "Order Completed"}]})
OFTEN: Rule = from_json({"all": [{"did": "Order Completed", "at_least": 2}, {"trait": "country", "is": "ES"}]})


@pytest.mark.parametrize("width", [1440, 390])
def test_she_reads_a_segment_and_publishes_the_draft_beside_it(sign_in: Callable[..., Page], width: int) -> None:
    small_company()
    buyers = changes.create("Buyers", BUYERS)
    changes.create("Spaniards", from_json({"trait": "country", "is": "ES"}))
    stages.drain_all()
    versions.save_draft(buyers, OFTEN)
    page = sign_in("marketer", width=width, scheme="dark" if width == 390 else "light")
    page.goto("/segments/")
    page.get_by_role("link", name="Buyers", exact=True).click()
    expect(page.locator("#state")).to_contain_text("9")
    expect(page.get_by_role("img", name="Which other segments the members of Buyers are in")).to_be_visible()
    expect(page.locator("main")).to_contain_text("nothing sets them apart", ignore_case=True)
    draft = page.get_by_role("region", name="A draft is waiting")
    expect(draft).to_contain_text("1 added, 1 changed")
    expect(draft).to_contain_text("have country “ES”")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    check_accessible(page, f"the segment at {width} px")
    screenshot(page, f"segment-{width}")

    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Country", exact=True).check()
    page.get_by_role("button", name="Show these").click()
    page.wait_for_url(re.compile("trait%3Acountry"))
    expect(page.get_by_role("row", name="Ana Ferrer")).to_contain_text("ES")
    if width > 700:
        page.get_by_role("link", name="Name", exact=True).click()
        expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
        expect(page.locator("#roster tbody tr").first).to_contain_text("Ana Ferrer")

    page.get_by_role("button", name="Publish it").click()
    stages.drain_all()
    expect(page.locator(".page-head .said")).to_contain_text("ES")  # the page follows by itself
    expect(page.locator("#state")).to_contain_text("3")
    page.get_by_role("link", name="All, and compare").click()
    expect(page.locator("main")).to_contain_text("Version 2")
    page.get_by_label("Compare from").select_option("1")
    page.get_by_label("Compare to").select_option("2")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="1 added, 1 changed")).to_be_visible()
    check_accessible(page, f"versions at {width} px")

    page.get_by_role("link", name="Buyers").click()
    page.get_by_role("link", name="Why is Ana Ferrer in it?").click()
    expect(page.locator("main")).to_contain_text("Ana Ferrer is in “Buyers”")
    expect(page.locator("main")).to_contain_text("3 times")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    check_accessible(page, f"why at {width} px")
    screenshot(page, f"why-{width}")
