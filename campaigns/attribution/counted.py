"""What one stretch of days adds to the tables: presence, credit by the rules, and steps for the models that walk.

All of it can be added up over days, and none of it is anybody's: some 200 KB a stretch, kept by the process.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from campaigns.attribution import load
from campaigns.attribution.load import Part, Question
from campaigns.attribution.models import MODELS, markov, shapley
from campaigns.attribution.models.chain import Chain
from campaigns.attribution.steps import Steps, exactly, joined, order_for, steps
from campaigns.attribution.values import PER_JOURNEY, PER_TOUCH, TYPES, Credit, Journeys, Touch

# The models that walk a chain, with its order: computed of steps. The others share out each conversion by a rule.
WALKING: Mapping[str, tuple[int, Callable[[Journeys, Chain, int], Credit]]] = {
    "markov": (1, markov.credit), "markov_2": (2, markov.credit), "markov_3": (3, markov.credit),
    "shapley": (1, shapley.credit),
}  # fmt: skip
RULES = tuple(model for model in MODELS if model.key not in WALKING)
# Up to so many places a table of all pairs is quicker than a sort.
_DENSE = 64


@dataclass(frozen=True)
class Axis:
    """What touches are put down to: their channel, or their campaign; those without one have the last place."""

    campaigns: bool
    count: int

    def of(self, journeys: Journeys) -> np.ndarray:
        if not self.campaigns:
            return journeys.channel
        return np.where(journeys.campaign < 0, np.int32(self.count - 1), journeys.campaign)

    @property
    def order(self) -> int:
        """Of campaigns, which may be many, only steps from one to the next are counted."""
        return 1 if self.campaigns else order_for(self.count)

    @classmethod
    def asked(cls, question: Question, campaigns: bool) -> "Axis":
        names = question.directory
        return cls(campaigns, len(names.campaigns) + 1 if campaigns else len(names.channels))


@dataclass(frozen=True)
class Counted:
    """Per day: `days` (since 1970), `line` (days x places: conversions that a place is in), `conversions`, `touched` (those
    with any touchpoint), `value` and `back` (millionths). `present` (5 x places): journeys that a place is in, conversions,
    their value (millionths), conversions in which it is alone, and those in which it was seen and never followed.
    `totals`: journeys, new conversions, conversions in another currency, journeys without touchpoint, their conversions and
    value. `rules`: credit by the models that are rules."""

    days: np.ndarray
    line: np.ndarray
    conversions: np.ndarray
    touched: np.ndarray
    value: np.ndarray
    back: np.ndarray
    present: np.ndarray
    totals: np.ndarray
    rules: Mapping[str, Credit]
    steps: Steps

    @property
    def nbytes(self) -> int:
        credits = 16 * len(self.rules) * self.present.shape[1]
        return 3_000 + self.steps.nbytes + self.line.nbytes + 40 * len(self.days) + self.present.nbytes + credits


def count(question: Question, axis: Axis) -> Counted:
    """All of it. Cost: the stretches that changed since."""
    return question.gathered(
        ("counted", axis.campaigns), lambda part: _count(question, axis, part), lambda parts: _joined(axis, parts)
    )


def _count(question: Question, axis: Axis, part: Part) -> Counted:
    journeys, converted = part.journeys, part.journeys.converted
    needed = load.lean(journeys, *(["campaign"] if axis.campaigns else []))
    counted = question.counted(needed)
    places = axis.of(counted)
    begins = np.flatnonzero(np.diff(journeys.day, prepend=-1)) if len(journeys) else np.zeros(0, np.int64)
    bare = counted.lengths == 0
    bare_ones = bare & converted
    won = counted.where(converted)
    won_places = axis.of(won)
    rows, of = pairs(won, won_places, axis.count)
    day = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(journeys))))[converted]
    line = np.bincount(day[rows] * axis.count + of, minlength=len(begins) * axis.count)
    alone = np.bincount(rows, minlength=len(won))[rows] == 1
    present = (
        _journeys_with(counted, places, axis.count),
        np.bincount(of, minlength=axis.count),
        exactly(of, won.value[rows], axis.count),
        np.bincount(of[alone], minlength=axis.count),
        _seen_only(needed.where(converted), axis),
    )
    return Counted(
        journeys.day[begins], line.reshape(len(begins), axis.count).astype(np.int32),
        np.bincount(day, minlength=len(begins)), np.bincount(day[won.lengths > 0], minlength=len(begins)),
        _by_day(begins, journeys.value), _by_day(begins, journeys.back), np.stack(present),
        np.array([
            len(journeys), np.count_nonzero(journeys.new & converted), np.count_nonzero(part.other_currency & converted),
            np.count_nonzero(bare), np.count_nonzero(bare_ones), journeys.value[bare_ones].sum(),
        ]),
        {model.key: model.compute(won, won_places, axis.count) for model in RULES},
        steps(counted, places, axis.count, axis.order),
    )  # fmt: skip


def pairs(journeys: Journeys, axis: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Each (journey, place) once; in order."""
    codes = _codes(journeys, axis, count)
    if count > _DENSE:
        found = np.unique(codes)
    else:
        there = np.zeros(len(journeys) * count, bool)
        there[codes] = True
        found = np.flatnonzero(there)
    return np.divmod(found, max(count, 1))


def _journeys_with(journeys: Journeys, axis: np.ndarray, count: int) -> np.ndarray:
    """In how many journeys each place is."""
    if count > _DENSE:
        return np.bincount(pairs(journeys, axis, count)[1], minlength=count)
    return _number(_met(axis, journeys.journey_of, count, len(journeys)))


def _met(places: np.ndarray, journeys: np.ndarray, count: int, of: int) -> np.ndarray:
    """A line a place: which of so many journeys meet it."""
    there = np.zeros(count * of, bool)
    there[places.astype(np.int64) * of + journeys] = True
    return there.reshape(count, of)


def _number(there: np.ndarray) -> np.ndarray:
    """How many are true in each line. (A line at a time: many times quicker than a sum over one axis.)"""
    return np.array([np.count_nonzero(line) for line in there], np.int64)


def _codes(journeys: Journeys, axis: np.ndarray, count: int) -> np.ndarray:
    """Of each touch: its journey times `count`, and its place."""
    wide = len(journeys) * count > 2**31 - 1
    row: np.ndarray = np.arange(len(journeys)).astype(np.int64 if wide else np.int32)
    return np.repeat(row * count, journeys.lengths) + axis


def _seen_only(won: Journeys, axis: Axis) -> np.ndarray:
    """Conversions in which a place was seen, but nobody came by it."""
    views = won.kind == Touch.VIEW
    if not views.any():
        return np.zeros(axis.count, np.int64)
    places, journeys = axis.of(won), won.journey_of
    if axis.count <= _DENSE:
        seen, followed = (_met(places[some], journeys[some], axis.count, len(won)) for some in (views, ~views))
        return _number(seen & ~followed)
    codes = _codes(won, places, axis.count)
    only = np.setdiff1d(codes[views], codes[~views])
    return np.bincount(only % axis.count, minlength=axis.count)


def _by_day(begins: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Whole numbers by day, exactly."""
    return np.add.reduceat(column, begins) if len(begins) else np.zeros(0, np.int64)


def _joined(axis: Axis, parts: Sequence[Counted]) -> Counted:
    def all_of(name: str) -> np.ndarray:
        return np.concatenate([np.zeros(0, np.int64), *(getattr(part, name) for part in parts)])

    return Counted(
        all_of("days"), np.concatenate([np.zeros((0, axis.count), np.int32), *(part.line for part in parts)]),
        all_of("conversions"), all_of("touched"), all_of("value"), all_of("back"),
        sum((part.present for part in parts), np.zeros((5, axis.count), np.int64)),
        sum((part.totals for part in parts), np.zeros(6, np.int64)),
        {model.key: _added([part.rules[model.key] for part in parts], axis.count) for model in RULES},
        joined([part.steps for part in parts], axis.count, axis.order),
    )  # fmt: skip


def _added(credits: Sequence[Credit], count: int) -> Credit:
    return Credit(
        sum((one.conversions for one in credits), np.zeros(count)),
        sum((one.value for one in credits), np.zeros(count)),
        sum(one.none_conversions for one in credits),
        sum(one.none_value for one in credits),
    )


def as_journeys(counted: Counted, direct: int) -> Journeys:
    """Four journeys that stand for all: with touchpoints and without, converted and not. What models ask of journeys besides
    their steps."""
    weight, conversions, value = counted.steps.worth.tolist()
    _, _, _, bare, bare_ones, bare_value = counted.totals.tolist()
    columns: dict[str, Any] = {name: np.zeros(4, TYPES[name]) for name in PER_JOURNEY}
    columns |= {name: np.zeros(2, TYPES[name]) for name in PER_TOUCH}
    columns |= {
        "weight": np.array([conversions, weight - conversions, bare_ones, bare - bare_ones]),
        "value": np.array([value, 0, bare_value, 0]),
        "converted": np.array([True, False, True, False]),
    }
    return Journeys(np.array([0, 1, 2, 2, 2]), **columns, direct=direct)
