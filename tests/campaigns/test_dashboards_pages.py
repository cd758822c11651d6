"""The dashboards' addresses: whatever stands in them they answer; filters stay from page to page; files come with heads."""

import re
from urllib.parse import quote

import pytest
from django.test import Client

from campaigns.models import Goal
from cdp_site import roles
from tests.factories import account

pytestmark = pytest.mark.django_db
PAGES = ("", "campaigns/", "paths/", "cohorts/", "cohorts/months/", "people/")
ODD = (
    "goal=²&days=-1&since=x&until=9999-12-31&device=zz&segment=999999999999999999999&by=zz&sort=zz&of=x",
    "days=own&since=2026-02-30&until=",
    "days=own&since=2026-03-01&until=2026-01-01",
    "days=99999999&views=yes&buyers=nobody&device=mobile&device=desktop",
    "of_path=1.2.x&of_month=2026-13&of_days=5-1&of_touches=-&of_bucket=never&of_channel=-5&of_model=zz&after=zz",
    "of_first=-1&of_month=2026-02&of_converted=2&of_path=" + "1." * 300,
    f"q={quote(chr(0))}&since={quote(chr(0))}&by={quote('<script>')}",
    "of_at=1.2_x.y_0.²_999.1&of_besides=a..3&of_steps=9-1",
    f"of_at={'0.0_' * 90}&of_besides=0&of_steps=-",
    "segment=12345",
)


@pytest.fixture
def marketer(client: Client) -> Client:
    Goal.objects.get_or_create(name="Orders", defaults={"event": "Order Completed"})
    client.force_login(account(roles.MARKETER))
    return client


@pytest.mark.parametrize("query", ODD)
@pytest.mark.parametrize("page", PAGES)
def test_no_address_is_a_fault(marketer: Client, page: str, query: str) -> None:
    answer = marketer.get(f"/attribution/{page}?{query}")
    assert answer.status_code == 200
    assert "<script>x" not in answer.content.decode()
    assert marketer.get(f"/attribution/numbers.csv?{query}&page=attribution_{page[:-1]}").status_code == 200


@pytest.mark.parametrize(
    ("page", "head"),
    [
        ("attribution", "Channel,Journeys"),
        ("attribution_campaigns", "Campaign,Journeys"),
        ("attribution_paths", "Path,Journeys"),
        ("attribution_cohorts", "First channel,Month"),
    ],
)
def test_every_page_is_a_file_too(marketer: Client, page: str, head: str) -> None:
    answer = marketer.get(f"/attribution/numbers.csv?page={page}&days=30")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="[a-z-]+-\d{4}-\d\d-\d\d\.csv"', answer["Content-Disposition"])
    assert answer.content.decode("utf-8-sig").startswith(head)


@pytest.mark.parametrize(
    ("clicked", "page"),
    [
        ("of_channel=1", ""), ("of_campaign=1", "campaigns/"), ("of_path=1.2", "paths/"), ("of_at=0.1", "paths/"),
        ("of_days=1-2", "paths/"), ("of_first=-1", "cohorts/"),
    ],
)  # fmt: skip
def test_from_the_people_behind_a_number_one_gets_back_to_it(marketer: Client, clicked: str, page: str) -> None:
    shown = marketer.get(f"/attribution/people/?days=30&{clicked}").content.decode()
    assert f'href="/attribution/{page}?days=30"' in shown


def test_why_a_table_may_say_less_than_the_people_behind_it(marketer: Client) -> None:
    why = "They met other channels as well"
    assert why in marketer.get("/attribution/people/?of_channel=1&of_converted=1").content.decode()
    assert why in marketer.get("/attribution/people/?of_channel=1&of_model=linear").content.decode()
    assert why not in marketer.get("/attribution/people/?of_channel=1&of_model=last").content.decode()
    assert why not in marketer.get("/attribution/people/?of_converted=1").content.decode()


def test_people_as_a_file(marketer: Client) -> None:
    answer = marketer.get("/attribution/people.csv?of_converted=1")
    assert b"".join(answer).decode("utf-8-sig").strip() == "profile_id,name,email"


def test_filters_stay_from_page_to_page_in_their_own_words(marketer: Client) -> None:
    page = marketer.get("/attribution/?days=30&buyers=new&evil=1").content.decode()
    assert "/attribution/paths/?days=30&amp;buyers=new" in page
    assert "evil" not in page
    assert '<option value="30" selected>Last 30 days' in page


def test_a_form_that_sends_both_dates_with_a_usual_period_means_the_period(marketer: Client) -> None:
    page = marketer.get("/attribution/?days=7&since=2020-01-01&until=2020-02-01").content.decode()
    assert '<option value="7" selected>' in page


def test_without_a_goal_the_next_step_is_to_make_one(marketer: Client) -> None:
    Goal.objects.all().delete()
    for page in PAGES:
        answer = marketer.get(f"/attribution/{page}").content.decode()
        assert "/attribution/goals/" in answer
        assert "Make a goal" in answer


def test_what_no_filter_can_read_is_said(marketer: Client) -> None:
    assert "is neither new nor returning" in marketer.get("/attribution/?buyers=nobody").content.decode()
