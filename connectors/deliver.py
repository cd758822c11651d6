"""The stage that sends: forms deliveries, tries those that are due, records what came of them.

Requests are made outside any transaction, each in a thread of its own without the database, so that a slow destination
holds up neither the others nor a lock. A delivery is claimed by counting its attempt and setting its next one to when
this one would be lost (a killed worker's delivery is so taken up again); its body stays the same, and its id is the
idempotency key, so the other side counts it once.
"""

import time
from collections.abc import Iterable
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Thread

import msgspec
import structlog
from django.db import transaction
from django.utils import timezone

from cdp_site import sql, stages
from connectors import changes
from connectors.destinations import UnknownKind, of_kind
from connectors.destinations.base import Changes, Destination, Outcome, refuse, try_again
from connectors.models import Destination as StoredDestination
from connectors.settle import Attempt, settle

log = structlog.get_logger(__name__)

# Longer than any attempt: an attempt that isn't settled by then is lost, with its worker.
LEASE = timedelta(seconds=30)
# After this long an attempt counts as unanswered, whatever its thread does.
ATTEMPT_LASTS = 10.0  # seconds
AT_ONCE = 8
# New deliveries are begun for this long in one batch; while a slow one is under way, for that long.
GIVE_WAY_AFTER = 2.0
GIVE_WAY_AFTER_WHILE_WAITING = 20.0

_Answered = tuple[Attempt, Outcome]


@stages.stage("deliver", counts="deliveries", every=5.0)
def deliver_some() -> int:
    """Send what is due and what becomes due meanwhile, for a few seconds; returns how many deliveries arrived."""
    return _Round().run()


class _Round:
    """One batch: the attempts under way, and the queue that their threads answer to."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.under_way: dict[tuple[int, int], tuple[Attempt, float]] = {}
        self.answers: SimpleQueue[_Answered] = SimpleQueue()
        self.arrived = 0

    def run(self) -> int:
        while True:
            if self._may_begin():
                self._begin()
            if not self.under_way:
                break
            self._await_answers()
        if not self._may_begin():
            stages.wake("deliver")
        return self.arrived

    def _may_begin(self) -> bool:
        limit = GIVE_WAY_AFTER_WHILE_WAITING if self.under_way else GIVE_WAY_AFTER
        return time.monotonic() - self.started < limit

    def _begin(self) -> None:
        """Form and claim deliveries as far as there is room, and send them off."""
        room = AT_ONCE - len(self.under_way)
        if not room:
            return
        destinations = _Destinations()
        for one in changes.ready():
            found = destinations.get(one.destination_id)
            if found is not None:
                stages.attempt(lambda one=one, found=found: changes.form(one, found) or 0)  # type: ignore[misc]
        for attempt in claim(room):
            self._send(attempt, destinations.get(attempt.destination_id), destinations.fault(attempt.destination_id))

    def _send(self, attempt: Attempt, destination: Destination | None, fault: str) -> None:
        self.under_way[attempt.key] = attempt, time.monotonic()
        if destination is None:
            self.answers.put((attempt, refuse(fault)))
            return
        Thread(target=lambda: self.answers.put((attempt, _try(attempt, destination))), daemon=True).start()

    def _await_answers(self) -> None:
        """Record what was answered, waiting a moment for the first answer (new work may come up meanwhile)."""
        for attempt, outcome in _all_of(self.answers, patience=0.05):
            if self.under_way.pop(attempt.key, None):
                self.arrived += stages.attempt(lambda a=attempt, o=outcome: int(settle(a, o)))  # type: ignore[misc]
        lost = [a for a, began in self.under_way.values() if time.monotonic() - began > ATTEMPT_LASTS]
        for attempt in lost:
            del self.under_way[attempt.key]
            settle(attempt, try_again(f"No answer within {ATTEMPT_LASTS:.0f} seconds."))


def _all_of(answers: SimpleQueue[_Answered], patience: float) -> Iterable[_Answered]:
    try:
        yield answers.get(timeout=patience)
        while True:
            yield answers.get_nowait()
    except Empty:
        return


def _try(attempt: Attempt, destination: Destination) -> Outcome:
    """One attempt, in a thread. Whatever a connector stumbles over, the stage goes on."""
    try:
        return destination.send(msgspec.json.decode(attempt.body, type=Changes), attempt.body)
    except Exception as error:
        log.exception("destination_broke", delivery_id=attempt.delivery_id, kind=destination.kind)
        return try_again(f"Our connector failed with {type(error).__name__}; the log has more.")


_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT delivery.id, audience.destination_id FROM delivery JOIN audience ON audience.id = delivery.audience_id
    JOIN destination ON destination.id = audience.destination_id
    WHERE state = 'pending' AND next_attempt_at <= %(now)b AND audience.enabled AND destination.enabled
    ORDER BY next_attempt_at LIMIT %(most)b FOR UPDATE OF delivery SKIP LOCKED
)
UPDATE delivery SET attempts = attempts + 1, next_attempt_at = %(lost_at)b FROM due WHERE delivery.id = due.id
RETURNING delivery.id, delivery.audience_id, due.destination_id, delivery.attempts, delivery.created_at, delivery.body
"""


@transaction.atomic
def claim(most: int) -> list[Attempt]:
    """Deliveries that are due, their attempt counted and committed before it is made."""
    now = timezone.now()
    claimed = sql.rows(_CLAIM, {"now": now, "lost_at": now + LEASE, "most": most})
    return [
        Attempt(delivery, audience, destination, number, created_at, bytes(body))
        for delivery, audience, destination, number, created_at, body in claimed
    ]


class _Destinations:
    """The destinations that a round needs, each read once; one whose module is missing has a fault instead."""

    def __init__(self) -> None:
        self._found: dict[int, Destination | None] = {}
        self._faults: dict[int, str] = {}

    def get(self, destination_id: int) -> Destination | None:
        if destination_id not in self._found:
            self._found[destination_id] = self._load(destination_id)
        return self._found[destination_id]

    def fault(self, destination_id: int) -> str:
        return self._faults.get(destination_id, "")

    def _load(self, destination_id: int) -> Destination | None:
        try:
            stored = StoredDestination.objects.get(pk=destination_id)
            return of_kind(stored.kind)(stored.config)
        except (UnknownKind, ValueError, StoredDestination.DoesNotExist) as error:
            self._faults[destination_id] = str(error)
            return None
