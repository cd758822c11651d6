"""Last non-direct touch: the whole conversion goes to the last touchpoint that was not a direct visit, or to the last direct
visit where there was nothing else.

Source: Google's Universal Analytics, 'Last non-direct click'.
"""

import numpy as np

from campaigns.attribution.models.base import Model, conversions
from campaigns.attribution.values import Credit, Journeys


def compute(journeys: Journeys, axis: np.ndarray, count: int) -> Credit:
    """What is direct is read from the touch's channel, on the campaigns' axis too."""
    converted = conversions(journeys, axis, count)
    sent = journeys.channel[converted.touches] != journeys.direct
    seen = np.maximum.accumulate(np.where(sent, np.arange(len(sent)), -1))
    firsts, lasts = converted.firsts, converted.lasts
    return converted.to_one(np.where(seen[lasts] >= firsts, seen[lasts], lasts))


MODEL = Model(
    "last_non_direct",
    "Last non-direct touch",
    "The whole conversion goes to the last touchpoint that was not a direct visit; to the direct visit where there was "
    "nothing else.",
    "Google's Universal Analytics, 'Last non-direct click'.",
    compute,
)
