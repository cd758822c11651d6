"""What became of an attempt: the destination has it, will be asked again, or somebody has to mend something first."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import structlog
from django.db import transaction
from django.utils import timezone

from cdp_site import sql, stages
from cdp_site.arrays import int8s, texts
from connectors import refresh
from connectors.destinations.base import Changes, Outcome, Verdict
from connectors.models import Delivery

log = structlog.get_logger(__name__)

FIRST_RETRY_AFTER = 2.0  # seconds; doubles with each attempt
LONGEST_RETRY_AFTER = 3600.0
GIVE_UP_AFTER = timedelta(days=3)
# However old it is: a delivery whose audience was paused for a week has hardly been tried.
TRIES_BEFORE_GIVING_UP = 10


@dataclass(frozen=True)
class Attempt:
    """A delivery that has been claimed to be sent. `number` tells this attempt from any other of the same delivery."""

    delivery_id: int
    audience_id: int
    destination_id: int
    number: int
    created_at: datetime
    body: bytes

    @property
    def key(self) -> tuple[int, int]:
        return self.delivery_id, self.number


def settle(attempt: Attempt, outcome: Outcome) -> bool:
    """Record an outcome, unless another attempt has taken the delivery over; returns whether it was delivered."""
    if outcome.verdict is Verdict.DELIVERED:
        return _record(attempt, outcome.refused)
    _postpone(attempt, outcome)
    return False


_STILL_OURS = "id = %(delivery)b AND state = 'pending' AND attempts = %(number)b"
_DONE = f"""
UPDATE delivery SET state = 'done', done_at = %(at)b, body = '', error = '' WHERE {_STILL_OURS} RETURNING 1
"""
_ADDED = """
UPDATE audience_member AS member
SET held = told.reason IS NULL, delivery_id = NULL, refused = coalesce(told.reason, ''),
    sent = CASE WHEN told.reason IS NULL THEN told.identifiers::jsonb END
FROM unnest(%(profiles)b::bigint[], %(identifiers)b::text[], %(reasons)b::text[]) AS told (profile_id, identifiers, reason)
WHERE member.profile_id = told.profile_id AND member.audience_id = %(audience)b AND member.delivery_id = %(delivery)b
"""
_REMOVED = """
UPDATE audience_member AS member
SET held = CASE WHEN told.reason IS NULL THEN false ELSE held END, delivery_id = NULL,
    refused = CASE WHEN wanted THEN '' ELSE coalesce(told.reason, '') END,
    sent = CASE WHEN told.reason IS NULL THEN NULL ELSE sent END
FROM unnest(%(profiles)b::bigint[], %(reasons)b::text[]) AS told (profile_id, reason)
WHERE member.profile_id = told.profile_id AND member.audience_id = %(audience)b AND member.delivery_id = %(delivery)b
"""
_GONE = """
DELETE FROM audience_member
WHERE audience_id = %(audience)b AND profile_id = ANY(%(profiles)b::bigint[]) AND NOT wanted AND NOT held
  AND delivery_id IS NULL
"""


@transaction.atomic
def _record(attempt: Attempt, refused: Mapping[str, str]) -> bool:
    changes = msgspec.json.decode(attempt.body, type=Changes)
    about = {"delivery": attempt.delivery_id, "audience": attempt.audience_id, "number": attempt.number}
    if not sql.rows(_DONE, about | {"at": timezone.now()}):
        return False
    added = {
        "profiles": int8s([int(one.profile_id) for one in changes.added]),
        "identifiers": texts(json.dumps(one.identifiers) for one in changes.added),
        "reasons": texts(refused.get(one.profile_id) for one in changes.added),
    }
    removed = {
        "profiles": int8s([int(one.profile_id) for one in changes.removed]),
        "reasons": texts(refused.get(one.profile_id) for one in changes.removed),
    }
    with sql.cursor() as cursor:
        cursor.execute(_ADDED, about | added, prepare=True)
        cursor.execute(_REMOVED, about | removed, prepare=True)
        cursor.execute(_GONE, about | removed, prepare=True)
    refresh.at(attempt.audience_id, attempt.destination_id, [int(one.profile_id) for one in changes.added])
    return True


_LATER = f"""
UPDATE delivery SET state = %(state)b, next_attempt_at = %(next)b, error = %(error)b WHERE {_STILL_OURS}
"""


def _postpone(attempt: Attempt, outcome: Outcome) -> None:
    now = timezone.now()
    too_old = now - attempt.created_at > GIVE_UP_AFTER and attempt.number >= TRIES_BEFORE_GIVING_UP
    ends = outcome.verdict is Verdict.REFUSED or too_old
    wait = max(backoff(attempt.number), outcome.retry_after or 0.0)
    log.warning(
        "delivery_failed", delivery_id=attempt.delivery_id, attempt=attempt.number, final=ends, reason=outcome.reason
    )
    with sql.cursor() as cursor:
        cursor.execute(
            _LATER,
            {
                "delivery": attempt.delivery_id,
                "number": attempt.number,
                "state": "failed" if ends else "pending",
                "next": now + timedelta(seconds=wait),
                "error": outcome.reason,
            },
        )


def backoff(number: int) -> float:
    """Seconds to wait after the attempt with this number (1 is the first): doubling, give or take a fifth."""
    return min(FIRST_RETRY_AFTER * 2.0 ** min(number - 1, 30), LONGEST_RETRY_AFTER) * random.uniform(0.8, 1.2)


_CARRIED = """
SELECT profile_id, sent FROM audience_member WHERE audience_id = %(audience)b AND delivery_id = %(delivery)b
"""
_RELEASE = """
UPDATE audience_member AS member SET held = NULL, delivery_id = NULL, sent = told.identifiers::jsonb
FROM unnest(%(profiles)b::bigint[], %(identifiers)b::text[]) AS told (profile_id, identifiers)
WHERE member.profile_id = told.profile_id AND member.audience_id = %(audience)b AND member.delivery_id = %(delivery)b
"""


def _release(delivery: Delivery) -> None:
    """Let go of the people of a given-up delivery. What is there of them may be what was, or what was to be."""
    about = {"audience": delivery.audience_id, "delivery": delivery.pk}
    changes = msgspec.json.decode(bytes(delivery.body), type=Changes)
    told = {int(member.profile_id): member.identifiers for member in changes.added}
    people = {
        profile: _either(msgspec.json.decode(sent or "{}"), told.get(profile, {}))
        for profile, sent in sql.rows(_CARRIED, about)
    }
    with sql.cursor() as cursor:
        identifiers = texts(map(json.dumps, people.values()))
        cursor.execute(_RELEASE, about | {"profiles": int8s(list(people)), "identifiers": identifiers})


def _either(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {kind: sorted({*one.get(kind, []), *other.get(kind, [])}) for kind in sorted({*one, *other})}


@transaction.atomic
def retry_now(delivery: Delivery) -> None:
    """Try again at once. One that was given up is replaced: its people are sent as they are wanted now.

    Whether the given-up one had any effect isn't known, so what is held of its people is taken as unknown.
    """
    found = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if found.state == Delivery.State.PENDING:
        found.next_attempt_at = min(found.next_attempt_at, timezone.now())
        found.save(update_fields=["next_attempt_at"])
    elif found.state == Delivery.State.FAILED:
        _release(found)
        found.state, found.body = Delivery.State.REPLACED, b""
        found.save(update_fields=["state", "body"])
    stages.wake("deliver")


def retry_all(destination_id: int) -> None:
    """After a destination was mended: try at once whatever is waiting for it, and what had been given up."""
    for delivery in Delivery.objects.filter(
        audience__destination_id=destination_id, state__in=[Delivery.State.PENDING, Delivery.State.FAILED]
    ):
        retry_now(delivery)
