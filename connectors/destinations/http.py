"""Destinations that are reached over HTTP: one bounded request, and what its answer means."""

import os
import time
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus

import httpx
import msgspec
from django.utils import timezone
from msgspec import Struct

from cdp_site import asked
from connectors.destinations.base import Destination, Outcome, delivered, refuse, try_again

TIMEOUT = httpx.Timeout(5.0, connect=3.0)
# For all of an answer, however slowly it drips in.
ANSWER_WITHIN = 5.0  # seconds
MAX_ANSWER = 256 * 1024
MAX_RETRY_AFTER = 24 * 3600.0  # seconds

# Answers that may be others tomorrow without a change here: busy, or mended on the other side (a key, an address).
_PASSING = {
    HTTPStatus.UNAUTHORIZED: "The receiver doesn't accept our credentials (401): compare the secret here and there.",
    HTTPStatus.FORBIDDEN: "The receiver forbids the request (403): compare the secret and the permissions there.",
    HTTPStatus.NOT_FOUND: "Nothing answers at this address (404): check the address.",
    HTTPStatus.REQUEST_TIMEOUT: "The receiver gave up waiting (408).",
    HTTPStatus.CONFLICT: "The receiver is still busy with an earlier request (409).",
    HTTPStatus.MISDIRECTED_REQUEST: "The request reached the wrong server (421).",
    HTTPStatus.TOO_EARLY: "The receiver wants the request later (425).",
    HTTPStatus.TOO_MANY_REQUESTS: "The receiver asks for fewer requests (429).",
}
_FINAL = {
    HTTPStatus.GONE: "The receiver says that this address is gone for good (410): enter the new one.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The receiver finds the request too large (413): raise its limit.",
}


class _Refused(Struct):
    profile_id: str | int
    reason: str = ""


class _Answer(Struct):
    refused: list[_Refused] = []


class HttpDestination(Destination):
    """The shared part: connections are kept, redirects are not followed, answers are read up to a limit."""

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        """One POST. It may last as long as the time-outs say; nothing is retried here."""
        try:
            with _client(os.getpid()).stream("POST", url, content=body, headers=headers) as response:
                answer = _read(response)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            return refuse(f"This address can't be used: {error}. Enter one that begins with https://.")
        except httpx.TimeoutException:
            return try_again("No answer in time: the receiver is down, overloaded or out of reach.")
        except httpx.TransportError as error:
            return try_again(f"The connection failed: {error or type(error).__name__}.")
        return judge(response, answer)


def judge(response: httpx.Response, answer: bytes) -> Outcome:
    """What an answer means for the delivery."""
    status = response.status_code
    if response.is_success:
        return delivered(_refusals(answer))
    if response.has_redirect_location or 300 <= status < 400:
        return refuse(f"The receiver redirects ({status}), which isn't followed: enter the address that it leads to.")
    if status in _PASSING:
        return try_again(_PASSING[HTTPStatus(status)], _retry_after(response))
    if status >= 500 or status < 300:
        return try_again(f"The receiver has a fault of its own ({status}).", _retry_after(response))
    return refuse(_FINAL.get(status, f"The receiver refuses the request as it is ({status})."))  # type: ignore[call-overload]


@cache
def _client(pid: int) -> httpx.Client:
    """One pool of connections for each process (a forked one must not share its parent's)."""
    return httpx.Client(
        timeout=TIMEOUT,
        follow_redirects=False,
        headers={"User-Agent": "Tributary", "Accept": "application/json", "Accept-Encoding": "identity"},
    )


def _read(response: httpx.Response) -> bytes:
    """The answer, up to a limit in size and time; what is beyond isn't needed to know whether it worked."""
    ends, answer = time.monotonic() + ANSWER_WITHIN, bytearray()
    for piece in response.iter_raw():
        answer += piece
        if len(answer) > MAX_ANSWER or time.monotonic() > ends:
            break
    return bytes(answer)


def _refusals(answer: bytes) -> dict[str, str]:
    """Who wasn't taken: an answer may say {"refused": [{"profile_id": …, "reason": …}]}; any other text says nobody."""
    try:
        found = msgspec.json.decode(answer, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    # Without the NUL character, which PostgreSQL refuses: the answer would be lost, and asked for again and again.
    return {str(one.profile_id): one.reason.replace("\0", "")[:200] or "no reason given" for one in found.refused}


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, from a number or an HTTP date."""
    text = response.headers.get("retry-after", "").strip()
    try:
        number = asked.whole(text)
        seconds = (
            float(number) if number is not None else (parsedate_to_datetime(text) - timezone.now()).total_seconds()
        )
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)
