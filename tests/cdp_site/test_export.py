"""Exports: everything once, message ids as they were sent, whole files or none."""

import csv
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from cdp_site import exporting, stages
from profiles import inbox
from profiles.models import Profile
from segments.models import Membership
from tests.factories import SegmentFactory, SourceFactory

pytestmark = pytest.mark.django_db(transaction=True)
UUID = "0b8f3a52-7a83-4c0e-9a55-0d8f6e1f2a3b"


@pytest.fixture
def world() -> None:
    source = SourceFactory(name="Shop")
    messages = [
        {"messageId": UUID, "type": "identify", "userId": "ana", "traits": {"name": "Ana, \"the\" Ferrer", "vip": True}},
        {"messageId": "own-1", "type": "track", "event": "Order Completed", "userId": "ana", "properties": {"total": 12.5}},
        {"messageId": "own-2", "type": "page", "anonymousId": "stranger"},
    ]  # fmt: skip
    inbox.store_lines(source.pk, [json.dumps(one | {"timestamp": "2026-01-01T10:00:00Z"}).encode() for one in messages])
    stages.drain_all()


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_events_come_out_with_their_own_ids_sources_and_properties(world: None, tmp_path: Path) -> None:
    call_command("export", "events", "--format", "csv", "--output", str(tmp_path / "events.csv"))
    events = {one["message_id"]: one for one in read(tmp_path / "events.csv")}
    assert events.keys() == {UUID, "own-1", "own-2"}
    order = events["own-1"]
    assert (order["type"], order["name"], order["source"]) == ("track", "Order Completed", "Shop")
    assert json.loads(order["properties"]) == {"total": 12.5}
    assert order["time"].startswith("2026-01-01 10:00:00") and float(order["value"]) == 12.5


def test_identity_says_in_both_formats_whose_each_message_is(
    world: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "ROWS", 2)  # so that more than one batch is written
    call_command("export", "identity", "--format", "csv", "--output", str(tmp_path / "identity.csv"))
    call_command("export", "identity", "--format", "parquet", "--output", str(tmp_path / "identity.parquet"))
    as_csv = {one["message_id"]: int(one["profile_id"]) for one in read(tmp_path / "identity.csv")}
    table = parquet.read_table(tmp_path / "identity.parquet")
    assert table.column_names == ["message_id", "profile_id"]
    assert dict(zip(*table.to_pydict().values(), strict=True)) == as_csv
    assert as_csv[UUID] == as_csv["own-1"] != as_csv["own-2"]


def test_profiles_and_memberships_come_out(world: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ana = Profile.objects.get(name__startswith="Ana")
    segment = SegmentFactory(name="VIPs")
    Membership.objects.create(profile_id=ana.pk, segment_id=segment.pk, since=timezone.now())
    call_command("export", "memberships", "--output", str(tmp_path / "memberships.csv"), "--json")
    assert json.loads(capsys.readouterr().out)["rows"] == 1
    assert [(one["segment"], int(one["profile_id"])) for one in read(tmp_path / "memberships.csv")] == [
        ("VIPs", ana.pk)
    ]
    call_command("export", "profiles", "--output", str(tmp_path / "profiles.csv"))
    names = {int(one["profile_id"]): one["name"] for one in read(tmp_path / "profiles.csv")}
    assert len(names) == 2 and names[ana.pk] == 'Ana, "the" Ferrer'


def test_an_export_that_fails_leaves_the_old_file_and_no_half_one(
    world: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.csv"
    path.write_text("the old one")

    def breaks(row: tuple[object, ...]) -> tuple[object, ...]:
        raise OSError(28, "No space left on device")

    whole = exporting.EXPORTS["events"]
    monkeypatch.setitem(exporting.EXPORTS, "events", exporting.Export(whole.query, whole.columns, breaks))
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("export", "events", "--output", str(path))
    assert path.read_text() == "the old one" and [one.name for one in tmp_path.iterdir()] == ["events.csv"]


def test_a_folder_that_is_not_there_is_named(world: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can't be written"):
        call_command("export", "profiles", "--output", str(tmp_path / "nowhere" / "profiles.csv"))


def test_a_pipe_is_written_to_and_stays_what_it_is_and_a_link_leads_to_the_file(world: None, tmp_path: Path) -> None:
    pipe, link, file = tmp_path / "pipe", tmp_path / "link", tmp_path / "there.csv"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reader:
        came = reader.submit(pipe.read_bytes)
        call_command("export", "identity", "--output", str(pipe))
        assert UUID.encode() in came.result(timeout=60)
    assert pipe.is_fifo()
    link.symlink_to(file)
    call_command("export", "identity", "--output", str(link))
    assert link.is_symlink() and UUID in file.read_text()
