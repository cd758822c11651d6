"""Markov: conversions in proportion to the removal effects, what the chain would lose if every step into a channel led nowhere.

The next step depends on the last one, two or three touchpoints (`chain`). Source: Anderl, Becker, von Wangenheim and Schumann,
'Mapping the customer journey', International Journal of Research in Marketing 33 (2016) 457-474.
"""

from functools import partial

import numpy as np

from campaigns.attribution.models.base import Model
from campaigns.attribution.models.chain import Chain, chain, share_out
from campaigns.attribution.values import Credit, Journeys


def removal_effects(journeys: Journeys, axis: np.ndarray, count: int, order: int = 1) -> np.ndarray:
    """For each place the share (0 to 1) of the conversions that the chain of this order loses when every step into it
    leads to nothing instead; 0 for places that no journey has. Only journeys with a touchpoint count."""
    return effects(chain(journeys, axis, count, order), count)


def effects(walk: Chain, count: int) -> np.ndarray:
    """The same of a chain."""
    found = np.zeros(count + 1)
    found[walk.places] = lost(walk)[:, 0]
    return found[:-1]


def compute(journeys: Journeys, axis: np.ndarray, count: int, order: int = 1) -> Credit:
    """Conversions in proportion to the removal effects on conversions, value in proportion to those on value."""
    return credit(journeys, chain(journeys, axis, count, order), count)


def credit(journeys: Journeys, walk: Chain, count: int) -> Credit:
    """The same of a chain that was made of these journeys before."""
    shares = lost(walk)
    sums = shares.sum(axis=0)
    return share_out(journeys, walk, count, shares / np.where(sums > 0, sums, 1))


def lost(walk: Chain) -> np.ndarray:
    """Per place of the chain the share lost of (conversions, value) without it."""
    total = walk.worth
    return walk.lost / np.where(total > 0, total, 1)


MODELS = tuple(
    Model(
        "markov" if order == 1 else f"markov_{order}",
        "Markov" if order == 1 else f"Markov, order {order}",
        "Conversions are shared in proportion to the removal effect by the Markov model: what would be lost if every step "
        f"to a channel led nowhere, when the next step depends on the last {'one' if order == 1 else order}.",
        "Anderl, Becker, von Wangenheim and Schumann, 'Mapping the customer journey', International Journal of Research "
        "in Marketing 33 (2016) 457-474.",
        partial(compute, order=order),
        most,
    )
    for order, most in ((1, 2_000), (2, 100), (3, 32))
)
