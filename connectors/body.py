"""A request's body as JSON text, whatever its headers say of it, and never more of it in memory than a batch may have."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from codecs import BOM_UTF8
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from django.http import HttpRequest

if TYPE_CHECKING:
    from _typeshed import SupportsRead

MAX_BODY = 512_000  # bytes: Segment's and RudderStack's 500 KB a batch
MAX_GZIP_MEMBERS = 100
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
    body = body.removeprefix(BOM_UTF8).strip()
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
    found, members = b"", 0
    while body:
        if (members := members + 1) > MAX_GZIP_MEMBERS:
            raise Unreadable(400, f"the body has more than {MAX_GZIP_MEMBERS} gzip members")
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


# An unterminated string runs to the end: nothing is tried twice, however long the body.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)


def taken_apart(body: bytes) -> tuple[list[bytes], object]:
    """The messages of a batch that can't be read because of one of them (10,000 levels, half of a surrogate pair, NaN, a
    raw control character, broken UTF-8), each as it was sent; beside them the batch's `sentAt`.

    Checking them one by one finds the one at fault by name, and keeps the others. Brackets are counted, nothing is read:
    one pass, however deep. A body without a batch is one message. Raises ValueError for what is no JSON object at all.
    """
    fields = {}
    for part in _parts(body, b"{"):
        name, _, value = part.partition(b":")
        fields[name.strip()] = value.strip()
    if (batch := fields.get(b'"batch"')) is None:
        return [body], None
    return _parts(batch, b"["), json.loads(fields.get(b'"sentAt"', b"null"))


def _parts(text: bytes, opening: bytes) -> list[bytes]:
    """What stands between the commas of an object or a list, as it is written there."""
    if text[:1] != opening:
        raise ValueError("something else was expected")
    found, depth, begun = [], 0, 1
    for token in _TOKEN.finditer(text):
        match token.group():
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
            case b",":
                if depth == 1:
                    found.append(text[begun : token.start()].strip())
                    begun = token.end()
        if depth == 0:
            if text[token.end() :].strip():
                raise ValueError("more follows where it should end")
            last = text[begun : token.start()].strip()
            return [*found, last] if found or last else []
    raise ValueError("it is cut off")


def put_together(messages: list[bytes], sent_at: object) -> bytes:
    """A batch of these messages."""
    tail = b"" if sent_at is None else b',"sentAt":' + json.dumps(sent_at).encode()
    return b'{"batch":[' + b",".join(messages) + b"]" + tail + b"}"
