"""The pages of goals: who may see them, what they say, what a form refuses."""

import pytest
from django.test import Client

from campaigns.attribution.goal_form import GoalForm, new_goal
from campaigns.models import Goal, Journey
from cdp_site.roles import AGENT, MARKETER
from tests.campaigns.world import follow, order, sources, tell
from tests.factories import account

pytestmark = pytest.mark.django_db
SENT = {
    "name": "Large orders", "event": "Order Completed", "back": "Order Refunded, Order Cancelled", "key": "order_id",
    "lookback_days": "14", "currency": "eur", "margin": "62.5", "property_0": "store", "is_0": "Goya",
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
    assert "hx-trigger" in answer.content.decode(), "the page follows how far it is"
    follow("attribute")
    assert Journey.objects.filter(goal_id=goal.id).count() == 1
    page = marketer.get("/attribution/goals/").content.decode()
    assert "store is Goya" in page and "kept true" in page and "every 2s" not in page


def test_the_form_of_a_goal_shows_what_it_has(marketer: Client) -> None:
    goal = Goal.objects.create(name="One", event="Signed Up", margin="0.4", where=[{"property": "plan", "is": "pro"}])
    page = marketer.get(f"/attribution/goals/{goal.id}/").content.decode()
    assert 'value="Signed Up"' in page and 'value="40"' in page and 'value="plan"' in page and 'value="pro"' in page


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
        ({"currency": "€€€"}, "currency"),
        ({"margin": "120"}, "margin"),
        ({"property_0": "store", "is_0": ""}, "is_0"),
    ],
)
def test_the_form_says_what_is_wrong(changed: dict[str, str], field: str) -> None:
    form = GoalForm(SENT | changed, goal=new_goal())  # type: ignore[arg-type]
    assert list(form.errors) == [field]
