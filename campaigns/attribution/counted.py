"""What one stretch of days adds to the tables: plain counts, ways put together, and the one model that asks for ages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from campaigns.attribution.collapse import Collapsed, collapse, joined
from campaigns.attribution.load import Part, Question
from campaigns.attribution.models import BY_KEY
from campaigns.attribution.values import Credit, Journeys, Touch

AGED = "time_decay"  # the model that asks for ages, and can be added up over days
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

    @classmethod
    def asked(cls, question: Question, campaigns: bool) -> "Axis":
        names = question.directory
        return cls(campaigns, len(names.campaigns) + 1 if campaigns else len(names.channels))


@dataclass(frozen=True)
class Counted:
    """Per day: `days` (since 1970), `line` (days x places: conversions that a place is in), `conversions`, `touched` (those
    with any touchpoint), `value` and `back` (millionths). Per place: `seen` (conversions in which it was seen, and never
    followed). `totals`: journeys, new conversions, conversions in another currency. `aged`: the credit by the model that
    asks for ages. `ways`: the journeys, those that are alike together."""

    days: np.ndarray
    line: np.ndarray
    conversions: np.ndarray
    touched: np.ndarray
    value: np.ndarray
    back: np.ndarray
    seen: np.ndarray
    totals: np.ndarray
    aged: Credit
    ways: Collapsed

    @property
    def nbytes(self) -> int:
        return 2_000 + self.ways.nbytes + self.line.nbytes + 32 * len(self.days) + 24 * len(self.seen)

    def light(self) -> "Counted":
        """Without the ways."""
        return replace(self, ways=joined([]))


def count(question: Question, axis: Axis) -> Counted:
    """All of it. Cost: the stretches that changed since; then a sort of their ways."""
    return question.gathered(
        ("counted", axis.campaigns), lambda part: _count(question, axis, part), lambda parts: _joined(axis, parts)
    )


def _count(question: Question, axis: Axis, part: Part) -> Counted:
    journeys = part.journeys
    counted = question.counted(journeys)
    converted = journeys.converted
    days, day = np.unique(journeys.day, return_inverse=True)
    rows, places = pairs(counted, axis.of(counted), axis.count, converted)
    line = np.bincount(day[rows] * axis.count + places, minlength=len(days) * axis.count).astype(np.int32)
    return Counted(
        days, line.reshape(len(days), axis.count), np.bincount(day[converted], minlength=len(days)),
        np.bincount(day[converted & (counted.lengths > 0)], minlength=len(days)),
        _by_day(day, journeys.value, len(days)), _by_day(day, journeys.back, len(days)),
        _seen_only(journeys, axis),
        np.array([len(journeys), np.count_nonzero(journeys.new & converted), np.count_nonzero(part.other_currency & converted)]),
        BY_KEY[AGED].compute(counted, axis.of(counted), axis.count),
        collapse(counted, axis.campaigns),
    )  # fmt: skip


def pairs(
    journeys: Journeys, axis: np.ndarray, count: int, chosen: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Each (journey, place) once, of the journeys of a mask; in order."""
    row, place = journeys.journey_of, axis
    if chosen is not None:
        touches = chosen[row]
        row, place = row[touches], place[touches]
    codes = row * count + place
    if count <= _DENSE:
        there = np.zeros(len(journeys) * count, bool)
        there[codes] = True
        found = np.flatnonzero(there)
    else:
        found = np.unique(codes)
    return found // count, found % count


def _seen_only(journeys: Journeys, axis: Axis) -> np.ndarray:
    """Conversions in which a place was seen, but nobody came by it."""
    views = journeys.kind == Touch.VIEW
    if not views.any():
        return np.zeros(axis.count, np.int64)
    seen, followed = (
        np.ravel_multi_index(
            pairs(some, axis.of(some), axis.count, some.converted), (max(len(some), 1), axis.count)
        )
        for some in (journeys.touching(views), journeys.touching(~views))
    )  # fmt: skip
    return np.bincount(np.setdiff1d(seen, followed, assume_unique=True) % axis.count, minlength=axis.count)


def _by_day(day: np.ndarray, column: np.ndarray, days: int) -> np.ndarray:
    """Whole numbers by day, exactly; days are in order."""
    if not days:
        return np.zeros(0, np.int64)
    return np.add.reduceat(column, np.searchsorted(day, np.arange(days)))


def _joined(axis: Axis, parts: Sequence[Counted]) -> Counted:
    def all_of(name: str, nothing: np.ndarray) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts]) if parts else nothing

    def sum_of(name: str, size: int) -> np.ndarray:
        return sum((getattr(part, name) for part in parts), np.zeros(size, np.int64))

    whole = np.zeros(0, np.int64)
    aged = Credit(
        sum((part.aged.conversions for part in parts), np.zeros(axis.count)),
        sum((part.aged.value for part in parts), np.zeros(axis.count)),
        sum(part.aged.none_conversions for part in parts),
        sum(part.aged.none_value for part in parts),
    )
    return Counted(
        all_of("days", whole), all_of("line", np.zeros((0, axis.count), np.int32)), all_of("conversions", whole),
        all_of("touched", whole), all_of("value", whole), all_of("back", whole), sum_of("seen", axis.count),
        sum_of("totals", 3), aged,
        joined([part.ways for part in parts]),
    )  # fmt: skip
