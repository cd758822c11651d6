"""What a message says about a person: identifiers, traits, a record, a money value. Pure; no database.

docs/sending-data.md tells senders which fields are read.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from profiles import normalise
from profiles.identifiers import (
    ANONYMOUS,
    CARD,
    DEVICE,
    EMAIL,
    EXTERNAL,
    FINGERPRINT,
    FIRST_OWN,
    PHONE,
    RECORD,
    USER,
    Identifier,
    Kind,
    usable,
)
from profiles.message import Invalid, Message, parse_time

MAX_EXTERNAL_IDS = 20
MAX_TRAIT_NAME = 100
MAX_IDENTIFIER = 512
CARD_FIELDS = frozenset({"loyalty_card", "loyaltyCard", "loyalty_card_number", "loyaltyCardNumber"})
CONSENT_CHANNELS = frozenset({"email", "sms", "ads", "phone"})
_YES = (True, "true", "yes", "y", "1", "on", "granted", "opted_in", "opt_in", "subscribed")
_NO = (False, "false", "no", "n", "0", "off", "denied", "opted_out", "opt_out", "unsubscribed")
_NUMBER = re.compile(r"\s*-?\d{1,15}(\.\d{1,10})?\s*")
_json = msgspec.json.Encoder(decimal_format="number")


class RecordChange(Struct, gc=False):
    """What one message says of a record. Empty text and None: not said. `closed_at` is said whenever `status` is."""

    kind: str
    external_id: str
    status: str
    title: str
    value: str | None
    currency: str
    opened_at: datetime
    closed_at: datetime | None
    properties: dict[str, Any]


class Said(Struct, gc=False):
    """One message, ready to be stored: `key` (16 bytes) is known for good; `identifiers` are the strongest first."""

    source_id: int
    inbox_id: int
    raw: bytes
    hint: str
    key: bytes
    message_id: str | None
    type: str
    name: str
    time: datetime
    identifiers: tuple[Identifier, ...]
    # An alias names the user id that the person had before: those two merge whatever the limits say.
    alias_of: Identifier | None
    traits: dict[str, Any]
    record: RecordChange | None
    value: str | None
    properties: bytes
    context: bytes
    # Named by it as well, but blocked: kept, should that ever be lifted.
    blocked: tuple[Identifier, ...] = ()
    # How it came, for a message that must be set aside after all.
    format: str = "tracking"
    received_at: datetime | None = None
    sent_at: datetime | None = None


def extract(
    message: Message, *, source_id: int, inbox_id: int, raw: bytes, hint: str, key: bytes, message_id: str | None,
    kinds: Mapping[int, Kind], country: str,
) -> Said:  # fmt: skip
    """All that `message` says; `Invalid` when it names nobody (no usable identifier) or a field is of no use."""
    traits = {} if message.type == "group" else _traits(message.traits)
    record = _record(message)
    found = _identifiers(message, traits, record, source_id, kinds, country)
    alias_of = None
    if message.type == "alias":
        previous = normalise.in_form(kinds[USER].form, str(message.wire.previousId))
        if previous and len(previous) <= MAX_IDENTIFIER:
            alias_of = (USER, previous) if not kinds[USER].blocks(previous) else None
            found.append((ANONYMOUS, previous))
    fit = usable(found, kinds)
    if not fit:
        raise Invalid(*_why_nobody(message, found, kinds))
    blocked = tuple(sorted({*found} - {*fit})) if len(fit) < len(found) else ()
    if blocked and all(kind != USER for kind, _ in fit) and any(kind == USER for kind, _ in blocked):
        alias_of = None  # Whom it speaks of is nobody.
    return Said(
        source_id, inbox_id, raw, hint, key, message_id, message.type, message.name, message.time, tuple(fit),
        alias_of, traits, record, _value_of(message), _properties(message, record), _context(message), blocked,
    )  # fmt: skip


def _identifiers(
    message: Message, traits: dict[str, Any], record: RecordChange | None, source_id: int,
    kinds: Mapping[int, Kind], country: str,
) -> list[Identifier]:  # fmt: skip
    """All identifiers in their normal form; those from e-mail, phone and card also become traits in theirs."""
    found: list[Identifier] = []

    def add(kind: int, text: str, before: str = "") -> None:
        value = normalise.in_form(kinds[kind].form, text, country)
        if value and len(before) + len(value) <= MAX_IDENTIFIER:
            found.append((kind, before + value))

    if message.user_id:
        add(USER, message.user_id)
    if message.anonymous_id:
        add(ANONYMOUS, message.anonymous_id)
    for kind, value in _reachable(traits, message.properties, bool(message.user_id), country):
        add(kind, value)
    if context := message.context:
        device = context.get("device")
        if isinstance(device, dict) and isinstance(device.get("id"), str):
            add(DEVICE, device["id"])
        for print in (context.get("fingerprint"), device.get("fingerprint") if isinstance(device, dict) else None):
            if isinstance(print, str):
                add(FINGERPRINT, print)
        others = context.get("externalIds")
        if isinstance(others, list):
            own = {kind.name: id for id, kind in kinds.items() if id >= FIRST_OWN}
            for other in others[:MAX_EXTERNAL_IDS]:
                if isinstance(other, dict) and isinstance(other.get("id"), str | int):
                    type = other.get("type")
                    mine = own.get(type) if isinstance(type, str) else None
                    add(mine or EXTERNAL, str(other["id"]), "" if mine else f"{type or source_id}:")
    if record is not None:
        found.append((RECORD, f"{source_id}:{record.kind}:{record.external_id}"))
    return found


def _reachable(
    traits: dict[str, Any], properties: Mapping[str, Any], named: bool, country: str
) -> Iterator[Identifier]:
    """E-mail, phone and loyalty card in their normal form, which the traits get as well.

    Somebody who is known by a user id (`named`) may well send another person's address in an event's properties (an
    invitation, a gift); where nobody is named, the properties' address is the only one.
    """
    for fields in (traits,) if named or not properties else (traits, properties):
        if (address := fields.get("email")) and isinstance(address, str) and (normal := normalise.email(address)):
            traits["email"] = normal
            yield EMAIL, normal
        number = fields.get("phone")
        if number and isinstance(number, str | int) and (normal := normalise.phone(str(number), country)):
            traits["phone"] = normal
            yield PHONE, normal
    for fields in (traits, properties):
        for field in sorted(CARD_FIELDS & fields.keys()):
            number = fields[field]
            if isinstance(number, str | int) and (normal := normalise.card(str(number))):
                traits["loyalty_card"] = normal
                yield CARD, normal


def traits_of_event(
    type: str,
    properties: Mapping[str, Any],
    context: Mapping[str, Any],
    identifiers: Sequence[Identifier],
    country: str,
) -> dict[str, Any]:
    """The traits that a stored event's message said, read from the event again."""
    if type == "group":
        return {}
    sent = properties if type == "identify" and properties else context.get("traits")
    try:
        traits = _traits(sent) if isinstance(sent, Mapping) else {}
    except Invalid:  # Stored before such traits were refused.
        traits = {}
    said = {} if type in ("identify", "alias") else properties
    for _ in _reachable(traits, said, any(kind == USER for kind, _ in identifiers), country):
        pass
    return traits


def _why_nobody(message: Message, found: Sequence[Identifier], kinds: Mapping[int, Kind]) -> tuple[str, str]:
    if found:
        kind, value = found[0]
        return "", f"the {kinds[kind].name} {value[:60]!r} is blocked, and the message has no other identifier"
    for field, value in (("userId", message.user_id), ("anonymousId", message.anonymous_id)):
        if value:
            return field, f"{value[:60]!r} is a filler that identifies nobody, and the message has no other identifier"
    return "userId", "is missing, and so is every other identifier (anonymousId, e-mail, phone, loyalty card, …)"


def _traits(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Traits by their one name; `consents: {email: true}` becomes consent_email, and so on; first + last name: name."""
    if not sent:
        return {}
    traits: dict[str, Any] = {}
    for name, value in sent.items():
        if len(name) > MAX_TRAIT_NAME:
            raise Invalid(
                "traits", f"the name {name[:40]!r}… has {len(name):,} characters; {MAX_TRAIT_NAME} is the most"
            )
        folded = normalise.trait_name(name)
        if folded == "consents":
            traits |= _consents(f"traits.{name}", value)
        elif folded.removeprefix("consent_") in CONSENT_CHANNELS and folded.startswith("consent_"):
            traits[folded] = _consent(f"traits.{name}", value)
        elif folded:
            traits[folded] = value
    if not traits.get("name") and (traits.get("first_name") or traits.get("last_name")):
        parts = (traits.get("first_name"), traits.get("last_name"))
        traits["name"] = " ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
    return traits


def _consents(field: str, sent: Any) -> dict[str, Any]:
    """Each channel's yes or no; that of a channel of the company's own (a newsletter) too, which may be a date or a text."""
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise Invalid(
            field, f'must say it for each channel, as {{"email": true, "sms": false}}; not {str(sent)[:40]!r}'
        )
    found = {}
    for channel, given in sent.items():
        if name := normalise.trait_name(f"consent_{channel}"[:MAX_TRAIT_NAME]):
            known = name.removeprefix("consent_") in CONSENT_CHANNELS
            found[name] = _consent(f"{field}.{channel}", given) if known else given
    return found


def _consent(field: str, given: Any) -> bool | None:
    """Yes, no, or not known. What can't be told apart from either is refused: nobody's no is to be overheard."""
    said = given.strip().lower() if isinstance(given, str) else given
    if said is None or said == "":
        return None
    if isinstance(said, bool | int | str):
        for answer, spellings in ((True, _YES), (False, _NO)):
            if said in spellings:
                return answer
    raise Invalid(field, f"must be true or false, or null for not known; {str(given)[:40]!r} may mean anything")


def money(value: Any) -> str | None:
    """A finite number as PostgreSQL reads it; also one that was sent as text ('39.90')."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return repr(value) if math.isfinite(value) and abs(value) < 1e15 else None
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return value.strip()
    return None


def _value_of(message: Message) -> str | None:
    properties = message.properties
    if not properties:
        return None
    for field in ("revenue", "total", "value"):
        if (value := money(properties.get(field))) is not None:
            return value
    return None


def _properties(message: Message, record: RecordChange | None) -> bytes:
    """What is stored as the event's properties: whatever the message says that no other column keeps."""
    wire, text = message.wire, message.properties_text
    match message.type:
        case "track":
            return text
        case "page" | "screen":
            extra = {"name": wire.name, "category": wire.category}
            missing = {name: value for name, value in extra.items() if value and name not in message.properties}
            return _joined(_json.encode(missing), text) if missing else text
        case "identify":
            traits = bytes(wire.traits)
            return b"" if traits in (b"null", b"{}") else traits
        case "group":
            traits = bytes(wire.traits) or b"null"
            return _json.encode({"groupId": wire.groupId, "traits": msgspec.Raw(traits)})
        case "alias":
            return _json.encode({"previousId": wire.previousId})
    assert record is not None
    return _joined(
        _json.encode({"kind": record.kind, "external_id": record.external_id, "status": record.status}), text
    )


def _context(message: Message) -> bytes:
    """The context as sent, with traits that stood beside it in a message that keeps none."""
    given = bytes(message.wire.traits)
    if message.type in ("identify", "group") or not message.traits or given in (b"", b"null", b"{}"):
        return message.context_text
    return _json.encode(message.context | {"traits": msgspec.Raw(given)})


def _joined(first: bytes, second: bytes) -> bytes:
    """Two JSON objects' texts as one."""
    return first if not second or second.strip()[1:-1].strip() == b"" else first[:-1] + b"," + second.lstrip()[1:]


# verb -> (status, whether that closes it); None: the event says nothing about the status.
_VERBS: dict[str, dict[str, tuple[str, bool] | None]] = {
    "order": {
        "Placed": ("placed", False), "Completed": ("completed", True), "Updated": None, "Fulfilled": ("fulfilled", True),
        "Shipped": ("shipped", True), "Refunded": ("refunded", True), "Cancelled": ("cancelled", True),
    },
    "ticket": {
        "Opened": ("open", False), "Created": ("open", False), "Updated": None, "Reopened": ("open", False),
        "Solved": ("solved", True), "Closed": ("closed", True), "Rated": None,
    },
    "deal": {
        "Created": ("open", False), "Opened": ("open", False), "Updated": None, "Won": ("won", True), "Lost": ("lost", True),
    },
    "subscription": {
        "Started": ("active", False), "Created": ("active", False), "Renewed": ("active", False), "Updated": None,
        "Paused": ("paused", False), "Cancelled": ("cancelled", True), "Expired": ("expired", True),
    },
}  # fmt: skip
# A status that a sender words himself: these mean that nothing more is to come.
CLOSED = frozenset(
    "closed solved resolved done won lost cancelled canceled refunded expired completed fulfilled ended merged".split()
)


@lru_cache(maxsize=4096)
def _record_event(name: str) -> tuple[str, tuple[str, bool] | None] | None:
    """The kind of record that an event name speaks of, and what it says of the status."""
    noun, _, verb = name.partition(" ")
    verbs = _VERBS.get(noun.lower(), {})
    return (noun.lower(), verbs[verb]) if verb in verbs else None


def _record(message: Message) -> RecordChange | None:
    if message.type == "record":
        return _record_sent(message)
    if message.type != "track" or (known := _record_event(message.name)) is None:
        return None
    kind, verb = known
    properties = message.properties
    number = properties.get(f"{kind}_id") or properties.get(f"{kind}Id")
    external_id = normalise.identifier(str(number)) if isinstance(number, str | int) else None
    if not external_id or len(external_id) > MAX_IDENTIFIER - 64:
        return None
    status, closes = verb or (_text(properties.get("status"), 60), False)
    if not verb:
        closes = status.lower() in CLOSED
    kept = properties
    # What was paid back is not what was bought: a refund leaves the order's value and lines alone.
    refund = message.name == "Order Refunded"
    if refund:
        kept = {"refunded": money(properties.get("revenue")) or money(properties.get("total"))}
    return RecordChange(
        kind, external_id, status, _text(properties.get("title") or properties.get("subject"), 500),
        None if refund else _value_of(message), _currency(properties.get("currency")),
        message.time, message.time if closes else None, kept,
    )  # fmt: skip


def _record_sent(message: Message) -> RecordChange:
    wire = message.wire
    kind, external_id = str(wire.kind).strip().lower(), str(wire.externalId).strip()
    if len(kind) > 40:
        raise Invalid("kind", f"has {len(kind):,} characters; 40 is the most")
    if len(external_id) > MAX_IDENTIFIER - 64:
        raise Invalid("externalId", f"has {len(external_id):,} characters; {MAX_IDENTIFIER - 64} is the most")
    status = _text(wire.status, 60)
    closed_at = parse_time(wire.closedAt, "closedAt") if wire.closedAt not in (None, "") else None  # type: ignore[arg-type]
    if closed_at is None and status.lower() in CLOSED:
        closed_at = message.time
    opened_at = parse_time(wire.openedAt, "openedAt") if wire.openedAt not in (None, "") else message.time  # type: ignore[arg-type]
    return RecordChange(
        kind, external_id, status or ("closed" if closed_at else ""), _text(wire.title, 500), money(wire.value),
        _currency(wire.currency or message.properties.get("currency")), opened_at, closed_at, message.properties,
    )  # fmt: skip


def _text(value: Any, most: int) -> str:
    return str(value).strip()[:most] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _currency(value: Any) -> str:
    return value.upper() if isinstance(value, str) and len(value) == 3 and value.isalpha() else ""


__all__ = ["RecordChange", "Said", "extract", "money"]
