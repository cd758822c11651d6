"""`make demo`: what is in its way is one line before anything is started, and however it ends nothing of it remains."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psutil
import psycopg
import pytest

from cdp_site.installed import Problem
from cdp_site.management.commands import demo
from tests.installation import Installation, installation, one_line, small_disk, until
from tests.live import ROOT, free_port

IS_RUNNING = "Tributary is running at"
# Every part of it: the web server, the workers, the keeper and the database.
PARTS = ("gunicorn", "manage.py work", "cdp_site.keeper", " -D ")


@pytest.fixture(scope="module")
def own() -> Iterator[Installation]:
    """One for all: whoever is first makes its database, the others find tables made and static files collected."""
    with installation() as made:
        yield made


@pytest.fixture
def company(own: Installation) -> Iterator[Installation]:
    yield own
    left = [] if until(lambda: not own.living()) else own.end_what_lives()
    assert left == []


def started(place: Installation, *options: str) -> "subprocess.Popen[str]":
    return place.start("manage.py", "demo", *options, PORT=str(free_port()))


def until_said(running: "subprocess.Popen[str]", words: str) -> str:
    """The line in which it says so; '' when it ended without."""
    assert running.stdout is not None
    return next((line for line in running.stdout if words in line), "")


def said_address(line: str) -> str:
    found = re.search(r"http://localhost:\d+", line)
    assert found, line
    return found[0]


# What is in its way


def test_a_port_that_is_taken_is_one_line_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = Installation(tmp_path).manage("demo", PORT=str(port))
    assert one_line(done) == (
        f"Tributary: Port {port} is taken by another program. Choose another: PORT={port + 1} make demo"
    )
    assert not done.stdout, "not a word about a database"
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize("port", ["http", "-1", "0", "65536", "80.5"])
def test_a_port_that_is_none_is_one_line(tmp_path: Path, port: str) -> None:
    done = Installation(tmp_path).manage("demo", PORT=port)
    assert one_line(done) == f"Tributary: PORT={port} won't do: it is a whole number from 1 to 65535."
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("host", "said"), [("nowhere.invalid", "not known|resol"), ("192.0.2.1", "Cannot assign")])
def test_an_address_that_is_not_ours_is_one_line(tmp_path: Path, host: str, said: str) -> None:
    line = one_line(Installation(tmp_path).manage("demo", HOST=host, PORT=str(free_port())))
    assert line.startswith(f"Tributary: HOST={host}: ")
    assert re.search(said, line)


def test_a_database_that_cannot_be_reached_is_one_line(tmp_path: Path) -> None:
    closed = free_port()
    done = Installation(tmp_path).manage("demo", DATABASE_URL=f"postgres://ana@127.0.0.1:{closed}/shop")
    assert one_line(done) == f"Tributary: DATABASE_URL leads to 127.0.0.1:{closed}/shop, and nothing answers there."


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    assert str(tmp_path / "var") in one_line(Installation(tmp_path / "var").manage("demo"))


def test_a_disk_has_room_for_what_will_come(tmp_path: Path) -> None:
    with small_disk(tmp_path, "size=400m"):
        with pytest.raises(Problem, match=r"Only \d+ MB are free at .*, and 3072 are needed"):
            demo.check_room(tmp_path, tmp_path / "data")
        demo.check_room(tmp_path, None)  # the database is elsewhere
        (tmp_path / "data").mkdir()
        demo.check_room(tmp_path, tmp_path / "data")
        (tmp_path / "much").write_bytes(bytes(150 * 1024**2))
        with pytest.raises(Problem, match=r"Only 2\d\d MB are free at .*, and 300 are needed"):
            demo.check_room(tmp_path, tmp_path / "data")


# How it goes on


def answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_it_runs_alone_replaces_what_dies_and_ends_with_ctrl_c(company: Installation) -> None:
    running = started(company, "--empty")
    address = said_address(until_said(running, IS_RUNNING))
    living = "\n".join(company.living())
    assert [part for part in PARTS if part not in living] == []

    web = next(child for child in psutil.Process(running.pid).children() if "gunicorn" in " ".join(child.cmdline()))
    web.kill()
    assert "web was killed (signal 9); starting it again" in until_said(running, "web was killed")
    assert until(lambda: answers(address))

    line = one_line(company.manage("demo", PORT=str(free_port())))
    assert f"The demo runs in {company.folder} already." in line
    assert answers(address), "the first one goes on"

    for _ in range(3):  # an impatient one
        running.send_signal(signal.SIGINT)
    said, complaints = running.communicate(timeout=90)
    assert company.living() == [], "when the command has ended, so has everything else"
    assert (running.returncode, complaints) == (0, "")
    assert "Everything has stopped" in said


# How it ends


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_it(company: Installation, number: signal.Signals) -> None:
    running = started(company, "--empty")
    assert until(lambda: all(part in "\n".join(company.living()) for part in PARTS))
    running.send_signal(number)
    said, complaints = running.communicate(timeout=90)
    assert company.living() == []
    assert (running.returncode, complaints) == (0, "")
    assert "Everything has stopped" in said


def test_a_closed_terminal_ends_all_of_it_also_when_nobody_passes_the_signal_on(company: Installation) -> None:
    ours, its = os.openpty()
    told = company.environment(PORT=str(free_port()))
    running = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--empty"], cwd=ROOT, env=told, stdin=its, stdout=its, stderr=its
    )
    os.close(its)
    assert until(lambda: all(part in "\n".join(company.living()) for part in PARTS))
    os.close(ours)
    assert running.wait(90) == 0
    assert company.living() == []


def test_killed_while_the_history_goes_in_nothing_works_on(company: Installation) -> None:
    """A lost database is another matter: it is started again, and then the killing ends that one too."""
    running = started(company)
    assert until_said(running, IS_RUNNING)
    with psycopg.connect(company.server.use(), autocommit=True) as connection:
        company.server.release(0)
        sent = "SELECT done FROM progress WHERE done > 0"
        assert until(lambda: connection.execute(sent).fetchone()), (company.folder / "log/seed_demo.log").read_text()
    database = company.server.postmaster()
    assert database
    os.kill(database, signal.SIGKILL)
    assert until_said(running, "The database is gone; starting it again.")
    assert until(company.server.answers)
    assert until(lambda: any("seed_demo" in line for line in company.living())), "it goes on"
    running.kill()
    running.communicate()
    assert until(lambda: not company.living()), company.living()


def test_it_ends_with_the_process_that_started_it(company: Installation) -> None:
    """`make` is killed, or its terminal's shell: nobody is left to say Ctrl-C to."""
    line = f"{sys.executable} manage.py demo --empty --with-parent & wait"
    told = company.environment(PORT=str(free_port()))
    starter = subprocess.Popen(["sh", "-c", line], cwd=ROOT, env=told, stdout=subprocess.DEVNULL)
    assert until(lambda: any("cdp_site.keeper" in line for line in company.living()))
    starter.kill()
    starter.wait()
    assert until(lambda: not company.living()), company.living()


def test_stopped_while_it_makes_its_database_it_leaves_nothing_running() -> None:
    with installation() as fresh:
        running = started(fresh, "--empty")
        assert until(lambda: any(fresh.server.place.glob("data.new*")))
        running.terminate()
        _, complaints = running.communicate(timeout=90)
        assert (running.returncode, complaints) == (0, "")
        assert until(lambda: not fresh.living()), fresh.living()
