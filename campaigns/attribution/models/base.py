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

    @property
    def firsts(self) -> np.ndarray:
        """The place in `places` of each journey's first touch; only of journeys that have any."""
        return (self.ends - self.lengths)[self.lengths > 0]

    @property
    def lasts(self) -> np.ndarray:
        return self.ends[self.lengths > 0] - 1

    def to_one(self, chosen: np.ndarray) -> Credit:
        """All to one touch of each journey that has any."""
        touched = self.lengths > 0
        return self._credit(self.places[chosen], self.orders[touched], self.value[touched])

    def to_all(self, shares: np.ndarray) -> Credit:
        """To each touch its share; those of a journey add up to 1."""
        orders = np.repeat(self.orders, self.lengths)
        value = np.repeat(self.value, self.lengths)
        orders *= shares
        value *= shares
        return self._credit(self.places, orders, value)

    def within(self, weights: np.ndarray) -> np.ndarray:
        """Weights of touches as shares of their journey's sum. Each journey has some weight above 0."""
        sums = np.add.reduceat(weights, self.firsts) if len(weights) else weights
        return weights / np.repeat(sums, self.lengths[self.lengths > 0])

    def _credit(self, places: np.ndarray, orders: np.ndarray, value: np.ndarray) -> Credit:
        bare = self.lengths == 0
        by_orders = np.bincount(places, orders, self.count + 1)
        by_value = np.bincount(places, value, self.count + 1)
        return Credit(
            by_orders[:-1],
            by_value[:-1],
            float(by_orders[-1] + self.orders[bare].sum()),
            float(by_value[-1] + self.value[bare].sum()),
        )


def conversions(journeys: Journeys, axis: np.ndarray, count: int) -> Conversions:
    """Cost: one pass over the touches."""
    lengths = journeys.lengths
    touches = np.repeat(journeys.converted, lengths)
    places = axis[touches].astype(np.int64)
    places[places < 0] = count
    return Conversions(
        count,
        touches,
        lengths[journeys.converted],
        places,
        journeys.weight[journeys.converted].astype(np.float64),
        journeys.value[journeys.converted] / MILLIONTH,
    )


def totals(journeys: Journeys) -> tuple[float, float]:
    """Conversions, and their value in currency units: what every model's shares add up to."""
    return (
        float(journeys.weight[journeys.converted].sum()),
        float(journeys.value[journeys.converted].sum() / MILLIONTH),
    )
