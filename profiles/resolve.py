"""The stage from inbox to people: each message counted once, on one person.

One batch is one transaction, in these steps, each a statement or a few over the whole batch:
  claim inbox rows → read messages → leave out those stored before → find or make their people → store events, traits,
  records → mark who changed → write the account → done.

Nothing that arrives can stop it. A message that can't be read is set aside with its reason; one that the database refuses
is found by halving the batch; a body that ends the process each time is tried alone, then set aside whole: attempts are
counted on the rows before they are tried.
"""

import gc
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import structlog
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from cdp_site import sql, stages
from cdp_site.arrays import int8s, uuids
from cdp_site.ids import new_id, new_ids
from profiles import events, identity, inbox, policies, records, sealing, traits
from profiles.extract import Said
from profiles.identifiers import RECORD, Because, Kind
from profiles.inbox import Rejection
from profiles.models.people import RECORDS
from profiles.read import Account, Body, read, told

log = structlog.get_logger(__name__)

BATCH_MESSAGES = 5_000
# Single-message requests are a row each.
BATCH_BODIES = 2_000
# A body that was begun this often, and never finished, is tried alone from then on (and see read.SET_ASIDE_AFTER).
SUSPICIOUS_AFTER = 3

# (type, name) of an event -> its number
Names = Mapping[tuple[str, str], int]

stages.tally("profiles_changed", 0)


@stages.stage("resolve", counts="messages")
def drain_some() -> int:
    """Work off one batch; returns how many messages left the inbox."""
    while True:
        claimed = _claim()
        if not claimed:
            return 0
        try:
            with _without_collecting(), transaction.atomic():
                done = _drain(claimed)
        except events.MonthsMissing as missing:
            _untry(claimed)
            events.make_months(missing.months)
            continue
        except (stages.Again, OperationalError):
            _untry(claimed)
            raise
        if done:
            stages.wake("evaluate")
            return done


@contextmanager
def _without_collecting() -> Iterator[None]:
    """A batch makes some 100,000 objects and no cycles: looking through them all again and again costs a tenth."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


_PENDING = "SELECT id, messages, attempts FROM inbox WHERE done_at IS NULL ORDER BY id LIMIT %b FOR UPDATE SKIP LOCKED"
_TRY = "UPDATE inbox SET attempts = attempts + 1 WHERE id = ANY(%b::bigint[])"


def _claim() -> list[int]:
    """The next inbox rows for a batch, their attempt counted and committed before it is made."""
    with transaction.atomic():
        chosen: list[int] = []
        messages = 0
        for id, count, attempts in sql.rows(_PENDING, (BATCH_BODIES,)):
            alone = attempts >= SUSPICIOUS_AFTER
            if chosen and (alone or messages + count > BATCH_MESSAGES):
                break
            chosen.append(id)
            messages += count
            if alone:
                break
        if chosen:
            with sql.cursor() as cursor:
                cursor.execute(_TRY, (chosen,), prepare=True)
    return chosen


_UNTRY = "UPDATE inbox SET attempts = greatest(attempts - 1, 0) WHERE id = ANY(%b::bigint[])"


def _untry(claimed: Sequence[int]) -> None:
    """Take an attempt back that came to nothing by no fault of what was tried: a lost race, a database that is away."""
    with suppress(OperationalError, InterfaceError), transaction.atomic(), sql.cursor() as cursor:
        cursor.execute(_UNTRY, (list(claimed),))


_LOCK = """
SELECT id, source_id, received_at, format, hint, body, messages, skip, attempts
FROM inbox WHERE id = ANY(%b::bigint[]) AND done_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED
"""
_DONE = "UPDATE inbox SET done_at = %b WHERE id = ANY(%b::bigint[])"


def _drain(claimed: Sequence[int]) -> int:
    bodies = [
        Body(id, source, at, format, hint, bytes(body), messages, frozenset(json.loads(skip or "[]")), attempts)
        for id, source, at, format, hint, body, messages, skip, attempts in sql.rows(_LOCK, (list(claimed),))
    ]
    if not bodies:
        return 0
    account = Account()
    kinds = identity.load_kinds()
    said = read(bodies, kinds, account)
    for body in bodies:
        account.messages[body.source_id] += body.messages
    events.require_months(message.time for message in said)
    names = events.name_ids({(message.type, message.name) for message in said})
    said = _leave_out_nameless(said, names, account)
    _store_halving(said, names, kinds, account)
    _write_account(account)
    with sql.cursor() as cursor:
        cursor.execute(_DONE, (timezone.now(), [body.id for body in bodies]), prepare=True)
    # A body of nothing but refused messages is work as well: say so, or the stage would stop here.
    return max(1, sum(account.messages.values()))


def _leave_out_nameless(said: Sequence[Said], names: Names, account: Account) -> list[Said]:
    """Set aside the messages whose event name the dictionary has no room for."""
    for message in said:
        if (message.type, message.name) not in names:
            reason = f"is a new name, and there are {events.MAX_NAMES:,} already; put what varies into the properties"
            account.rejected[message.source_id] += _set_aside(message, "event", reason)
    return [message for message in said if (message.type, message.name) in names]


def _store_halving(said: Sequence[Said], names: Names, kinds: Mapping[int, Kind], account: Account) -> None:
    """Store messages; where the database refuses, halve until the one at fault is alone, and set it aside."""
    if not said:
        return
    try:
        with transaction.atomic():
            _store(said, names, kinds, account)
    except (OperationalError, InterfaceError, stages.Again):
        raise
    except (DatabaseError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        if len(said) > 1:
            middle = len(said) // 2
            _store_halving(said[:middle], names, kinds, account)
            _store_halving(said[middle:], names, kinds, account)
            return
        one = said[0]
        log.warning("message_set_aside", inbox_id=one.inbox_id, source_id=one.source_id, kind=type(error).__name__)
        account.rejected[one.source_id] += _set_aside(one, "", told(error))


def _set_aside(one: Said, field: str, reason: str) -> int:
    rejection = Rejection(0, field, reason, one.raw, sent_at=one.sent_at, format=one.format)
    return inbox.reject(
        one.source_id, [rejection], stage="resolve", inbox_id=one.inbox_id, hint=one.hint, received_at=one.received_at
    )


def _store(said: Sequence[Said], names: Names, kinds: Mapping[int, Kind], account: Account) -> None:
    new, duplicates = _first_seen(said)
    if new:
        _store_new(new, names, kinds)
    account.stored.update(message.source_id for message, _ in new)
    account.duplicates.update(message.source_id for message in duplicates)


def _store_new(new: Sequence[tuple[Said, int]], names: Names, kinds: Mapping[int, Kind]) -> None:
    placed = identity.place(
        (((said.identifiers, said.alias_of), Because(said.source_id, said.key, said.time)) for said, _ in new), kinds
    )
    people = [(placed.homes[said.identifiers, said.alias_of], said) for said, _ in new]
    events.store(((profile, event, said) for (profile, said), (_, event) in zip(people, new, strict=True)), names)
    owned = [
        (
            placed.home_of[RECORD, f"{said.source_id}:{said.record.kind}:{said.record.external_id}"] or profile,
            said,
        )
        for profile, said in people
        if said.record is not None
    ]
    records.upsert(owned)
    rules = policies.hold()
    decided = traits.decide(sorted(traits.keep(people, rules) | placed.regrouped), rules)
    anything = decided | placed.regrouped | placed.born | placed.given_more | placed.gone
    _mark_changed(people, names, {profile for profile, _ in owned}, anything)


_FIRST = """
INSERT INTO message (key, event_id, inbox_id)
SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[]) ON CONFLICT DO NOTHING RETURNING event_id
"""


def _first_seen(said: Sequence[Said]) -> tuple[list[tuple[Said, int]], list[Said]]:
    """The messages never stored before, each with its new event id, and the others. In order of arrival."""
    by_key: dict[bytes, Said] = {}
    duplicates = []
    for message in said:
        if by_key.setdefault(message.key, message) is not message:
            duplicates.append(message)
    ids = new_ids(len(by_key), above=sealing.held_open())
    # Sorted, so that two drains wait for each other in one order only.
    rows = sorted(zip(by_key, ids, (message.inbox_id for message in by_key.values()), strict=True))
    keys, numbers, bodies = zip(*rows, strict=True)
    fresh = {row[0] for row in sql.rows(_FIRST, (uuids(keys), int8s(numbers), int8s(bodies)))}
    new = []
    for message, event in zip(by_key.values(), ids, strict=True):
        if event in fresh:
            new.append((message, event))
        else:
            duplicates.append(message)
    return new, duplicates


def _mark_changed(people: Iterable[tuple[int, Said]], names: Names, owners: set[int], anything: set[int]) -> None:
    """Queue who changed: by event names and records, or by anything (an empty list) where traits or identity changed."""
    changed: dict[int, set[int]] = {profile: {RECORDS} for profile in owners}
    for profile, message in people:
        changed.setdefault(profile, set()).add(names[message.type, message.name])
    changed |= {profile: set() for profile in anything}
    now = timezone.now().isoformat()
    lines = [
        "%d\t%d\t{%s}\t%s\n" % (key, profile, ",".join(map(str, sorted(ids))), now)
        for key, (profile, ids) in zip(new_ids(len(changed)), changed.items(), strict=True)
    ]
    sql.copy_text("changed_profile", ["id", "profile_id", "name_ids", "at"], "".join(lines).encode())
    stages.tally("profiles_changed", len(changed))


def _write_account(account: Account) -> None:
    now = timezone.now()
    sql.copy_rows(
        "drain_batch",
        ["id", "source_id", "at", "messages", "stored", "duplicates", "rejected"],
        [
            (new_id(), source, now, count, account.stored[source], account.duplicates[source], account.rejected[source])
            for source, count in account.messages.items()
        ],
    )
