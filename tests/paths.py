"""Attribution computed straight from a table of paths, in dictionaries and by solving: what the product is held against.

Nothing here is the product's: a path is a tuple of names, removing a channel takes its states out and solves anew, and the
Shapley value is the mean over all orders, or the sum over all groups.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Name = Hashable
State = tuple[Name, ...]
CONVERSION, NOTHING = "(conversion)", "(nothing)"
HALF_LIFE_DAYS = 7


@dataclass(frozen=True)
class Path:
    """Journeys along the same touches: how many converted, what they were worth in all, how many led nowhere."""

    touches: tuple[Name, ...]
    conversions: float
    value: float
    nothing: float
    days_before: tuple[float, ...] = ()

    @property
    def times(self) -> float:
        return self.conversions + self.nothing


Shares = Callable[[Path], Iterator[tuple[Name, float]]]
Totals = dict[Name, tuple[float, float]]


def first(path: Path) -> Iterator[tuple[Name, float]]:
    yield path.touches[0], 1


def last(path: Path) -> Iterator[tuple[Name, float]]:
    yield path.touches[-1], 1


def last_but(direct: Name) -> Shares:
    def shares(path: Path) -> Iterator[tuple[Name, float]]:
        others = [touch for touch in path.touches if touch != direct]
        yield (others or path.touches)[-1], 1

    return shares


def linear(path: Path) -> Iterator[tuple[Name, float]]:
    for touch in path.touches:
        yield touch, 1 / len(path.touches)


def position(path: Path) -> Iterator[tuple[Name, float]]:
    match path.touches:
        case [only]:
            yield only, 1
        case [one, other]:
            yield one, 0.5
            yield other, 0.5
        case [one, *between, other]:
            yield one, 0.4
            yield other, 0.4
            for touch in between:
                yield touch, 0.2 / len(between)


def decaying(half_life: float) -> Shares:
    """By half in so many days."""

    def shares(path: Path) -> Iterator[tuple[Name, float]]:
        latest = min(path.days_before)
        weights = [2 ** ((latest - days) / half_life) for days in path.days_before]
        for touch, weight in zip(path.touches, weights, strict=True):
            yield touch, weight / sum(weights)

    return shares


time_decay = decaying(HALF_LIFE_DAYS)


def shared(paths: Iterable[Path], shares: Shares) -> Totals:
    """Per name its conversions and their value; under None those of paths without touches."""
    found: dict[Name, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for path in paths:
        for name, share in shares(path) if path.touches else [(None, 1.0)]:
            found[name][0] += share * path.conversions
            found[name][1] += share * path.value
    return {name: (conversions, value) for name, (conversions, value) in found.items()}


class Walk:
    """The chain of some order: from each state how often to which, and the value that conversions from it had."""

    def __init__(self, paths: Iterable[Path], order: int = 1) -> None:
        self.times: dict[State, dict[State | str, float]] = defaultdict(lambda: defaultdict(float))
        self.value: dict[State, float] = defaultdict(float)
        for path in paths:
            if not path.touches:
                continue
            state: State = ()
            for touch in path.touches:
                following = (*state, touch)[-order:]
                self.times[state][following] += path.times
                state = following
            self.times[state][CONVERSION] += path.conversions
            self.times[state][NOTHING] += path.nothing
            self.value[state] += path.value
        self.names = sorted({name for state in self.times for name in state}, key=str)

    def worth(self, removed: Iterable[Name] = ()) -> tuple[float, float]:
        """Conversions and value of one journey, when every step to the removed leads nowhere."""
        gone = set(removed)
        states = [state for state in self.times if not gone.intersection(state)]
        numbers = {state: number for number, state in enumerate(states)}
        system = np.eye(len(states))
        gain = np.zeros((len(states), 2))
        for state, row in numbers.items():
            total = sum(self.times[state].values())
            for following, times in self.times[state].items():
                if following in numbers:
                    system[row, numbers[following]] -= times / total
            gain[row] = self.times[state][CONVERSION] / total, self.value[state] / total
        conversions, value = np.linalg.solve(system, gain)[numbers[()]]
        return float(conversions), float(value)

    def removal_effects(self) -> Totals:
        """Per name what share of the conversions, and of their value, is lost without it."""
        everything = self.worth()
        without = {name: self.worth([name]) for name in self.names}
        return {name: (_lost(everything[0], left[0]), _lost(everything[1], left[1])) for name, left in without.items()}

    def by_all_orders(self) -> Totals:
        """The Shapley value as it is defined: what each adds on coming, in every order in which they can come."""
        found = {name: np.zeros(2) for name in self.names}
        for order in itertools.permutations(self.names):
            before = np.zeros(2)
            for number, name in enumerate(order, 1):
                after = np.array(self.worth(order[number:]))
                found[name] += after - before
                before = after
        orders = math.factorial(len(self.names))
        return {name: (total[0] / orders, total[1] / orders) for name, total in found.items()}

    def by_all_groups(self) -> Totals:
        """The same by the formula over groups: 2^n of them instead of n! orders."""
        n = len(self.names)
        worth = {
            frozenset(group): np.array(self.worth(set(self.names).difference(group)))
            for size in range(n + 1)
            for group in itertools.combinations(self.names, size)
        }
        found = {}
        for name in self.names:
            value = np.zeros(2)
            for group, left in worth.items():
                if name not in group:
                    factor = math.factorial(len(group)) * math.factorial(n - len(group) - 1) / math.factorial(n)
                    value += factor * (worth[group | {name}] - left)
            found[name] = float(value[0]), float(value[1])
        return found


def in_proportion(shares: Totals, conversions: float, value: float) -> Totals:
    """Shares scaled so that they add up to the conversions, and to their value."""
    sums = [sum(share[axis] for share in shares.values()) or 1.0 for axis in (0, 1)]
    return {name: (one / sums[0] * conversions, other / sums[1] * value) for name, (one, other) in shares.items()}


def touched(paths: Sequence[Path]) -> tuple[float, float, float]:
    """Conversions, value and journeys of the paths with a touch."""
    there = [path for path in paths if path.touches]
    return sum(p.conversions for p in there), sum(p.value for p in there), sum(p.times for p in there)


def _lost(everything: float, left: float) -> float:
    return (everything - left) / everything if everything else 0.0
