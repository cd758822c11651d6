"""First touch: the whole conversion goes to the touchpoint that the journey began with.

Source: a rule that needs no data; in Google's Universal Analytics 'First interaction'.
"""

import numpy as np

from campaigns.attribution.models.base import Model, conversions
from campaigns.attribution.values import Credit, Journeys


def compute(journeys: Journeys, axis: np.ndarray, count: int) -> Credit:
    converted = conversions(journeys, axis, count)
    return converted.to_one(converted.firsts)


MODEL = Model(
    "first",
    "First touch",
    "The whole conversion goes to the touchpoint that a journey began with.",
    "A rule that needs no data; known from Google's Universal Analytics as 'First interaction'.",
    compute,
)
