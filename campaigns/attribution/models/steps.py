"""What a Markov chain needs to know of journeys: how often they went from where to where. Sums, so that parts can be joined."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.attribution.values import MILLIONTH, Journeys

DENSE = 1 << 22  # codes below it are counted in an array, others by sorting


@dataclass(frozen=True)
class Steps:
    """Of all journeys with a touchpoint. Places are those of the axis, and `count` for none.

    A state is the last `order` touches (fewer at the beginning) as the digits of a number with base `count` + 2: place + 1
    each, the last touch first. `begins`: journeys by their first place. `steps`, `times`: distinct state * (count + 1) +
    next place in order, and how often. `ends`, `ended` (n x 3): distinct states in order; journeys that ended there, those
    with a conversion, their value (millionths). `bare`: conversions and value (millionths) of journeys without touch.
    """

    order: int
    count: int
    begins: np.ndarray
    steps: np.ndarray
    times: np.ndarray
    ends: np.ndarray
    ended: np.ndarray
    bare: np.ndarray

    @property
    def nbytes(self) -> int:
        return sum(column.nbytes for column in (self.begins, self.steps, self.times, self.ends, self.ended))

    @property
    def journeys(self) -> float:
        return float(self.begins.sum())

    @property
    def touched(self) -> np.ndarray:
        """Conversions and value (currency units) of journeys with a touch."""
        return self.ended[:, 1:].sum(axis=0) / (1, MILLIONTH)


def steps(journeys: Journeys, axis: np.ndarray, count: int, order: int = 1) -> Steps:
    """Cost: `order` passes over the touches, and one more."""
    touched = journeys.lengths > 0
    firsts, lasts = journeys.starts[:-1][touched], journeys.starts[1:][touched] - 1
    weight = journeys.weight[touched]
    weights = None if (weight == 1).all() else np.repeat(journeys.weight, journeys.lengths)
    place = axis.astype(np.int64)
    place[place < 0] = count
    code = _codes(place, firsts, lasts, count + 2, order)
    most = (count + 2) ** order
    step = code[:-1] * (count + 1) + place[1:]
    step[lasts[:-1]] = most * (count + 1)  # from one journey's last to the next one's first
    known, times = summed(step, [None if weights is None else weights[:-1]], most * (count + 1) + 1)
    inside = known < most * (count + 1)
    columns = [weight, weight * journeys.converted[touched], journeys.value[touched]]
    ends, ended = summed(code[lasts], columns, most)
    bare = ~touched & journeys.converted
    return Steps(
        order,
        count,
        np.bincount(place[firsts], weight, count + 1),
        known[inside],
        times[inside, 0],
        ends,
        ended,
        np.array([journeys.weight[bare].sum(), journeys.value[bare].sum()], np.float64),
    )


def together(parts: Sequence[Steps]) -> Steps:
    """Of all their journeys: the same as if they had been counted at once."""
    order, count = parts[0].order, parts[0].count
    most = (count + 2) ** order
    known, times = summed(
        np.concatenate([part.steps for part in parts]),
        [np.concatenate([part.times for part in parts])],
        most * (count + 1),
    )
    ended = np.concatenate([part.ended for part in parts])
    ends, sums = summed(np.concatenate([part.ends for part in parts]), list(ended.T), most)
    begins = np.sum([part.begins for part in parts], axis=0)
    return Steps(order, count, begins, known, times[:, 0], ends, sums, np.sum([part.bare for part in parts], axis=0))


def summed(codes: np.ndarray, columns: Sequence[np.ndarray | None], most: int) -> tuple[np.ndarray, np.ndarray]:
    """The distinct codes (below `most`) in order, and for each the sums of the columns (None: of ones)."""
    if most <= DENSE:
        distinct = np.flatnonzero(np.bincount(codes, minlength=most))
        return distinct, np.stack([np.bincount(codes, column, most)[distinct] for column in columns], axis=1) * 1.0
    distinct, places = np.unique(codes, return_inverse=True)
    return distinct, np.stack([np.bincount(places, column, len(distinct)) for column in columns], axis=1) * 1.0


def _codes(place: np.ndarray, firsts: np.ndarray, lasts: np.ndarray, base: int, order: int) -> np.ndarray:
    """For each touch its state as a number."""
    code = place + 1
    for back in range(1, order):
        older = np.zeros_like(place)
        older[back:] = place[:-back] + 1
        for since in range(back):
            older[(firsts + since)[firsts + since <= lasts]] = 0
        code += older * base**back
    return code
