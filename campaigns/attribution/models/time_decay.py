"""Time decay: each touchpoint gets half of what one seven days later gets; the shares of a journey add up to 1.

Source: Google's Universal Analytics, 'Time decay' with its usual half-life of seven days.
"""

import numpy as np

from campaigns.attribution.models.base import Model, conversions
from campaigns.attribution.values import Credit, Journeys

HALF_LIFE = 7 * 86400  # seconds


def compute(journeys: Journeys, axis: np.ndarray, count: int) -> Credit:
    """Ages count from the journey's last touch: shares within a journey are the same, and no weight becomes 0."""
    converted = conversions(journeys, axis, count)
    age = journeys.age[converted.touches].astype(np.float64)
    age -= np.repeat(age[converted.lasts], converted.lengths[converted.lengths > 0])
    age *= -1 / HALF_LIFE
    return converted.to_all(converted.within(np.exp2(age, out=age)))


MODEL = Model(
    "time_decay",
    "Time decay",
    "Each touchpoint gets half of what one seven days later gets.",
    "Google's Universal Analytics, 'Time decay' with its usual half-life of seven days.",
    compute,
)
