"""The moments at which time alone may turn a rule, for each person."""

import numpy as np
from django.conf import settings

from segments import calendar
from segments.edges import date_edges, event_edges
from segments.evaluate.windows import SECOND, Points
from segments.load import NEVER, NO_MOMENT, Columns
from segments.require import records_key, stream_key
from segments.rules import CLOCK_OPS, Records, Rule, Trait, nodes

# A birthday may fall on another day in a leap year; after eight years all has been seen.
_YEARS = 9
_MOST_YEARS = 300


def turning_points(rule: Rule, columns: Columns, now: int) -> Points:
    """Every (person, moment after now) at which a window of the rule gains or loses something, in order."""
    found = _Found(now)
    everybody = np.arange(len(columns.people))
    for _, node in nodes(rule):
        for what, seconds in event_edges(node):
            events = columns.streams[stream_key(*what)]
            found.add(events.person, events.time, seconds)
        match node:
            case Trait(name, ("in_last_days" | "in_next_days") as op, int(days)):
                for seconds in date_edges(op, days):
                    found.add(everybody, columns.moments[name], seconds)
            case Records(where=where):
                held = columns.records[records_key(node)]
                found.add(held.person, held.closed, 0)
                for one, dates in zip((one for one in where if one.op in CLOCK_OPS), held.dates, strict=True):
                    assert isinstance(one.value, int)
                    for seconds in date_edges(one.op, one.value):
                        found.add(held.person, dates, seconds)
            case _:
                pass
    for _, node in nodes(rule):
        match node:
            case Trait(name, "birthday_in", int(days)):
                _add_birthdays(found, columns.birthdays[name], days)
            case _:
                pass
    return found.points()


class _Found:
    def __init__(self, now: int) -> None:
        self.now = now
        self.people, self.moments = [np.empty(0, np.int64)], [np.empty(0, np.int64)]

    def add(self, person: np.ndarray, moment: np.ndarray, seconds: int) -> None:
        known = (moment > NO_MOMENT) & (moment < NEVER)
        self.add_moments(person[known], moment[known] + seconds * SECOND)

    def add_moments(self, person: np.ndarray, moment: np.ndarray) -> None:
        later = moment > self.now
        self.people.append(person[later])
        self.moments.append(moment[later])

    def last(self) -> int:
        return max((int(moment.max(initial=self.now)) for moment in self.moments), default=self.now)

    def points(self) -> Points:
        person, moment = np.concatenate(self.people), np.concatenate(self.moments)
        order = np.lexsort((moment, person))
        return Points(person[order], moment[order])


def _add_birthdays(found: _Found, birthdays: np.ndarray, days: int) -> None:
    """The birthdays to come, as far ahead as anything else may turn the rule, and some years more."""
    zone = settings.TIME_ZONE
    person = np.flatnonzero(birthdays)
    if not len(person):
        return
    first, last = (
        int(one.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64))
        for one in calendar.local_days(np.array([found.now, found.last()]), zone)
    )
    for year in range(first, min(last + _YEARS, first + _MOST_YEARS) + 1):
        day = calendar.birthday_in_year(np.full(len(person), year), birthdays[person])
        for turn in (day - days, day + 1):
            for moment in calendar.beginnings(turn, zone):
                found.add_moments(person, moment)
