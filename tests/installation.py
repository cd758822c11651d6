"""An installation apart, for tests: a folder with an embedded server of its own, its commands, and what lives of it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from cdp_site.postgres import Server
from cdp_site.processes import tied
from tests.live import ROOT

# What the tests' own process was told, and a command that an operator starts was not.
_NOT_TOLD = {
    "DATABASE_URL",
    "DEBUG",
    "PORT",
    "HOST",
    "SECRET_KEY",
    "TRIBUTARY_DEMO",
    "PROMETHEUS_MULTIPROC_DIR",
    "LOG_LEVEL",
}
USES_THE_SERVER = "from cdp_site import database; print(database.use(), flush=True); input()"


class Installation:
    """`folder` is its VAR_DIR."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Server(folder / "postgres", durable=False)

    def environment(self, **more: str) -> dict[str, str]:
        told = {name: value for name, value in os.environ.items() if name not in _NOT_TOLD}
        # Empty rather than absent, so that a .env file beside the code has no say either.
        return {**told, "DATABASE_URL": "", "VAR_DIR": str(self.folder), **more}

    def manage(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a `manage.py` command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Start a Python command in a session of its own; it ends with the tests at the latest."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment(**more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=tied(),  # noqa: PLW1509 - nothing but a system call
        )

    def living(self) -> list[str]:
        """What lives of this installation, however it came about."""
        return [f"{process.pid} {' '.join(process.info['cmdline']).strip()}" for process in self._processes()]

    def end_what_lives(self) -> list[str]:
        """After a test that failed; returns what it was."""
        left = self.living()
        for process in self._processes():
            with suppress(psutil.Error):
                process.kill()
        return left

    def _processes(self) -> Iterator[psutil.Process]:
        """Told by its folder, its environment or its command."""
        places = (str(self.folder), str(self.server.data))
        for process in psutil.process_iter(["cmdline"]):
            with suppress(psutil.Error):
                # Others' environment is theirs: the database's processes are told by their folder.
                told = process.environ().get("VAR_DIR") if process.uids().real == os.geteuid() else None
                ours = (
                    told in places
                    or process.cwd().startswith(places)
                    or any(place in part for place in places for part in process.info["cmdline"] or ())
                )
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    yield process

    def remove(self) -> None:
        self.server.release()
        self.server.stop()
        elsewhere = self.server.place
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(elsewhere, ignore_errors=True)


@contextmanager
def installation() -> Iterator[Installation]:
    """A new one, removed afterwards; its database is made when first used."""
    # Not pytest's own folder: that is closed to the account that runs the server when the tests run as root.
    folder = Path(tempfile.mkdtemp(prefix="tributary-test-"))
    folder.chmod(0o755)
    made = Installation(folder)
    try:
        yield made
    finally:
        made.remove()


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own at `folder` while in use; only root can have one."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def until(condition: Callable[[], object], within: float = 90.0) -> bool:
    """Whether it came true in time (seconds; much, for a machine that does other things too)."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that refuses says: one line on stderr, and a status that isn't 0."""
    lines = done.stderr.splitlines()
    assert done.returncode != 0
    assert len(lines) == 1, done.stderr
    return lines[0]
