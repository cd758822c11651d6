"""The pages of goals: who may see them, what they say, what a form refuses."""

from datetime import timedelta

import pytest
from django.test import Client

from campaigns.attribution.filters import Filters
from campaigns.attribution.goal_form import GoalForm, new_goal
from campaigns.attribution.numbers import channel_table
from campaigns.models import Goal, Journey
from cdp_site.roles import AGENT, MARKETER
from tests.campaigns.world import NOON, follow, order, page, sources, tell
from tests.factories import account

pytestmark = pytest.mark.django_db
SENT = {
    "name": "Large orders", "event": "Order Completed", "back": "Order Refunded, Order Cancelled", "key": "order_id",
    "lookback_days": "14", "currency": "eur", "margin": "62.5", "half_life_days": "3.5", "property_0": "store", "is_0": "Goya",
}  # fmt: skip


@pytest.fixture
def marketer(client: Client) -> Client:
    client.force_login(account(MARKETER))
    return client


def test_an_agent_has_no_business_here(client: Client) -> None:
    client.force_login(account(AGENT))
    assert client.get("/attribution/goals/").status_code == 403
    assert client.post("/attribution/goals/new/", SENT).status_code == 403


def test_a_goal_is_made_and_its_journeys_are_worked_out(marketer: Client) -> None:
    tell(sources()["till"], order(1, "1", 10, user="ana", store="Goya"), order(1, "2", 10, user="ana", store="Sol"))
    answer = marketer.post("/attribution/goals/new/", SENT, follow=True)
    assert "being worked out" in answer.content.decode()
    goal = Goal.objects.get(name="Large orders")
    assert (goal.back, goal.where) == (["Order Refunded", "Order Cancelled"], [{"property": "store", "is": "Goya"}])
    assert (goal.lookback_days, goal.currency, float(goal.margin), goal.cursor) == (14, "EUR", 0.625, 0)
    assert goal.half_life == "3.5 days"
    assert "hx-trigger" in answer.content.decode(), "the page follows how far it is"
    follow("attribute")
    assert Journey.objects.filter(goal_id=goal.id).count() == 1
    shown = marketer.get("/attribution/goals/").content.decode()
    assert "store is Goya" in shown and "kept true" in shown and "every 2s" not in shown


def test_the_form_of_a_goal_shows_what_it_has(marketer: Client) -> None:
    goal = Goal.objects.create(name="One", event="Signed Up", margin="0.4", where=[{"property": "plan", "is": "pro"}])
    shown = marketer.get(f"/attribution/goals/{goal.id}/").content.decode()
    assert 'value="Signed Up"' in shown and 'value="40"' in shown and 'value="plan"' in shown and 'value="pro"' in shown


def test_a_goal_rests_wakes_and_is_removed(marketer: Client) -> None:
    goal = Goal.objects.get()
    marketer.post(f"/attribution/goals/{goal.id}/rest/")
    assert "at rest" in marketer.get("/attribution/goals/").content.decode()
    marketer.post(f"/attribution/goals/{goal.id}/rest/")
    goal.refresh_from_db()
    assert goal.enabled and goal.cursor == 0
    assert marketer.get(f"/attribution/goals/{goal.id}/remove/").status_code == 405
    marketer.post(f"/attribution/goals/{goal.id}/remove/")
    assert "No goals yet" in marketer.get("/attribution/goals/").content.decode()
    assert marketer.get(f"/attribution/goals/{goal.id}/").status_code == 404


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Orders"}, "name"),
        ({"event": ""}, "event"),
        ({"back": "Order Completed"}, "back"),
        ({"key": ""}, "key"),
        ({"lookback_days": "0"}, "lookback_days"),
        ({"lookback_days": "1000"}, "lookback_days"),
        ({"half_life_days": "0.4"}, "half_life_days"),
        ({"half_life_days": "366"}, "half_life_days"),
        ({"half_life_days": "NaN"}, "half_life_days"),
        ({"half_life_days": "a week"}, "half_life_days"),
        ({"currency": "€€€"}, "currency"),
        ({"margin": "120"}, "margin"),
        ({"property_0": "store", "is_0": ""}, "is_0"),
    ],
)
def test_the_form_says_what_is_wrong(changed: dict[str, str], field: str) -> None:
    form = GoalForm(SENT | changed, goal=new_goal())  # type: ignore[arg-type]
    assert list(form.errors) == [field]


def test_another_half_life_changes_the_figures_at_once_and_no_journey(marketer: Client) -> None:
    house = sources()
    tell(
        house["web"], page("a", 0, referrer="https://google.com/"), page("a", 7, query="?utm_source=x&utm_medium=email"),
        order(7, "1", 90, anonymous="a", minutes=10),
    )  # fmt: skip
    follow("journeys")
    goal = Goal.objects.get()
    filters = Filters(goal.pk, NOON.date(), NOON.date() + timedelta(days=9))

    def shares() -> list[float]:
        return sorted(one.credit["time_decay"].conversions for one in channel_table(filters).rows)

    assert shares() == pytest.approx([1 / 3, 2 / 3], abs=1e-6)
    saved = SENT | {"name": "Orders", "property_0": "", "is_0": "", "lookback_days": "30", "half_life_days": "3.5"}
    assert (
        marketer.post(f"/attribution/goals/{goal.pk}/", saved | {"back": "Order Refunded, Order Cancelled"}).status_code
        == 302
    )
    goal.refresh_from_db()
    assert goal.cursor is None, "journeys don't follow from it"
    assert shares() == pytest.approx([1 / 5, 4 / 5], abs=1e-6)
    asked = f"days=own&since={filters.since}&until={filters.until}&by=time_decay"
    shown = marketer.get(f"/attribution/?{asked}").content.decode()
    assert "Time decay, half-life 3.5 days" in shown and "Time decay, with a half-life of 3.5 days" in shown
    assert "Orders</a>: 3.5 days" in marketer.get("/attribution/models/").content.decode()
    assert 'value="3.5"' in marketer.get(f"/attribution/goals/{goal.pk}/").content.decode()


def test_a_half_life_left_empty_is_a_week(marketer: Client) -> None:
    marketer.post("/attribution/goals/new/", SENT | {"half_life_days": ""})
    assert Goal.objects.get(name="Large orders").half_life == "7 days"
