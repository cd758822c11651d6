"""Pages: the server's time for a person's page and for a search, with the events that `resolve` left behind.

Measured in this process, through every middleware and template, as the web server does it.
"""

import random
import time
from collections.abc import Callable

import numpy as np
from django.contrib.auth.models import User
from django.test import Client, override_settings

from cdp_site import sql
from connectors.models import Source
from tests.benchmarks.resolve import prepare
from tests.benchmarks.world import PEOPLE

REQUESTS = 300
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


def _time(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000


def run(events: int = 1_200_000) -> dict[str, object]:
    """Milliseconds, median and 95th percentile, over 300 requests each for people and queries drawn at random."""
    source, _ = Source.objects.get_or_create(name="Benchmark")
    prepare(source, events)
    rnd = random.Random(1)
    person, _ = User.objects.get_or_create(username="bench", is_superuser=True, is_staff=True)
    client = Client(headers={"Host": "localhost"})
    ids = [row[0] for row in sql.rows("SELECT id FROM profile ORDER BY random() LIMIT %s", (REQUESTS,))]
    numbers = [int(PEOPLE * rnd.random()) for _ in range(REQUESTS)]
    queries: list[str] = []
    for number in numbers:
        phone = f"600 {number:06}"
        queries += [rnd.choice((f"ferrer {number}", f"person{number}", phone, f"user-{number}", f"anon-{number}-0"))]
    figures: dict[str, object] = {
        "people": sql.rows("SELECT count(*) FROM profile")[0][0],
        "events": sql.rows("SELECT count(*) FROM event")[0][0],
    }
    with override_settings(STORAGES=STORAGES):
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        client.get(f"/people/{ids[0]}/")
        for name, addresses in (
            ("person's page", [f"/people/{id}/" for id in ids]),
            ("search", [f"/people/?q={query}" for query in queries]),
        ):
            headers = {"HX-Request": "true"} if name == "search" else {}
            taken = [_time(lambda: _get(client, address, headers)) for address in addresses]  # noqa: B023
            figures[f"{name}, median ms"] = round(float(np.median(taken)), 1)
            figures[f"{name}, p95 ms"] = round(float(np.percentile(taken, 95)), 1)
    return figures


def _get(client: Client, address: str, headers: dict[str, str]) -> None:
    answer = client.get(address, headers=headers)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}")
