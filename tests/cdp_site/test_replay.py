"""Replaying files: every line counted, bad ones kept with their number, a killed replay goes on, twice changes nothing."""

import gzip
import json
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from cdp_site import replay as module
from cdp_site import sql, stages
from connectors.models import Source
from profiles.models import Event, Rejected
from tests.factories import SourceFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def source(settings: LazySettings, tmp_path: Path) -> Source:
    settings.VAR_DIR = tmp_path / "var"
    made: Source = SourceFactory(name="Shop")
    return made


def line(number: int, **more: object) -> str:
    said = {"type": "track", "event": "Viewed", "userId": f"u{number % 7}", "timestamp": "2026-01-01T10:00:00Z"}
    return json.dumps(said | {"properties": {"number": number}} | more)


def written(path: Path, lines: list[str]) -> Path:
    content = "\n".join(lines).encode() + b"\n"
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def test_a_file_is_sent_once_however_often_it_is_replayed(source: Source, tmp_path: Path) -> None:
    path = written(tmp_path / "messages.jsonl.gz", [line(number) for number in range(1_200)])
    first, second = module.replay(path, source), module.replay(path, source)
    assert (first.read, first.accepted, first.duplicates, first.rejected) == (1_200, 1_200, 0, 0)
    assert (second.read, second.accepted, second.duplicates, second.rejected) == (1_200, 0, 1_200, 0)
    assert Event.objects.count() == 1_200


def test_a_bad_line_is_kept_with_its_number_and_reason_and_the_rest_goes_on(source: Source, tmp_path: Path) -> None:
    lines = [line(1), "{no json", "", line(2, type="tract"), "x" * 200_000, line(3)]
    report = module.replay(written(tmp_path / "messages.jsonl", lines), source)
    assert (report.read, report.accepted, report.rejected) == (5, 2, 3)
    reasons = list(Rejected.objects.order_by("id").values_list("reason", flat=True))
    assert [reason.partition(":")[0] for reason in reasons] == ["line 2", "line 4", "line 5"]


def test_a_killed_replay_goes_on_where_it_was(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "messages.jsonl", [line(number) for number in range(2_000)])

    def killed(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        module.replay(path, source, killed)
    report = module.replay(path, source)
    assert (report.read, report.accepted) == (2_000 - module.CHUNK, 2_000 - module.CHUNK)
    assert Event.objects.count() == 2_000


def test_the_reader_waits_for_the_drain_instead_of_filling_the_inbox(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PENDING", 3)
    monkeypatch.setattr(module, "CHUNK", 10)
    most = 0

    def look(_: int) -> None:
        nonlocal most
        most = max(most, int(sql.rows("SELECT count(*) FROM inbox WHERE done_at IS NULL")[0][0]))

    module.replay(written(tmp_path / "messages.jsonl", [line(number) for number in range(300)]), source, look)
    assert 0 < most < 3
    assert Event.objects.count() == 300


def test_an_unknown_source_is_answered_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="sources create --kind http --name 'Nobody'"):
        call_command("replay", str(tmp_path / "messages.jsonl"), "--source", "Nobody")


def test_half_a_gzip_file_says_so_and_keeps_what_came_before(source: Source, tmp_path: Path) -> None:
    path = written(tmp_path / "messages.jsonl.gz", [line(number) for number in range(50)])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CommandError, match="not a whole gzip file"):
        call_command("replay", str(path), "--source", "Shop")
    stages.drain_all()
    assert 0 < Event.objects.count() < 50


def test_a_bad_line_is_kept_once_however_often_its_file_is_replayed(source: Source, tmp_path: Path) -> None:
    path = written(tmp_path / "messages.jsonl", [line(1), "{no json", "{nor this"])
    assert [module.replay(path, source).rejected for _ in range(2)] == [2, 2]
    assert Rejected.objects.count() == 2


def test_a_file_with_a_byte_order_mark_or_packed_under_another_name_is_read(source: Source, tmp_path: Path) -> None:
    marked = tmp_path / "from a spreadsheet.jsonl"
    marked.write_bytes(b"\xef\xbb\xbf" + f"{line(1)}\r\n{line(2)}\r\n".encode())
    packed = tmp_path / "packed.jsonl"
    packed.write_bytes(gzip.compress(f"{line(3)}\n".encode()))
    assert module.replay(marked, source).accepted == 2
    assert module.replay(packed, source).accepted == 1


def test_stopping_it_says_how_to_go_on(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cdp_site.management.commands.replay.replay", stopped)
    with pytest.raises(CommandError, match="The same command goes on"):
        call_command("replay", str(written(tmp_path / "messages.jsonl", [line(1)])), "--source", "Shop")
