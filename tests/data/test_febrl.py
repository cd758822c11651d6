"""A public set of person records with known duplicates, through the product: file, people, matching, review, decisions."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from cdp_site import sql
from profiles.identifiers import EXTERNAL
from profiles.matching import decide, review
from profiles.models import MatchRun, Suggestion
from tests.converters import febrl
from tests.data import replayed

FILE = replayed.published("febrl/dataset1.csv.gz")


def record_of() -> dict[int, list[str]]:
    """Which of the file's records each person has."""
    found: dict[int, list[str]] = {}
    for value, profile in sql.rows("SELECT value, profile_id FROM identifier WHERE kind_id = %b", (EXTERNAL,)):
        found.setdefault(profile, []).append(value.removeprefix("febrl:"))
    return found


def match(capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    capsys.readouterr()
    call_command("match_people", "--json")
    report: dict[str, int] = json.loads(capsys.readouterr().out)
    return report


def true_of(pairs: list[review.Pair], records: dict[int, list[str]]) -> int:
    return sum(febrl.person(records[one.one.pk][0]) == febrl.person(records[one.other.pk][0]) for one in pairs)


@pytest.mark.django_db(transaction=True)
def test_duplicates_wait_for_review_and_decisions_hold_through_another_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replayed.make_source()
    path, messages = replayed.converted(febrl.messages, FILE, tmp_path)
    assert replayed.replay(path, capsys)["accepted"] == messages == 1_000
    records = record_of()
    assert len(records) == 1_000

    report = match(capsys)

    found = review._living(review._waiting())
    assert report["people"] == 1_000
    assert report["joined"] == 0
    assert true_of(found, records) >= 490
    assert len(found) - true_of(found, records) <= 5
    run = MatchRun.objects.get()
    estimated = review.precision_at(run, 0.5)
    assert estimated is not None
    assert abs(estimated - true_of(found, records) / len(found)) < 0.02

    joined, parted = found[0], found[1]
    decide.join(joined.suggestion, "agent")
    decide.keep_apart(parted.suggestion, "agent")

    people = record_of()
    assert sorted(people[joined.one.pk]) == sorted(records[joined.one.pk] + records[joined.other.pk])
    assert {parted.one.pk, parted.other.pk} <= people.keys()
    call_command("doctor")

    again = match(capsys)

    asked = {(one.one.pk, one.other.pk) for one in review._living(review._waiting())}
    assert again["people"] == 999
    assert len(people) == len(record_of()) == 999
    assert (parted.one.pk, parted.other.pk) not in asked
    assert not any(joined.other.pk in pair for pair in asked)
    states = {(one.state, one.decided_by) for one in review.of_person([joined.one.pk, parted.one.pk])}
    assert states == {("joined", "agent"), ("apart", "agent")}

    decide.take_back(Suggestion.objects.get(profile_id=joined.one.pk, other_id=joined.other.pk), "agent")
    assert sorted(record_of().values()) == sorted(records.values())
    call_command("doctor")
