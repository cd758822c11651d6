"""The one message format: what every source translates into, typed, validated, with errors that name the field.

Its shape is that of Segment's public tracking API, which official SDKs of Segment and RudderStack speak, plus one type
of our own, `record`, for things that change (orders, tickets, deals, subscriptions). docs/sending-data.md describes it.

Decoding costs about 5 µs a message: the envelope into a struct, properties, traits and context checked by decoding them
once (which finds broken UTF-8, lone surrogates, NaN, numbers out of range and endless nesting), while what is stored
stays the sender's own text.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from profiles.unreadable import MAX_DEPTH, Invalid, depth, holds_nul, path_of, unreadable

MAX_MESSAGE_BYTES = 32 * 1024
MAX_NAME = 200
MAX_ID = 512
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
# A clock may be wrong by this much before its times are refused.
LATEST_AHEAD = timedelta(days=1)
# Below this, the difference between the sender's clock and ours is travel time, not a wrong clock.
SKEW_FROM = timedelta(seconds=5)

TYPES = ("track", "identify", "page", "screen", "group", "alias", "record")
FIXED_NAMES = {
    "page": "Page Viewed",
    "screen": "Screen Viewed",
    "identify": "Identified",
    "group": "Group Joined",
    "alias": "Aliased",
    "record": "Record Updated",
}
_TYPE_SET = frozenset(TYPES)

Id = str | int | None


class Wire(Struct, gc=False):
    """A message as sent. Unknown fields are let through unread."""

    type: str | None = None
    messageId: Id = None
    userId: Id = None
    anonymousId: Id = None
    previousId: Id = None
    groupId: Id = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    timestamp: str | int | float | None = None
    originalTimestamp: str | int | float | None = None
    sentAt: str | int | float | None = None
    receivedAt: str | int | float | None = None
    properties: Raw = Raw(b"")
    traits: Raw = Raw(b"")
    context: Raw = Raw(b"")
    # type "record" only
    kind: str | None = None
    externalId: Id = None
    status: str | None = None
    title: str | None = None
    value: float | int | None = None
    currency: str | None = None
    openedAt: str | int | float | None = None
    closedAt: str | int | float | None = None


class Message(Struct, gc=False):
    """A message that is fit to be stored. `time` is UTC; `properties` and `context` are the sender's JSON text or b''."""

    wire: Wire
    type: str
    name: str
    time: datetime
    message_id: str | None
    user_id: str
    anonymous_id: str
    properties: dict[str, Any]
    traits: dict[str, Any]
    context: dict[str, Any]
    properties_text: bytes
    context_text: bytes


_wire = msgspec.json.Decoder(Wire)
_object = msgspec.json.Decoder(dict[str, Any])
_path = re.compile(r"(.*?)(?: - at `\$\.?(.*)`)?$", re.DOTALL)
_TYPE_NAMES = {
    "int": "a whole number",
    "str": "text",
    "float": "a number",
    "null": "null",
    "object": "an object",
    "array": "a list",
    "bool": "true or false",
}


def parse(
    text: bytes, *, hint: str = "", received_at: datetime, sent_at: datetime | None, corrects: bool = True
) -> Message:
    """The message in `text`, or `Invalid`.

    `hint` is the type that the address implied, `sent_at` the batch's clock at sending (a message's own goes before it),
    `corrects` whether the difference between `sentAt` and `received_at` is taken off the times (not for history that is
    replayed: there `sentAt` is long past).
    """
    if len(text) > MAX_MESSAGE_BYTES:
        raise Invalid("", f"the message has {len(text):,} bytes; {MAX_MESSAGE_BYTES:,} is the most")
    wire = _decode(text)
    kind = wire.type or hint
    if kind not in _TYPE_SET:
        raise Invalid("type", f"{_shown(kind)} is none of {', '.join(TYPES)}" if kind else "is missing")
    properties_text, properties = _object_in(wire.properties, "properties")
    _, traits = _object_in(wire.traits, "traits")
    context_text, context = _object_in(wire.context, "context")
    if not traits and isinstance(context.get("traits"), dict):
        traits = context["traits"]
    if b"\\u0000" in text:
        _refuse_nul(wire, properties, traits, context)
    if not (wire.userId or wire.anonymousId) and not _may_name_somebody(wire, traits, properties, context):
        raise Invalid(
            "userId", "is missing, and so is every other identifier (anonymousId, e-mail, phone, loyalty card, …)"
        )
    return Message(
        wire=wire,
        type=kind,
        name=_name_of(wire, kind),
        time=_time_of(wire, received_at, sent_at, corrects),
        message_id=_id(wire.messageId, "messageId") or None,
        user_id=_id(wire.userId, "userId"),
        anonymous_id=_id(wire.anonymousId, "anonymousId"),
        properties=properties,
        traits=traits,
        context=context,
        properties_text=properties_text,
        context_text=context_text,
    )


def _may_name_somebody(wire: Wire, *objects: dict[str, Any]) -> bool:
    """Whether there is anything from which an identifier might be read, where neither of the usual two is given."""
    return bool(wire.externalId or wire.previousId) or any(objects)


def parse_time(value: str | int | float, field: str) -> datetime:
    """ISO 8601 text, or a number of seconds or milliseconds since 1970, as UTC; without a zone it is UTC."""
    try:
        if isinstance(value, str):
            if value.isascii() and value.isdigit():
                return parse_time(int(value), field)
            moment = datetime.fromisoformat(value)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return datetime.fromtimestamp(value / 1000 if value > 100_000_000_000 else value, UTC)
    except (ValueError, OverflowError, OSError):
        raise Invalid(field, f"{_shown(value)} is not a time; write 2026-01-31T12:00:00Z") from None


def message_key(source_id: int, message_id: str) -> tuple[bytes, str | None]:
    """The 16-byte key under which a message is known for good, and the text to keep when the key doesn't say it.

    A message id that is a UUID in its usual form is masked with its source's constant, so that the key leads back to it
    and time-ordered UUIDs stay in order; any other is hashed together with its source.
    """
    if len(message_id) == 36:
        try:
            identity = UUID(message_id)
        except ValueError:
            pass
        else:
            if str(identity) == message_id:
                return (identity.int ^ _mask(source_id)).to_bytes(16, "big"), None
    digest = blake2b(b"%d:%s" % (source_id, message_id.encode()), digest_size=16).digest()
    return digest, message_id


def message_id_of(key: UUID, source_id: int, message_id: str | None) -> str:
    """The message id as it was sent; of a message that had none, the key by which it is known."""
    if message_id is None:
        return str(UUID(int=key.int ^ _mask(source_id)))
    return message_id or str(key)


@cache
def _mask(source_id: int) -> int:
    return int.from_bytes(blake2b(b"%d" % source_id, digest_size=16, person=b"tributary-mask").digest(), "big")


def _decode(text: bytes) -> Wire:
    try:
        return _wire.decode(text)
    except msgspec.ValidationError as error:
        raise _named(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(text, error) from None


def _named(error: msgspec.ValidationError) -> Invalid:
    """msgspec's 'Expected `int | str`, got `float` - at `$.userId`' in our words."""
    found = _path.match(str(error))
    # Which of an object's values it was, msgspec doesn't say: it writes [...].
    reason, field = (
        (found.group(1), (found.group(2) or "").replace("[...]", "").strip(".")) if found else (str(error), "")
    )
    expected = re.match(r"Expected `(.*)`, got `(.*)`", reason)
    if expected:
        wanted = " or ".join(_TYPE_NAMES.get(part, part) for part in expected.group(1).split(" | ") if part != "null")
        reason = f"must be {wanted}, not {_TYPE_NAMES.get(expected.group(2), expected.group(2))}"
    elif "out of range" in reason:
        reason = "the number is out of range"
    return Invalid(field, reason)


def _object_in(raw: Raw, field: str) -> tuple[bytes, dict[str, Any]]:
    """The raw text of an object field and its value; ({}, b'') for a missing or null one."""
    text = bytes(raw)
    if not text or text == b"null" or text == b"{}":
        return b"", {}
    if text[:1] != b"{":
        raise Invalid(field, "must be an object")
    try:
        value = _object.decode(text)
    except msgspec.ValidationError as error:
        invalid = _named(error)
        raise Invalid(f"{field}.{invalid.field}".rstrip("."), invalid.reason) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        invalid = unreadable(text, error)
        raise Invalid(f"{field}.{invalid.field}".rstrip("."), invalid.reason) from None
    # Fewer brackets than that can't nest deeper: the count is all that most messages pay.
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and depth(text) > MAX_DEPTH:
        raise Invalid(field, f"nested deeper than {MAX_DEPTH} levels")
    return text, value


def _refuse_nul(wire: Wire, *objects: dict[str, Any]) -> None:
    """PostgreSQL stores no NUL character: find the field that holds one (an escaped backslash before it holds none)."""
    fields = {name: getattr(wire, name) for name in wire.__struct_fields__}
    fields |= zip(("properties", "traits", "context"), objects, strict=True)
    if where := path_of(fields, holds_nul):
        raise Invalid(where, "holds a NUL character (\\u0000), which can't be stored")


def _name_of(wire: Wire, kind: str) -> str:
    if kind != "track":
        if kind == "record" and not (wire.kind and wire.externalId not in (None, "")):
            raise Invalid("externalId" if wire.kind else "kind", "is missing: a record needs kind and externalId")
        if kind == "alias" and wire.previousId in (None, ""):
            raise Invalid("previousId", "is missing: an alias says who the person was before")
        if kind == "group" and wire.groupId in (None, ""):
            raise Invalid("groupId", "is missing")
        return FIXED_NAMES[kind]
    name = wire.event.strip() if wire.event else ""
    if not name:
        raise Invalid("event", "is missing: a track message needs the name of what happened")
    if len(name) > MAX_NAME:
        raise Invalid("event", f"has {len(name):,} characters; {MAX_NAME} is the most")
    return name


def _id(value: Id, field: str) -> str:
    if value is None:
        return ""
    text = str(value).strip() if isinstance(value, str) else str(value)
    if len(text) > MAX_ID:
        raise Invalid(field, f"has {len(text):,} characters; {MAX_ID} is the most")
    return text


def _time_of(wire: Wire, received_at: datetime, sent_at: datetime | None, corrects: bool) -> datetime:
    if wire.timestamp not in (None, ""):
        time = parse_time(wire.timestamp, "timestamp")  # type: ignore[arg-type]
        field = "timestamp"
    elif wire.originalTimestamp not in (None, ""):
        time = parse_time(wire.originalTimestamp, "originalTimestamp")  # type: ignore[arg-type]
        field = "originalTimestamp"
    else:
        return received_at
    if corrects:
        clock = parse_time(wire.sentAt, "sentAt") if wire.sentAt not in (None, "") else sent_at  # type: ignore[arg-type]
        if clock is not None:
            skew = received_at - clock
            if abs(skew) > SKEW_FROM:
                try:
                    time += skew
                except OverflowError:
                    raise Invalid(field, f"{_shown(getattr(wire, field))} is out of range") from None
    if time < EARLIEST:
        raise Invalid(field, f"{_shown(getattr(wire, field))} is before 1970")
    if time > received_at + LATEST_AHEAD:
        raise Invalid(field, f"{_shown(getattr(wire, field))} is in the future")
    return time


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
