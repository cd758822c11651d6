"""A marketer says what counts: makes a goal, sees its journeys being worked out, changes it; on a phone, too."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from campaigns.models import Goal
from cdp_site import stages
from tests.campaigns.world import order, page, sources
from tests.journeys.test_every_page import SIZES, look_at
from tests.stream import send

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("size", [SIZES[0], SIZES[3]], ids=lambda size: f"{size[0]} {size[2]}")
def test_a_goal_is_made(sign_in: Callable[..., Page], size: tuple[int, int, str]) -> None:
    house = sources()
    send(house["web"], page("a", 0, query="?gclid=1"), order(1, "1", 84, anonymous="a", store="Goya"))
    send(house["till"], order(2, "2", 20, user="ana", store="Sol"))
    stages.drain_all()
    browser = sign_in("marketer", width=size[0], height=size[1], scheme=size[2])
    look_at(browser, ["/attribution/goals/", "/attribution/goals/new/"], size)
    browser.get_by_label("Name").fill("Orders in Goya")
    browser.get_by_label("The event that is the conversion").fill("Order Completed")
    browser.get_by_label("Property", exact=True).first.fill("store")
    browser.get_by_role("button", name="Save").click()
    expect(browser.get_by_text("A condition needs a property and what it is.")).to_be_visible()
    browser.get_by_label("is", exact=True).first.fill("Goya")
    browser.get_by_role("button", name="Save").click()
    row = browser.get_by_role("row").filter(has_text="Orders in Goya")
    expect(row).to_contain_text("working out")
    stages.drain_all()
    expect(row).to_contain_text("kept true")
    goal = Goal.objects.get(name="Orders in Goya")
    look_at(browser, ["/attribution/goals/", f"/attribution/goals/{goal.id}/"], size)
    browser.get_by_role("button", name="Remove").click()
    browser.get_by_role("button", name="Remove it").click()
    expect(browser.get_by_text("is removed, with its journeys")).to_be_visible()
    Goal.objects.all().delete()
    look_at(browser, ["/attribution/goals/?none"], size)
