"""A published e-mail test with three random arms, imported through the product: its published uplift, arm by arm.

The file of enrolments goes in by the page that marketers use; visits and orders as messages. Held against the published
figures and, for spend, against SciPy's Welch test on the file itself.
"""

from collections import defaultdict
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from scipy import stats

from campaigns.experiments.outcomes import of_event, of_goal
from campaigns.experiments.results import Result, measure
from campaigns.experiments.statistics import Interval
from campaigns.models import EnrolmentFile, Experiment, Goal
from cdp_site import stages
from cdp_site.roles import MARKETER
from tests.converters import hillstrom
from tests.data import replayed
from tests.factories import account

FILE = replayed.published("hillstrom/hillstrom.csv.gz")
MENS, WOMENS, NONE = "Mens E-Mail", "Womens E-Mail", "No E-Mail"


def enrol(client: Client) -> Experiment:
    """By the page: upload, look, send."""
    client.force_login(account(MARKETER))
    file = SimpleUploadedFile("hillstrom.csv", hillstrom.arms(FILE))
    address = client.post(reverse("experiment_new"), {"file": file})["Location"]
    seen = client.get(address).content.decode()
    assert "64,000 lines can be taken" in seen
    guessed = EnrolmentFile.objects.get().chosen
    assert (guessed["identifier"], guessed["kind"], guessed["arm"]) == ("customer", "user_id", "segment")
    assert guessed["control"] == NONE
    chosen = guessed | {"start": hillstrom.SENT, "name": "Hillstrom"}
    looked = client.get(address, chosen).context["looked"]
    sent = client.post(address, chosen | {"looked": looked})
    assert sent.status_code == 302
    stages.drain_all()
    return Experiment.objects.get()


def points(interval: Interval | None) -> tuple[float, float, float]:
    assert interval is not None
    return (round(100 * interval.estimate, 2), round(100 * interval.low, 2), round(100 * interval.high, 2))


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)
def test_the_published_uplift_comes_out_arm_by_arm(
    client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replayed.make_source()
    path, messages = replayed.converted(hillstrom.messages, FILE, tmp_path)
    assert replayed.replay(path, capsys)["accepted"] == messages == 9_394 + 578
    experiment = enrol(client)

    visits = measure(experiment, of_event("Page Viewed"))

    arms = {one.arm.name: one for one in visits.arms}
    assert {name: one.tally.people for name, one in arms.items()} == {MENS: 21_307, WOMENS: 21_387, NONE: 21_306}
    assert {name: round(100 * one.tally.rate, 1) for name, one in arms.items()} == {
        NONE: 10.6,
        MENS: 18.3,
        WOMENS: 15.1,
    }
    assert points(arms[MENS].rate) == (7.66, 7.00, 8.32)
    assert points(arms[WOMENS].rate) == (4.52, 3.89, 5.16)
    assert visits.control is arms[NONE]
    assert visits.ratio is not None and not visits.ratio.odd
    assert visits.ratio.p == pytest.approx(0.9037, abs=1e-4)
    assert (visits.several, visits.early) == (0, 0)
    assert round(100 * (arms[MENS].smallest or 0), 2) == 0.85

    orders = measure(experiment, of_event("Order Completed"))
    bought = {one.arm.name: one for one in orders.arms}
    assert {name: one.tally.converted for name, one in bought.items()} == {MENS: 267, WOMENS: 189, NONE: 122}
    assert points(bought[MENS].rate) == (0.68, 0.50, 0.86)
    assert points(bought[WOMENS].rate) == (0.31, 0.15, 0.47)
    spend_is_welchs(orders)

    # On the goal, by journeys: the same people converted. The test is in dollars, the goal too once it says so.
    goal = Goal.objects.get(event="Order Completed")
    by_goal = {one.arm.name: one.tally for one in measure(experiment, of_goal(goal)).arms}
    assert {name: one.converted for name, one in by_goal.items()} == {MENS: 267, WOMENS: 189, NONE: 122}

    page = client.get(reverse("experiment", args=[experiment.pk]), {"event": "Page Viewed"}).content.decode()
    assert "“Mens E-Mail” added 7.66 points (between +7.00 and +8.32)" in page
    assert "18.3 % of “Mens E-Mail” did “Page Viewed”, 10.6 % of “No E-Mail”" in page
    call_command("doctor")


def spend_is_welchs(orders: Result) -> None:
    spent: dict[str, list[float]] = defaultdict(list)
    for _, row in hillstrom.rows(FILE):
        spent[row["segment"]].append(float(row["spend"]))
    for one in orders.others:
        expected = stats.ttest_ind(spent[one.arm.name], spent[NONE], equal_var=False).confidence_interval(0.95)
        assert one.value is not None
        assert (one.value.low, one.value.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    by_name = {one.arm.name: one.value for one in orders.others if one.value}
    assert [round(part, 2) for part in (by_name[MENS].estimate, by_name[MENS].low, by_name[MENS].high)] == [
        0.77,
        0.49,
        1.05,
    ]
    assert [round(part, 2) for part in (by_name[WOMENS].estimate, by_name[WOMENS].low, by_name[WOMENS].high)] == [
        0.42, 0.17, 0.68,
    ]  # fmt: skip
