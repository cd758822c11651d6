"""How often journeys go from touchpoint to touchpoint: what a Markov chain is made of, added up over days.

Counted once in the highest order that is asked for; the lower ones are sums of it. So a day that changed costs that day, not
all journeys, and nobody's path is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from campaigns.attribution.models.chain import Chain
from campaigns.attribution.values import MILLIONTH, Journeys

_DENSE = 1 << 20  # codes below it are counted in an array (8 MB), others by sorting
_ORDERS = ((3, 44), (2, 100))  # of chains, by the places up to which they are counted; beyond these: 1


def order_for(count: int) -> int:
    """The highest order that is counted where there are so many places."""
    return next((order for order, most in _ORDERS if count <= most), 1)


@dataclass(frozen=True)
class Steps:
    """A state is a number of `order` digits to the base `count` + 1: the last touchpoint's place + 1, those before it above,
    0 where there was none. `pairs`: state x base + the next place + 1, and how `often`. `ends`: states in which journeys end
    with `weight` (journeys), `conversions` and `value` (millionths). `begins`: journeys by their first place. All int64."""

    count: int
    order: int
    pairs: np.ndarray
    often: np.ndarray
    ends: np.ndarray
    weight: np.ndarray
    conversions: np.ndarray
    value: np.ndarray
    begins: np.ndarray

    @property
    def nbytes(self) -> int:
        return 16 * len(self.pairs) + 32 * len(self.ends) + 8 * self.count

    @property
    def worth(self) -> np.ndarray:
        """Journeys, conversions and value of all with a touchpoint."""
        return np.array([self.weight.sum(), self.conversions.sum(), self.value.sum()])

    def chain(self, order: int) -> Chain:
        """As `models.chain.chain` makes it of the journeys themselves. Cost: a sort of the distinct steps."""
        base, part = self.count + 1, (self.count + 1) ** order
        source, following = self.pairs // base % part, self.pairs % base
        pairs, which = np.unique(source * base + following, return_inverse=True)
        often = np.bincount(which, self.often, len(pairs))
        source = pairs // base
        target = pairs % base + base * (source % base ** (order - 1))
        ends = self.ends % part
        begins = np.flatnonzero(self.begins) + 1
        states = np.unique(np.concatenate([source, target, ends, begins]))
        onward = source != target
        source, target, often = (column[onward] for column in (source, target, often))
        source, target, ends = (np.searchsorted(states, column) for column in (source, target, ends))
        number = len(states)
        gain = np.stack(
            [np.bincount(ends, column, number) for column in (self.conversions, self.value / MILLIONTH)], axis=1
        )
        leaving = np.bincount(source, often, number) + np.bincount(ends, self.weight, number)
        everybody = max(float(self.weight.sum()), 1.0)
        places, last = np.unique(states % base - 1, return_inverse=True)
        start = np.zeros(number)
        start[np.searchsorted(states, begins)] = self.begins[begins - 1] / everybody
        return Chain(
            order, places, last, start,
            sparse.csr_array((often / leaving[source], (source, target)), shape=(number, number)),
            gain / leaving[:, None], gain.sum(axis=0) / everybody,
        )  # fmt: skip


def steps(journeys: Journeys, axis: np.ndarray, count: int, order: int) -> Steps:
    """Of all journeys with a touchpoint; every touch has a place. Cost: some passes over the touches."""
    touched = journeys.lengths > 0
    firsts, lasts = journeys.starts[:-1][touched], journeys.starts[1:][touched] - 1
    # Counted with the places that there are, which may be few of many.
    used = np.flatnonzero(np.bincount(axis, minlength=count))
    digits = np.zeros(count, np.int32)
    digits[used] = np.arange(1, len(used) + 1)
    digit, base = digits[axis], len(used) + 1
    state: np.ndarray = digit.astype(np.int64 if base ** (order + 1) > 2**31 - 1 else np.int32)
    for back in range(1, order):
        older = np.zeros_like(state)
        older[back:] = digit[:-back]
        for since in range(back):
            within = firsts + since
            older[within[within <= lasts]] = 0
        state = state + older * base**back
    pair = state[:-1] * base + digit[1:]
    pair[lasts[:-1]] = 0  # from one journey's last to the next one's first
    pairs, often = _counted(pair, base ** (order + 1))
    there = pairs > 0
    ends, weight, conversions, value = _ended(
        state[lasts], journeys.converted[touched], journeys.value[touched], base**order
    )
    wider = np.concatenate([[0], used + 1])
    begins = np.bincount(axis[firsts], minlength=count)
    return Steps(
        count, order, _wider(pairs[there], order + 1, wider, count + 1), often[there], _wider(ends, order, wider, count + 1),
        weight, conversions, value, begins,
    )  # fmt: skip


def _wider(codes: np.ndarray, digits: int, meaning: np.ndarray, base: int) -> np.ndarray:
    """Numbers to the base of `meaning`'s length as ones to a greater base, each digit as it means."""
    found = np.zeros(len(codes), np.int64)
    for power in range(digits):
        found += meaning[codes // len(meaning) ** power % len(meaning)] * base**power
    return found


def _counted(codes: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    if most > _DENSE:
        found, often = np.unique(codes, return_counts=True)
        return found.astype(np.int64), often
    counts = np.bincount(codes, minlength=1)
    found = np.flatnonzero(counts)
    return found, counts[found]


def _ended(
    codes: np.ndarray, converted: np.ndarray, value: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Distinct states, with journeys, conversions and value."""
    ends, weight = _counted(codes, most)
    place = np.searchsorted(ends, codes[converted])
    return ends, weight, np.bincount(place, minlength=len(ends)), exactly(place, value[converted], len(ends))


def exactly(places: np.ndarray, column: np.ndarray, count: int) -> np.ndarray:
    """Whole numbers, summed by place."""
    found = np.zeros(count, np.int64)
    np.add.at(found, places, column)
    return found


def joined(parts: Sequence[Steps], count: int, order: int) -> Steps:
    """Those of all parts. Cost: a sort of their distinct steps."""

    def all_of(name: str) -> np.ndarray:
        return np.concatenate([np.zeros(0, np.int64), *(getattr(part, name) for part in parts)])

    pairs, which = np.unique(all_of("pairs"), return_inverse=True)
    ends, ending = np.unique(all_of("ends"), return_inverse=True)
    weight, conversions, value = (
        exactly(ending, all_of(name), len(ends)) for name in ("weight", "conversions", "value")
    )
    begins = sum((part.begins for part in parts), np.zeros(count, np.int64))
    often = exactly(which, all_of("often"), len(pairs))
    return Steps(count, order, pairs, often, ends, weight, conversions, value, begins)
