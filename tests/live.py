"""Tributary's own processes, started against the tests' database: for tests that kill them, or that need the real thing."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

from django.conf import settings

from cdp_site.processes import tied

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    """What a process needs to work on the tests' database."""
    url = urlsplit(os.environ["DATABASE_URL"])
    test_url = urlunsplit(url._replace(path="/" + str(settings.DATABASES["default"]["NAME"])))
    return {**os.environ, "DATABASE_URL": test_url, **more}


class Process:
    """A process that can be killed outright, with all that it started, and started again."""

    def __init__(self, command: list[str], **more: str) -> None:
        self.command, self.environment = command, environment(**more)
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> "Process":
        self._running = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.environment,
            start_new_session=True,
            preexec_fn=tied(),  # noqa: PLW1509 - nothing but a system call
        )
        return self

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    def kill(self) -> None:
        """SIGKILL to the whole group: nobody gets to tidy up."""
        if self._running is not None:
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
            self._running = None

    def stop(self) -> None:
        """SIGTERM, as an orderly end; killed when it takes more than 15 seconds."""
        if self._running is None:
            return
        self._running.terminate()
        try:
            self._running.wait(15)
        except subprocess.TimeoutExpired:
            pass
        self.kill() if self._running.poll() is None else None
        self._running = None


class Workers(Process):
    """`manage.py work`: the queue's workers and the clock."""

    def __init__(self) -> None:
        super().__init__([sys.executable, "manage.py", "work"], TRIBUTARY_DEMO="1")


class Web(Process):
    """The web server as production runs it, on a port of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        gunicorn = [sys.executable, "-m", "gunicorn", "-c", "python:cdp_site.web", "cdp_site.wsgi"]
        super().__init__(gunicorn, PORT=str(self.port), ALLOWED_HOSTS="127.0.0.1,localhost", TRIBUTARY_DEMO="1")

    def wait(self, seconds: float = 90) -> "Web":
        """Until it answers."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                with urlopen(f"{self.url}/healthz", timeout=2) as answer:
                    if answer.status == 200:
                        return self
            except OSError:
                time.sleep(0.05)
        raise TimeoutError("the web server doesn't answer")
