"""A marketer builds a segment and sees it fill."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cdp_site import stages
from segments.models import Segment
from tests.journeys.conftest import check_accessible
from tests.journeys.world import small_company

pytestmark = pytest.mark.django_db(transaction=True)


def test_she_builds_a_segment_by_keyboard_and_sees_it_fill(sign_in: Callable[..., Page]) -> None:
    small_company()
    page = sign_in("marketer")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Segments").click()
    page.get_by_role("link", name="New segment").click()
    preview = page.get_by_label("Preview")
    page.wait_for_load_state("load")
    loads: list[str] = []
    page.on("load", lambda: loads.append(page.url))

    page.get_by_label("Add a condition").fill("did Order Completed")
    page.keyboard.press("Enter")
    expect(preview).to_contain_text("9 people")
    page.get_by_label("Times", exact=True).fill("2")
    page.keyboard.press("Tab")
    expect(preview).to_contain_text("5 people")
    page.get_by_label("In the last how many").fill("60")
    page.keyboard.press("Tab")
    page.get_by_label("Add a condition").fill("trait country")
    page.keyboard.press("Enter")
    page.get_by_label("Value").fill("es")
    page.keyboard.press("Tab")
    expect(preview).to_contain_text("3 people")
    expect(preview).to_contain_text("at least twice in the last 60 days and have country “es”")
    expect(preview).to_contain_text("Ana Ferrer")
    assert loads == [], "the page was loaded anew"
    check_accessible(page, "the builder")

    page.get_by_label("Name of the segment").fill("Spanish regulars")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"/segments/\d+/$"))
    stages.drain_all()
    expect(page.locator("#state")).to_contain_text("3")
    page.reload()
    expect(page.get_by_role("row", name="Ana Ferrer")).to_be_visible()
    check_accessible(page, "the segment")
    page.get_by_role("row", name="Ana Ferrer").get_by_role("link", name="why?").click()
    expect(page.locator("main")).to_contain_text("Ana Ferrer is in “Spanish regulars”")
    expect(page.locator("main")).to_contain_text("3 times")
    check_accessible(page, "why")


def test_what_is_wrong_is_marked_and_the_rest_goes_on(sign_in: Callable[..., Page]) -> None:
    small_company()
    page = sign_in("marketer")
    page.goto("/segments/new/")
    preview = page.get_by_label("Preview")
    page.get_by_label("Add a condition").fill("did Order Completed")
    page.keyboard.press("Enter")
    expect(preview).to_contain_text("9 people")
    page.get_by_role("button", name="where…").click()
    page.get_by_label("Property").fill("total")
    page.keyboard.press("Tab")
    page.get_by_label("Comparison").select_option("greater")
    page.get_by_label("Value").fill("a lot")
    page.keyboard.press("Tab")
    expect(page.get_by_role("alert")).to_contain_text("must be a number")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Value")).to_have_value("")
    while page.get_by_label("Property").count():
        before = page.locator("input[name=history]").input_value()
        page.get_by_role("button", name="Undo").click()
        expect(page.locator("input[name=history]")).not_to_have_value(before)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("Give it a name")
    assert not Segment.objects.exists()


def test_the_builder_works_without_script(sign_in: Callable[..., Page]) -> None:
    small_company()
    page = sign_in("marketer", javascript=False)
    page.goto("/segments/new/")
    page.get_by_label("Name of the segment").fill("Buyers")
    page.get_by_label("Add a condition").fill("did Order Completed")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_label("Preview")).to_contain_text("9 people")
    page.get_by_role("button", name="Save").click()
    stages.drain_all()
    assert Segment.objects.get().size == 9
