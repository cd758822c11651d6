"""From a rule and columns to answers: who is in, what each node found, and when time alone will next change it.

Pure NumPy: no database, no clock of its own. One evaluator for counting, filling, following, explaining and the doctor.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

import numpy as np

from segments.load import NO_MOMENT, Columns, Happenings, micros
from segments.require import stream_key
from segments.rules import DAY, All, Any, Did, Not, Path, Rule, Trait, key, nodes

NEVER = np.iinfo(np.int64).max
_SECOND = 1_000_000


@dataclass(frozen=True)
class Found:
    """What one node found, by person: whether it holds, and for `Did` how many events counted."""

    holds: np.ndarray
    count: np.ndarray | None = None


@dataclass
class Answers:
    """`inside` is parallel to `people`; `nodes` gives the answer of each node by its path."""

    people: np.ndarray
    inside: np.ndarray
    nodes: dict[Path, Found] = field(default_factory=dict)

    @property
    def members(self) -> np.ndarray:
        return self.people[self.inside]


@dataclass(frozen=True)
class _Points:
    """Where to evaluate: each person (by position) at one moment. `now` when it is everybody at the same moment."""

    person: np.ndarray
    moment: np.ndarray
    now: int | None = None


def evaluate(rule: Rule, columns: Columns, now: datetime) -> Answers:
    """Who is in at `now`. Cost: one pass over each stream for each `Did`; no sorting."""
    size = len(columns.people)
    points = _Points(np.arange(size), np.full(size, micros(now)), micros(now))
    found: dict[Path, Found] = {}
    inside = _answer(rule, columns, points, (), found)
    return Answers(columns.people, inside, found)


def next_change(rule: Rule, columns: Columns, now: datetime) -> np.ndarray:
    """For each person the first moment after `now` (microseconds) at which the answer changes if nothing more happens.

    The rule is evaluated at every moment at which one of its windows gains or loses something. Cost: a sort of these.
    """
    here = evaluate(rule, columns, now).inside
    answer = np.full(len(columns.people), NEVER)
    points = _turning_points(rule, columns, micros(now))
    changed = np.flatnonzero(_answer(rule, columns, points, (), {}) != here[points.person])
    people, first = np.unique(points.person[changed], return_index=True)
    answer[people] = points.moment[changed][first]
    return answer


def _answer(rule: Rule, columns: Columns, points: _Points, path: Path, found: dict[Path, Found]) -> np.ndarray:
    count = None
    match rule:
        case All(conditions):
            holds = np.ones(len(points.person), bool)
            for number, condition in enumerate(conditions):
                holds &= _answer(condition, columns, points, (*path, number), found)
        case Any(conditions):
            holds = np.zeros(len(points.person), bool)
            for number, condition in enumerate(conditions):
                holds |= _answer(condition, columns, points, (*path, number), found)
        case Not(condition):
            holds = ~_answer(condition, columns, points, (*path, 0), found)
        case Trait(name, "in_last_days", int(days)):
            moment = columns.moments[name][points.person]
            holds = (moment > NO_MOMENT) & (moment <= points.moment) & (moment > points.moment - days * DAY * _SECOND)
        case Trait():
            holds = columns.passed[key(rule)][points.person]
        case Did():
            count = _count(columns.streams[stream_key(rule)], rule.within, points)
            holds = _compared(count, rule)
        case _:
            assert_never(rule)
    found[path] = Found(holds, count)
    return holds


def _compared(count: np.ndarray, did: Did) -> np.ndarray:
    match did.compare:
        case "at_least":
            return count >= did.times
        case "at_most":
            return count <= did.times
        case "exactly":
            return count == did.times
        case _:
            assert_never(did.compare)


def _count(events: Happenings, within: int | None, points: _Points) -> np.ndarray:
    """How many events each point has in its window (moment - within, moment]."""
    if points.now is not None:
        counted = events.time <= points.now
        if within is not None:
            counted &= events.time > points.now - within * _SECOND
        return np.bincount(events.person[counted], minlength=len(points.person))
    ranks = _Ranks(events)
    until = ranks.until(points.person, points.moment)
    if within is None:
        return until - ranks.before(points.person)
    return until - ranks.until(points.person, points.moment - within * _SECOND)


class _Ranks:
    """Counts a person's events up to any moment, by binary search in (person, place of the time in all times)."""

    def __init__(self, events: Happenings) -> None:
        self.times = np.sort(events.time)
        self.width = len(self.times) + 1
        self.sorted = np.sort(self._place(events.person, events.time))

    def until(self, person: np.ndarray, moment: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.sorted, self._place(person, moment), side="right")

    def before(self, person: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.sorted, person.astype(np.int64) * self.width, side="right")

    def _place(self, person: np.ndarray, moment: np.ndarray) -> np.ndarray:
        return person.astype(np.int64) * self.width + np.searchsorted(self.times, moment, side="right")


def _turning_points(rule: Rule, columns: Columns, now: int) -> _Points:
    """Every (person, moment after now) at which a window of the rule gains or loses something, in order."""
    people, moments = [np.empty(0, np.int64)], [np.empty(0, np.int64)]

    def add(person: np.ndarray, moment: np.ndarray) -> None:
        later = moment > now
        people.append(person[later])
        moments.append(moment[later])

    everybody = np.arange(len(columns.people))
    for _, node in nodes(rule):
        match node:
            case Did(within=within):
                events = columns.streams[stream_key(node)]
                add(events.person, events.time)
                if within is not None:
                    add(events.person, events.time + within * _SECOND)
            case Trait(name, "in_last_days", int(days)):
                known = columns.moments[name] > NO_MOMENT
                add(everybody[known], columns.moments[name][known])
                add(everybody[known], columns.moments[name][known] + days * DAY * _SECOND)
            case _:
                pass
    person, moment = np.concatenate(people), np.concatenate(moments)
    order = np.lexsort((moment, person))
    return _Points(person[order], moment[order])
