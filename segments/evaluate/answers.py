"""From a rule and columns to answers: who is in, what each node found, and when time alone will next change it."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import assert_never

import numpy as np
from django.conf import settings

from segments import calendar
from segments.edges import date_edges
from segments.evaluate import chains, sparse, totals
from segments.evaluate.turning import turning_points
from segments.evaluate.windows import SECOND, View, pieces
from segments.load import NEVER, NO_MOMENT, Columns, micros
from segments.require import records_key, trait_of
from segments.rules import (
    CLOCK_OPS,
    DAY,
    All,
    Any,
    Changed,
    Compare,
    Consent,
    Did,
    InSegment,
    Known,
    Measure,
    Moment,
    Not,
    Path,
    Records,
    Rule,
    Sample,
    Score,
    Sequence,
    Top,
    Total,
    Trait,
    instants,
    is_date,
    key,
)


@dataclass(frozen=True)
class Found:
    """What one node found, by person: whether it holds, and what it went by.

    `count`: events or records. `total`: a total (NaN for none), `before`: that of the period before. `moment`: when the
    first or last event was. `there`: whether the window that it asks exists (None: all have it).
    """

    holds: np.ndarray
    count: np.ndarray | None = None
    total: np.ndarray | None = None
    before: np.ndarray | None = None
    moment: np.ndarray | None = None
    there: np.ndarray | None = None


@dataclass
class Answers:
    """`inside` is parallel to `people`; `nodes` gives the answer of each node by its path."""

    people: np.ndarray
    inside: np.ndarray
    nodes: dict[Path, Found] = field(default_factory=dict)

    @property
    def members(self) -> np.ndarray:
        return self.people[self.inside]


def evaluate(rule: Rule, columns: Columns, now: datetime) -> Answers:
    """Who is in at `now`. Cost: a pass or two over each stream for each window that is asked; no sorting."""
    moment = micros(now)
    view = columns.worked.get(moment)
    if not isinstance(view, View):
        view = View(columns, sparse.everybody_at(len(columns.people), moment))
        columns.worked.clear()
        columns.worked[moment] = view
    found: dict[Path, Found] = {}
    inside = _Asking(view, found).answer(rule, ())
    return Answers(columns.people, inside, found)


def next_change(rule: Rule, columns: Columns, now: datetime) -> np.ndarray:
    """For each person the first moment after `now` (microseconds) at which the answer changes if nothing more happens.

    The rule is evaluated at every moment at which one of its windows gains or loses something. Cost: a sort of these.
    """
    here = evaluate(rule, columns, now).inside
    answer = np.full(len(columns.people), NEVER)
    points = turning_points(rule, columns, micros(now))
    changed = np.flatnonzero(_Asking(View(columns, points), {}).answer(rule, ()) != here[points.person])
    people, first = np.unique(points.person[changed], return_index=True)
    answer[people] = points.moment[changed][first]
    return answer


@dataclass(frozen=True)
class _Asking:
    """A rule being asked at points."""

    view: View
    found: dict[Path, Found]

    def answer(self, rule: Rule, path: Path, open: np.ndarray | None = None) -> np.ndarray:
        """`open`: of many people those whose answer still matters, in order; what is found of others means nothing."""
        match rule:
            case All(conditions):
                holds = np.ones(len(self.view.points.person), bool)
                for number, condition in enumerate(conditions):
                    holds &= self.answer(condition, (*path, number), open)
                    open = sparse.narrowed(self.view, holds, open)
                self.found[path] = Found(holds)
            case Any(conditions):
                holds = np.zeros(len(self.view.points.person), bool)
                for number, condition in enumerate(conditions):
                    holds |= self.answer(condition, (*path, number), open)
                    open = sparse.narrowed(self.view, ~holds, open)
                self.found[path] = Found(holds)
            case Not(condition):
                self.found[path] = Found(~self.answer(condition, (*path, 0), open))
            case _:
                few = sparse.holds(self.view, rule, lambda view: _Asking(view, {}).leaf(rule).holds, open)
                self.found[path] = self.leaf(rule) if few is None else Found(few)
        return self.found[path].holds

    def leaf(self, rule: Rule) -> Found:
        view, points, columns = self.view, self.view.points, self.view.columns
        match rule:
            case Did(events, compare, times, window):
                counted = view.range((events, "", ""), window)
                holds = _compared(counted.count, compare, times)
                holds = holds if counted.there is None else holds & counted.there
                return Found(holds, counted.count, there=counted.there)
            case Measure(total, compare, number):
                amount = totals.amount(view, total)
                return Found(totals.against(amount, compare, number), total=amount.number, there=amount.there)
            case Changed():
                latest, earlier = totals.periods(view, rule)
                return Found(totals.changes(rule, latest, earlier), total=latest.number, before=earlier.number)
            case Moment():
                return self.moment(rule)
            case Sequence():
                return Found(chains.holds(view, rule))
            case Trait():
                return Found(self.trait(rule))
            case Score():
                return Found(self.trait(trait_of(rule)))
            case Consent(channel, "unknown"):
                said = [self.trait(trait_of(Consent(channel, state))) for state in ("given", "denied")]
                return Found(~(said[0] | said[1]))
            case Consent():
                return Found(self.trait(trait_of(rule)))
            case Known(kind):
                return Found(points.of(columns.known[kind]))
            case Records():
                return self.records(rule)
            case Sample(percent, salt):
                return Found(points.of(sampled(columns.people, percent, salt)))
            case Top():
                value = ranked(view, rule.by)
                threshold = columns.thresholds.get(key(rule), np.inf)
                return Found((value >= threshold) & (value > 0), total=value)
            case InSegment(name):
                raise ValueError(f"the segment {name!r} must be expanded to its rule first")
            case All() | Any() | Not():
                raise AssertionError("groups are answered above")
            case _:
                assert_never(rule)

    def moment(self, rule: Moment) -> Found:
        at, there = (self.view.first if rule.which == "first" else self.view.last)(rule.events)
        match rule.op, rule.value:
            case "in_last_days", int(days):
                holds = at > self.view.points.moment - days * DAY * SECOND
            case "over_days_ago", int(days):
                holds = at <= self.view.points.moment - days * DAY * SECOND
            case "before", str(value):
                holds = at < micros(instants(value))
            case "after", str(value):
                holds = at >= micros(instants(value, end=True)) + int(not is_date(value))
            case "between", (str(start), str(end)):
                until = micros(instants(end, end=True)) + int(not is_date(end))
                holds = (at >= micros(instants(start))) & (at < until)
            case _:
                raise ValueError(f"{rule.op} with {rule.value!r} says no moment")
        return Found(holds & there, moment=np.where(there, at, NEVER), there=there)

    def trait(self, rule: Trait) -> np.ndarray:
        points, columns = self.view.points, self.view.columns
        match rule:
            case Trait(name, ("in_last_days" | "in_next_days") as op, int(days)):
                return _dated(points.of(columns.moments[name]), op, days, points.moment)
            case Trait(name, "birthday_in", int(days)):
                birthdays = columns.birthdays[name]
                if points.now is not None:
                    # At one moment: for each day of the year, not for each person.
                    return _birthday_in(_EVERY_DAY, np.array([points.now]), days)[birthdays]
                return _birthday_in(birthdays[points.person].astype(np.int64), points.moment, days)
            case _:
                return points.of(columns.passed[key(rule)])

    def records(self, rule: Records) -> Found:
        points, held = self.view.points, self.view.columns.records[records_key(rule)]
        starts = np.searchsorted(held.person, np.arange(len(self.view.columns.people) + 1))
        clocked = [one for one in rule.where if one.op in CLOCK_OPS]
        count = np.zeros(len(points.person), np.int64)
        for point, place in pieces(starts[points.person], starts[points.person + 1]):
            moment = points.moment[point]
            holds = np.ones(len(point), bool)
            if rule.state != "any":
                holds = (held.closed[place] <= moment) == (rule.state == "closed")
            for one, dates in zip(clocked, held.dates, strict=True):
                assert isinstance(one.value, int)
                holds &= _dated(dates[place], one.op, one.value, moment)
            count += np.bincount(point[holds], minlength=len(count))
        return Found(_compared(count, rule.compare, rule.times), count)


_EVERY_DAY = np.arange(1_232)  # month * 100 + day


def _birthday_in(birthdays: np.ndarray, moment: np.ndarray, days: int) -> np.ndarray:
    today = calendar.local_days(moment, settings.TIME_ZONE)
    return (birthdays > 0) & (calendar.days_to_birthday(today, np.maximum(birthdays, 101)) <= days)


def _compared(count: np.ndarray, compare: Compare, times: int) -> np.ndarray:
    match compare:
        case "at_least":
            return count >= times
        case "at_most":
            return count <= times
        case "exactly":
            return count == times
        case _:
            assert_never(compare)


def _dated(dates: np.ndarray, op: str, days: int, moment: np.ndarray) -> np.ndarray:
    """In the last days: moment - days < date <= moment; in the next: moment < date <= moment + days."""
    known = (dates > NO_MOMENT) & (dates < NEVER)
    begins, ends = date_edges(op, days)
    date = np.where(known, dates, 0)
    return known & (date + begins * SECOND <= moment) & (moment < date + ends * SECOND)


def ranked(view: View, by: Total | str) -> np.ndarray:
    """The value that a top goes by at each point, NaN for none."""
    if isinstance(by, str):
        return view.points.of(view.columns.numbers[by])
    return totals.amount(view, by).number


def sampled(people: np.ndarray, percent: float, salt: str) -> np.ndarray:
    """Whether each profile id is in the sample: its number, well mixed with the salt's (splitmix64), is below a bound."""
    seed = int.from_bytes(hashlib.blake2b(salt.encode(), digest_size=8).digest(), "big")
    mixed = people.astype(np.uint64) ^ np.uint64(seed)
    mixed = mixed + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    bound = int(Fraction(str(percent)) / 100 * 2**64)
    return mixed <= np.uint64(bound - 1) if bound else np.zeros(len(people), bool)
