"""Time decay: each touchpoint gets half of what one a half-life later gets; the shares of a journey add up to 1.

The half-life is the goal's. Source: Google's Universal Analytics, 'Time decay', whose usual half-life is seven days.
"""

import numpy as np

from campaigns.attribution.models.base import Model, conversions
from campaigns.attribution.values import Credit, Journeys

DAY = 86400  # seconds


def compute(journeys: Journeys, axis: np.ndarray, count: int) -> Credit:
    """Ages count from the journey's last touch: shares within a journey are the same, and no weight becomes 0."""
    converted = conversions(journeys, axis, count)
    age = journeys.age[converted.touches].astype(np.float64)
    age -= np.repeat(age[converted.lasts], converted.lengths[converted.lengths > 0])
    age *= -1 / (journeys.half_life * DAY)
    return converted.to_all(converted.within(np.exp2(age, out=age)))


MODEL = Model(
    "time_decay",
    "Time decay",
    "Each touchpoint gets half of what one a half-life later gets; each goal has its own, seven days unless it says otherwise.",
    "Google's Universal Analytics, 'Time decay', whose usual half-life is seven days.",
    compute,
)
