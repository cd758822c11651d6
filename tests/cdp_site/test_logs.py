"""Logs say what happened, never to whom."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from django.conf import settings
from django.test import Client

from cdp_site import logs

ANNA = "anna.lind@example.com"


pytestmark = pytest.mark.usefixtures("production_logs")


@pytest.fixture
def production_logs(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Configured as in production, after capsys has put its own stderr in place; afterwards as the tests are."""
    logs.configure({"level": "INFO", "json": True})
    yield
    logs.configure(settings.LOGGING)


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]


def test_a_line_is_json_with_time_level_and_logger(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger("profiles.resolve").warning("batch_halved", messages=12)
    (line,) = said(capsys)
    assert line["event"] == "batch_halved"
    assert line["messages"] == 12
    assert line["level"] == "warning"
    assert line["logger"] == "profiles.resolve"
    assert line["timestamp"]


def test_fields_with_personal_names_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger("x").warning("seen", email=ANNA, Name="Anna", body=b"{}", traits={"a": 1}, profile_id=7)
    (line,) = said(capsys)
    assert line["profile_id"] == 7
    assert not {"email", "Name", "body", "traits"} & set(line)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"no profile for {ANNA} found", ANNA),
        ("Bad Request: /v1/batch?writeKey=abc123", "abc123"),
        ("call +49 170 1234567 back", "1234567"),
        ("from 192.168.10.77", "192.168.10.77"),
        ("Invalid request from ip=203.0.113.9: Invalid HTTP Header: 'CONTENT-LENGTH'", "203.0.113.9"),
        ("Invalid request from ip=2001:db8::7: Invalid HTTP Version", "2001:db8"),
        ("duplicate key\nDETAIL:  Key (value)=(Anna Lind) already exists.", "Anna"),
    ],
)
def test_texts_are_scrubbed_of_what_looks_personal(capsys: pytest.CaptureFixture[str], text: str, secret: str) -> None:
    logging.getLogger("any.library").warning(text)
    (line,) = said(capsys)
    assert secret not in json.dumps(line)


def test_a_traceback_keeps_its_lines_but_quotes_no_values(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(f"could not convert string to float: 'Anna Lind' of {ANNA}, see column 'last_seen'")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    (line,) = said(capsys)
    trace = str(line["exception"])
    assert "test_logs.py" in trace
    assert "'last_seen'" in trace
    # The source line of the raise is our own code; the message is what a person's row got into.
    message = trace.splitlines()[-1]
    assert "Anna" not in message
    assert "ValueError" in message


@pytest.mark.django_db
def test_djangos_own_request_log_says_the_route_not_the_address(capsys: pytest.CaptureFixture[str]) -> None:
    Client().get("/people-of/anna-lind/?writeKey=abc123")
    text = "".join(json.dumps(line) for line in said(capsys))
    assert "answered 404" in text
    assert "anna-lind" not in text
    assert "abc123" not in text


def test_a_terminal_gets_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure({"level": "INFO", "json": False})
    structlog.get_logger("x").info("started", workers=2, email=ANNA)
    shown = capsys.readouterr().err
    assert "started" in shown
    assert "workers" in shown
    assert ANNA not in shown
