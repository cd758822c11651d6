"""Position-based: 40 % to the first touchpoint, 40 % to the last, 20 % to those between in equal parts; of two, half each.

Source: Google's Universal Analytics, 'Position based' with its usual 40/20/40.
"""

import numpy as np

from campaigns.attribution.models.base import Model, conversions
from campaigns.attribution.values import Credit, Journeys

ENDS = 0.4


def compute(journeys: Journeys, axis: np.ndarray, count: int) -> Credit:
    converted = conversions(journeys, axis, count)
    lengths = converted.lengths
    between = (1 - 2 * ENDS) / np.maximum(lengths - 2, 1)
    shares = np.repeat(between, lengths)
    long = lengths[lengths > 0]
    ends = np.choose(np.minimum(long, 3) - 1, [1.0, 0.5, ENDS])
    shares[converted.firsts] = ends
    shares[converted.lasts] = ends
    return converted.to_all(shares)


MODEL = Model(
    "position",
    "Position-based",
    "40 % go to the first touchpoint, 40 % to the last, and those between share 20 %; of two, each gets half.",
    "Google's Universal Analytics, 'Position based' with its usual 40/20/40.",
    compute,
)
