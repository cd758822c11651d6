"""`manage.py demo`: the whole of Tributary on this machine, until Ctrl-C. `make demo` installs it first and calls this."""

import contextlib
import fcntl
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import get_commands
from django.core.management.base import BaseCommand

from cdp_site import database
from cdp_site.installed import Problem
from cdp_site.processes import Child, Supervisor, end_with_parent, tied

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]
WEB = [sys.executable, "-m", "gunicorn", "-c", "python:cdp_site.web", "cdp_site.wsgi"]
# Threads that allocate each in an arena of their own double a process's memory.
LEAN = {"MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1"}
ROOM_FOR_HISTORY = 3 * 1024**3
ROOM_TO_GO_ON = 300 * 1024**2
ANSWERS_WITHIN = 60.0  # seconds
LOOKS_AT_DATABASE_EVERY = 2.0  # seconds


class Stopped(BaseException):
    """A signal asked us to end; not an Exception, so that nobody takes it for a failure."""


class Command(BaseCommand):
    help = "Run the demo company: database, web server, workers, history and live events. Ctrl-C stops everything."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--with-parent", action="store_true", help="stop as well when the starting process dies")
        parser.add_argument("--empty", action="store_true", help="without the demo company's history and live events")

    def handle(self, *args: Any, **options: Any) -> None:
        self._stopping = self._forking = False
        os.register_at_fork(before=lambda: self._fork(begins=True), after_in_parent=lambda: self._fork(begins=False))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
            signal.signal(number, self._on_signal)
        self._terminal = [stream for stream in (0, 1, 2) if os.isatty(stream)]
        supervisor: Supervisor | None = None
        try:
            if options["with_parent"]:
                end_with_parent(os.getppid(), signal.SIGTERM)
            check_room(settings.VAR_DIR, None if database.is_configured() else database.server().data)
            claim(settings.VAR_DIR)
            check_port(settings.HOST, settings.PORT)
            supervisor = Supervisor(settings.VAR_DIR / "log", self._say)
            self._run(supervisor, with_company=not options["empty"])
        except Stopped:
            pass
        except Problem as problem:
            self._stopping = True
            self._end(supervisor)
            sys.exit(f"Tributary: {problem}")
        except OSError as error:
            self._stopping = True
            self._end(supervisor)
            sys.exit(f"Tributary: {error.filename or settings.VAR_DIR}: {error.strerror}.")
        self._say("Stopping …")
        self._end(supervisor)
        self._say("Everything has stopped. `make demo` goes on where it was.")

    def _run(self, supervisor: Supervisor, *, with_company: bool) -> None:
        embedded = not database.is_configured()
        self._say("Starting the database …" if embedded else "Looking at the database …")
        os.environ["DATABASE_URL"] = database.start()
        # The demo's channel is on this machine, whatever proxy leads out of it.
        away = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(filter(None, [away, "127.0.0.1", "localhost"]))
        run_once("prepare", supervisor)
        accounts = run_once("seed_accounts", supervisor) if "seed_accounts" in get_commands() else ""
        web = supervisor.start(Child("web", WEB, LEAN))
        supervisor.start(Child("work", [*MANAGE, "work"], LEAN))
        wait_for_answer(web, supervisor)
        self._say(f"\nTributary is running at http://{shown(settings.HOST)}:{settings.PORT}/\n")
        self._say(accounts.strip())
        self._say(f"\nLogs are in {supervisor.folder}. Ctrl-C stops everything; the data stays.")
        if with_company and "seed_demo" in get_commands():
            supervisor.start(Child("seed_demo", [*MANAGE, "seed_demo"], LEAN, once=True))
        if with_company and "tick_demo" in get_commands():
            supervisor.start(Child("tick_demo", [*MANAGE, "tick_demo"], LEAN))
        self._watch(supervisor, embedded=embedded)

    def _watch(self, supervisor: Supervisor, *, embedded: bool) -> None:
        look_at = pause = LOOKS_AT_DATABASE_EVERY
        while True:
            time.sleep(0.5)
            supervisor.look_after()
            # Closed, it tells its session's first process alone, and `make` as that one (`ssh -t host make demo`) waits for us.
            if self._stopping or not all(map(os.isatty, self._terminal)):
                self._stopping = True
                raise Stopped
            look_at -= 0.5
            if not embedded or look_at > 0:
                continue
            try:
                if not database.server().answers():
                    self._say("The database is gone; starting it again.")
                    database.server().use()
                pause = LOOKS_AT_DATABASE_EVERY
            except Problem as problem:
                pause = min(pause * 2, 60)
                self._say(f"{problem} Trying again in {pause:.0f} s.")
            look_at = pause

    def _end(self, supervisor: Supervisor | None) -> None:
        if supervisor:
            supervisor.stop()
        database.server().release()

    def _fork(self, *, begins: bool) -> None:
        # Registered last, it is called before all other hooks of a fork, and after them.
        self._forking = begins

    def _on_signal(self, _number: int, _frame: Any) -> None:
        if self._forking:
            # What is raised in a fork's hooks is swallowed: heard again when it is over.
            signal.setitimer(signal.ITIMER_REAL, 0.02)
        elif not self._stopping:
            # Once: a second Ctrl-C must not cut the stopping short and leave something behind.
            self._stopping = True
            raise Stopped

    def _say(self, text: str) -> None:
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except (OSError, ValueError):
            # A closed terminal takes nothing any more, and that is no reason to leave anything running, or to end badly.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)


def check_port(host: str, port: int) -> None:
    """Raise Problem when somebody else listens there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except PermissionError:
        raise Problem(f"Port {port} needs root. Choose another: PORT=8000 make demo") from None
    except OSError as error:
        if "in use" in str(error):
            raise Problem(
                f"Port {port} is taken by another program. Choose another: PORT={port + 1} make demo"
            ) from None
        raise Problem(f"HOST={host}: {error.strerror}.") from None


def check_room(folder: Path, data: Path | None) -> None:
    """Raise Problem when a disk is read-only or too full to start on. `data`: the embedded database's, if that is used."""
    probe = folder / ".room"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise Problem(f"{folder} can't be written to: {error.strerror}. VAR_DIR chooses another place.") from None
    place = data if data and data.exists() else folder
    free = shutil.disk_usage(place).free
    needed = ROOM_FOR_HISTORY if data and not data.exists() else ROOM_TO_GO_ON
    if free < needed:
        raise Problem(
            f"Only {free // 1024**2} MB are free at {place}, and {needed // 1024**2} are needed."
            " Make room, or choose another place with VAR_DIR."
        )


def claim(folder: Path) -> None:
    """Raise Problem when a demo runs in this folder already. The kernel gives the claim back, however we end."""
    lock = os.open(folder / "demo.lock", os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Problem(
            f"The demo runs in {folder} already. Stop that one, or choose another place with VAR_DIR."
        ) from None


def run_once(command: str, supervisor: Supervisor) -> str:
    """Run a management command to its end; returns what it printed. Raises Problem with its last words if it fails."""
    path = supervisor.folder / f"{command}.log"
    with path.open("wb") as log:
        done = subprocess.run(
            [*MANAGE, command],
            stdout=subprocess.PIPE,
            stderr=log,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            start_new_session=True,
            preexec_fn=tied(),
        )
    if done.returncode:
        raise Problem(f"`manage.py {command}` failed: {last_words(path)} See {path}")
    return done.stdout


def wait_for_answer(web: Child, supervisor: Supervisor) -> None:
    """Return when the web server answers; raise Problem when it can't."""
    deadline = time.monotonic() + ANSWERS_WITHIN
    while time.monotonic() < deadline:
        if not web.running:
            raise Problem(
                f"The web server can't start: {last_words(supervisor.log_of(web))} See {supervisor.log_of(web)}"
            )
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(shown(settings.HOST), settings.PORT, timeout=5)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise Problem(f"The web server did not answer within {ANSWERS_WITHIN:.0f} s; see {supervisor.log_of(web)}")


def last_words(path: Path) -> str:
    """The last line of a log, which for a traceback is the error."""
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    words = re.sub(r"^[\w.]*\.(\w+): ", r"\1: ", lines[-1]) if lines else "it said nothing."
    return words if words.endswith((".", "?", "!")) else f"{words}."


def shown(host: str) -> str:
    return "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host
