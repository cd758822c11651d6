"""A marketer builds segments, sees them fill, and changes one after seeing whom that would move."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from cdp_site import stages
from segments import changes
from segments.models import Segment
from segments.rules import from_json
from tests.journeys.conftest import check_accessible
from tests.journeys.world import small_company
from tests.stream import send

pytestmark = pytest.mark.django_db(transaction=True)


def add(page: Page, text: str, group: int = -1) -> None:
    """Type into a field for a new condition and take it with Enter."""
    field = page.get_by_label("Add a condition").nth(group)
    field.fill(text)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Add a condition").nth(group)).to_have_value("")


def conditions(page: Page) -> Locator:
    return page.locator("#rule .condition")


def test_she_builds_slipping_away_from_an_empty_page_by_keyboard_and_sees_it_fill(sign_in: Callable[..., Page]) -> None:
    """Fewer purchases in 90 days than in the 90 before, no visit, fewer e-mails opened: Ana is, nobody else."""
    sources = small_company()
    for days, user, event in (
        *((100 + n, "u0", "Order Completed") for n in range(5)), (120, "u0", "Email Opened"), (120, "u2", "Email Opened"),
        (150, "u4", "Order Completed"),
    ):  # fmt: skip
        at = (timezone.now() - timedelta(days=days)).isoformat()
        properties = {"order_id": f"old-{user}-{days}"} if event == "Order Completed" else {}
        said = {"type": "track", "event": event, "userId": user, "timestamp": at, "properties": properties}
        send(sources["shop"], said)
    stages.drain_all()
    page = sign_in("marketer")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Segments").click()
    page.get_by_role("link", name="New segment").click()
    preview = page.get_by_label("Preview")
    page.wait_for_load_state("load")
    loads: list[str] = []
    page.on("load", lambda: loads.append(page.url))

    # What has really arrived is offered while she types, with counts.
    page.get_by_label("Add a condition").focus()
    page.keyboard.type("less order")
    expect(page.get_by_label("Suggestions").get_by_role("option")).to_contain_text("less Order Completed than before")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(preview).to_contain_text("1 person")
    expect(page.get_by_label("Length of the period")).to_be_focused()
    add(page, "did not page viewed")
    page.get_by_label("When", exact=True).select_option("last")
    expect(page.get_by_label("How long")).to_have_value("30")
    expect(preview).to_contain_text("0 people")
    page.get_by_label("How long").fill("3")
    page.keyboard.press("Tab")
    expect(preview).to_contain_text("1 person")
    add(page, 'fewer "Email Opened" in last 90 days than in the 90 days before')
    expect(conditions(page)).to_have_count(3)
    expect(preview).to_contain_text("1 person")
    expect(preview).to_contain_text("Ana Ferrer")
    expect(preview.locator("#sentence")).to_contain_text("less often in the last 90 days than in the 90 days before")
    expect(preview.get_by_role("heading", name="Reachable")).to_be_visible()
    expect(preview.get_by_role("img", name="Size at the end of each month")).to_be_visible()
    assert loads == [], "the page was loaded anew"
    check_accessible(page, "the builder")

    page.get_by_label("Name of the segment").fill("Slipping away")
    page.get_by_role("button", name="Save and use").press("Enter")
    page.wait_for_url(re.compile(r"/segments/\d+/$"))
    stages.drain_all()
    assert Segment.objects.get().size == 1
    expect(page.get_by_role("row", name="Ana Ferrer")).to_be_visible()


def test_she_edits_a_live_segment_and_sees_who_would_enter_and_leave_before_saving(
    sign_in: Callable[..., Page],
) -> None:
    small_company()
    segment = changes.create("Spanish", from_json({"trait": "country", "is": "ES"}))
    stages.drain_all()
    page = sign_in("marketer")
    page.goto(f"/segments/{segment.pk}/edit/")
    preview = page.get_by_label("Preview")
    expect(preview).to_contain_text("Nobody enters and nobody leaves.")
    add(page, "did Order Completed")
    expect(preview).to_contain_text("0 enter")
    expect(preview).to_contain_text("1 leave")
    expect(preview).to_contain_text("Customer 6")
    page.get_by_label("How the conditions of this group go together").select_option("any")
    expect(preview).to_contain_text("4 enter")
    expect(preview).to_contain_text("Would enter: Customer")
    expect(preview).to_contain_text("What changes")
    check_accessible(page, "the builder of a live segment")
    page.get_by_role("button", name="Keep as draft").click()
    page.wait_for_url(re.compile(r"/segments/\d+/$"))
    stages.drain_all()
    segment.refresh_from_db()
    assert segment.size == 6
    page.goto(f"/segments/{segment.pk}/edit/")
    expect(page.get_by_text("This is its draft")).to_be_visible()
    expect(preview).to_contain_text("4 enter")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile(r"/segments/\d+/$"))
    stages.drain_all()
    segment.refresh_from_db()
    assert (segment.size, segment.draft) == (10, None)


def test_conditions_are_moved_by_keyboard_and_by_dragging(sign_in: Callable[..., Page]) -> None:
    small_company()
    page = sign_in("marketer")
    page.goto("/segments/new/")
    for text in ("country", "did Order Completed"):
        add(page, text)
    page.get_by_label("Value").fill("ES")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Preview")).to_contain_text("5 people")
    # Down, and the focus goes along.
    page.get_by_label("Value").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(conditions(page).nth(1).get_by_label("Value")).to_be_focused()
    # Into a group of its own, whose kind is 'any of these'.
    conditions(page).nth(1).get_by_label("Move or copy").click()
    page.get_by_role("button", name="Into a group of its own").locator("visible=true").click()
    inner = page.locator("#rule .group .group")
    expect(inner.locator(".condition")).to_have_count(1)
    page.get_by_label("Times", exact=True).focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(inner.locator(".condition")).to_have_count(2)
    expect(page.get_by_label("Preview")).to_contain_text("10 people")
    # Out again, by its grip.
    grip = inner.locator(".condition").nth(0).locator("[data-grip]").bounding_box()
    goal = page.locator("#rule > .group > .group-head").bounding_box()
    assert grip and goal
    page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    page.mouse.down()
    page.mouse.move(goal["x"] + 60, goal["y"] + 20, steps=8)
    page.mouse.up()
    expect(inner.locator(".condition")).to_have_count(1)
    expect(page.get_by_label("Preview")).to_contain_text("5 people")
    page.keyboard.press("Control+z")
    expect(inner.locator(".condition")).to_have_count(2)


def test_what_is_wrong_is_marked_and_the_rest_goes_on(sign_in: Callable[..., Page]) -> None:
    small_company()
    page = sign_in("marketer")
    page.goto("/segments/new/")
    preview = page.get_by_label("Preview")
    add(page, "did Order Completed")
    expect(preview).to_contain_text("9 people")
    page.get_by_role("button", name="Where…").click()
    page.get_by_label("Property").fill("total")
    page.keyboard.press("Tab")
    expect(page.get_by_text("needs a value after")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
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
    page.get_by_role("button", name="Save and use").click()
    expect(page.get_by_role("alert").first).to_contain_text("Give it a name")
    assert not Segment.objects.exists()


def test_she_reads_why_one_person_is_in_a_segment(sign_in: Callable[..., Page]) -> None:
    small_company()
    rule = {"all": [{"did": "Order Completed", "at_least": 3, "within_days": 60}, {"records": "ticket"}]}
    changes.create("Regulars who wait", from_json(rule))
    stages.drain_all()
    page = sign_in("marketer")
    page.goto(f"/segments/{Segment.objects.get().pk}/")
    page.get_by_role("row", name="Ana Ferrer").get_by_role("link", name=re.compile("^why", re.IGNORECASE)).click()
    expect(page.locator("main")).to_contain_text("Ana Ferrer is in “Regulars who wait”")
    expect(page.locator("main")).to_contain_text("3 times")
    check_accessible(page, "why")


@pytest.mark.parametrize("width", [1440, 390])
def test_the_builder_works_without_script(sign_in: Callable[..., Page], width: int) -> None:
    small_company()
    page = sign_in("marketer", javascript=False, width=width)
    page.goto("/segments/new/")
    page.get_by_label("Name of the segment").fill("Buyers")
    page.get_by_label("Add a condition").fill("did Order Completed")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_label("Preview")).to_contain_text("9 people")
    page.get_by_label("Add a condition").fill("country")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Value").fill("ES")
    conditions(page).nth(1).get_by_label("Move or copy").click()
    conditions(page).nth(1).get_by_role("button", name="Move up").click()
    expect(conditions(page).nth(0).get_by_label("Trait")).to_have_value("country")
    page.get_by_role("button", name="Month by month, by channel").click()
    expect(page.get_by_label("Preview")).to_contain_text("Reachable")
    page.get_by_role("button", name="Save and use").click()
    stages.drain_all()
    assert Segment.objects.get().size == 5
