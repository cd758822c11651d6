"""Conditions on events asked of those alone who have such events: of a million people few do most things.

Everybody without any of a condition's events gets the same answer: that of one person who never did anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from segments.columns import Columns, Happenings, Held
from segments.evaluate.windows import Points, View
from segments.require import require
from segments.rules import Leaf

# Of fewer people everybody is asked: what each node found is wanted there, too.
LEAST = 50_000
# Conditions are asked of those alone whose answer still matters, where these are fewer than one in so many.
FEW = 8


@dataclass(frozen=True)
class Few:
    """People (positions among all) with their events alone."""

    people: np.ndarray
    streams: dict[str, Happenings]


def holds(
    view: View, leaf: Leaf, ask: Callable[[View], np.ndarray], open: np.ndarray | None = None
) -> np.ndarray | None:
    """The answer of a condition for everybody, by `ask` of few; None where that isn't the way.

    `open`: whose answer matters; that of others means nothing.
    """
    points = view.points
    needed = require(leaf)
    slots = (*sorted(needed.streams), *sorted(needed.records))
    if points.now is None or len(points.person) < LEAST or not slots:
        return None
    if slots not in view.few:
        view.few[slots] = _seen(view, slots)
        view.few[(*slots, "")] = _nobody(view, slots)
    people, theirs = view.few[slots]
    answer = np.full(len(points.person), ask(view.few[(*slots, "")][1])[0])
    if open is None:
        answer[people] = ask(theirs)
    elif len(people):
        place = np.minimum(np.searchsorted(people, open), len(people) - 1)
        place = place[people[place] == open]
        asked = Points(place, np.broadcast_to(np.int64(points.now), len(place)))
        answer[people[place]] = ask(View(theirs.columns, asked))
    return answer


def narrowed(view: View, matters: np.ndarray, open: np.ndarray | None) -> np.ndarray | None:
    """Whose answer matters yet, where they are few enough for it to be worth while."""
    if view.points.now is None or len(matters) < LEAST:
        return None
    if open is not None:
        return open[matters[open]]
    return np.flatnonzero(matters) if np.count_nonzero(matters) * FEW < len(matters) else None


def those(view: View, leaf: Leaf) -> View:
    """Only those who have any of a condition's events, in `view` of everybody."""
    slots = tuple(sorted(require(leaf).streams))
    return _seen(view, slots)[1] if view.points.now is not None and slots else view


def _seen(view: View, slots: tuple[str, ...]) -> tuple[np.ndarray, View]:
    """Who has any of these events or records, and what is seen from them."""
    columns = view.columns
    held = {slot: columns.records[slot] for slot in slots if slot in columns.records}
    if held:
        # A condition on records looks at nothing else.
        people = _distinct(next(iter(held.values())).person)
        some = Columns(columns.people[people], records={
            slot: Held(np.searchsorted(people, one.person), one.closed, one.dates) for slot, one in held.items()
        })  # fmt: skip
    else:
        few = _few(columns.streams, slots)
        people = few.people
        some = Columns(columns.people[people], streams=few.streams, thresholds=columns.thresholds)
    assert view.points.now is not None
    return people, View(some, everybody_at(len(people), view.points.now))


def _nobody(view: View, slots: tuple[str, ...]) -> tuple[np.ndarray, View]:
    """One person who never did anything."""
    assert view.points.now is not None
    columns = Columns(np.zeros(1, np.int64), thresholds=view.columns.thresholds)
    for slot in slots:
        if slot in view.columns.records:
            held = view.columns.records[slot]
            columns.records[slot] = Held(held.person[:0], held.closed[:0], tuple(one[:0] for one in held.dates))
        else:
            events = view.columns.streams[slot]
            value = None if events.value is None else events.value[:0]
            columns.streams[slot] = Happenings(events.person[:0], events.time[:0], value)
    return columns.people, View(columns, everybody_at(1, view.points.now))


@lru_cache(maxsize=16)
def _positions(size: int) -> np.ndarray:
    return np.arange(size)


def everybody_at(size: int, moment: int) -> Points:
    # Small ones are made in no time, and there are many.
    return Points(
        _positions(size) if size >= LEAST else np.arange(size), np.broadcast_to(np.int64(moment), size), moment
    )


def _few(streams: dict[str, Happenings], slots: tuple[str, ...]) -> Few:
    """Kept with the first stream, which is kept itself where nothing came since."""
    first = streams[slots[0]]
    known = first.worked.get(slots)
    if isinstance(known, tuple) and all(one is streams[slot].time for one, slot in zip(known[1], slots, strict=True)):
        found: Few = known[0]
        return found
    people = _distinct(first.person)
    for slot in slots[1:]:
        people = np.union1d(people, _distinct(streams[slot].person))
    few = Few(people, {slot: _among(streams[slot], people, only=len(slots) == 1) for slot in slots})
    first.worked[slots] = few, [streams[slot].time for slot in slots]
    return few


def _distinct(person: np.ndarray) -> np.ndarray:
    """Of sorted positions."""
    return person[np.flatnonzero(np.diff(person, prepend=-1))] if len(person) else person


def _among(events: Happenings, people: np.ndarray, *, only: bool) -> Happenings:
    if only:
        return Happenings(np.cumsum(np.diff(events.person, prepend=events.person[:1]) != 0), events.time, events.value)
    return Happenings(np.searchsorted(people, events.person), events.time, events.value)
