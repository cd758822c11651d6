"""/healthz, /readyz and /metrics: right about what is amiss, open to whoever watches, and silent about people."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from cdp_site.ids import first_at
from connectors.models import Delivery
from tests.factories import AudienceFactory, SourceFactory
from tests.live import free_port
from tests.stream import resolve_all, send

ANSWERS = ("/healthz", "/readyz", "/metrics")
pytestmark = pytest.mark.django_db


def change(query: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)


def workers_seen(ago: timedelta) -> None:
    change("DELETE FROM stage")
    change("INSERT INTO stage (name, woken, started_at) VALUES ('resolve', false, %s)", timezone.now() - ago)


@contextmanager
def connected_to(**settings: Any) -> Iterator[None]:
    """Django's own connection, leading elsewhere."""
    usual = {name: connection.settings_dict[name] for name in settings}
    connection.close()
    connection.settings_dict.update(settings)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(usual)


def readiness(client: Client) -> tuple[int, dict[str, dict[str, Any]]]:
    answer = client.get("/readyz")
    assert answer.json()["ok"] is (answer.status_code == 200)
    return answer.status_code, answer.json()["checks"]


def metrics(client: Client) -> dict[str, dict[tuple[str, ...], float]]:
    """Each sample's values by its labels' values (the labels in alphabetical order), as Prometheus reads them."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found


# Who may ask


@pytest.mark.parametrize("path", ANSWERS)
def test_whoever_watches_needs_no_account(client: Client, path: str) -> None:
    workers_seen(timedelta(0))
    answer = client.get(path)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"], "an answer of a minute ago says nothing"
    assert not answer.cookies
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


def test_a_page_beside_them_needs_one(client: Client) -> None:
    assert client.get("/people/").status_code == 302


# Ready or not


def test_ready_when_everything_is_there(client: Client) -> None:
    workers_seen(timedelta(seconds=20))
    status, checks = readiness(client)
    assert status == 200
    assert {name: check["ok"] for name, check in checks.items()} == dict.fromkeys(
        ("database", "migrations", "workers", "inbox"), True
    )
    assert 20 <= checks["workers"]["seconds_since_last_seen"] < 40
    assert checks["inbox"]["lag_seconds"] == 0


def test_not_ready_before_a_worker_has_started(client: Client) -> None:
    change("DELETE FROM stage")
    status, checks = readiness(client)
    assert (status, checks["workers"]["problem"]) == (503, "no worker has started yet: run manage.py work")


@pytest.mark.parametrize(("minutes", "expected"), [(2, 200), (4, 503)])
def test_not_ready_when_no_worker_was_seen_for_three_minutes(client: Client, minutes: int, expected: int) -> None:
    workers_seen(timedelta(minutes=minutes))
    status, checks = readiness(client)
    assert status == expected
    assert ("problem" in checks["workers"]) is (expected == 503)


@pytest.mark.parametrize(("minutes", "expected"), [(14, 200), (16, 503)])
def test_not_ready_when_a_message_waits_too_long(client: Client, minutes: int, expected: int) -> None:
    workers_seen(timedelta(0))
    key = send(SourceFactory.create(), {"type": "identify", "userId": "1"})
    change("UPDATE inbox SET id = %s WHERE id = %s", first_at(timezone.now() - timedelta(minutes=minutes)), key)
    status, checks = readiness(client)
    assert status == expected
    assert checks["inbox"]["lag_seconds"] == pytest.approx(60 * minutes, abs=50)
    assert ("problem" in checks["inbox"]) is (expected == 503)


def test_not_ready_while_a_migration_is_missing(client: Client) -> None:
    workers_seen(timedelta(0))
    change("DELETE FROM django_migrations WHERE app = 'profiles' AND name LIKE '0001%%'")
    status, checks = readiness(client)
    assert status == 503
    said = checks["migrations"]["problem"]
    assert said.startswith("migrations are not applied (1, first profiles.0001")
    assert said.endswith("run manage.py migrate")
    for command in ("doctor", "drain"):
        with pytest.raises(CommandError, match="migrations are not applied"):
            call_command(command)


@pytest.mark.django_db(transaction=True)
def test_an_empty_database_lacks_migrations_and_nothing_else_is_said(client: Client) -> None:
    name = f"{connection.settings_dict['NAME']}_empty"
    change(f'DROP DATABASE IF EXISTS "{name}"')
    change(f'CREATE DATABASE "{name}"')
    try:
        with connected_to(NAME=name):
            status, checks = readiness(client)
    finally:
        change(f'DROP DATABASE "{name}"')
    assert status == 503
    assert list(checks) == ["database", "migrations"]
    assert checks["database"]["ok"] is True
    assert "run manage.py migrate" in checks["migrations"]["problem"]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_said_without_its_address_and_the_process_lives_on(client: Client) -> None:
    workers_seen(timedelta(0))
    with connected_to(HOST="127.0.0.1", PORT=free_port(), OPTIONS={}):
        status, checks = readiness(client)
        assert client.get("/healthz").status_code == 200
    assert status == 503
    assert checks == {"database": {"ok": False, "problem": "the database can't be reached"}}
    assert readiness(client)[0] == 200, "and it is ready again by itself"


# Figures


def test_the_metrics_are_what_the_tables_say(client: Client) -> None:
    source, before = SourceFactory.create(), metrics(client)
    send(source, {"type": "identify", "userId": "1"}, {"type": "identify", "userId": "2"}, {"type": "nonsense"})
    waiting = metrics(client)
    assert waiting["tributary_inbox_pending_rows"][()] == before["tributary_inbox_pending_rows"][()] + 1
    resolve_all()
    Delivery.objects.create(
        audience=AudienceFactory.create(), state=Delivery.State.PENDING, body=b"{}", adds=1, removes=0
    )
    after = metrics(client)
    outcomes = {
        outcome: after["tributary_messages_total"][outcome,] - before["tributary_messages_total"][outcome,]
        for outcome in ("stored", "duplicates", "rejected")
    }
    assert outcomes == {"stored": 2, "duplicates": 0, "rejected": 1}
    assert after["tributary_inbox_pending_rows"][()] == before["tributary_inbox_pending_rows"][()]
    assert after["tributary_deliveries"] == {("pending",): 1}


def test_requests_are_counted_by_page_and_outcome(client: Client) -> None:
    def seen(view: str, status: str) -> float:
        return metrics(client).get("tributary_request_seconds_count", {}).get(("GET", status, view), 0)

    healthy, unknown = seen("healthz", "200"), seen("(no view)", "404")
    client.get("/healthz")
    client.get("/healthz")
    client.get("/no/such/page/")
    assert seen("healthz", "200") == healthy + 2
    assert seen("(no view)", "404") == unknown + 1


def test_nothing_of_a_person_is_in_any_answer(client: Client) -> None:
    workers_seen(timedelta(0))
    person = {"email": "mireia.soler@example.com", "firstName": "Mireia", "phone": "+34612345678"}
    send(SourceFactory.create(name="Soler's shop"), {"type": "identify", "userId": "soler-7", "traits": person})
    resolve_all()
    client.get("/people/", {"q": "mireia.soler@example.com"})
    client.get("/people/mireia.soler@example.com")
    client.generic("SOLER", "/healthz", HTTP_USER_AGENT="Mireia")
    for path in ANSWERS:
        said = client.get(path).content.decode().lower()
        assert not [word for word in ("mireia", "soler", "612345678", "@") if word in said], path
