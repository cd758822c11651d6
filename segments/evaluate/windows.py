"""Columns seen from points (a person at a moment): which events are in a window there, by their places in a stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import assert_never

import numpy as np

from segments.load import Columns, Happenings, micros
from segments.require import Kind, stream_key
from segments.rules import Between, Events, Ever, FirstAfter, Last, SinceLast, Window, instants, is_date

SECOND = 1_000_000
# Pairs of a point and an event that are looked at together: some tens of megabytes.
PIECE = 1_000_000
# Windows whose ends are kept for the next condition: 4 bytes each for whoever is asked.
KEPT = 12


@dataclass(frozen=True)
class Points:
    """Where to evaluate: each person (by position) at one moment. `now` when it is everybody at the same moment."""

    person: np.ndarray
    moment: np.ndarray
    now: int | None = None

    def of(self, column: np.ndarray) -> np.ndarray:
        """What a column of people says at each point."""
        return column[self.person] if self.now is None else column


@dataclass(frozen=True)
class Range:
    """For each point the places [low, high) of the events in a window. `there`: whether there is such a window."""

    low: np.ndarray
    high: np.ndarray
    there: np.ndarray | None = None

    @property
    def count(self) -> np.ndarray:
        return np.subtract(self.high, self.low, dtype=np.int64)


class Timeline:
    """A stream's events by person: finds places in it by moments."""

    def __init__(self, events: Happenings, people: int) -> None:
        self.events = events
        if len(events.person) < 8 * people:
            self.starts = np.concatenate([[0], np.cumsum(np.bincount(events.person, minlength=people))])
        else:
            self.starts = np.searchsorted(events.person, np.arange(people + 1))
        # Places are kept for many windows: half the memory where they are small enough (twice one must be, too).
        if len(events.person) < 2**30:
            self.starts = self.starts.astype(np.int32)
        self.most = int(np.diff(self.starts).max(initial=0))
        # An end that is later than all, so that the place after the last one can be looked at.
        self.time = np.append(events.time, np.iinfo(np.int64).max)

    @cached_property
    def latest(self) -> int:
        return int(self.events.time.max(initial=0))

    @cached_property
    def sums(self) -> np.ndarray:
        """The sum of all values before each place, modulo 2**64."""
        assert self.events.value is not None
        return np.concatenate([[0], np.cumsum(self.events.value)])

    def until(self, person: np.ndarray, moment: np.ndarray | int) -> np.ndarray:
        """The place after the last event of the person with time <= moment. Binary search, a step for all points."""
        low, high = self.starts[person], self.starts[person + 1]
        for _ in range(self.most.bit_length()):
            middle = (low + high) >> 1
            later = self.time[middle] > moment
            low = np.where(later | (low >= high), low, middle + 1)
            high = np.where(later, middle, high)
        return low

    def until_for_all(self, moment: int) -> np.ndarray:
        """The same for everybody at one moment."""
        if moment >= self.latest:
            return self.starts[1:]
        people = len(self.starts) - 1
        if len(self.events.time) > 16 * people:
            return self.until(np.arange(people), moment)
        counted = self.events.person[self.events.time <= moment]
        return self.starts[:-1] + np.bincount(counted, minlength=people).astype(self.starts.dtype)


class View:
    """Columns seen from points. What several conditions ask is worked out once."""

    def __init__(self, columns: Columns, points: Points) -> None:
        self.columns = columns
        self.points = points
        # Of some streams: who has such events, and what is seen from them (`segments.evaluate.sparse`).
        self.few: dict[tuple[str, ...], tuple[np.ndarray, View]] = {}
        self._timelines: dict[str, Timeline] = {}
        self._until: dict[tuple[str, int, bool], np.ndarray] = {}

    def timeline(self, events: Events, value: str = "", kind: Kind = "") -> Timeline:
        return self._timeline(stream_key(events, value, kind))

    def _timeline(self, slot: str) -> Timeline:
        if slot not in self._timelines:
            events, size = self.columns.streams[slot], len(self.columns.people)
            known = events.worked.get(size)
            if not isinstance(known, Timeline):
                known = events.worked[size] = Timeline(events, size)
            self._timelines[slot] = known
        return self._timelines[slot]

    def ago(self, events: Events, value: str = "", kind: Kind = "", *, seconds: int = 0) -> np.ndarray:
        """The place after the last event that happened so many seconds before the point's moment, or earlier."""
        return self._ago(stream_key(events, value, kind), seconds)

    def _ago(self, slot: str, seconds: int = 0) -> np.ndarray:
        return self._found(slot, seconds * SECOND, relative=True)

    def _found(self, slot: str, moment: int, *, relative: bool) -> np.ndarray:
        asked = (slot, moment, relative)
        if asked not in self._until:
            if len(self._until) >= KEPT:
                del self._until[next(iter(self._until))]
            timeline, points = self._timeline(slot), self.points
            if points.now is not None:
                self._until[asked] = timeline.until_for_all(points.now - moment if relative else moment)
            else:
                self._until[asked] = timeline.until(points.person, points.moment - moment if relative else moment)
        return self._until[asked]

    def range(self, what: tuple[Events, str, Kind], window: Window) -> Range:
        """The events of a stream in a window."""
        slot = stream_key(*what)
        timeline, now = self._timeline(slot), self._ago(slot)
        person = self.points.person
        match window:
            case Ever():
                return Range(timeline.starts[person], now)
            case Last(seconds):
                return Range(self._ago(slot, seconds), now)
            case Between(start, end):
                low = self._found(slot, micros(instants(start)) - 1, relative=False)
                until = micros(instants(end, end=True)) - int(is_date(end))
                high = np.minimum(now, self._found(slot, until, relative=False))
                return Range(np.minimum(low, high), high)
            case FirstAfter(seconds, anchor):
                first, there = self.first(anchor)
                low = timeline.until(person, first - 1)
                high = np.minimum(now, timeline.until(person, first + seconds * SECOND - 1))
                return Range(low, np.maximum(low, high), there)
            case SinceLast(anchor):
                last, there = self.last(anchor)
                return Range(timeline.until(person, last), now, there)
            case _:
                assert_never(window)

    def first(self, events: Events) -> tuple[np.ndarray, np.ndarray]:
        """When the person's first of these events was, and whether there was one (else the moment means nothing)."""
        slot = stream_key(events)
        timeline = self._timeline(slot)
        start = timeline.starts[self.points.person]
        there = start < self._ago(slot)
        return np.where(there, timeline.time[start], 0), there

    def last(self, events: Events) -> tuple[np.ndarray, np.ndarray]:
        """When the person's last of these events was, and whether there was one."""
        slot = stream_key(events)
        timeline, until = self._timeline(slot), self._ago(slot)
        there = timeline.starts[self.points.person] < until
        return np.where(there, timeline.time[np.maximum(until - 1, 0)], 0), there


def pieces(low: np.ndarray, high: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every place in [low, high) of each point, as (point, place); in pieces, so that memory stays bounded.

    A point's places are in one piece, however many they are.
    """
    length = np.maximum(high - low, 0)
    ends = np.cumsum(length)
    first = 0
    while first < len(length):
        done = int(ends[first - 1]) if first else 0
        following = max(first + 1, int(np.searchsorted(ends, done + PIECE, side="right")))
        some = length[first:following]
        point = np.repeat(np.arange(first, following), some)
        place = np.arange(len(point)) - np.repeat(ends[first:following] - some - done, some) + low[point]
        if len(point):
            yield point, place
        first = following
