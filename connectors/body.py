"""A request's body as JSON text, whatever its headers say of it, and never more of it in memory than a batch may have."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from django.http import HttpRequest

if TYPE_CHECKING:
    from _typeshed import SupportsRead

MAX_BODY = 512_000  # bytes: Segment's and RudderStack's 500 KB a batch
_READ_AT_ONCE = 65_536
_MOST_LEFT_UNREAD = 20_000_000


class Unreadable(Exception):
    """A body that can't be taken; `status` is the HTTP status to answer with."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def json_text(request: HttpRequest) -> bytes:
    """The body, unzipped if it is gzip (by its first bytes: SDKs don't always say so), out of a form if it is one."""
    body = _read(request)
    if body[:2] == b"\x1f\x8b":
        body = _unzipped(body)
    body = body.strip()
    if not body:
        raise Unreadable(400, "the body is empty")
    if body[:1] not in b"{[" and (b"=" in body[:100]):
        body = _out_of_form(body)
    return body


def _read(request: HttpRequest) -> bytes:
    environ = request.META
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise Unreadable(400, "Content-Length is no number") from None
    # A chunked body has no length, and Django's own stream would take it for empty.
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    stream = environ["wsgi.input"] if chunked else request
    if length > MAX_BODY:
        _leave_unread(stream)
        raise Unreadable(413, _too_large())
    parts, size = [], 0
    while part := stream.read(_READ_AT_ONCE):
        parts.append(part)
        size += len(part)
        if size > MAX_BODY:
            _leave_unread(stream)
            raise Unreadable(413, _too_large())
    return b"".join(parts)


def _leave_unread(stream: SupportsRead[bytes]) -> None:
    """Let a body that is refused run past: an answer before its end would look like a broken connection to the sender."""
    left = _MOST_LEFT_UNREAD
    while left > 0 and (part := stream.read(_READ_AT_ONCE)):
        left -= len(part)


def _unzipped(body: bytes) -> bytes:
    found = b""
    while body:
        stream = zlib.decompressobj(31)
        try:
            found += stream.decompress(body, MAX_BODY + 1 - len(found))
        except zlib.error:
            raise Unreadable(400, "the body begins like gzip, but can't be unzipped") from None
        if len(found) > MAX_BODY:
            raise Unreadable(413, _too_large())
        if not stream.eof:
            raise Unreadable(400, "the gzip of the body is cut off")
        body = stream.unused_data
    return found


def _out_of_form(body: bytes) -> bytes:
    """`data=` of a form: JSON, or JSON in base64."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=20)
    except ValueError:
        raise Unreadable(400, "the body is neither JSON nor a form") from None
    for name in ("data", "payload", "d"):
        for value in fields.get(name, []):
            if value.lstrip()[:1] in ("{", "["):
                return value.strip().encode()
            try:
                return base64.b64decode(value, validate=True).strip()
            except (binascii.Error, ValueError):
                raise Unreadable(400, f"{name}: is neither JSON nor base64") from None
    raise Unreadable(400, "the body is a form without a field 'data'")


def _too_large() -> str:
    return f"the body has more than {MAX_BODY:,} bytes; send smaller batches"


def taken_apart(body: bytes) -> tuple[list[bytes], object]:
    """The messages of a batch that can't be scanned because of one of them (half of a surrogate pair, NaN, broken UTF-8).

    Each is written anew on its own, what is wrong with it included, so that checking finds it by name and the others are
    kept; beside them the batch's `sentAt`. Raises ValueError for what is no JSON at all, or no batch.
    """
    envelope = json.loads(body.decode("utf-8", "surrogateescape"), parse_int=_whole)
    if not isinstance(envelope, dict) or not isinstance(envelope.get("batch"), list):
        raise ValueError("no batch")
    return [json.dumps(message).encode() for message in envelope["batch"]], envelope.get("sentAt")


def put_together(messages: list[bytes], sent_at: object) -> bytes:
    """A batch of these messages."""
    tail = b"" if sent_at is None else b',"sentAt":' + json.dumps(sent_at).encode()
    return b'{"batch":[' + b",".join(messages) + b"]" + tail + b"}"


def _whole(digits: str) -> int | float:
    # Python refuses to read numbers of thousands of digits; as a float such a one is out of range, and says so.
    return int(digits) if len(digits) < 4_000 else float(digits)
