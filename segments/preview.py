"""What a rule would give, while it is being built: how many people, their number month by month, whom one can reach, and
who would come and go if it took the place of a segment's rule.

All of it is one pass over everybody, chunk by chunk, in bounded memory; the months are asked of the same columns again.
Each answer has so many seconds, for somebody waits for it; one that was replaced is stopped before (`turns`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from django.utils import timezone

from cdp_site import sql
from segments import expand, ranking, turns
from segments.counting import Count, count
from segments.evaluate import evaluate
from segments.load import Columns, chunks, micros
from segments.members import stored_range
from segments.models import Segment
from segments.require import require
from segments.rules import All, Any, Consent, Known, Rule, RuleError
from segments.turns import Turn

MONTHS = 24
BACK = 86_400 * 31 * (MONTHS + 1)
NAMED = 5
# An odd number: multiplying by it shuffles ids, the same way each time.
_SHUFFLE = np.uint64(0x9E3779B97F4A7C15)
# Neither the number nor the months and the rest are worth more of a machine's time than this.
SECONDS = 15.0
REACHES: tuple[tuple[str, str, Rule], ...] = (
    ("E-mail", "an e-mail address and consent", All((Known("email"), Consent("email")))),
    ("SMS and phone", "a phone number and consent", All((Known("phone"), Any((Consent("sms"), Consent("phone")))))),
    ("Ads", "an e-mail address or phone number and consent", All((Any((Known("email"), Known("phone"))), Consent("ads")))),
)  # fmt: skip


@dataclass(frozen=True)
class Reach:
    """How many members a channel reaches: whoever has what it needs and agreed to it."""

    channel: str
    needs: str
    count: int
    share: float


@dataclass(frozen=True)
class Moves:
    """Who would enter and who would leave; `entering` and `leaving` are some of them, by id."""

    enter: int
    leave: int
    stay: int
    entering: tuple[int, ...] = ()
    leaving: tuple[int, ...] = ()


@dataclass(frozen=True)
class Further:
    """`months`: (moment, size), oldest first, the last one now. `whole` False: it took too long and was given up."""

    months: list[tuple[datetime, int]] = field(default_factory=list)
    reach: list[Reach] = field(default_factory=list)
    moves: Moves | None = None
    whole: bool = True


def mark(text: str) -> str:
    """A short mark that is the same for equal texts."""
    return hashlib.blake2s(text.encode(), digest_size=8).hexdigest()


def trouble(rule: Rule, name: str) -> str:
    """Why a rule can't be asked as that of the segment `name`: it asks for a segment that isn't there, or for itself."""
    try:
        expand.check(rule, name)
    except RuleError as error:
        return f"This {error.reason}."
    return ""


def counted(rule: Rule, turn: Turn | None = None) -> Count | None:
    """How many people a rule finds now; None where that takes longer than `SECONDS`, or its page asked again since.

    Raises as `count`.
    """
    try:
        with sql.within(SECONDS):
            turns.take(turn)
            return count(rule)
    except sql.OutOfTime:
        return None


@dataclass
class _Sums:
    sizes: np.ndarray
    reached: np.ndarray
    members: int = 0
    enter: int = 0
    leave: int = 0
    entering: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    leaving: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))


def month_ends(now: datetime, months: int = MONTHS) -> list[datetime]:
    """The ends of the last months, oldest first, by the company's calendar, and now."""
    first = timezone.localtime(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found = []
    for _ in range(months):
        found.append(first)
        first = (first - timedelta(days=1)).replace(day=1)
    return [*reversed(found), now]


def further(
    rule: Rule, segment: Segment | None = None, now: datetime | None = None, turn: Turn | None = None
) -> Further:
    """Months, reach and moves. Events are as they were at each month's end, with the people who were there by then; traits,
    records, identifiers and consents are as of now: no history of them is kept."""
    try:
        with sql.within(SECONDS):
            turns.take(turn)
            return _further(rule, segment, now or timezone.now())
    except sql.OutOfTime:
        return Further(whole=False)


def _further(rule: Rule, segment: Segment | None, now: datetime) -> Further:
    ends = month_ends(now)
    sums = _Sums(np.zeros(len(ends), np.int64), np.zeros(len(REACHES), np.int64))
    before = 0
    rule = expand.whole(rule)
    thresholds = ranking.fresh(rule, now)
    needed = require(rule, *(reach for _, _, reach in REACHES))
    for columns in chunks(needed, now, BACK):
        columns.thresholds = thresholds
        after, before = before, int(columns.people[-1]) if len(columns.people) else before
        _add_chunk(sums, rule, columns, ends)
        if segment is not None:
            _add_moves(sums, evaluate(rule, columns, now).members, segment.pk, after, before)
    if segment is not None:
        # Members beyond the last person are gone; they leave as well.
        _add_moves(sums, np.empty(0, np.int64), segment.pk, before, np.iinfo(np.int64).max)
    return Further(
        months=list(zip(ends, sums.sizes.tolist(), strict=True)),
        reach=[
            Reach(channel, needs, number, number / sums.members if sums.members else 0.0)
            for (channel, needs, _), number in zip(REACHES, sums.reached.tolist(), strict=True)
        ],
        moves=_moves(sums) if segment is not None else None,
    )


def _add_chunk(sums: _Sums, rule: Rule, columns: Columns, ends: Sequence[datetime]) -> None:
    here = _first_seen(columns.people)
    for place, end in enumerate(ends[:-1]):
        members = evaluate(rule, columns, end).members
        sums.sizes[place] += int((here[np.searchsorted(columns.people, members)] < micros(end)).sum())
    members = evaluate(rule, columns, ends[-1]).members
    sums.sizes[-1] += len(members)
    sums.members += len(members)
    for place, (_, _, reach) in enumerate(REACHES):
        reached = evaluate(reach, columns, ends[-1]).members
        sums.reached[place] += len(np.intersect1d(members, reached, assume_unique=True))


_FIRST_SEEN = "SELECT id, first_seen FROM profile WHERE id >= %(first)s AND id <= %(last)s"


def _first_seen(people: np.ndarray) -> np.ndarray:
    """When each of these people was first seen, in microseconds; of one who is gone meanwhile: never."""
    seen = np.full(len(people), np.iinfo(np.int64).max)
    if len(people):
        bounds = {"first": int(people[0]), "last": int(people[-1])}
        found = sql.packed(_FIRST_SEEN, bounds, [("id", "i8"), ("first_seen", "time")])
        places = np.searchsorted(people, found["id"])
        there = people[np.minimum(places, len(people) - 1)] == found["id"]
        seen[places[there]] = found["first_seen"][there]
    return seen


def _add_moves(sums: _Sums, members: np.ndarray, segment: int, after: int, until: int) -> None:
    stored = np.sort(stored_range(segment, after, until))
    entering, leaving = np.setdiff1d(members, stored), np.setdiff1d(stored, members)
    sums.enter += len(entering)
    sums.leave += len(leaving)
    sums.entering = _some(np.concatenate([sums.entering, entering]))
    sums.leaving = _some(np.concatenate([sums.leaving, leaving]))


def _some(people: np.ndarray) -> np.ndarray:
    """A few of them, the same ones each time."""
    return people[np.argsort(people.astype(np.uint64) * _SHUFFLE)[:NAMED]]


def _moves(sums: _Sums) -> Moves:
    return Moves(
        sums.enter,
        sums.leave,
        sums.members - sums.enter,
        tuple(sums.entering.tolist()),
        tuple(sums.leaving.tolist()),
    )
