"""A webhook is signed as Standard Webhooks says, bounded in time, and its answers are understood."""

import base64
import hashlib
import hmac
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import httpx
import pytest
import time_machine
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from cdp_site.settings import BASE_DIR
from connectors.destinations import http, webhook
from connectors.destinations.base import AudienceName, Changes, Outcome, Verdict
from connectors.destinations.webhook import Webhook, WebhookSettings
from tests.connectors.channel import SECRET, signature

CHANGES = Changes("42", AudienceName("5", "VIPs"), datetime(2026, 5, 1, tzinfo=UTC), [], [])


def send(url: str, body: bytes = b"{}", **config: str) -> Outcome:
    return Webhook({"url": url, "secret": SECRET} | config).send(CHANGES, body)


def adopted(stored: dict[str, str], **fields: str) -> dict[str, str]:
    form = WebhookSettings({"url": "https://a.example/", "identifiers": ["email"]} | fields, stored=stored)
    assert form.is_valid(), form.errors
    return Webhook.adopt(stored, form).config


def test_the_signature_is_that_of_the_published_example() -> None:
    """From the Standard Webhooks specification's reference libraries."""
    secret, key, stamp = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert webhook.sign(secret, key, stamp, b'{"test": 2432232314}') == expected


def test_a_request_carries_key_time_and_signature_and_the_body_unchanged(httpserver: HTTPServer) -> None:
    seen: list[Request] = []
    httpserver.expect_request("/in").respond_with_handler(lambda request: seen.append(request) or Response())
    body = b'{"removed": [], "added": []}'
    with time_machine.travel(datetime(2026, 5, 1, 12, tzinfo=UTC), tick=False):
        assert send(httpserver.url_for("/in"), body).verdict is Verdict.DELIVERED
        stamp = str(int(datetime(2026, 5, 1, 12, tzinfo=UTC).timestamp()))
    headers = seen[0].headers
    assert headers["Idempotency-Key"] == headers["webhook-id"] == "42"
    assert headers["webhook-timestamp"] == stamp
    assert headers["webhook-signature"] == "v1," + signature(SECRET, "42", stamp, body)
    assert headers["Content-Type"] == "application/json"
    assert seen[0].get_data() == body


def test_the_old_secret_signs_beside_the_new_one_for_a_day(httpserver: HTTPServer) -> None:
    signatures: list[str] = []
    httpserver.expect_request("/in").respond_with_handler(
        lambda request: signatures.append(request.headers["webhook-signature"]) or Response()
    )
    url = httpserver.url_for("/in")
    config = adopted({"secret": SECRET}, url=url, new_secret="on")
    assert config["secret"] != SECRET
    send(**config)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
        send(**config)
    assert [len(text.split(" ")) for text in signatures] == [2, 1]


def test_saving_again_does_not_change_a_secret() -> None:
    first = adopted({})
    assert first["secret"].startswith("whsec_")
    assert adopted(first) == first
    entered = adopted(first, secret=SECRET)
    assert (entered["secret"], entered["old_secret"]) == (SECRET, first["secret"])


@pytest.mark.parametrize(
    ("status", "verdict", "word"),
    [
        (200, Verdict.DELIVERED, ""),
        (204, Verdict.DELIVERED, ""),
        (400, Verdict.REFUSED, "400"),
        (401, Verdict.TRY_AGAIN, "secret"),
        (404, Verdict.TRY_AGAIN, "address"),
        (408, Verdict.TRY_AGAIN, "408"),
        (410, Verdict.REFUSED, "gone"),
        (413, Verdict.REFUSED, "too large"),
        (422, Verdict.REFUSED, "422"),
        (429, Verdict.TRY_AGAIN, "fewer"),
        (500, Verdict.TRY_AGAIN, "500"),
        (503, Verdict.TRY_AGAIN, "503"),
        (599, Verdict.TRY_AGAIN, "599"),
    ],
)
def test_each_answer_means_one_thing(httpserver: HTTPServer, status: int, verdict: Verdict, word: str) -> None:
    httpserver.expect_request("/in").respond_with_response(Response(status=status))
    outcome = send(httpserver.url_for("/in"))
    assert outcome.verdict is verdict
    assert word in outcome.reason


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/in").respond_with_response(
        Response(status=status, headers={"Location": httpserver.url_for("/elsewhere")})
    )
    assert send(httpserver.url_for("/in")).verdict is Verdict.REFUSED
    assert [request.path for request, _ in httpserver.log] == ["/in"]


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (b'{"refused": [{"profile_id": "7", "reason": "no consent"}, {"profile_id": 8}]}',
         {"7": "no consent", "8": "no reason given"}),
        (b"ok", {}),
        (b"", {}),
        (b"[1]", {}),
        (b"\xff\xfe", {}),
        (b'{"refused": "all"}', {}),
        (b'{"refused": [{"profile_id": "7", "reason": "\\u0000no\\u0000"}]}', {"7": "no"}),
        (b"x" * 1_000_000, {}),
    ],
)  # fmt: skip
def test_an_answer_may_refuse_people_and_anything_else_refuses_nobody(
    httpserver: HTTPServer, answer: bytes, refused: dict[str, str]
) -> None:
    httpserver.expect_request("/in").respond_with_response(Response(answer))
    assert send(httpserver.url_for("/in")) == Outcome(Verdict.DELIVERED, refused=refused)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("0", 0), ("999999999", http.MAX_RETRY_AFTER), ("soon", None), ("", None), ("-5", None),
     ("Fri, 01 May 2026 12:01:00 GMT", 60), ("Fri, 01 May 2020 12:01:00 GMT", 0), ("Fri, 99 May", None)],
)  # fmt: skip
def test_the_time_that_a_receiver_asks_for_is_read(text: str, seconds: float | None) -> None:
    with time_machine.travel(datetime(2026, 5, 1, 12, tzinfo=UTC), tick=False):
        outcome = http.judge(httpx.Response(503, headers={"retry-after": text}), b"")
    assert outcome.retry_after == seconds


@contextmanager
def listening(answer: bytes, *, then_waits: bool) -> Iterator[str]:
    """A server that says `answer` to whoever connects, then hangs up or says nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            connection, _ = server.accept()
            kept.append(connection)
            connection.recv(65_536)
            connection.sendall(answer)
            if not then_waits:
                connection.close()

        Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        for connection in kept:
            connection.close()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_a_receiver_that_stops_talking_is_left_after_a_while(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT", httpx.Timeout(0.2))
    http._client.cache_clear()
    with listening(answer, then_waits=True) as url:
        assert send(url).verdict is Verdict.TRY_AGAIN
    http._client.cache_clear()


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 banana\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]
)
def test_a_receiver_that_hangs_up_or_talks_nonsense_is_tried_again(answer: bytes) -> None:
    with listening(answer, then_waits=False) as url:
        outcome = send(url)
    assert outcome.verdict is Verdict.TRY_AGAIN
    assert outcome.reason


def test_nobody_listening_and_no_such_host_are_tried_again_with_the_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "refused" in send(f"http://127.0.0.1:{port}/").reason
    assert send("http://no-such-host.invalid/").verdict is Verdict.TRY_AGAIN


def test_the_verification_in_the_documentation_works(httpserver: HTTPServer) -> None:
    text = (BASE_DIR / "docs" / "destinations.md").read_text()
    code = next(part for part in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "def verified" in part)
    names: dict[str, Any] = {"base64": base64, "hmac": hmac, "hashlib": hashlib, "time": time, "Mapping": Mapping}
    exec(code, names)
    seen: list[Request] = []
    httpserver.expect_request("/in").respond_with_handler(lambda request: seen.append(request) or Response())
    send(httpserver.url_for("/in"), b'{"added": []}')
    headers = seen[0].headers
    assert names["verified"](SECRET, headers, b'{"added": []}')
    assert not names["verified"](SECRET, headers, b'{"added": [1]}')
    assert not names["verified"](webhook.make_secret(), headers, b'{"added": []}')
