"""Receive: messages over HTTP, in the shape of Segment's public tracking API. Checked, stored, then acknowledged.

The answer is exactly 200 with {"success": true} once the body is durable; with `rejected` (index, field, reason) where
some messages of a batch were refused. Errors are JSON with `code` and `message`. docs/sending-data.md tells senders.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from typing import Any

import msgspec
import structlog
from django.core.exceptions import DisallowedHost
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from connectors import limits
from connectors.authenticate import Caller, caller_of, sent_write_key
from connectors.body import Unreadable, json_text, put_together, taken_apart
from profiles import inbox
from profiles.inbox import Rejection
from profiles.message import Invalid, parse

log = structlog.get_logger(__name__)

MAX_MESSAGES = 5_000
RETRY_AFTER = 5  # seconds, when the database is away
_JSON = "application/json"
_SUCCESS = b'{"success":true}'
View = Callable[..., HttpResponse]
Rebuild = Callable[[list[bytes]], bytes]


class _Key(msgspec.Struct, gc=False):
    writeKey: str | None = None


_key = msgspec.json.Decoder(_Key)


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str, retry_after: int = 0, **more: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after, self.more = status, code, message, retry_after, more


def _answers(view: View) -> View:
    """Every way that a request can go wrong, as the JSON that SDKs read."""

    @wraps(view)
    def answer(request: HttpRequest, **given: Any) -> HttpResponse:
        try:
            return view(request, **given)
        except _Refused as refused:
            body = {"code": refused.code, "message": refused.message, **refused.more}
            response = HttpResponse(msgspec.json.encode(body), content_type=_JSON, status=refused.status)
            if refused.retry_after:
                response["Retry-After"] = str(refused.retry_after)
            return response
        except Unreadable as unreadable:
            code = "too_large" if unreadable.status == 413 else "unreadable"
            body = {"code": code, "message": unreadable.reason}
            return HttpResponse(msgspec.json.encode(body), content_type=_JSON, status=unreadable.status)
        except DisallowedHost:
            body = {"code": "unknown_host", "message": "this address is not served here; see ALLOWED_HOSTS"}
            return HttpResponse(msgspec.json.encode(body), content_type=_JSON, status=400)
        except (DatabaseError, InterfaceError) as error:
            log.error("not_stored", kind=type(error.__cause__ or error).__name__)
            connection.close()
            body = {"code": "unavailable", "message": "not acknowledged; send it again later, with the same messageId"}
            response = HttpResponse(msgspec.json.encode(body), content_type=_JSON, status=503)
            response["Retry-After"] = str(RETRY_AFTER)
            return response

    return answer


@_answers
def receive(request: HttpRequest, hint: str) -> HttpResponse:
    """One request with one message or a batch; `hint` is what the address says: a type, 'batch' or 'import'."""
    if request.method != "POST":
        raise _Refused(405, "method_not_allowed", "send messages with POST")
    body = json_text(request)
    caller = _caller(request, body)
    received_at = timezone.now()
    raws, sent_at, corrects, rebuild = _read(body, hint)
    if caller.rate_limit and (seconds := limits.wait_for(caller.source_id, caller.rate_limit, len(raws))):
        raise _Refused(429, "too_many", f"this source may send {caller.rate_limit:,} messages a minute", seconds)
    type_hint = "" if hint in ("batch", "import") else hint
    rejections, good = [], []
    for index, raw in enumerate(raws):
        text = bytes(raw)
        try:
            parse(text, hint=type_hint, received_at=received_at, sent_at=sent_at, corrects=corrects)
        except Invalid as invalid:
            rejections.append(Rejection(index, invalid.field, invalid.reason, text, sent_at))
        else:
            good.append(text)
    skip = [rejection.index for rejection in rejections]
    if rebuild:
        body, skip = rebuild(good), []
    inbox.store(
        caller.source_id,
        body,
        format="tracking",
        hint="import" if hint == "import" else type_hint,
        messages=len(raws) - len(rejections),
        skip=skip,
        rejections=rejections,
        received_at=received_at,
    )
    if not rejections:
        return HttpResponse(_SUCCESS, content_type=_JSON)
    told = [{"index": one.index, "field": one.field, "reason": one.reason} for one in rejections]
    if len(rejections) == len(raws):
        first = rejections[0]
        message = f"{first.field}: {first.reason}" if first.field else first.reason
        raise _Refused(400, "invalid_message", message, field=first.field, rejected=told)
    return HttpResponse(msgspec.json.encode({"success": True, "rejected": told}), content_type=_JSON)


def _read(body: bytes, hint: str) -> tuple[Any, Any, bool, Rebuild | None]:
    """The messages in a body, the sender's clock, and whether times are corrected by it.

    Where one message keeps the whole from being read, they are taken apart, and the body to store is to be rebuilt from
    those that turn out good.
    """
    rebuild: Rebuild | None = None
    try:
        try:
            reading = inbox.read_tracking(body, hint)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if isinstance(error, msgspec.ValidationError):
                raise
            try:
                messages, sent_at = taken_apart(body)
            except (ValueError, RecursionError):
                raise error from None
            rebuild = partial(put_together, sent_at=sent_at)
            reading = replace(inbox.read_tracking(rebuild([]), hint), messages=messages)
    except Invalid as invalid:
        raise _Refused(400, "invalid_body", str(invalid), field=invalid.field) from None
    except RecursionError:
        raise _Refused(400, "invalid_body", "the body is nested too deeply") from None
    except msgspec.ValidationError as error:
        raise _Refused(400, "invalid_body", f"the body must be one message or a batch: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Refused(400, "invalid_json", f"the body is not JSON: {error}") from None
    if hint in ("batch", "import") and reading.messages and reading.messages[0] is body:
        raise _Refused(400, "invalid_body", "batch: is missing; send {'batch': [message, …]}", field="batch")
    if not reading.messages:
        raise _Refused(400, "invalid_body", "batch: is empty", field="batch")
    if len(reading.messages) > MAX_MESSAGES:
        raise _Refused(
            413,
            "too_large",
            f"batch: has {len(reading.messages):,} messages; {MAX_MESSAGES:,} is the most",
            field="batch",
        )
    return reading.messages, reading.sent_at, reading.corrects, rebuild


def _caller(request: HttpRequest, body: bytes = b"") -> Caller:
    in_body = None
    if body and b"writeKey" in body:
        try:
            in_body = _key.decode(body).writeKey
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            in_body = None
    write_key = sent_write_key(request, in_body)
    if not write_key:
        raise _Refused(401, "no_write_key", "send the source's write key: Basic authentication, its user name, 'key:'")
    caller = caller_of(write_key) if "\0" not in write_key and len(write_key) <= 64 else None
    if caller is None:
        raise _Refused(401, "unknown_write_key", "no source has this write key; see Connectors for the right one")
    if not caller.enabled:
        raise _Refused(401, "source_off", "this source is switched off; an admin can switch it on")
    return caller


@_answers
def browser_settings(request: HttpRequest, write_key: str) -> HttpResponse:
    """What Segment's browser SDK asks before it sends anything: where to."""
    caller = caller_of(write_key) if "\0" not in write_key and len(write_key) <= 64 else None
    if caller is None or not caller.enabled:
        raise _Refused(404, "unknown_write_key", "no source has this write key")
    on = {"__default": {"enabled": True, "integrations": {}}}
    told = {
        "integrations": {
            "Segment.io": {
                "apiKey": write_key,
                "apiHost": f"{request.get_host()}/v1",
                "protocol": request.scheme,
                "unbundledIntegrations": [],
                "addBundledMetadata": True,
                "maybeBundledConfigIds": {},
                "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
            }
        },
        "plan": {"track": on, "identify": on, "group": on},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }
    return HttpResponse(msgspec.json.encode(told), content_type=_JSON)


@_answers
def source_config(request: HttpRequest) -> HttpResponse:
    """What RudderStack's SDKs ask first: that the source is on, and that no device-mode destinations are to be loaded."""
    caller = _caller(request)
    told = {
        "source": {
            "id": str(caller.source_id),
            "name": caller.name,
            "writeKey": sent_write_key(request),
            "enabled": True,
            "workspaceId": "tributary",
            "connections": [],
            "destinations": [],
            "config": {"statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}},
            "dataplanes": {},
        },
        "updatedAt": timezone.now().isoformat(),
        "consentManagementMetadata": {"providers": []},
    }
    return HttpResponse(msgspec.json.encode(told), content_type=_JSON)


@_answers
def unknown(request: HttpRequest) -> HttpResponse:
    """An address that Segment's API has and we don't, or a slip: told as an SDK reads it, not as a page."""
    raise _Refused(
        404, "unknown_address", "there is no such address; messages go to /v1/batch, or to /v1/ and their type"
    )
