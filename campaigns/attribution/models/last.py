"""Last touch: the whole conversion goes to the last touchpoint before it.

Source: a rule that needs no data; in Google's Universal Analytics 'Last interaction'.
"""

import numpy as np

from campaigns.attribution.models.base import Model, conversions
from campaigns.attribution.values import Credit, Journeys


def compute(journeys: Journeys, axis: np.ndarray, count: int) -> Credit:
    converted = conversions(journeys, axis, count)
    return converted.to_one(converted.lasts)


MODEL = Model(
    "last",
    "Last touch",
    "The whole conversion goes to the last touchpoint before it.",
    "A rule that needs no data; known from Google's Universal Analytics as 'Last interaction'.",
    compute,
)
