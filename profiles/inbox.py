"""The entrance: raw messages are stored as they came, claimed by the resolve stage, or set aside with a reason.

What is stored here when a transaction commits may be acknowledged: it is durable, and the stages behind find it. A body
is read (cut into messages) by the reader of its `format`; connectors register readers for formats of their own.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import transaction
from django.utils import timezone
from msgspec import Raw, Struct

from cdp_site import sql
from cdp_site.ids import new_id, new_ids
from cdp_site.stages import wake
from profiles.message import Invalid, parse_time

# More than any body may have; only a line of a file can be longer.
MAX_REJECTED_PAYLOAD = 1024 * 1024
REPLAY_AT_ONCE = 100


@dataclass(frozen=True)
class Reading:
    """A body cut into messages: each one's text, in order, and the sender's clock when it was sent."""

    messages: Sequence[bytes | Raw]
    sent_at: datetime | None = None
    # History that is replayed says when it was received then, not now: no clock to correct by.
    corrects: bool = True
    # What identifies a message that has no messageId: its content (replaying a file changes nothing), or its arrival.
    keyed_by_content: bool = False


@dataclass(frozen=True)
class Rejection:
    """A message that can't be taken, as it is kept for an admin; `sent_at` is the clock of the batch that it came in.

    A whole body of some other format than "tracking" says so, and how many messages it has without the skipped ones.
    """

    index: int
    field: str
    reason: str
    payload: bytes
    sent_at: datetime | None = None
    format: str = "tracking"
    messages: int = 1
    skip: Sequence[int] = ()


class _Envelope(Struct, gc=False):
    batch: list[Raw] | None = None
    sentAt: str | int | float | None = None
    writeKey: str | None = None
    context: Raw = Raw(b"")


_envelope = msgspec.json.Decoder(_Envelope)


def read_tracking(body: bytes, hint: str) -> Reading:
    """A request to the tracking API: one message, or {"batch": [message, …], "sentAt": …}."""
    envelope = _envelope.decode(body)
    sent_at = parse_time(envelope.sentAt, "sentAt") if envelope.sentAt not in (None, "") else None  # type: ignore[arg-type]
    corrects = hint != "import"
    if envelope.batch is None:
        return Reading([body], sent_at, corrects)
    return Reading(envelope.batch, sent_at, corrects)


def read_lines(body: bytes, hint: str) -> Reading:
    """JSON lines, one message a line: files, replays, generators."""
    return Reading(body.splitlines(), corrects=False, keyed_by_content=True)


READERS: dict[str, Callable[[bytes, str], Reading]] = {"tracking": read_tracking, "lines": read_lines}


def register_reader(name: str, read: Callable[[bytes, str], Reading]) -> None:
    """Let bodies of format `name` be read by `read(body, hint)`; called once, when an app starts."""
    READERS[name] = read


def _no_countries(source_ids: set[int]) -> dict[int, str]:
    return {}


_countries: Callable[[set[int]], dict[int, str]] = _no_countries


def register_countries(read: Callable[[set[int]], dict[int, str]]) -> None:
    """Let `read(source ids)` say in which country a source's phone numbers are to be read; once, when an app starts."""
    global _countries
    _countries = read


def countries_of(source_ids: set[int]) -> dict[int, str]:
    """The default country of each source (ISO 3166, two letters), where there is one."""
    return _countries(source_ids)


_STORE = """
INSERT INTO inbox (id, source_id, received_at, format, hint, body, messages, skip, attempts)
VALUES (%b, %b, %b, %b, %b, %b, %b, %s, 0) RETURNING id
"""


def store(
    source_id: int,
    body: bytes,
    *,
    format: str,
    hint: str = "",
    messages: int,
    skip: Sequence[int] = (),
    rejections: Iterable[Rejection] = (),
    received_at: datetime | None = None,
) -> int:
    """Keep one body, with the messages in it that were refused on receipt; returns its inbox id.

    `messages` counts those that were taken, `skip` are the indexes of those that weren't. Durable when the transaction
    commits (at once outside one); the resolve stage is woken then.
    """
    inbox_id, received_at = new_id(), received_at or timezone.now()
    refused = list(rejections)
    # One statement needs no transaction around it: two round trips less a request.
    with transaction.atomic() if refused and messages else nullcontext():
        if messages:
            skipped = msgspec.json.encode(list(skip)).decode() if skip else None
            row = (inbox_id, source_id, received_at, format, hint, body, messages, skipped)
            sql.rows(_STORE, row)
        reject(
            source_id, refused, stage="receive", inbox_id=inbox_id if messages else None, hint=hint,
            received_at=received_at,
        )  # fmt: skip
    if messages:
        wake("resolve")
    return inbox_id


def store_lines(source_id: int, lines: Sequence[bytes]) -> int:
    """The bulk entrance: one inbox row for a chunk of messages (a few hundred lines is good); returns its inbox id."""
    return store(source_id, b"\n".join(lines), format="lines", messages=len(lines))


def reject(
    source_id: int,
    rejections: Iterable[Rejection],
    *,
    stage: str,
    inbox_id: int | None = None,
    hint: str = "",
    received_at: datetime | None = None,
) -> int:
    """Keep refused messages, with the reason, for an admin to see and replay; returns how many rows."""
    kept = list(rejections)
    if not kept:
        return 0
    at = received_at or timezone.now()
    sql.copy_rows(
        "rejected",
        ["id", "source_id", "inbox_id", "received_at", "stage", "field", "reason", "payload", "hint", "format",
         "sent_at", "messages", "skip"],
        [
            (key, source_id, inbox_id, at, stage, one.field[:200].replace("\0", ""), one.reason.replace("\0", ""),
             bytes(one.payload[:MAX_REJECTED_PAYLOAD]), hint, one.format, one.sent_at, one.messages,
             msgspec.json.encode(list(one.skip)).decode() if one.skip else None)
            for key, one in zip(new_ids(len(kept)), kept, strict=True)
        ],
    )  # fmt: skip
    return len(kept)


_REPLAY = """
UPDATE rejected SET replayed_at = %b WHERE id = ANY(%b::bigint[]) AND replayed_at IS NULL
RETURNING source_id, received_at, payload, hint, format, sent_at, messages, skip
"""


@transaction.atomic
def replay_rejected(ids: Sequence[int]) -> int:
    """Send rejected messages through the inbox once more (after a limit or setting was mended); returns how many.

    With the clocks of when they came, so they are events of that time. Those that fail again come back as new rejected
    rows; the old ones are marked as replayed.
    """
    return sum(_replay(ids[start : start + REPLAY_AT_ONCE]) for start in range(0, len(ids), REPLAY_AT_ONCE))


def _replay(ids: Sequence[int]) -> int:
    found = sql.rows(_REPLAY, (timezone.now(), list(ids)))
    for source_id, received_at, payload, hint, format, sent_at, messages, skip in found:
        skipped = msgspec.json.decode(skip) if skip else ()
        one = Rejection(0, "", "", bytes(payload), sent_at, format, messages, skipped)
        store_again(source_id, one, hint=hint, received_at=received_at)
    return sum(messages for *_, messages, _ in found)


def store_again(source_id: int, one: Rejection, *, hint: str, received_at: datetime) -> None:
    """Put a message (or a body whole) into the inbox as it came, in the batch's envelope where that had a clock."""
    body = one.payload
    if one.sent_at is not None and one.format == "tracking":
        body = b'{"batch":[%b],"sentAt":%b}' % (body, msgspec.json.encode(one.sent_at))
    store(source_id, body, format=one.format, hint=hint, messages=one.messages, skip=one.skip, received_at=received_at)


_FORGET = """
DELETE FROM rejected WHERE id IN (SELECT id FROM rejected WHERE replayed_at < %b ORDER BY id LIMIT %b) RETURNING 1
"""


def forget_replayed(before: datetime, most: int = 2_000) -> int:
    """Throw away up to `most` rejected messages that were replayed before `before`; returns how many."""
    return len(sql.rows(_FORGET, (before, most)))


_PURGE = """
DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE done_at < %b ORDER BY done_at LIMIT %b) RETURNING 1
"""


def purge(before: datetime, most: int = 2_000) -> int:
    """Throw away up to `most` bodies that were worked off before `before`; returns how many. Cost: an index range."""
    return len(sql.rows(_PURGE, (before, most)))


__all__ = ["READERS", "Invalid", "Reading", "Rejection", "purge", "read_lines", "read_tracking", "register_reader"]
__all__ += ["countries_of", "register_countries"]
__all__ += ["forget_replayed", "reject", "replay_rejected", "store", "store_again", "store_lines"]
