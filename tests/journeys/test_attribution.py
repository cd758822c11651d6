"""A marketer asks which channel should lose budget, and what e-mail really added; the pages fit a phone, in light and dark."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from tests.journeys.conftest import check_accessible, screenshot
from tests.journeys.selling import advertising_company, kept_view
from tests.journeys.test_every_page import SIZES, look_at

pytestmark = pytest.mark.django_db(transaction=True)
WIDTHS = [(1440, "light"), (390, "dark")]


def opened(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Attribution").click()
    page.wait_for_url("**/attribution/")


@pytest.mark.parametrize(("width", "scheme"), WIDTHS)
def test_which_channel_should_lose_budget(sign_in: Callable[..., Page], width: int, scheme: str) -> None:
    advertising_company()
    page = sign_in("marketer", width=width, scheme=scheme)
    opened(page)
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("By every model Display brings back less than it costs")
    display = page.get_by_role("row").filter(has=page.get_by_role("link", name="Display", exact=True))
    expect(display).to_contain_text("1,800 €")
    expect(display.locator(".badge.bad")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Paid Search").locator(".badge.bad")).to_have_count(0)

    # The filters answer without loading the page, and stay in the address.
    page.get_by_label("Period").select_option("30")
    page.wait_for_url(re.compile("days=30"))
    expect(verdict).to_contain_text("Display")
    page.get_by_label("Shared out by").select_option("linear")
    page.wait_for_url(re.compile("by=linear"))
    expect(page.locator("#attribution")).to_contain_text("its mark is Linear")
    page.get_by_label("New or returning").select_option("new")
    page.wait_for_url(re.compile("buyers=new"))
    page.get_by_role("link", name="Clear").click()
    page.wait_for_url(lambda url: "buyers" not in url)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    check_accessible(page, f"attribution at {width} px")
    screenshot(page, f"attribution-budget-{width}-{scheme}")

    # The people behind the number, one of them, and their journey.
    page.get_by_role("link", name="Display", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("in whose journeys Display is")
    expect(page.locator("table.behind tbody tr").first).to_contain_text("Display")
    check_accessible(page, f"people behind it at {width} px")
    page.locator("table.behind a.row").first.click()
    page.wait_for_url(re.compile(r"/people/\d+/"))


@pytest.mark.parametrize(("width", "scheme"), WIDTHS)
def test_what_did_email_really_add(sign_in: Callable[..., Page], width: int, scheme: str) -> None:
    advertising_company()
    page = sign_in("marketer", width=width, scheme=scheme)
    opened(page)
    said = page.get_by_role("region", name="Contributes, or just appears?").get_by_role("listitem")
    email = said.filter(has=page.get_by_role("link", name="E-mail", exact=True))
    expect(email).to_contain_text("measured: it adds")
    expect(email).to_contain_text("by the Markov model")
    expect(email).to_contain_text("Measured: by “Newsletter holdout” it added")
    measured = page.get_by_role("row").filter(has=page.get_by_role("link", name="E-mail", exact=True))
    # 36 of 60 bought with it, 12 of 60 without: two thirds of the orders of those who got it were added.
    measured.get_by_role("link", name="67 %").click()
    page.wait_for_url(re.compile(r"/campaigns/experiments/\d+/"))
    expect(page.locator("main")).to_contain_text("Newsletter holdout")
    expect(page.locator("main")).to_contain_text("40")  # points
    screenshot(page, f"attribution-email-{width}-{scheme}")


def test_numbers_leave_as_csv_and_png_and_a_view_by_email(sign_in: Callable[..., Page]) -> None:
    advertising_company()
    page = sign_in("marketer")
    page.goto("/attribution/?days=30&by=markov")
    with page.expect_download() as table:
        page.get_by_role("link", name="CSV").click()
    text = Path(table.value.path()).read_text(encoding="utf-8-sig")
    assert text.startswith("Channel,Journeys,Share of journeys")
    assert "incremental" not in text.lower()
    models = page.get_by_role("region", name="What each model says")
    expect(models.locator(".js-plotly-plot, .plotly").first).to_be_visible()
    with page.expect_download() as picture:
        models.get_by_role("button", name="PNG").click()
    assert Path(picture.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"

    page.get_by_role("button", name="Save this view").click()
    page.get_by_label("Name").fill("Month by Markov")
    page.get_by_role("button", name="Save it").click()
    page.wait_for_url("**/attribution/views/")
    page.get_by_text("Send it by e-mail").click()
    page.get_by_label("To").fill("anna@example.com")
    page.get_by_role("button", name="Save and send once now").click()
    expect(page.get_by_role("status")).to_contain_text("Sent to anna@example.com")
    (letter,) = mail.outbox
    assert "Month by Markov" in letter.subject
    assert "/attribution/?days=30&by=markov" in letter.body
    check_accessible(page, "saved views")
    page.get_by_role("link", name="Month by Markov").click()
    page.wait_for_url(re.compile("by=markov"))
    expect(page.get_by_label("Shared out by")).to_have_value("markov")


def test_it_works_without_script(sign_in: Callable[..., Page]) -> None:
    advertising_company()
    page = sign_in("marketer", javascript=False)
    page.goto("/attribution/")
    page.get_by_label("New or returning").select_option("new")
    page.get_by_role("button", name="Show").last.click()
    page.wait_for_url(re.compile("buyers=new"))
    expect(page.get_by_role("region", name="What each model says")).to_contain_text("Last touch")


def test_a_cohort_opens_its_months(sign_in: Callable[..., Page]) -> None:
    advertising_company()
    page = sign_in("marketer", width=390)
    page.goto("/attribution/cohorts/")
    months = page.get_by_role("region", name="By month of the first touchpoint")
    months.get_by_text("Paid Search").click()
    expect(months.get_by_role("group", name="Paid Search by month").get_by_role("row")).not_to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    check_accessible(page, "an opened cohort")


@pytest.mark.parametrize("size", [SIZES[0], SIZES[3]], ids=lambda size: f"{size[0]} {size[2]}")
def test_every_page_with_a_company(sign_in: Callable[..., Page], size: tuple[int, int, str]) -> None:
    advertising_company()
    kept_view()
    page = sign_in("marketer", width=size[0], height=size[1], scheme=size[2])
    look_at(
        page,
        ["/attribution/", "/attribution/?buyers=new&device=mobile", "/attribution/campaigns/", "/attribution/paths/",
         "/attribution/cohorts/", "/attribution/cohorts/months/?first=15", "/attribution/people/",
         "/attribution/people/?of_channel=15&of_converted=1",
         "/attribution/models/", "/attribution/views/", "/attribution/goals/",
         "/attribution/?since=2020-01-01&until=2020-02-01"],
        size,
    )  # fmt: skip


@pytest.mark.parametrize("size", [SIZES[0], SIZES[3]], ids=lambda size: f"{size[0]} {size[2]}")
def test_every_page_with_nothing(sign_in: Callable[..., Page], size: tuple[int, int, str]) -> None:
    page = sign_in("marketer", width=size[0], height=size[1], scheme=size[2])
    look_at(
        page,
        ["/attribution/?empty", "/attribution/campaigns/?empty", "/attribution/paths/?empty", "/attribution/cohorts/?empty",
         "/attribution/people/?empty", "/attribution/views/?empty"],
        size,
    )  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), WIDTHS)
def test_a_step_and_a_stream_open_their_people(sign_in: Callable[..., Page], width: int, scheme: str) -> None:
    advertising_company()
    page = sign_in("marketer", width=width, scheme=scheme)
    page.goto("/attribution/paths/?days=30")
    for mark in (".sankey-link", ".sankey-node .node-rect"):
        page.locator(mark).first.click(force=True)
        page.wait_for_url(re.compile(r"/attribution/people/\?days=30&of_"), timeout=8000)
        expect(page.locator(".behind tbody tr")).not_to_have_count(0)
        page.go_back()
        expect(page.locator(".sankey-node").first).to_be_attached()
    # By keyboard: the table has the same.
    page.get_by_text("As a table").first.focus()
    page.keyboard.press("Enter")
    journeys = page.get_by_role("group", name="Steps as a table").locator("td:nth-child(3) a").first
    said = journeys.inner_text().split()[0]
    screenshot(page, f"paths-table-{width}-{scheme}")
    check_accessible(page, "the flow as a table")
    journeys.press("Enter")
    page.wait_for_url(re.compile(r"/attribution/people/\?days=30&of_"))
    expect(page.locator(".page-head")).to_contain_text(f"{said} journey")
