"""A support agent picks up the phone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import check_accessible
from tests.journeys.world import small_company

pytestmark = pytest.mark.django_db(transaction=True)


def test_she_finds_a_person_by_the_number_as_spoken_and_reads_the_context(sign_in: Callable[..., Page]) -> None:
    small_company()
    page = sign_in("agent")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="People").click()
    check_accessible(page, "people")
    page.get_by_label("Search people").press_sequentially("600 111 220")
    row = page.get_by_role("row", name="Ana Ferrer")
    expect(row).to_be_visible()
    expect(page.locator("#people tbody tr")).to_have_count(1)
    expect(row.locator("mark")).to_have_text("600111220")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/people/\d+/$"))
    main = page.locator("main")
    expect(main.get_by_role("heading", level=1)).to_have_text("Ana Ferrer")
    expect(main).to_contain_text("Bought 3 times, last here 5 days ago, one open ticket")
    expect(main).to_contain_text("252 €")
    expect(page.get_by_role("region", name="Needs attention")).to_contain_text("#4411 size exchange")
    expect(main).to_contain_text("opened ticket #4411 ‘size exchange’")
    expect(main).to_contain_text("bought 2 items, 84 € (order o0-0)")
    expect(main).to_contain_text("visited the site: 2 views")
    check_accessible(page, "a person")

    page.get_by_role("link", name="tickets", exact=True).click()
    expect(page.locator("#timeline")).not_to_contain_text("bought")
    page.locator("#timeline").get_by_role("link", name="opened ticket").click()
    expect(page.locator("#timeline .event")).to_contain_text("person0@example.com")


def test_news_about_the_person_appears_by_itself(sign_in: Callable[..., Page]) -> None:
    from cdp_site import stages
    from tests.stream import person, send

    company = small_company()
    page = sign_in("agent")
    page.goto(f"/people/{person(1, 'u0').pk}/")
    expect(page.locator("main")).to_contain_text("252 €")
    order = {"order_id": "new", "total": 48, "currency": "EUR"}
    from django.utils import timezone

    send(
        company["shop"],
        {
            "type": "track",
            "event": "Order Completed",
            "userId": "u0",
            "properties": order,
            "timestamp": timezone.now().isoformat(),
        },
    )
    stages.drain_all()
    expect(page.locator("main")).to_contain_text("300 €", timeout=12_000)


def test_she_sees_people_and_nothing_of_segments_or_connectors(sign_in: Callable[..., Page]) -> None:
    page = sign_in("agent")
    rail = page.get_by_role("navigation", name="Main")
    expect(rail.get_by_role("link", name="People")).to_be_visible()
    expect(rail.get_by_role("link", name="Segments")).to_have_count(0)
    expect(rail.get_by_role("link", name="Connectors")).to_have_count(0)
    for address in ("/segments/", "/segments/new/", "/connectors/", "/connectors/stream/", "/connectors/rejected/"):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 403
    check_accessible(page, "403")


def test_one_key_leads_to_anybody(sign_in: Callable[..., Page]) -> None:
    small_company()
    page = sign_in("agent")
    page.locator("body").press("/")
    page.get_by_label("Search everything").press_sequentially("ana fer")
    page.locator("#palette-results").get_by_role("link", name="Ana Ferrer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ana Ferrer")
