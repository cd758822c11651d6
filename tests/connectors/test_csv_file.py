"""CSV files hold what changed and who is there: complete, safe to open, and only where they may be."""

import csv
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import override_settings

from cdp_site import stages
from connectors import doctor as checks
from connectors import settle, sync
from connectors.destinations import base, csv_file
from connectors.destinations.base import AudienceName, Changes, Member, Verdict
from connectors.destinations.csv_file import CsvFile, CsvSettings, safe
from connectors.models import Audience, AudienceSegment, Delivery
from profiles.models import Profile
from segments.models import Segment
from tests.connectors.channel import merge, person, put_in, take_out
from tests.factories import AudienceFactory, DestinationFactory

CONFIG = {"folder": "out", "writes": "both", "minutes": 5, "identifiers": ["user_id", "email"], "traits": ["city"]}


@pytest.fixture(autouse=True)
def var(tmp_path: Path) -> Any:
    with override_settings(VAR_DIR=tmp_path):
        yield tmp_path


def folder() -> Path:
    return csv_file.exports() / "out"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def full(audience: Audience) -> list[dict[str, str]]:
    return read(folder() / f"vips-{audience.pk}.full.csv")


def deltas() -> list[list[dict[str, str]]]:
    return [read(path) for path in sorted(folder().glob("*.delta.csv"))]


def audience_of(loyal: Segment, **config: Any) -> Audience:
    destination = DestinationFactory(kind="csv_file", config=CONFIG | config)
    audience = AudienceFactory(destination=destination, name="VIPs", enabled=False)
    AudienceSegment.objects.create(audience=audience, segment=loyal)
    sync.start(audience)
    return audience


def some_changes(**members: list[Member]) -> Changes:
    at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    return Changes("77", AudienceName("5", "VIPs"), at, members.get("removed", []), members.get("added", []))


@pytest.mark.django_db
def test_the_whole_file_and_the_changes_follow_the_audience(loyal: Segment, clock: time_machine.Traveller) -> None:
    ana, ben = person(email="ana@example.com", user_id="u1"), person(email="ben@example.com")
    Profile.objects.filter(pk=ana.pk).update(traits={"city": "Madrid", "name": "Ana"})
    put_in(loyal, ana, ben)
    audience = audience_of(loyal)
    stages.drain_all()
    assert full(audience) == [
        {"profile_id": str(ana.pk), "user_id": "u1", "email": "ana@example.com", "city": "Madrid"},
        {"profile_id": str(ben.pk), "user_id": "", "email": "ben@example.com", "city": ""},
    ]
    take_out(loyal, ana)
    stages.drain_all()
    assert [[(line["operation"], line["email"]) for line in file] for file in deltas()] == [
        [("add", "ana@example.com"), ("add", "ben@example.com")],
        [("remove", "ana@example.com")],
    ]
    assert len(full(audience)) == 2, "written again before its time"
    clock.shift(timedelta(minutes=5))
    stages.drain_all()
    assert [line["email"] for line in full(audience)] == ["ben@example.com"]
    assert not list(checks.whole_lists_are_current())


@pytest.mark.django_db
def test_deltas_applied_in_order_give_the_whole_file(loyal: Segment) -> None:
    people = [person(email=f"p{number}@example.com") for number in range(6)]
    audience = audience_of(loyal, minutes=0)
    for change in (
        lambda: put_in(loyal, *people[:4]),
        lambda: take_out(loyal, people[1]),
        lambda: put_in(loyal, people[5]),
    ):
        change()
        stages.drain_all()
    merge(people[0], people[2])
    take_out(loyal, people[0])
    stages.drain_all()
    by_email: dict[str, str] = {}
    for file in deltas():
        for line in file:
            for email in line["email"].split("; "):
                if line["operation"] == "add":
                    by_email[email] = line["profile_id"]
                else:
                    by_email.pop(email, None)
    assert by_email == {email: line["profile_id"] for line in full(audience) for email in line["email"].split("; ")}
    assert set(by_email) == {f"p{number}@example.com" for number in (0, 2, 3, 5)}


@pytest.mark.django_db
@pytest.mark.parametrize(("writes", "patterns"), [("delta", {"delta.csv"}), ("full", {"full.csv"})])
def test_only_the_chosen_files_are_written(loyal: Segment, writes: str, patterns: set[str]) -> None:
    put_in(loyal, person())
    audience_of(loyal, writes=writes)
    stages.drain_all()
    assert {
        path.name.partition(".")[2].removeprefix(f"{Delivery.objects.get().pk}.") for path in folder().iterdir()
    } == patterns


@pytest.mark.django_db
def test_a_renamed_audience_leaves_no_file_under_its_old_name(loyal: Segment) -> None:
    put_in(loyal, person())
    audience = audience_of(loyal, minutes=0, writes="full")
    stages.drain_all()
    Audience.objects.update(name="Regulars")
    put_in(loyal, person())
    stages.drain_all()
    assert [path.name for path in folder().iterdir()] == [f"regulars-{audience.pk}.full.csv"]


@pytest.mark.django_db
def test_a_folder_that_cannot_be_written_is_tried_again(
    loyal: Segment, var: Path, clock: time_machine.Traveller
) -> None:
    csv_file.exports().mkdir()
    folder().write_text("a file stands where the folder should be")
    put_in(loyal, person())
    audience = audience_of(loyal)
    stages.drain_all()
    delivery = Delivery.objects.get()
    assert delivery.state == Delivery.State.PENDING
    assert "can't be written" in delivery.error
    folder().unlink()
    settle.retry_now(delivery)
    clock.shift(timedelta(minutes=6))
    stages.drain_all()
    assert len(full(audience)) == 1


@pytest.mark.django_db
def test_doctor_sees_a_file_that_somebody_changed(loyal: Segment) -> None:
    put_in(loyal, person(), person())
    audience = audience_of(loyal)
    stages.drain_all()
    assert not list(checks.whole_lists_are_current())
    path = folder() / f"vips-{audience.pk}.full.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert "nobody more" in next(iter(checks.whole_lists_are_current()))
    path.unlink()
    assert "is not there" in next(iter(checks.whole_lists_are_current()))


def test_a_delivery_written_twice_is_one_file_with_the_same_bytes() -> None:
    told = some_changes(added=[Member("1", {"email": ["a@example.com"]}, {"city": "Vigo"})], removed=[Member("2", {})])
    destination = CsvFile(CONFIG)
    assert destination.send(told, b"").verdict is Verdict.DELIVERED
    [path] = folder().iterdir()
    before = path.read_bytes()
    assert destination.send(told, b"").verdict is Verdict.DELIVERED
    assert [path.read_bytes() for path in folder().iterdir()] == [before]
    assert path.stat().st_mode & 0o777 == 0o640
    assert read(path)[0] == {
        "operation": "remove", "changed_at": "2026-05-01T12:00:00+00:00",
        "profile_id": "2", "user_id": "", "email": "", "city": "",
    }  # fmt: skip


def test_a_failure_half_way_leaves_the_old_file_and_nothing_else() -> None:
    destination, audience = CsvFile(CONFIG), AudienceName("5", "VIPs")
    destination.keep(audience, iter([Member("1", {})]))
    before = (folder() / "vips-5.full.csv").read_bytes()

    def members() -> Any:
        yield Member("2", {})
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        destination.keep(audience, members())
    assert [(path.name, path.read_bytes()) for path in folder().iterdir()] == [("vips-5.full.csv", before)]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("\tx", "'\tx"),
        ("+34600111222", "+34600111222"),
        ("-12.5", "-12.5"),
        ("+1+1", "'+1+1"),
        ("Ana = Ben", "Ana = Ben"),
        ("a\0b", "ab"),
        ("", ""),
    ],
)
def test_no_cell_can_be_a_formula(text: str, cell: str) -> None:
    assert safe(text) == cell


@pytest.mark.parametrize("name", ["../out", "/etc", "a/../../b", "", "a\\b", "a\0b", ".."])
def test_a_folder_outside_the_exports_is_refused(name: str) -> None:
    form = CsvSettings({"folder": name, "writes": "both", "minutes": "5", "identifiers": ["email"], "traits": ""})
    assert "folder" in form.errors
    assert CsvFile(CONFIG | {"folder": name}).test().verdict is not Verdict.DELIVERED


def test_a_link_that_leads_out_of_the_exports_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    csv_file.exports().mkdir()
    os.symlink(outside, folder())
    assert CsvFile(CONFIG).send(some_changes(added=[Member("1", {})]), b"").verdict is Verdict.REFUSED
    assert not list(outside.iterdir())


def test_settings_are_kept_as_they_were_entered() -> None:
    form = CsvSettings(
        {"folder": "out", "writes": "full", "minutes": "0", "identifiers": ["email"], "traits": "city, plan,city"}
    )
    assert form.is_valid(), form.errors
    assert CsvFile.adopt({}, form).config == {
        "folder": "out", "writes": "full", "minutes": 0, "identifiers": ["email"], "traits": ["city", "plan"],
    }  # fmt: skip
    again = CsvSettings(stored=CsvFile.adopt({}, form).config)
    assert again["traits"].value() == "city, plan"
    assert base.Settings.secrets(again) == []
