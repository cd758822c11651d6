"""How an audience is doing at its destination, in words, for pages, the admin and alerts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.utils import timezone
from django.utils.timesince import timesince

from cdp_site import sql


class State(Enum):
    """A word for the state; the value is what is shown."""

    NEW = "Not started"
    PAUSED = "Paused"
    COMPARING = "Comparing"
    SENDING = "Sending"
    IN_STEP = "In step"
    FAILING = "Failing"
    STOPPED = "Stopped"

    @property
    def needs_somebody(self) -> bool:
        return self in (State.FAILING, State.STOPPED)


@dataclass(frozen=True)
class Status:
    """The state of one audience: people that the destination has, people whose change it hasn't got yet."""

    audience_id: int
    audience: str
    destination_id: int
    destination: str
    state: State
    sentence: str
    there: int
    waiting: int
    refused: int
    last_change: datetime | None


_STATUS = """
SELECT audience.id, audience.name, destination.id, destination.name, audience.enabled, destination.enabled,
       audience.compare_from IS NOT NULL, audience.compared_at IS NOT NULL,
       people.there, people.waiting, people.refused, done.at,
       under_way.state, under_way.attempts, under_way.next_attempt_at, under_way.created_at, under_way.error
FROM audience JOIN destination ON destination.id = audience.destination_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE held) AS there,
           count(*) FILTER (WHERE refused = '' AND wanted IS DISTINCT FROM held) AS waiting,
           count(*) FILTER (WHERE refused <> '') AS refused
    FROM audience_member WHERE audience_id = audience.id
) AS people
LEFT JOIN LATERAL (
    SELECT max(done_at) AS at FROM delivery WHERE audience_id = audience.id AND delivery.state = 'done'
) AS done ON true
LEFT JOIN delivery AS under_way ON under_way.audience_id = audience.id AND under_way.state IN ('pending', 'failed')
WHERE %(all)b OR audience.id = ANY(%(ids)b)
ORDER BY destination.name, audience.name
"""


@dataclass(frozen=True)
class _UnderWay:
    state: str
    attempts: int
    next_attempt_at: datetime
    created_at: datetime
    error: str


def statuses(audience_ids: Iterable[int] | None = None) -> list[Status]:
    """The status of these audiences (None: of all). One query; cost: one pass over their members."""
    ids = list(audience_ids or [])
    found = []
    for row in sql.rows(_STATUS, {"all": audience_ids is None, "ids": ids}):
        audience_id, audience, destination_id, destination, enabled, on, comparing, compared = row[:8]
        there, waiting, refused, last_change = row[8:12]
        under_way = _UnderWay(*row[12:]) if row[12] else None
        state = _state(enabled, on, comparing, compared, waiting, under_way)
        sentence = _sentence(state, on, there, waiting, refused, last_change, under_way)
        found.append(
            Status(
                audience_id,
                audience,
                destination_id,
                destination,
                state,
                sentence,
                there,
                waiting,
                refused,
                last_change,
            )
        )
    return found


def status(audience_id: int) -> Status:
    return statuses([audience_id])[0]


def _state(
    enabled: bool, on: bool, comparing: bool, compared: bool, waiting: int, under_way: _UnderWay | None
) -> State:
    if not enabled or not on:
        return State.PAUSED if compared or under_way or not on else State.NEW
    if under_way and under_way.state == "failed":
        return State.STOPPED
    if under_way and under_way.error:
        return State.FAILING
    if comparing:
        return State.COMPARING
    return State.SENDING if waiting or under_way else State.IN_STEP


def _sentence(
    state: State,
    on: bool,
    there: int,
    waiting: int,
    refused: int,
    last_change: datetime | None,
    under_way: _UnderWay | None,
) -> str:
    people, changes = _number(there, "person", "people"), _number(waiting, "change", "changes")
    match state:
        case State.NEW:
            return "Nothing is sent before you have seen the preview and started it."
        case State.PAUSED:
            why = "" if on else " The destination is switched off."
            return f"{people} there, {changes} waiting.{why}"
        case State.COMPARING:
            return f"Looking through its segments; {people} there so far, {changes} waiting."
        case State.SENDING:
            return f"{people} there, {changes} on the way."
        case State.IN_STEP:
            when = f", last change {_ago(last_change)}" if last_change else ""
            also = f" {refused:,} refused by the receiver." if refused else ""
            return f"{people} there{when}.{also}"
    assert under_way is not None
    if state is State.STOPPED:
        return f"{under_way.error} {changes} waiting. Mend it, then choose 'Retry now'."
    tries = _number(under_way.attempts, "attempt", "attempts")
    return (
        f"{under_way.error} {tries} since {_clock(under_way.created_at)}, next {_clock(under_way.next_attempt_at)};"
        f" {changes} waiting."
    )


def _number(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _ago(moment: datetime) -> str:
    if (timezone.now() - moment).total_seconds() < 60:
        return "just now"
    return f"{timesince(moment, depth=1)} ago"


def _clock(moment: datetime) -> str:
    """Today's times as a time, others with their day; in the company's time zone."""
    local = timezone.localtime(moment)
    return local.strftime("%H:%M" if local.date() == timezone.localdate() else "%-d %b, %H:%M")
