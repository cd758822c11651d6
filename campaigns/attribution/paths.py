"""The ways that people take: the flow between channels, the commonest paths, how long they are in touches and days."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from campaigns.attribution import load
from campaigns.attribution.collapse import Ways, collapse, joined
from campaigns.attribution.directory import Directory
from campaigns.attribution.filters import Filters
from campaigns.attribution.load import Part, Question
from campaigns.attribution.values import MILLIONTH, Journeys
from campaigns.models import Goal

START, CONVERTED, LOST, MORE = -1, -2, -3, -4  # places in a flow that are no channel
DAY = 86_400  # seconds
LENGTHS = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 10), (11, 20), (21, None))  # touches
DELAYS = ((0, 1), (1, 2), (2, 3), (3, 7), (7, 14), (14, 30), (30, 60), (60, None))  # days: from, below
LONGEST = 12  # steps of a path that are told; what came before the last ones is left out


@dataclass(frozen=True)
class Path:
    """A sequence of channels (ids of `load.Named`), the same one after another told once; of long ones the last `LONGEST`.
    `days`: how long from the first of them to the conversion on average, None without conversions."""

    steps: tuple[int, ...]
    names: tuple[str, ...]
    hues: tuple[int, ...]
    journeys: int
    conversions: int
    value: float
    days: float | None


@dataclass(frozen=True)
class Bin:
    """A bar: journeys and conversions with so many touches (low to high), or so many days from the first touch to the
    conversion (low <= x < high). `high` None: no end."""

    low: int
    high: int | None
    label: str
    journeys: int
    conversions: int
    value: float


@dataclass(frozen=True)
class Stop:
    """A node of the flow: a channel at a step (0 is the first), or an end (its step is one after the last). `id`: of the
    channel, or `CONVERTED`, `LOST`, or `MORE` (further steps that aren't drawn)."""

    step: int
    id: int
    name: str
    hue: int
    journeys: int


@dataclass(frozen=True)
class Link:
    """Journeys that go from stop to stop (places in `Flow.stops`)."""

    source: int
    target: int
    journeys: int
    conversions: int


@dataclass(frozen=True)
class Flow:
    """For a Sankey: the first steps of each journey with a touchpoint, then whether it converted."""

    stops: tuple[Stop, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Paths:
    """`top`: by conversions, the most first. `lengths`: touches a journey. `delays`: days from first touch to conversion
    (conversions only). `median_*` over conversions with at least one touch; None without. `distinct`: how many different
    paths there are. `untouched`: conversions without any touchpoint; they are in `conversions`, and in no path."""

    filters: Filters
    flow: Flow
    top: tuple[Path, ...]
    distinct: int
    lengths: tuple[Bin, ...]
    delays: tuple[Bin, ...]
    median_length: float | None
    median_days: float | None
    journeys: int
    conversions: int
    untouched: int
    currency: str
    waiting: int
    nbytes: ClassVar[int] = 40_000


def paths(filters: Filters, *, most: int = 20, steps: int = 4) -> Paths:
    """Cost at a million journeys: see docs/benchmarks.md; nothing where the last answers have it."""
    question = load.ask(filters)
    currency = Goal.objects.values_list("currency", flat=True).get(pk=filters.goal)
    return question.answered(("paths", most, steps, currency), lambda: _paths(question, most, steps, currency))


@dataclass(frozen=True)
class _Gone:
    """Of a stretch: journeys by (touches, converted) with their value, conversions by hours from the first touch, and the
    ways, the same channel one after another told once."""

    lengths: np.ndarray  # rows of 2 x touches + converted, journeys, value (millionths)
    hours: np.ndarray  # rows of hours, conversions, value
    ways: Ways

    @property
    def nbytes(self) -> int:
        return self.lengths.nbytes + self.hours.nbytes + self.ways.nbytes


def _gone(question: Question, part: Part) -> _Gone:
    journeys = question.counted(load.lean(part.journeys))
    touched = journeys.converted & (journeys.lengths > 0)
    first = journeys.age[journeys.starts[:-1][touched]] // 3600
    by_length = _grouped(journeys.lengths * 2 + journeys.converted, journeys.value)
    return _Gone(by_length, _grouped(first.astype(np.int64), journeys.value[touched]), collapse(stepped(journeys)))


def stepped(journeys: Journeys) -> Journeys:
    """With the same channel one after another told once, and of long ones the last `LONGEST` steps."""
    if not len(journeys.channel):
        return journeys
    turns = np.ones(len(journeys.channel), bool)
    turns[1:] = journeys.channel[1:] != journeys.channel[:-1]
    turns[journeys.starts[:-1][journeys.lengths > 0]] = True
    # The first of a run is told, so that the age of the first touch stays.
    stepping = journeys.touching(turns)
    lengths = stepping.lengths
    if lengths.max(initial=0) <= LONGEST:
        return stepping
    to_go = np.repeat(stepping.starts[1:], lengths) - np.arange(len(stepping.channel))
    return stepping.touching(to_go <= LONGEST)


def _grouped(keys: np.ndarray, value: np.ndarray) -> np.ndarray:
    """(key, how many, value) of each distinct key."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    begins = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else order
    counts = np.diff(np.append(begins, len(keys)))
    sums = np.add.reduceat(value[order], begins) if len(keys) else begins
    return np.stack([keys[begins], counts, sums], axis=1)


def _added(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Those of several parts together."""
    whole = np.concatenate([np.zeros((0, 3), np.int64), *parts])
    keys, which = np.unique(whole[:, 0], return_inverse=True)
    found = np.zeros((len(keys), 3), np.int64)
    np.add.at(found, which, whole)
    found[:, 0] = keys
    return found


def _paths(question: Question, most: int, steps: int, currency: str) -> Paths:
    gone = question.gathered(
        "paths",
        lambda part: _gone(question, part),
        lambda parts: _Gone(
            _added([part.lengths for part in parts]), _added([part.hours for part in parts]),
            joined([part.ways for part in parts]),
        ),
    )  # fmt: skip
    touches, ending = gone.lengths[:, 0] // 2, gone.lengths[:, 0] % 2 == 1
    number = gone.lengths[:, 1]
    untouched = int(number[ending & (touches == 0)].sum())
    conversions = int(number[ending].sum())
    ways = gone.ways
    top, distinct = _top(ways, question.directory, most)
    return Paths(
        question.filters, _flow(ways, question.directory, steps), top, distinct, _lengths(touches, ending, gone.lengths),
        _delays(gone.hours), _median(touches[ending & (touches > 0)], number[ending & (touches > 0)]),
        None if not len(gone.hours) else round((_median(gone.hours[:, 0], gone.hours[:, 1]) or 0) / 24, 2),
        int(number.sum()), conversions, untouched, currency, question.waiting,
    )  # fmt: skip


def _top(ways: Ways, names: Directory, most: int) -> tuple[tuple[Path, ...], int]:
    """The commonest paths, and how many different ones there are."""
    best = np.lexsort((ways.key, -ways.journeys, -ways.conversions))[:most]
    starts = ways.starts
    found = []
    for way in best.tolist():
        channels = [names.channels[one] for one in ways.channel[starts[way] : starts[way + 1]].tolist()]
        conversions = int(ways.conversions[way])
        found.append(
            Path(
                tuple(one.id for one in channels), tuple(one.name for one in channels),
                tuple(one.hue for one in channels), int(ways.journeys[way]), conversions,
                int(ways.value[way]) / MILLIONTH, int(ways.span[way]) / conversions / DAY if conversions else None,
            )
        )  # fmt: skip
    return tuple(found), len(ways)


def _flow(ways: Ways, names: Directory, steps: int) -> Flow:
    """Stops are numbered step x places + place; the ends come behind the last step."""
    count, lengths, starts = len(names.channels), ways.lengths, ways.starts[:-1]
    size = steps * count + 3
    converted, lost, more = range(steps * count, size)
    number = np.stack([ways.journeys, ways.conversions], axis=1).astype(np.int64)
    flows = np.zeros((size * size, 2), np.int64)
    for step in range(steps):
        here = np.flatnonzero(lengths > step)
        at = (step * count + ways.channel[starts[here] + step]) * size
        further = lengths[here] > step + 1
        on, ended = here[further], here[~further]
        if step + 1 < steps:
            then = (step + 1) * count + ways.channel[starts[on] + step + 1]
        else:
            then = np.full(len(on), more)
            _split(flows, np.full(len(on), more * size), number[on], converted, lost)
        np.add.at(flows, at[further] + then, number[on])
        _split(flows, at[~further], number[ended], converted, lost)
    return _drawn(flows, size, count, steps, names)


def _split(flows: np.ndarray, at: np.ndarray, number: np.ndarray, converted: int, lost: int) -> None:
    """From these stops to the two ends. `number`: (journeys, conversions)."""
    won, gone = number.copy(), number.copy()
    won[:, 0] = number[:, 1]
    gone[:, 0] -= number[:, 1]
    gone[:, 1] = 0
    np.add.at(flows, at + converted, won)
    np.add.at(flows, at + lost, gone)


_ENDS = {CONVERTED: ("Converted", 150), LOST: ("No conversion", 0), MORE: ("Further steps", 0)}


def _drawn(flows: np.ndarray, size: int, count: int, steps: int, names: Directory) -> Flow:
    there = np.flatnonzero(flows[:, 0])
    sources, targets = there // size, there % size
    used = np.unique(np.concatenate([sources, targets]))
    places = {stop: place for place, stop in enumerate(used.tolist())}
    through = np.zeros(size, np.int64)
    np.add.at(through, sources, flows[there, 0])
    arriving = np.zeros(size, np.int64)
    np.add.at(arriving, targets, flows[there, 0])
    stops = []
    for stop in used.tolist():
        journeys = int(max(through[stop], arriving[stop]))
        if stop < steps * count:
            one = names.channels[stop % count]
            stops.append(Stop(stop // count, one.id, one.name, one.hue, journeys))
        else:
            end = (CONVERTED, LOST, MORE)[stop - steps * count]
            stops.append(Stop(steps if end == MORE else steps + 1, end, *_ENDS[end], journeys))
    links = [
        Link(places[source], places[target], *flows[place].tolist())
        for place, source, target in zip(there.tolist(), sources.tolist(), targets.tolist(), strict=True)
    ]
    return Flow(tuple(stops), tuple(links))


def _lengths(touches: np.ndarray, ending: np.ndarray, rows: np.ndarray) -> tuple[Bin, ...]:
    found = []
    for low, high in LENGTHS:
        inside = (touches >= low) & (touches <= (2**31 if high is None else high))
        label = f"{low}" if high == low else f"{low}–{high}" if high else f"{low} or more"
        ended = rows[inside & ending]
        found.append(
            Bin(
                low, high, label, int(rows[inside, 1].sum()), int(ended[:, 1].sum()), int(ended[:, 2].sum()) / MILLIONTH
            )
        )
    return tuple(found)


def _delays(hours: np.ndarray) -> tuple[Bin, ...]:
    found = []
    for low, high in DELAYS:
        inside = hours[(hours[:, 0] >= low * 24) & (hours[:, 0] < (2**31 if high is None else high * 24))]
        label = "the same day" if low == 0 else f"{low} days or more" if high is None else f"{low}–{high} days"
        number = int(inside[:, 1].sum())
        found.append(
            Bin(low, high, "under a day" if low == 0 else label, number, number, int(inside[:, 2].sum()) / MILLIONTH)
        )
    return tuple(found)


def _median(values: np.ndarray, times: np.ndarray) -> float | None:
    """The middle of values that were there so many times; the lower one of two."""
    if not len(values):
        return None
    order = np.argsort(values, kind="stable")
    running = np.cumsum(times[order])
    return float(values[order][np.searchsorted(running, (running[-1] + 1) // 2)])
