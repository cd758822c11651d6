"""Journeys as a walk from touchpoint to touchpoint: an absorbing Markov chain, and what it is worth without a channel.

A state is the last one to three touchpoints (fewer at a journey's beginning); only states that were seen exist. From each the
walk goes on to the next touchpoint, to a conversion, or to nothing, as often as the journeys did. So the chain converts exactly
as often as they do. A step back into the same state changes nothing and is left out.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from campaigns.attribution.models.base import totals
from campaigns.attribution.values import MILLIONTH, Credit, Journeys

DENSE = 1 << 22  # codes below it are counted in an array, others by sorting
ROUNDS = 2_000
NOTHING = 1e-14  # chance of still being under way at which a walk is over


@dataclass(frozen=True)
class Chain:
    """`places` (k): those that any journey has, of `count` + 1 (the last stands for none). Per state (n): `last`, the
    touchpoint it ends on, as a place in `places`; `start`, the chance to begin there; `steps` (n x n, sparse), the
    chances to go on; `gain` (n x 2), the chance to convert next and the value (currency units) that comes of it."""

    order: int
    places: np.ndarray
    last: np.ndarray
    start: np.ndarray
    steps: sparse.csr_array
    gain: np.ndarray
    worth: np.ndarray  # (2): conversions and value of a journey, on average

    @property
    def without(self) -> np.ndarray:
        """(k x 2): the worth when every step into a place leads to nothing instead, for each place."""
        return self.worth - self.lost

    @property
    def lost(self) -> np.ndarray:
        """(k x 2): what the worth loses by that. One inverse for order 1, else some hundred rounds of walking."""
        if not len(self.places):
            return np.zeros((0, 2))
        if self.order == 1:
            return self._lost_at_once()
        return np.maximum(self.worth - self.kept_by_walking(), 0)

    def _lost_at_once(self) -> np.ndarray:
        """The walks that are lost are those that ever come by: chance to come by, times what is gained from there on.
        With the fundamental matrix F, coming by c has the chance (start F)_c / F_cc (Kemeny and Snell, 'Finite Markov
        Chains', 1960, theorem 3.5.7)."""
        fundamental = np.linalg.inv(np.eye(len(self.last)) - self.steps.toarray())
        comes_by = (self.start @ fundamental) / np.diag(fundamental)
        lost = np.empty_like(self.gain)
        lost[self.last] = comes_by[:, None] * (fundamental @ self.gain)
        return lost

    def kept_by_walking(self) -> np.ndarray:
        """All removals at once, step by step; what is still under way bounds the error of the conversions. (One product
        with `gain` at the end: a small one in each round has BLAS' threads wait for each other on a busy machine.)"""
        stays = (self.last[:, None] != np.arange(len(self.places))).astype(np.float64)
        forward = self.steps.T.tocsr()
        walking = self.start[:, None] * stays
        visits = np.zeros_like(walking)
        for _ in range(ROUNDS):
            visits += walking
            walking = forward @ walking
            walking *= stays
            if walking.sum(axis=0).max() < NOTHING:
                return visits.T @ self.gain
        return self.kept_by_solving()

    def kept_by_solving(self) -> np.ndarray:
        """For walks that hardly end: a linear system a place."""
        kept = np.zeros((len(self.places), 2))
        for place in range(len(self.places)):
            stays = np.flatnonzero(self.last != place)
            if len(stays):
                system = sparse.eye_array(len(stays), format="csr") - self.steps[stays][:, stays]
                kept[place] = self.start[stays] @ spsolve(system.tocsc(), self.gain[stays]).reshape(len(stays), 2)
        return kept


def chain(journeys: Journeys, axis: np.ndarray, count: int, order: int = 1) -> Chain:
    """Of all journeys with a touchpoint. Cost: `order` passes over the touches, and two more."""
    touched = journeys.lengths > 0
    firsts, lasts = journeys.starts[:-1][touched], journeys.starts[1:][touched] - 1
    alike = bool((journeys.weight == 1).all())
    weight = journeys.weight[touched].astype(np.float64)
    weights = None if alike else np.repeat(journeys.weight, journeys.lengths).astype(np.float64)
    places, place = _seen(np.where(axis < 0, count, axis).astype(np.int64), count + 1)
    k = len(places)

    if order == 1:
        states, state = np.arange(1, k + 1), place
    else:
        states, state = _seen(_codes(place, firsts, lasts, k + 1, order), (k + 1) ** order)
    n = len(states)
    steps = state[:-1] * k + place[1:]
    steps[lasts[:-1]] = n * k  # from one journey's last to the next one's first
    pairs, times = _summed(steps, n * k + 1, None if weights is None else weights[:-1])
    times, pairs = times[pairs < n * k], pairs[pairs < n * k]
    source, then = pairs // max(k, 1), pairs % max(k, 1)
    target = np.searchsorted(states, then + 1 + (k + 1) * (states[source] % (k + 1) ** (order - 1)))
    onward = source != target
    source, target, times = source[onward], target[onward], times[onward]

    ends = state[lasts]
    gain = np.stack(
        [
            np.bincount(ends, weight * journeys.converted[touched], n),
            np.bincount(ends, journeys.value[touched] * journeys.converted[touched] / MILLIONTH, n),
        ],
        axis=1,
    )
    leaving = np.bincount(source, times, n) + np.bincount(ends, weight, n)
    everybody = max(weight.sum(), 1.0)
    return Chain(
        order,
        places,
        (states - 1) % (k + 1),
        np.bincount(state[firsts], weight, n) / everybody,
        sparse.csr_array((times / leaving[source], (source, target)), shape=(n, n)),
        gain / leaving[:, None],
        gain.sum(axis=0) / everybody,
    )


def share_out(journeys: Journeys, walk: Chain, count: int, shares: np.ndarray) -> Credit:
    """Shares (k x 2, adding up to 1) of conversions and of value as credit; conversions without touchpoint stay apart."""
    touched = journeys.converted & (journeys.lengths > 0)
    there = np.array([journeys.weight[touched].sum(), journeys.value[touched].sum() / MILLIONTH])
    given = np.zeros((count + 1, 2))
    given[walk.places] = shares * there
    bare = np.array(totals(journeys)) - there
    return Credit(given[:-1, 0], given[:-1, 1], float(given[-1, 0] + bare[0]), float(given[-1, 1] + bare[1]))


def _codes(place: np.ndarray, firsts: np.ndarray, lasts: np.ndarray, base: int, order: int) -> np.ndarray:
    """For each touch its state as a number: the last `order` touches as digits, 0 where there was none yet."""
    code = place + 1
    for back in range(1, order):
        older = np.zeros_like(place)
        older[back:] = place[:-back] + 1
        for since in range(back):
            older[(firsts + since)[firsts + since <= lasts]] = 0
        code += older * base**back
    return code


def _seen(codes: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The distinct ones in order, and for each its place among them."""
    if most > DENSE:
        return np.unique(codes, return_inverse=True)
    there = np.bincount(codes, minlength=most) > 0
    return np.flatnonzero(there), (np.cumsum(there) - 1)[codes]


def _summed(codes: np.ndarray, most: int, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The distinct ones in order, and the sum of each one's weights."""
    if most > DENSE:
        distinct, places = np.unique(codes, return_inverse=True)
        return distinct, np.bincount(places, weights).astype(np.float64)
    sums = np.bincount(codes, weights, most).astype(np.float64)
    distinct = np.flatnonzero(sums)
    return distinct, sums[distinct]
