"""What the environment says: read strictly, and what is kept for want of it is whole."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from cdp_site import environment, secrets
from tests.installation import Installation, one_line, small_disk
from tests.live import ROOT


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("64", 64), (" 8 ", 8), ("", 2)])
def test_a_whole_number_is_read(monkeypatch: pytest.MonkeyPatch, text: str, number: int) -> None:
    monkeypatch.setenv("WORKERS", text)
    assert environment.whole_number("WORKERS", 2, 1, 64) == number


@pytest.mark.parametrize("text", ["0", "65", "-1", "two", "1.5", "1e3", "0x10"])
def test_another_is_refused_with_its_name_and_what_will_do(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("WORKERS", text)
    with pytest.raises(ImproperlyConfigured, match=f"^WORKERS={text} won't do: it is a whole number from 1 to 64.$"):
        environment.whole_number("WORKERS", 2, 1, 64)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("PORT", "http", "PORT=http won't do"),
        ("TIME_ZONE", "Europe/Atlantis", "TIME_ZONE=Europe/Atlantis won't do: it is a name such as Europe/Madrid"),
        ("TIME_ZONE", "../secret", "TIME_ZONE=../secret won't do"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL=LOUD won't do: it is DEBUG, INFO, WARNING or ERROR."),
        ("EMAIL_URL", "pigeon://ana:s3cret@loft", "EMAIL_URL can't be read"),
        (
            "ENCRYPTION_KEYS",
            f"{'A' * 43}=,s3cret",
            "ENCRYPTION_KEYS: number 2 is not a Fernet key.",
        ),
    ],
)
def test_every_command_says_it_in_one_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    line = one_line(Installation(tmp_path).manage("check", **{name: text}))
    assert line.startswith(f"Tributary: {said}")
    assert "s3cret" not in line


def test_the_web_server_says_it_in_one_line_too(tmp_path: Path) -> None:
    place = Installation(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "python:cdp_site.web", "cdp_site.wsgi"],
        cwd=ROOT,
        env=place.environment(PORT="http", DATABASE_URL=os.environ["DATABASE_URL"]),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "PORT=http won't do" in one_line(done)


def test_production_refuses_a_key_that_nobody_set(tmp_path: Path) -> None:
    done = Installation(tmp_path).manage("work", DATABASE_URL=os.environ["DATABASE_URL"])
    assert one_line(done).startswith("Tributary: SECRET_KEY is not set.")


# What is kept


def test_a_kept_secret_is_made_once_and_nobody_elses_to_read(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: secrets.kept(tmp_path / "var", "key"), range(40)))
    assert len(found) == 1
    assert len(found.pop()) >= 64
    assert (tmp_path / "var/key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["key"]


def test_a_secret_whose_writing_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "key").touch()
    (tmp_path / ".key.new").write_text("hal")
    assert len(secrets.kept(tmp_path, "key")) >= 64


def test_a_full_disk_keeps_no_empty_secret(tmp_path: Path) -> None:
    with small_disk(tmp_path, "size=8k"):
        (tmp_path / "much").write_bytes(bytes(8192))
        with pytest.raises(OSError, match="No space left"):
            secrets.kept(tmp_path, "key")
        (tmp_path / "much").unlink()
        assert len(secrets.kept(tmp_path, "key")) >= 64
