"""She is quicker than the builder's answers, or slower than they are: nothing that she typed or pressed is lost."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Dialog, Page, Request, Route, expect

from cdp_site import stages
from segments import changes, versions
from segments.models import Segment
from segments.rules import from_json
from tests.journeys.test_marketer import add, conditions
from tests.journeys.world import small_company

pytestmark = pytest.mark.django_db(transaction=True)


class Line:
    """Holds what the builder posts until the test lets it go."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.waiting: list[Route] = []
        page.route("**/segments/new/", self._held)

    def _held(self, route: Route) -> None:
        if route.request.method == "POST":
            self.waiting.append(route)
        else:
            route.continue_()

    def let_go(self) -> None:
        """The next post, as soon as there is one."""
        while not self.waiting:
            self.page.wait_for_timeout(10)  # the browser's events come in meanwhile; pytest-timeout ends it
        self.waiting.pop(0).continue_()


@pytest.fixture
def page(sign_in: Callable[..., Page]) -> Page:
    small_company()
    page: Page = sign_in("marketer")
    page.goto("/segments/new/")
    return page


def test_what_is_typed_while_an_act_is_on_its_way_stays(page: Page) -> None:
    line = Line(page)
    page.get_by_role("button", name="Add a group").click()
    page.get_by_label("Add a condition").click()
    page.keyboard.type("did Order")
    line.let_go()
    expect(page.locator("#rule .group .group")).to_have_count(1)
    field = page.get_by_label("Add a condition").last
    expect(field).to_have_value("did Order")
    expect(field).to_be_focused()
    page.keyboard.type(" Completed")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    line.let_go()
    expect(conditions(page)).to_have_count(1)


def test_what_was_typed_while_an_act_was_on_its_way_counts_when_its_field_is_left(page: Page) -> None:
    add(page, "country")
    line = Line(page)
    page.get_by_role("button", name="Add a group").click()
    page.get_by_label("Value").click()
    page.keyboard.type("ES")
    line.let_go()
    expect(page.locator("#rule .group .group")).to_have_count(1)
    expect(page.get_by_label("Value")).to_have_value("ES")
    page.keyboard.press("Tab")
    line.let_go()
    expect(page.get_by_label("Value")).to_have_attribute("value", "ES")


def test_a_change_waits_for_the_act_before_it(page: Page) -> None:
    add(page, "did Order Completed")
    line = Line(page)
    page.get_by_role("button", name="Add a group").click()
    page.get_by_label("Times", exact=True).fill("2")
    page.keyboard.press("Tab")
    line.let_go()
    expect(page.locator("#rule .group .group")).to_have_count(1)
    line.let_go()
    expect(page.get_by_label("Times", exact=True)).to_have_attribute("value", "2")
    expect(page.locator("#rule .group .group")).to_have_count(1)


def test_acts_in_haste_are_all_done_each_to_what_it_was_pressed_for(page: Page) -> None:
    for text in ("did Order Completed", "country", "did page viewed"):
        add(page, text)
    line = Line(page)
    remove = page.get_by_role("button", name="Remove", exact=True)
    remove.nth(0).dblclick()
    remove.nth(2).click()
    line.let_go()
    line.let_go()
    expect(conditions(page)).to_have_count(1)
    expect(page.get_by_label("Trait")).to_have_value("country")
    assert not line.waiting


def test_the_next_gap_has_the_focus_as_soon_as_an_answer_is_seen(page: Page) -> None:
    """Else what she types in that moment goes into another field than the one that she sees with the focus."""
    page.evaluate("""() => document.addEventListener("htmx:afterSwap", () => setTimeout(() => {
        window.focused = document.activeElement.name;
    }))""")
    add(page, "country")
    page.wait_for_function("window.focused")
    assert page.get_by_label("Value").get_attribute("name") == page.evaluate("window.focused")


def test_a_slow_click_after_a_change_is_not_lost(page: Page) -> None:
    add(page, "did Order Completed")
    add(page, "country")
    page.get_by_label("Times", exact=True).fill("3")
    page.get_by_role("button", name="Remove", exact=True).nth(1).hover()
    with page.expect_response("**/segments/new/") as answer:
        page.mouse.down()
    answer.value.finished()
    page.evaluate("new Promise(requestAnimationFrame)")
    page.mouse.up()
    expect(conditions(page)).to_have_count(1)
    expect(page.get_by_label("Times", exact=True)).to_have_attribute("value", "3")


def test_an_answer_that_waited_for_the_pointer_is_taken_when_it_is_let_go_elsewhere(page: Page) -> None:
    add(page, "did Order Completed")
    page.get_by_label("Times", exact=True).fill("3")
    page.get_by_role("button", name="Remove", exact=True).hover()
    with page.expect_response("**/segments/new/") as answer:
        page.mouse.down()
    answer.value.finished()
    page.mouse.move(2, 2)
    page.mouse.up()
    expect(page.get_by_label("Times", exact=True)).to_have_attribute("value", "3")
    expect(page.get_by_label("Preview")).to_contain_text("1 person")


def test_holding_backspace_clears_the_word_only(page: Page) -> None:
    add(page, "country")
    removed: list[str] = []
    page.on("request", lambda one: removed.append(one.url) if "act=remove" in (one.post_data or "") else None)
    value = page.get_by_label("Value")
    value.click()
    page.keyboard.type("ES")
    for _ in range(4):
        page.keyboard.down("Backspace")  # again without up: the key repeats
    page.keyboard.up("Backspace")
    expect(value).to_have_value("")
    expect(conditions(page)).to_have_count(1)
    assert not removed
    page.keyboard.press("Backspace")
    expect(conditions(page)).to_have_count(0)
    assert len(removed) == 1


def test_undo_by_keyboard_works_in_a_list_too(page: Page) -> None:
    add(page, "did Order Completed")
    how = page.get_by_label("How the conditions of this group go together")
    how.focus()
    with page.expect_response("**/segments/new/"):
        how.select_option("any")
    expect(how.locator("option[selected]")).to_have_attribute("value", "any")
    how.press("Control+z")
    expect(how).to_have_value("all")


def test_nobody_leaves_the_builder_unasked(page: Page) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    add(page, "did Order Completed")
    page.get_by_label("Name of the segment").fill("Buyers")
    page.locator(".crumb").get_by_role("link", name="Segments").click()
    expect(page.get_by_label("Name of the segment")).to_have_value("Buyers")
    assert asked == ["beforeunload"]
    page.get_by_role("button", name="Save as draft").click()
    page.wait_for_url(re.compile(r"/segments/\d+/$"))
    page.goto(f"/segments/{Segment.objects.get().pk}/edit/")
    page.locator(".crumb").get_by_role("link", name="Segments").click()
    page.wait_for_url("**/segments/")
    assert asked == ["beforeunload"]


def test_the_whole_page_of_a_segment_follows_when_its_new_rule_is_in_force(page: Page) -> None:
    segment = changes.create("Buyers", from_json({"did": "Order Completed"}))
    stages.drain_all()
    versions.save_draft(segment, from_json({"trait": "country", "is": "DE"}))
    versions.publish(segment, None)
    page.goto(f"/segments/{segment.pk}/")
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("row", name="Ana Ferrer")).to_be_visible()
    stages.drain_all()
    expect(page.get_by_role("row", name="Ana Ferrer")).to_have_count(0)
    expect(page.locator(".page-head .said")).to_contain_text("DE")
    expect(page.get_by_role("row", name="Customer 1", exact=False).first).to_be_visible()


def test_a_segments_page_follows_a_rule_that_came_into_force_between_two_looks(page: Page) -> None:
    segment = changes.create("Buyers", from_json({"did": "Order Completed"}))
    stages.drain_all()
    page.route("**/state/", lambda route: route.continue_())  # it looks only while this test waits for the page
    page.goto(f"/segments/{segment.pk}/")
    expect(page.get_by_role("row", name="Ana Ferrer")).to_be_visible()
    changes.save_rule(segment, from_json({"trait": "country", "is": "DE"}))
    stages.drain_all()
    expect(page.locator(".page-head .said")).to_contain_text("DE", timeout=15_000)
    expect(page.get_by_role("row", name="Ana Ferrer")).to_have_count(0)
    expect(page.get_by_role("row", name="Customer 1", exact=False).first).to_be_visible()


def test_each_preview_says_of_which_page_it_is_and_that_it_is_newer(page: Page) -> None:
    asked: list[tuple[str, int]] = []

    def note(request: Request) -> None:
        if request.url.endswith(("/preview/", "/further/")):
            fields = parse_qs(request.post_data)
            asked.append((fields["page"][0], int(fields["turn"][0])))

    page.on("request", note)
    for condition in ("did Order Completed", 'country = "ES"'):
        with page.expect_response("**/further/"):
            add(page, condition)
    assert len({name for name, _ in asked}) == 1
    assert [turn for _, turn in asked] == list(range(1, len(asked) + 1)) and len(asked) >= 4
