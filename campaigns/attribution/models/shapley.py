"""Shapley: a fair division of what the channels bring together."""

import math
from dataclasses import replace

import numpy as np
from scipy.linalg import lu_factor, solve_triangular

from campaigns.attribution.models.base import Model
from campaigns.attribution.models.chain import Chain, chain, share_out
from campaigns.attribution.values import Credit, Journeys

EXACT = 12  # places up to which all groups are computed: 4,096
SEED = 1953
WORK = 1e9  # multiplications that sampling may take
PAIRS = (40, 500)


def compute(journeys: Journeys, axis: np.ndarray, count: int) -> Credit:
    """A group of channels is worth what the Markov chain of order 1 brings when every step to the others leads nowhere.

    Up to 12 places that any journey has exactly, else by random orders with `error`, of a fixed seed."""
    walk = chain(journeys, axis, count)
    if not len(walk.places):
        return share_out(journeys, walk, count, np.zeros((0, 2)))
    values, spread = (exact(walk), None) if len(walk.places) <= EXACT else sampled(walk)
    credit = share_out(journeys, walk, count, values / np.where(walk.worth > 0, walk.worth, 1))
    if spread is None:
        return credit
    error = np.zeros(count + 1)
    error[walk.places] = spread * float(journeys.weight[journeys.lengths > 0].sum())
    return replace(credit, error=error[:-1])


def exact(walk: Chain) -> np.ndarray:
    """(k x 2): each place's value, from the worth of all 2^k groups. Cost: 2^k systems of k equations, solved at once."""
    k = len(walk.places)
    groups = np.arange(1 << k)
    members = (groups[:, None] >> np.arange(k) & 1).astype(np.float64)
    systems = np.eye(k) - walk.steps.toarray() * members[:, None, :]
    gains = np.linalg.solve(systems, np.broadcast_to(walk.gain, (len(groups), k, 2)))
    worth = np.einsum("gk,gkv->gv", members * walk.start, gains)
    sizes = members.sum(axis=1).astype(int)
    factor = np.array([1 / (k * math.comb(k - 1, size)) for size in range(k)])
    values = np.empty((k, 2))
    for place in range(k):
        others = groups[(groups >> place & 1) == 0]
        values[place] = factor[sizes[others]] @ (worth[others | 1 << place] - worth[others])
    return values


def sampled(walk: Chain) -> tuple[np.ndarray, np.ndarray]:
    """(k x 2): each place's mean gain over random orders in which they come, and half the width of the 95 % interval of
    the first. Each order is taken forwards and backwards, which evens out much of the chance (Mitchell et al., 2022)."""
    k = len(walk.places)
    dice = np.random.default_rng(SEED)
    pairs = int(np.clip(WORK / k**3, *PAIRS))
    system = np.eye(k) - walk.steps.toarray()
    drawn = np.empty((pairs, k, 2))
    for pair in range(pairs):
        order = dice.permutation(k)
        drawn[pair] = (joining(walk, system, order) + joining(walk, system, order[::-1])) / 2
    return drawn.mean(axis=0), 1.96 * drawn[:, :, 0].std(axis=0, ddof=1) / math.sqrt(pairs)


def joining(walk: Chain, system: np.ndarray, order: np.ndarray) -> np.ndarray:
    """(k x 2): what each place adds to those before it in this order. Cost: k^3 / 3 multiplications.

    With the system I - Q = L U in this order, the worth of the first j is the sum over i <= j of (U^-T start)_i
    (L^-1 gain)_i: so each term is what the i-th adds. The transposed system is dominated by its diagonal in each
    column, so that no rows change places while it is taken apart."""
    factors, swaps = lu_factor(system[np.ix_(order, order)].T, overwrite_a=True, check_finite=False)
    if (swaps != np.arange(len(order))).any():
        raise ArithmeticError("rows changed places in a system that is dominated by its diagonal")
    # (I - Q)^T = L U, so I - Q = U^T L^T: U^T is the lower one here.
    reached = solve_triangular(factors, walk.start[order], lower=True, unit_diagonal=True, check_finite=False)
    gained = solve_triangular(factors, walk.gain[order], trans="T", check_finite=False)
    added = np.empty_like(walk.gain)
    added[order] = reached[:, None] * gained
    return added


MODEL = Model(
    "shapley",
    "Shapley",
    "Each channel gets what it adds to the others, averaged over all orders in which they could join in, where a group of "
    "channels is worth what the Markov model brings with these alone.",
    "Shapley, 'A value for n-person games' (1953); of channels in a Markov chain: Singal, Besbes, Desir, Goyal and Iyengar, "
    "'Shapley meets uniform', Management Science 68 (2022). Sampled as by Castro, Gómez and Tejada (2009).",
    compute,
    500,
)
