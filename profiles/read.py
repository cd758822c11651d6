"""What arrived, read: bodies cut into messages, each parsed and asked what it says; what can't be read is set aside."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

import structlog

from cdp_site import sql
from profiles import inbox
from profiles.extract import Said, extract
from profiles.identifiers import Kind
from profiles.inbox import READERS, Reading, Rejection
from profiles.message import Invalid, message_key, parse

log = structlog.get_logger(__name__)

# A body that was begun this often, and never finished, is set aside whole.
SET_ASIDE_AFTER = 20


@dataclass
class Body:
    """A claimed inbox row."""

    id: int
    source_id: int
    received_at: datetime
    format: str
    hint: str
    body: bytes
    messages: int
    skip: frozenset[int]
    attempts: int


@dataclass
class Account:
    """What became of a batch's messages, by source."""

    messages: Counter[int] = field(default_factory=Counter)
    stored: Counter[int] = field(default_factory=Counter)
    duplicates: Counter[int] = field(default_factory=Counter)
    rejected: Counter[int] = field(default_factory=Counter)


def read(bodies: Sequence[Body], kinds: Mapping[int, Kind], account: Account) -> list[Said]:
    """The messages of these bodies that can be stored; the others are set aside."""
    countries = inbox.countries_of({body.source_id for body in bodies})
    said: list[Said] = []
    for body in bodies:
        if body.attempts > SET_ASIDE_AFTER + 1 or (body.attempts > SET_ASIDE_AFTER and body.messages == 1):
            reason = f"it was begun {body.attempts - 1} times, and the process ended each time before it was done"
            _set_aside_body(body, reason, account)
            continue
        try:
            reading = READERS[body.format](body.body, body.hint)
        except Exception as error:  # noqa: BLE001 - whatever a reader stumbles over, the next body must get its turn.
            _set_aside_body(body, told(error), account)
            continue
        if body.attempts > SET_ASIDE_AFTER:
            _take_apart(body, reading)
            continue
        refused = []
        for index, raw in enumerate(reading.messages):
            if index in body.skip:
                continue
            try:
                said.append(_read_one(body, reading, index, bytes(raw), kinds, countries.get(body.source_id, "")))
            except Invalid as invalid:
                refused.append(_rejection(body, reading, index, invalid.field, invalid.reason, bytes(raw)))
            except Exception as error:
                log.exception("message_not_read", inbox_id=body.id, index=index, kind=type(error).__name__)
                refused.append(_rejection(body, reading, index, "", told(error), bytes(raw)))
        account.rejected[body.source_id] += inbox.reject(
            body.source_id, refused, stage="resolve", inbox_id=body.id, hint=body.hint, received_at=body.received_at
        )
    return said


def _read_one(body: Body, reading: Reading, index: int, raw: bytes, kinds: Mapping[int, Kind], country: str) -> Said:
    message = parse(
        raw, hint=body.hint, received_at=body.received_at, sent_at=reading.sent_at, corrects=reading.corrects
    )
    if message.message_id:
        key, message_id = message_key(body.source_id, message.message_id)
    elif reading.keyed_by_content:
        key, message_id = _content_key(body.source_id, raw), ""
    else:
        key, message_id = _content_key(body.id, b"%d" % index), ""
    said = extract(
        message, source_id=body.source_id, inbox_id=body.id, raw=raw, hint=body.hint, key=key,
        message_id=message_id, kinds=kinds, country=country,
    )  # fmt: skip
    said.format, said.received_at, said.sent_at = body.format, body.received_at, reading.sent_at
    return said


def _content_key(scope: int, content: bytes) -> bytes:
    """The key of a message without a messageId: the same each time this message is read."""
    return blake2b(content, digest_size=16, key=b"%d" % scope).digest()


def _rejection(body: Body, reading: Reading, index: int, field: str, reason: str, raw: bytes) -> Rejection:
    return Rejection(index, field, reason, raw, sent_at=reading.sent_at, format=body.format)


_EMPTY = "UPDATE inbox SET messages = 0 WHERE id = %b RETURNING 1"


def _take_apart(body: Body, reading: Reading) -> None:
    """Give each message of a body that is never done a row of its own, so that only the one at fault is lost."""
    log.warning("body_taken_apart", inbox_id=body.id, source_id=body.source_id, messages=body.messages)
    for index, raw in enumerate(reading.messages):
        if index not in body.skip:
            one = Rejection(index, "", "", bytes(raw), sent_at=reading.sent_at, format=body.format)
            inbox.store_again(body.source_id, one, hint=body.hint, received_at=body.received_at)
    sql.rows(_EMPTY, (body.id,))
    body.messages = 0


def _set_aside_body(body: Body, reason: str, account: Account) -> None:
    log.warning("body_set_aside", inbox_id=body.id, source_id=body.source_id, messages=body.messages)
    whole = Rejection(0, "", reason, body.body, format=body.format, messages=body.messages, skip=sorted(body.skip))
    inbox.reject(
        body.source_id, [whole], stage="resolve", inbox_id=body.id, hint=body.hint, received_at=body.received_at
    )
    account.rejected[body.source_id] += body.messages


def told(error: Exception) -> str:
    """The reason under which a message is kept that failed in a way nobody foresaw."""
    return f"could not be worked on ({type(error).__name__}); tell the developers, and replay it when that is mended"
