"""What a model is, and how a conversion is shared out among the touchpoints before it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from campaigns.attribution.values import MILLIONTH, Credit, Journeys


@dataclass(frozen=True)
class Model:
    """A way to say who stood by. `compute(journeys, axis, count)`: `axis` holds for each touch its place in a list of
    `count` channels or campaigns, -1 for none. A touch without a place is one as any other; its share is in `none_*`."""

    key: str
    name: str
    sentence: str
    source: str
    compute: Callable[[Journeys, np.ndarray, int], Credit]
    most: int | None = None  # places that it takes; where there are more, `compute_all` leaves it out


@dataclass(frozen=True)
class Conversions:
    """The journeys that ended in a conversion. Per journey: `lengths`, `orders` and `value` (float64, currency units) of
    all that its row stands for. Per touch: `places`, where `count` stands for none. `touches`: which of all touches."""

    count: int
    touches: np.ndarray
    lengths: np.ndarray
    places: np.ndarray
    orders: np.ndarray
    value: np.ndarray

    @cached_property
    def ends(self) -> np.ndarray:
        return np.cumsum(self.lengths)

    @cached_property
    def touched(self) -> np.ndarray:
        """Which journeys have any touch."""
        return self.lengths > 0

    @cached_property
    def firsts(self) -> np.ndarray:
        """The place in `places` of each journey's first touch; only of journeys that have any."""
        return (self.ends - self.lengths)[self.touched]

    @cached_property
    def lasts(self) -> np.ndarray:
        return self.ends[self.touched] - 1

    def to_one(self, chosen: np.ndarray) -> Credit:
        """All to one touch of each journey that has any."""
        return self._credit(self.places[chosen], *self._of_touched)

    def to_all(self, shares: np.ndarray) -> Credit:
        """To each touch its share; those of a journey add up to 1."""
        orders, value = self._of_touches
        return self._credit(self.places, orders * shares, value * shares)

    def within(self, weights: np.ndarray) -> np.ndarray:
        """Weights of touches as shares of their journey's sum. Each journey has some weight above 0."""
        sums = np.add.reduceat(weights, self.firsts) if len(weights) else weights
        return weights / np.repeat(sums, self.lengths[self.touched])

    @cached_property
    def _of_touched(self) -> tuple[np.ndarray, np.ndarray]:
        return self.orders[self.touched], self.value[self.touched]

    @cached_property
    def _of_touches(self) -> tuple[np.ndarray, np.ndarray]:
        return np.repeat(self.orders, self.lengths), np.repeat(self.value, self.lengths)

    @cached_property
    def _bare(self) -> tuple[float, float]:
        return float(self.orders[~self.touched].sum()), float(self.value[~self.touched].sum())

    def _credit(self, places: np.ndarray, orders: np.ndarray, value: np.ndarray) -> Credit:
        by_orders = np.bincount(places, orders, self.count + 1)
        by_value = np.bincount(places, value, self.count + 1)
        bare, bare_value = self._bare
        return Credit(by_orders[:-1], by_value[:-1], float(by_orders[-1] + bare), float(by_value[-1] + bare_value))


def conversions(journeys: Journeys, axis: np.ndarray, count: int) -> Conversions:
    """Cost: one pass over the touches; nothing when another model asked for the same."""
    # The axis stays with what was made of it, so that no other array has its number meanwhile.
    known = journeys.worked.get(("conversions", id(axis), count))
    if known is None:
        known = axis, _conversions(journeys, axis, count)
        journeys.worked["conversions", id(axis), count] = known
    found: Conversions = known[1]
    return found


def _conversions(journeys: Journeys, axis: np.ndarray, count: int) -> Conversions:
    converted, lengths = journeys.converted, journeys.lengths
    touches = np.repeat(converted, lengths)
    places = axis[touches].astype(np.int64)
    places[places < 0] = count
    return Conversions(
        count, touches, lengths[converted], places, journeys.weight[converted].astype(np.float64),
        journeys.value[converted] / MILLIONTH,
    )  # fmt: skip


def totals(journeys: Journeys) -> tuple[float, float]:
    """Conversions, and their value in currency units: what every model's shares add up to."""
    return (
        float(journeys.weight[journeys.converted].sum()),
        float(journeys.value[journeys.converted].sum() / MILLIONTH),
    )
