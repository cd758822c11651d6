"""Journeys as a walk from touchpoint to touchpoint: an absorbing Markov chain, and what it is worth without a channel.

A state is the last one to three touchpoints (fewer at a journey's beginning); only states that were seen exist. From each the
walk goes on to the next touchpoint, to a conversion, or to nothing, as often as the journeys did. So the chain converts exactly
as often as they do. A step back into the same state changes nothing and is left out.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from campaigns.attribution.models.steps import Steps
from campaigns.attribution.values import MILLIONTH, Credit

ROUNDS = 2_000
NOTHING = 1e-16  # chance of still being under way at which a walk is over


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
        """All removals at once, step by step; what is still under way bounds the error of the conversions."""
        stays = (self.last[:, None] != np.arange(len(self.places))).astype(np.float64)
        forward = self.steps.T.tocsr()
        walking = self.start[:, None] * stays
        kept = np.zeros((len(self.places), 2))
        for _ in range(ROUNDS):
            kept += walking.T @ self.gain
            walking = (forward @ walking) * stays
            if walking.sum(axis=0).max() < NOTHING:
                return kept
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


def chain(steps: Steps) -> Chain:
    """The chain of these steps. Cost: a sort of the distinct ones."""
    base = steps.count + 2
    before, then = steps.steps // (base - 1), steps.steps % (base - 1)
    states = np.union1d(before, steps.ends)
    n = len(states)
    source = np.searchsorted(states, before)
    target = np.searchsorted(states, then + 1 + base * (before % base ** (steps.order - 1)))
    ends = np.searchsorted(states, steps.ends)
    onward = source != target
    source, target, times = source[onward], target[onward], steps.times[onward]
    leaving = np.bincount(source, times, n) + np.bincount(ends, steps.ended[:, 0], n)
    gain = np.zeros((n, 2))
    gain[ends] = steps.ended[:, 1:] / (1, MILLIONTH)
    everybody = max(steps.journeys, 1.0)
    places, last = np.unique((states - 1) % base, return_inverse=True)
    start = np.zeros(n)
    first = np.flatnonzero(steps.begins)
    start[np.searchsorted(states, first + 1)] = steps.begins[first] / everybody
    return Chain(
        steps.order,
        places,
        last,
        start,
        sparse.csr_array((times / leaving[source], (source, target)), shape=(n, n)),
        gain / leaving[:, None],
        steps.touched / everybody,
    )


def share_out(steps: Steps, walk: Chain, shares: np.ndarray) -> Credit:
    """Shares (k x 2, adding up to 1) of conversions and of value as credit; conversions without touchpoint stay apart."""
    given = np.zeros((steps.count + 1, 2))
    given[walk.places] = shares * steps.touched
    bare = steps.bare / (1, MILLIONTH)
    return Credit(given[:-1, 0], given[:-1, 1], float(given[-1, 0] + bare[0]), float(given[-1, 1] + bare[1]))
