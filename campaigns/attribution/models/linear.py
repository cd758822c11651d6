"""Linear: each touchpoint of a journey gets the same share of its conversion; a channel that was met twice gets two.

Source: a rule that needs no data; in Google's Universal Analytics 'Linear'.
"""

import numpy as np

from campaigns.attribution.models.base import Model, conversions
from campaigns.attribution.values import Credit, Journeys


def compute(journeys: Journeys, axis: np.ndarray, count: int) -> Credit:
    converted = conversions(journeys, axis, count)
    lengths = converted.lengths
    return converted.to_all(np.repeat(1 / np.maximum(lengths, 1), lengths))


MODEL = Model(
    "linear",
    "Linear",
    "Each touchpoint of a journey gets the same share of its conversion.",
    "A rule that needs no data; known from Google's Universal Analytics as 'Linear'.",
    compute,
)
