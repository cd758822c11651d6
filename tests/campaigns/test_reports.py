"""A saved view by e-mail: on its days, once, tried again while the mail server is away, and its failure said."""

import smtplib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends import locmem
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from django.utils import timezone

from campaigns.attribution import reports
from campaigns.models import Goal, Report, SavedView
from cdp_site import roles, stages
from tests.factories import account

pytestmark = pytest.mark.django_db
FRIDAY = datetime(2026, 11, 27, 21, 0, tzinfo=UTC)  # 22:00 in Madrid
MONDAY = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)  # 8:00 there


class Away(BaseEmailBackend):
    """A mail server that can't be reached."""

    def send_messages(self, letters: Any) -> int:
        raise ConnectionRefusedError("nobody listens")


@pytest.mark.parametrize(
    ("weekdays", "hour", "after", "due"),
    [
        ([0], 8, FRIDAY, MONDAY),
        ([4], 23, FRIDAY, datetime(2026, 11, 27, 22, 0, tzinfo=UTC)),
        ([4], 22, FRIDAY, datetime(2026, 12, 4, 21, 0, tzinfo=UTC)),  # this one has just been
        ([], 8, FRIDAY, datetime(2026, 11, 28, 7, 0, tzinfo=UTC)),
        (
            [6],
            8,
            datetime(2026, 10, 24, 12, 0, tzinfo=UTC),
            datetime(2026, 10, 25, 7, 0, tzinfo=UTC),
        ),  # clocks went back
        ([6], 8, datetime(2026, 3, 28, 12, 0, tzinfo=UTC), datetime(2026, 3, 29, 6, 0, tzinfo=UTC)),  # and forth
    ],
)
def test_when_it_goes_next(weekdays: list[int], hour: int, after: datetime, due: datetime) -> None:
    assert reports.next_due(weekdays, hour, after) == due


def monday_report(**given: Any) -> Report:
    Goal.objects.get_or_create(name="Orders", defaults={"event": "Order Completed"})
    view = SavedView.objects.create(name="Last 30 days", page=given.pop("page", "attribution"), query="days=30")
    return Report.objects.create(
        view=view, to=["anna@example.com", "ben@example.com"], weekdays=[0], due_at=MONDAY,
        site="https://cdp.example.com", **given,
    )  # fmt: skip


@pytest.mark.parametrize("page", ["attribution", "attribution_campaigns", "attribution_paths", "attribution_cohorts"])
def test_it_goes_out_once_on_its_day_with_the_table_and_a_link(page: str) -> None:
    report = monday_report(page=page)
    with time_machine.travel(MONDAY - timedelta(minutes=1), tick=False):
        assert reports.send_due() == 0
    with time_machine.travel(MONDAY + timedelta(minutes=1), tick=False):
        assert (reports.send_due(), reports.send_due()) == (1, 0)
    letter, other = mail.outbox
    assert (letter.recipients(), other.recipients()) == (["anna@example.com"], ["ben@example.com"])
    assert letter.message()["Message-ID"] != other.message()["Message-ID"]
    assert letter.subject.startswith("Last 30 days: ")
    assert "https://cdp.example.com/attribution/" in letter.body
    assert [name for name, _, kind in letter.attachments if kind == "text/csv"]
    (html,) = [body for body, kind in letter.alternatives if kind == "text/html"]
    assert "only an experiment tells that" in html
    report.refresh_from_db()
    assert (report.attempts, report.error, report.due_at) == (0, "", MONDAY + timedelta(days=7))


def test_while_the_mail_server_is_away_it_is_tried_again_and_then_waits_for_its_next_day(settings: Any) -> None:
    report = monday_report()
    settings.EMAIL_BACKEND = f"{__name__}.Away"
    now = MONDAY
    for attempt in range(1, reports.TRIES):
        with time_machine.travel(now, tick=False):
            assert (reports.send_due(), reports.send_due()) == (0, 0)
        report.refresh_from_db()
        assert (report.attempts, report.due_at - now) == (attempt, reports.WAITS[attempt - 1])
        assert report.error == "The mail server can't be reached (nobody listens). Check EMAIL_URL."
        now = report.due_at
    with time_machine.travel(now, tick=False):
        reports.send_due()
    report.refresh_from_db()
    assert (report.attempts, report.due_at) == (0, MONDAY + timedelta(days=7))
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with time_machine.travel(report.due_at, tick=False):
        assert reports.send_due() == 1
    report.refresh_from_db()
    assert (report.error, len(mail.outbox)) == ("", 2)


class Picky(locmem.EmailBackend):
    """A mail server that doesn't know Anna."""

    def send_messages(self, letters: Any) -> int:
        if letters[0].to == ["anna@example.com"]:
            raise smtplib.SMTPRecipientsRefused({"anna@example.com": (550, b"no such mailbox")})
        return super().send_messages(letters)


def test_an_address_that_is_refused_keeps_the_letter_from_nobody_else_and_nobody_gets_it_twice(settings: Any) -> None:
    report = monday_report()
    settings.EMAIL_BACKEND = f"{__name__}.Picky"
    with time_machine.travel(MONDAY, tick=False):
        assert reports.send_due() == 0
    report.refresh_from_db()
    assert (report.sent_to, report.attempts) == (["ben@example.com"], 1)
    assert report.error == "The mail server didn't take it for anna@example.com: 550 no such mailbox"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with time_machine.travel(report.due_at, tick=False):
        assert reports.send_due() == 1
    assert [letter.to for letter in mail.outbox] == [["ben@example.com"], ["anna@example.com"]]
    report.refresh_from_db()
    assert (report.sent_to, report.error, report.due_at) == ([], "", MONDAY + timedelta(days=7))


def test_a_letter_that_goes_once_more_is_the_same_letter_and_the_next_weeks_is_another() -> None:
    report = monday_report()
    ids = []
    for when in (MONDAY, MONDAY, MONDAY + timedelta(days=7)):
        # As a worker leaves it that is killed after the mail server took the letter.
        if when == MONDAY:
            Report.objects.filter(pk=report.pk).update(round=0, sent_to=[], due_at=MONDAY)
        with time_machine.travel(when, tick=False):
            assert reports.send_due() == 1
        ids.append([letter.message()["Message-ID"] for letter in mail.outbox[-2:]])
    assert ids[0] == ids[1]
    assert not {*ids[1]} & {*ids[2]}


def test_a_report_without_a_goal_says_so_instead_of_stopping_the_others() -> None:
    monday_report()
    Goal.objects.all().delete()
    with time_machine.travel(MONDAY, tick=False):
        assert reports.send_due() == 0
    assert Report.objects.get().error


def test_the_stage_runs_with_the_others() -> None:
    assert "report" in stages.names()


@pytest.fixture
def marketer(client: Client) -> Client:
    client.force_login(account(roles.MARKETER))
    return client


def test_a_view_is_kept_with_its_own_words_and_sent(marketer: Client) -> None:
    Goal.objects.get_or_create(name="Orders", defaults={"event": "Order Completed"})
    query = "days=30&buyers=new&evil=1"
    answer = marketer.post("/attribution/views/keep/", {"name": "New", "page": "attribution_paths", "query": query})
    assert answer["Location"] == "/attribution/views/"
    view = SavedView.objects.get()
    assert (view.page, view.query) == ("attribution_paths", "days=30&buyers=new")
    said = {"to": "anna@example.com; ben@example.com", "weekdays": ["0", "3"], "hour": "7", "act": "keep"}
    marketer.post(f"/attribution/views/{view.pk}/letter/", said)
    report = Report.objects.get()
    assert (report.to, report.weekdays, report.hour) == (["anna@example.com", "ben@example.com"], [0, 3], 7)
    assert report.due_at > timezone.now()
    assert report.site == "http://testserver"
    marketer.post(f"/attribution/views/{view.pk}/letter/", {**said, "act": "now"})
    assert [letter.recipients() for letter in mail.outbox] == [["anna@example.com"], ["ben@example.com"]]
    page = marketer.get("/attribution/views/").content.decode()
    assert "Sent Mon, Thu at 7:00 to anna@example.com, ben@example.com" in page
    marketer.post(f"/attribution/views/{view.pk}/letter/", {"act": "stop"})
    assert not Report.objects.exists()
    marketer.post(f"/attribution/views/{view.pk}/remove/")
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"to": "not an address"}, "is not an e-mail address"),
        ({"to": ""}, "required"),
        ({"weekdays": []}, "required"),
        ({"weekdays": ["9"]}, "not one of the available choices"),
    ],
)
def test_what_cant_be_sent_is_said_and_nothing_is_kept(marketer: Client, said: dict[str, Any], why: str) -> None:
    view = SavedView.objects.create(name="A", page="attribution")
    whole = {"to": "anna@example.com", "weekdays": ["0"], "hour": "8", "act": "keep", **said}
    answer = marketer.post(f"/attribution/views/{view.pk}/letter/", whole)
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not Report.objects.exists()


def test_two_views_of_one_name_are_refused_in_words(marketer: Client) -> None:
    SavedView.objects.create(name="A", page="attribution")
    answer = marketer.post("/attribution/views/keep/", {"name": "A", "page": "attribution", "query": ""}, follow=True)
    assert "There is a view called “A” already" in answer.content.decode()


def test_whoever_sees_only_people_sees_no_reports(client: Client) -> None:
    client.force_login(account(roles.AGENT))
    assert client.get("/attribution/views/").status_code == 403
    assert client.get("/attribution/").status_code == 403
