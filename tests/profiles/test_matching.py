"""Matching by probability: who is suggested, how sure that is, what joins by itself, and what happens without enough."""

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from cdp_site import sql, stages
from cdp_site.models import Progress
from connectors.models import Source
from profiles.identifiers import EXTERNAL, USER
from profiles.matching import engine, job, model, review
from profiles.models import MatchRun, MatchSettings, Profile, Suggestion
from tests.factories import SourceFactory
from tests.profiles import lookalikes
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Source:
    return SourceFactory(name="Shop")


@pytest.fixture
def crm() -> Source:
    return SourceFactory(name="CRM")


def match() -> MatchRun:
    run = job.ask("somebody")
    while stages.attempt(job.match_some):
        pass
    run.refresh_from_db()
    return run


def ids(number: int) -> tuple[int, int]:
    """The shop's customer and the CRM's contact of one number, the older first."""
    one, other = person(USER, f"u{number}").pk, person(EXTERNAL, f"crm:c{number}").pk
    return min(one, other), max(one, other)


def suggested() -> set[tuple[int, int]]:
    return {(one.suggestion.profile_id, one.suggestion.other_id) for one in review.first_pairs()}


def test_whoever_is_mistyped_in_the_crm_is_suggested_and_nobody_else(shop: Source, crm: Source) -> None:
    lookalikes.company(shop, crm)
    true = {ids(number) for number in range(40)}

    run = match()

    assert (run.trouble, run.running, run.people) == ("", None, 240)
    found = {(one.suggestion.profile_id, one.suggestion.other_id) for one in review._living(review._waiting())}
    assert len(found & true) >= 36
    assert len(found - true) <= 2
    assert review.number_waiting() == len(found) == run.found
    precision = review.precision_at(run, 0.5)
    assert precision is not None
    assert precision > 0.9
    assert Profile.objects.count() == 240
    assert not job.folder_of(run).exists()
    assert Progress.objects.get(name=job.NAME).ended_at is not None
    pair = review.first_pairs()[0]
    assert {row.label for row in pair.rows} >= {"First name", "Last name", "Birth date", "E-mail", "City"}
    assert {row.kind for row in pair.rows} >= {"same", "close"}


def test_switched_on_the_surest_join_by_themselves_within_all_limits_and_can_be_told_apart_later(
    shop: Source, crm: Source
) -> None:
    lookalikes.company(shop, crm)
    everybody = lookalikes.customers(3)
    # The same person twice with a user id each: the model would be sure, and must not join.
    rnd = random.Random(5)
    twice = lookalikes.in_crm(everybody[0] | {"lastName": "Zubizarreta", "birthday": "1999-09-09"}, rnd)
    send(shop, {"type": "identify", "userId": "a", "traits": twice | {"email": "zubi@example.com"}})
    send(shop, {"type": "identify", "userId": "b", "traits": twice | {"email": "zubii@example.com"}})
    resolve_all()
    a, b = sorted([person(USER, "a").pk, person(USER, "b").pk])
    true = {ids(number) for number in range(40)}
    MatchSettings.objects.create(joins_by_itself=True)

    run = match()

    assert run.joined >= 20
    assert Profile.objects.count() == 242 - run.joined
    assert person(USER, "a").pk != person(USER, "b").pk
    kept = Suggestion.objects.get(profile_id=a, other_id=b)
    assert kept.probability > 0.99
    assert (kept.state, kept.refused) == ("open", True)
    joined = Suggestion.objects.filter(state="joined")
    assert {(one.profile_id, one.other_id) for one in joined} <= true
    assert {one.decided_by for one in joined} == {"the model"}
    links = sql.rows("SELECT count(*), bool_or(stated) FROM identity_link WHERE message_key IS NULL")
    assert links == [(run.joined, False)]
    call_command("doctor")

    # Real evidence outweighs the model: the contact turns out to be somebody with another user id.
    number = next(number for number in range(40) if person(USER, f"u{number}") == person(EXTERNAL, f"crm:c{number}"))
    email = sql.rows(
        "SELECT value FROM identifier WHERE kind_id = 3 AND profile_id = %b AND value <> %b",
        (person(USER, f"u{number}").pk, lookalikes.customers(200)[number]["email"]),
    )[0][0]
    send(shop, {"type": "identify", "userId": "the-other", "traits": {"email": email}})
    resolve_all()
    assert person(3, email) == person(USER, "the-other") != person(USER, f"u{number}")
    call_command("doctor")


def test_couples_of_one_address_are_not_suggested(shop: Source, crm: Source) -> None:
    lookalikes.company(shop, crm, number=150, doubles=25)
    rnd = random.Random(9)
    for number, one in enumerate(lookalikes.customers(60, seed=77)):
        spouse = one | {
            "firstName": rnd.choice([name for name in lookalikes.FIRST if name[0] != one["firstName"][0]]),
            "email": f"spouse{number}x@example.org", "phone": f"+346{rnd.randrange(10**8):08}",
            "birthday": f"19{rnd.randrange(50, 99)}-0{rnd.randrange(1, 10)}-1{rnd.randrange(10)}",
        }  # fmt: skip
        send(shop, {"type": "identify", "userId": f"h{number}", "traits": one})
        send(shop, {"type": "identify", "userId": f"s{number}", "traits": spouse})
    resolve_all()

    match()

    homes = {person(USER, f"{letter}{number}").pk for letter in "hs" for number in range(60)}
    couples = [one for one in review._living(review._waiting()) if {one.one.pk, one.other.pk} <= homes]
    assert len(couples) <= 2
    true = {ids(number) for number in range(25)}
    assert len(true & {(one.one.pk, one.other.pk) for one in review._living(review._waiting())}) >= 20


def test_too_few_people_are_told_so_and_nothing_fails(shop: Source) -> None:
    send(shop, {"type": "identify", "userId": "u1", "traits": {"name": "Ana Ferrer", "email": "ana@example.com"}})
    resolve_all()
    run = match()
    assert run.running is None
    assert run.trouble.startswith("People who have a name and something to compare it with")
    with pytest.raises(CommandError, match="fewest to learn from are 50"):
        call_command("match_people")


def test_people_of_whom_only_names_are_known_are_told_so(shop: Source) -> None:
    named = ({"name": f"Ana Ferrer{number}"} for number in range(80))
    send(shop, *({"type": "identify", "userId": one["name"], "traits": one} for one in named))
    resolve_all()
    assert "have a name and something to compare it with" in match().trouble


def test_never_two_run_at_once(shop: Source) -> None:
    first = job.ask("one")
    assert job.ask("another").pk == first.pk
    with pytest.raises(IntegrityError), transaction.atomic():
        MatchRun.objects.create()


def test_an_engine_that_dies_is_tried_again_and_given_up_with_words(
    shop: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "MEGABYTES", "not a number")
    run = match()
    assert run.running is None
    assert run.trouble.startswith("It was begun 3 times")


def test_a_stopped_engine_goes_on_where_it_was(shop: Source, crm: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    lookalikes.company(shop, crm, number=80, doubles=15)
    monkeypatch.setattr(job, "STEP_SECONDS", 0)
    run = job.ask("somebody")
    assert stages.attempt(job.match_some) == 1
    folder = job.folder_of(run)
    assert (folder / "model.json").exists()
    assert not (folder / "outcome.json").exists()
    assert folder.stat().st_mode & 0o077 == 0
    learned = (folder / "model.json").stat().st_mtime_ns
    assert stages.attempt(job.match_some) == 1
    run.refresh_from_db()
    assert (run.running, run.trouble) == (None, "")
    assert learned
    assert run.found > 5


def test_a_pair_whose_people_become_one_or_are_gone_disappears(shop: Source) -> None:
    people = [Profile.objects.create(name=f"P{number}") for number in range(4)]
    for one, other in ((0, 1), (2, 3)):
        Suggestion.objects.create(
            profile_id=people[one].pk, other_id=people[other].pk, probability=0.9, weight=3, sure=True, evidence={}
        )
    assert review.number_waiting() == 2
    people[3].delete()
    assert review.number_waiting() == len(review.first_pairs()) == 1
    assert stages.attempt(job.match_some) == 1
    assert Suggestion.objects.count() == 1


def test_what_a_run_left_behind_that_ended_elsewhere_is_thrown_away() -> None:
    run = MatchRun.objects.create()
    job.export(job.folder_of(run))
    MatchRun.objects.update(running=None)
    assert stages.attempt(job.match_some) == 0
    assert not job.folder_of(run).exists()


def test_thresholds_are_kept_in_order() -> None:
    for values in ({"asks_above": 0.1}, {"asks_above": 0.95, "joins_above": 0.9}, {"joins_above": 1.2}):
        with pytest.raises(ValidationError):
            MatchSettings(**values).full_clean()
    with pytest.raises(ValidationError, match="at least"):
        MatchSettings(joins_above=0.6, asks_above=0.5).full_clean()
    MatchSettings().full_clean()


def test_only_pairs_above_the_lower_threshold_are_asked_about() -> None:
    people = [Profile.objects.create(name=f"P{number}") for number in range(6)]
    for place, probability in ((0, 0.3), (2, 0.6), (4, 0.9)):
        Suggestion.objects.create(
            profile_id=people[place].pk, other_id=people[place + 1].pk, probability=probability, weight=1, sure=True,
            evidence={},
        )  # fmt: skip
    assert [one.suggestion.probability for one in review.first_pairs()] == [0.9, 0.6]
    MatchSettings.objects.create(asks_above=0.2)
    assert review.number_waiting() == 3


def test_estimated_precision_is_the_mean_probability_above_a_threshold() -> None:
    curve = {at: (number, share) for at, number, share in engine.curve(np.array([0.995, 0.9, 0.6, 0.3]))}
    assert curve[0.9] == (2, pytest.approx((0.995 + 0.9) / 2))
    assert curve[0.5] == (3, pytest.approx((0.995 + 0.9 + 0.6) / 3))
    assert curve[0.999] == (0, 1.0)


def test_the_share_of_pairs_that_are_one_person_is_found_whatever_it_begins_with() -> None:
    rng = np.random.default_rng(1)
    evidence = np.concatenate([rng.normal(25, 2, 300), rng.normal(-5, 3, 5_000)])
    for begun_with in (1e-7, 1e-5, 1e-3):
        share = model.share_of_pairs(evidence, np.full(len(evidence), np.inf), begun_with, 2e7)
        assert share * 2e7 == pytest.approx(300, rel=0.02)
    assert model.household(rng.normal(-7, 2, 200)) < 0.05
    assert model.household(rng.normal(12, 2, 200)) > 0.95


_WITHOUT = """
import os, sys, django
django.setup()
import django.urls; django.urls.get_resolver().url_patterns
import profiles.matching.job, cdp_site.stages
print(sorted(name for name in sys.modules if name.split('.')[0] in ('splink', 'duckdb', 'pandas', 'altair', 'sqlglot')))
"""


def test_neither_the_web_process_nor_a_worker_loads_splink() -> None:
    import os

    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "cdp_site.settings"}
    said = subprocess.run(
        [sys.executable, "-c", _WITHOUT],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"


def test_an_address_that_several_have_is_no_evidence_that_two_are_one(shop: Source, tmp_path: Path) -> None:
    for user, first, phone in (("u1", "Paula", "+34600111222"), ("u2", "Hugo", "+34600111223")):
        traits = {"firstName": first, "lastName": "Rivas", "email": "rivas@example.com", "phone": phone}
        send(shop, {"type": "identify", "userId": user, "traits": traits})
    resolve_all()
    folder = tmp_path / "run"
    job.export(folder)
    connection = engine._connect(folder, 200)
    assert engine._read(connection, folder) == 2
    read = connection.execute("SELECT first, mail, phone FROM taking_part ORDER BY first").fetchall()
    assert read == [("hugo", None, "600111223"), ("paula", None, "600111222")]


def test_what_is_exported_is_bounded_text_of_identified_people_alone(shop: Source, tmp_path: Path) -> None:
    traits: dict[str, Any] = {
        "name": 'Ana "la" Ferrer,\nPérez', "email": "ana@example.com", "phone": "+34600111222", "birthday": "1981-02-03",
        "address": {"street": "Calle Mayor 7", "city": "Madrid", "postalCode": "28001"}, "notes": "x" * 5_000,
    }  # fmt: skip
    send(shop, {"type": "identify", "userId": "u1", "traits": traits}, {"type": "page", "anonymousId": "nobody"})
    send(
        shop,
        {"type": "identify", "userId": "u2", "traits": {"first_name": ["x"], "address": "Gran Vía 1", "city": None}},
    )
    resolve_all()
    job.export(tmp_path / "run")
    text = (tmp_path / "run" / "people.csv").read_text()
    assert "Calle Mayor 7" in text
    assert "Gran Vía 1" in text
    assert "nobody" not in text
    assert len(text) < 1_000
