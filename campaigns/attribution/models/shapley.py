"""Shapley: what each channel brings beside those that joined before it, averaged over all orders in which they could join.

A group of channels is worth what the Markov chain of order 1 brings when every step to the others leads nowhere. Sources:
Shapley, 'A value for n-person games' (1953); Singal, Besbes, Desir, Goyal and Iyengar, 'Shapley meets uniform', Management
Science 68 (2022); drawing orders: Castro, Gómez and Tejada, Computers & Operations Research 36 (2009) 1726-1730.
"""

import math
from dataclasses import replace

import numpy as np

from campaigns.attribution.models.base import Model
from campaigns.attribution.models.chain import Chain, chain, share_out
from campaigns.attribution.values import Credit, Journeys

EXACT = 12  # places up to which all groups are computed: 4,096
SEED = 1953
WORK = 1e9  # multiplications that sampling may take
PAIRS = (40, 500)  # of orders, at least and at most
ROOM = 2_000_000  # numbers held at once


def compute(journeys: Journeys, axis: np.ndarray, count: int) -> Credit:
    """A group of channels is worth what the Markov chain of order 1 brings when every step to the others leads nowhere.

    Up to 12 places that any journey has exactly, else by random orders with `error`, of a fixed seed."""
    return credit(journeys, chain(journeys, axis, count), count)


def credit(journeys: Journeys, walk: Chain, count: int) -> Credit:
    """The same of a chain of order 1 that was made of these journeys before."""
    if not len(walk.places):
        return share_out(journeys, walk, count, np.zeros((0, 2)))
    values, spread = (exact(walk), None) if len(walk.places) <= EXACT else sampled(walk)
    found = share_out(journeys, walk, count, values / np.where(walk.worth > 0, walk.worth, 1))
    if spread is None:
        return found
    error = np.zeros(count + 1)
    error[walk.places] = spread * float(journeys.weight[journeys.lengths > 0].sum())
    return replace(found, error=error[:-1])


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
    the first. Each order is taken forwards and backwards, which evens out much of the chance."""
    k = len(walk.places)
    dice = np.random.default_rng(SEED)
    pairs = int(np.clip(WORK / k**3, *PAIRS))
    drawn = []
    for size in _batches(pairs, max(1, ROOM // k**2)):
        orders = dice.permuted(np.tile(np.arange(k), (size, 1)), axis=1)
        drawn.append((joining(walk, orders) + joining(walk, orders[:, ::-1])) / 2)
    means = np.concatenate(drawn)
    return means.mean(axis=0), 1.96 * means[:, :, 0].std(axis=0, ddof=1) / math.sqrt(pairs)


def joining(walk: Chain, orders: np.ndarray) -> np.ndarray:
    """(orders x k x 2): what each place adds to those before it, in each order. Cost: k^3 / 3 multiplications an order.

    The worth of a group is start (I - Q)^-1 gain over its states. Eliminating the first state splits that into what it
    brings alone, start_1 gain_1 / (I - Q)_11, and the same problem over the others, reached and gaining through it too:
    so one elimination gives what each adds, one after the other. No pivots are needed: rows of I - Q are dominated by
    their diagonal, and stay so."""
    system = (np.eye(len(walk.places)) - walk.steps.toarray())[orders[:, :, None], orders[:, None, :]]
    start, gain = walk.start[orders], walk.gain[orders]
    added = np.empty_like(gain)
    each = np.arange(len(orders))
    for now in range(orders.shape[1]):
        after = slice(now + 1, None)
        reached = start[:, now] / system[:, now, now]
        added[each, orders[:, now]] = reached[:, None] * gain[:, now]
        start[:, after] -= reached[:, None] * system[:, now, after]
        factor = (system[:, after, now] / system[:, now, now][:, None])[:, :, None]
        gain[:, after] -= factor * gain[:, now][:, None, :]
        system[:, after, after] -= factor * system[:, now, after][:, None, :]
    return added


def _batches(total: int, most: int) -> list[int]:
    return [min(most, total - done) for done in range(0, total, most)]


MODEL = Model(
    "shapley",
    "Shapley",
    "Each channel gets what it brings beside the others, averaged over all orders in which they could join in, where a "
    "group of channels is worth what the Markov model brings with these alone.",
    "Shapley, 'A value for n-person games' (1953); of channels in a Markov chain: Singal, Besbes, Desir, Goyal and Iyengar, "
    "'Shapley meets uniform', Management Science 68 (2022). Sampled as by Castro, Gómez and Tejada (2009).",
    compute,
    500,
)
