"""Making people anew: it may be killed and go on, messages may come meanwhile, and trying it out changes nothing."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from cdp_site import checks, sql, stages
from connectors.models import Source
from profiles import identity, preview, rebuild, shared
from profiles.identifiers import DEVICE, EMAIL, EXTERNAL, PHONE, USER
from profiles.models import (
    ChangedProfile,
    Identifier,
    IdentifierKind,
    Part,
    Profile,
    ProfileRedirect,
    Rebuild,
    RebuildSeed,
)
from tests.factories import SourceFactory
from tests.property.test_identity import by_the_book, people
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return SourceFactory()


def set_rule(kind: int, **rules: Any) -> None:
    IdentifierKind.objects.filter(id=kind).update(**rules)


def arrive(source: Source, *messages: dict[str, Any]) -> None:
    send(source, *messages)
    resolve_all()


def said(number: int, **traits: str) -> dict[str, Any]:
    return {"type": "identify", "anonymousId": f"browser-{number}", "traits": traits}


def made_anew() -> Rebuild:
    asked = rebuild.ask()
    while asked.under_way:
        rebuild.go_on()
        asked.refresh_from_db()
    return asked


def healthy() -> list[str]:
    return [finding.detail for finding in checks.run_all() if not finding.ok]


@pytest.fixture
def families(source: Source) -> Source:
    """40 people with two addresses each, 10 of whom two phones keep apart."""
    set_rule(PHONE, limit_per_profile=1)
    for number in range(40):
        phones = [f"+34600{number:06}", f"+34611{number:06}" if number < 10 else f"+34600{number:06}"]
        arrive(
            source, said(number, email=f"one{number}@example.com", phone=phones[0]),
            said(number, email=f"two{number}@example.com", phone=phones[1]),
        )  # fmt: skip
    assert Profile.objects.count() == 50
    return source


def test_a_lower_limit_parts_and_a_higher_one_joins(families: Source) -> None:
    set_rule(PHONE, limit_per_profile=2)
    joined = made_anew()
    assert (joined.profiles_before, joined.profiles_after, joined.joined, joined.parted) == (50, 40, 10, 0)
    assert ProfileRedirect.objects.count() == 10
    set_rule(EMAIL, limit_per_profile=1)
    parted = made_anew()
    assert (parted.profiles_before, parted.profiles_after, parted.joined, parted.parted) == (40, 80, 0, 40)
    assert Part.objects.count() == 40
    assert people() == by_the_book()
    assert healthy() == []


def test_whoever_changed_is_queued_for_the_segments(families: Source) -> None:
    ChangedProfile.objects.all().delete()
    set_rule(EMAIL, limit_per_profile=1)
    made_anew()
    queued = set(ChangedProfile.objects.values_list("profile_id", flat=True))
    parted = {one for pair in Part.objects.values_list("profile_id", "parted_id") for one in pair}
    assert len(parted) == 60 and queued >= parted
    assert all(names == [] for names in ChangedProfile.objects.values_list("name_ids", flat=True))


def test_nothing_is_written_where_nothing_differs(families: Source) -> None:
    ChangedProfile.objects.all().delete()
    before = sql.rows("SELECT xmin::text, id FROM profile ORDER BY id")
    asked = made_anew()
    assert (asked.joined, asked.parted, asked.seeds) == (0, 0, 0)
    assert sql.rows("SELECT xmin::text, id FROM profile ORDER BY id") == before
    assert not ChangedProfile.objects.exists()


def test_killed_in_the_middle_it_goes_on_where_it_was(families: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "PROFILES", 7)
    set_rule(EMAIL, limit_per_profile=1)
    asked = rebuild.ask()
    while not asked.parted:
        rebuild.go_on()
        asked.refresh_from_db()
    # Killed: the step that was under way is undone with its transaction, and the process is gone.
    done, left = asked.parted, RebuildSeed.objects.count()
    assert asked.step == "people" and 0 < done < 40 and left > 0
    answer = StringIO()
    call_command("rebuild_identity", "--json", stdout=answer)
    report = json.loads(answer.getvalue())
    assert report.keys() == {"profiles_before", "profiles_after", "joined", "parted", "seconds"}
    assert (report["profiles_before"], report["parted"]) == (50, 30)
    assert Rebuild.objects.count() == 1
    assert people() == by_the_book()
    assert healthy() == []


def test_other_rules_in_the_middle_begin_it_again(families: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "PROFILES", 7)
    set_rule(EMAIL, limit_per_profile=1)
    asked = rebuild.ask("less e-mails")
    for _ in range(3):
        rebuild.go_on()
    set_rule(EMAIL, limit_per_profile=5)
    assert rebuild.ask("as before").pk == asked.pk
    made_anew()
    asked.refresh_from_db()
    assert asked.because == "less e-mails; as before" and not asked.under_way
    assert people() == by_the_book()
    assert healthy() == []


def between(steps: Iterator[None]) -> Iterator[int]:
    while True:
        done = rebuild.go_on()
        next(steps, None)
        yield done
        if not done:
            return


@pytest.mark.parametrize(
    "rules",
    [
        {EMAIL: {"limit_per_profile": 1}},
        {PHONE: {"limit_per_profile": 3}},
        {USER: {"priority": 200}, EMAIL: {"priority": 1}},
    ],
)
def test_messages_may_come_meanwhile(families: Source, monkeypatch: pytest.MonkeyPatch, rules: Any) -> None:
    monkeypatch.setattr(rebuild, "PROFILES", 5)
    monkeypatch.setattr(rebuild.retell, "EVENTS", 20)

    def stream() -> Iterator[None]:
        for number in range(0, 40, 3):
            arrive(
                families,
                {**said(number, email=f"two{number + 1}@example.com"), "userId": f"u{number}"},
                said(number + 100, email=f"one{number}@example.com", phone=f"+34600{number + 2:06}"),
            )
            yield

    for kind, fields in rules.items():
        set_rule(kind, **fields)
    asked = rebuild.ask()
    assert sum(between(stream())) > 5
    asked.refresh_from_db()
    assert not asked.under_way
    assert people() == by_the_book()
    assert healthy() == []


def test_a_dry_run_says_what_will_happen_and_changes_nothing(families: Source) -> None:
    set_rule(EMAIL, limit_per_profile=1)
    tables = ("profile", "identifier", "identity_link", "event", "changed_profile", "rebuild", "rebuild_seed")
    before = [
        sql.rows(f"SELECT count(*), coalesce(sum(hashtext(one::text)::bigint), 0) FROM {table} AS one")
        for table in tables
    ]  # type: ignore[arg-type]
    answer = StringIO()
    call_command("rebuild_identity", "--dry-run", "--json", stdout=answer)
    after = [
        sql.rows(f"SELECT count(*), coalesce(sum(hashtext(one::text)::bigint), 0) FROM {table} AS one")
        for table in tables
    ]  # type: ignore[arg-type]
    assert after == before
    report = json.loads(answer.getvalue())
    made = made_anew()
    assert {name: report[name] for name in ("profiles_before", "profiles_after", "joined", "parted")} == {
        "profiles_before": made.profiles_before, "profiles_after": made.profiles_after, "joined": made.joined,
        "parted": made.parted,
    }  # fmt: skip
    assert report["parted"] == 30 and {"parted", "into"} == report["examples"][0].keys()


def test_rules_are_tried_out_before_they_are_saved(families: Source) -> None:
    tried = rebuild.ask_what_if({PHONE: {"limit_per_profile": 2}}, "Phone: at most 2 a person")
    rebuild.go_on()
    tried.refresh_from_db()
    assert (tried.joined, tried.parted, tried.profiles_after) == (10, 0, 40)
    assert len(tried.examples[0]["joined"]) == 2
    assert Profile.objects.count() == 50


def test_a_value_that_is_blocked_joins_nobody_and_lifted_it_is_as_if_it_never_had_been(source: Source) -> None:
    arrive(source, *({**said(number, email="info@shop.example"), "userId": f"u{number}"} for number in range(3)))
    arrive(source, said(7, email="info@shop.example"), {"type": "alias", "userId": "info", "previousId": "u1"})
    before = people()
    set_rule(EMAIL, blocked=["info@shop.example"])
    made_anew()
    assert not [one for one in people() if any(value == "info@shop.example" for _, value in one)]
    assert people() == by_the_book()
    assert healthy() == []
    arrive(source, {**said(8, email="info@shop.example"), "userId": "u2"})
    set_rule(EMAIL, blocked=[])
    made_anew()
    more = {frozenset(one | ({(7, "browser-8")} if (USER, "u2") in one else set())) for one in before}
    assert people() == more
    assert healthy() == []


def test_what_is_known_of_a_type_becomes_a_kind_of_its_own(source: Source) -> None:
    def crm(number: int, id: str) -> dict[str, Any]:
        return {**said(number), "context": {"externalIds": [{"type": "crm", "id": id}]}}

    arrive(source, crm(1, "AB-1"), crm(2, "ab1"))
    assert Profile.objects.count() == 2
    IdentifierKind.objects.create(id=20, name="crm", label="CRM", priority=15, limit_per_profile=1, form="capitals")
    made_anew()
    assert Profile.objects.count() == 1
    assert not Identifier.objects.filter(kind_id=EXTERNAL, profile_id__gt=0).exists()
    arrive(source, crm(3, "a b 1"))
    assert Profile.objects.count() == 1
    assert healthy() == []


def test_an_identifier_seen_with_too_many_is_listed_and_may_be_a_persons_all_the_same(source: Source) -> None:
    arrive(source, *(
        {**said(number, email=f"p{number}@example.com"), "context": {"device": {"id": "kiosk"}}} for number in range(7)
    ))  # fmt: skip
    found = shared.page("KIO")
    assert [(one.value, one.seen_with, one.of) for one in found] == [("kiosk", 7, "E-mail")]
    assert shared.page("other") == [] and shared.fresh() == 1
    Identifier.objects.filter(value="kiosk").update(shared_since=timezone.now() - timedelta(days=8))
    assert shared.fresh() == 0
    shared.state(DEVICE, "kiosk", "trusted", "ada")
    while rebuild.go_on():
        pass
    assert shared.page() == []
    assert person(DEVICE, "kiosk").id in {person(EMAIL, f"p{number}@example.com").id for number in range(7)}
    assert people() == by_the_book()
    assert healthy() == []
    shared.state(DEVICE, "kiosk", "blocked", "ada")
    while rebuild.go_on():
        pass
    assert Identifier.objects.get(value="kiosk").profile_id is None
    assert IdentifierKind.objects.get(id=DEVICE).trusted == []
    assert healthy() == []


def test_doctor_sees_people_who_are_not_what_the_evidence_makes(families: Source) -> None:
    assert healthy() == []
    set_rule(EMAIL, limit_per_profile=1)
    assert healthy() == [
        "50 profiles aren't what their links make under the rules as they are: run manage.py rebuild_identity"
    ]


def test_the_outlook_of_an_empty_database_is_nothing() -> None:
    outlook = preview.look(identity.load_kinds())
    assert (outlook.profiles_before, outlook.profiles_after, outlook.joined, outlook.parted) == (0, 0, 0, 0)
    assert made_anew().profiles_after == 0
    assert stages.drain_all()["rebuild_steps"] == 0
