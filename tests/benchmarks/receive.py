"""Receive: messages acknowledged durably over HTTP, the machine's cores shared by client, web server and PostgreSQL.

Held against a bare WSGI application behind the same gunicorn that does nothing but insert the request's bytes, one row a
request, in the same run: what checking messages and answering like Segment costs on top of durability.
"""

import http.client
import statistics
import subprocess
import sys
import time

import psutil

from connectors.models import Source
from tests.live import ROOT, Process, Web, environment, free_port


class _Bare(Process):
    """gunicorn in the same shape, serving tests/benchmarks/bare.py."""

    def __init__(self) -> None:
        self.port = free_port()
        command = [
            sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread",
            "--workers", "2", "--threads", "4", "--log-level", "warning", "tests.benchmarks.bare",
        ]  # fmt: skip
        super().__init__(command)


def client(port: int, key: str, path: str, size: int) -> float:
    """Requests a second, measured by a client in a process of its own."""
    found = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.client", str(port), key, path, str(size)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(found.stdout)


def _wait(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/healthz")
            connection.getresponse()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError


def run() -> dict[str, object]:
    source, _ = Source.objects.get_or_create(name="Benchmark")
    web, bare = Web(), _Bare()
    figures: dict[str, object] = {}
    try:
        web.start()
        bare.start()
        _wait(web.port)
        _wait(bare.port)
        for size, path, name in ((100, "/v1/batch", "batches of 100"), (1, "/v1/track", "single messages")):
            ours, theirs = [], []
            for _ in range(2):  # in turn, so that a busy moment of the machine hits both
                theirs.append(client(bare.port, source.write_key, path, size))
                ours.append(client(web.port, source.write_key, path, size))
            figures[f"{name}, messages/s acknowledged"] = round(statistics.mean(ours) * size)
            figures[f"{name}, of a bare insert of the same bytes"] = round(sum(ours) / sum(theirs), 2)
        figures["greatest web process, MB"] = max(
            one.memory_info().rss // 1_000_000 for one in psutil.Process(web.pid).children(recursive=True)
        )
    finally:
        web.stop()
        bare.stop()
    return figures
