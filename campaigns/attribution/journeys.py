"""From touchpoints and conversions to journeys, for one goal. Pure: columns to columns, and no clock in it.

A conversion takes the touchpoints that no earlier one took and that are less than the goal's lookback before it. What is
left over forms journeys without a conversion, parted where more than the lookback lies between two touchpoints.
"""

from dataclasses import dataclass

import numpy as np

from campaigns.attribution.touches import Touches


@dataclass(frozen=True)
class Conversions:
    """Conversions of one goal in order of (profile, time, id), what was taken back taken off (`goals.conversions`).

    `profile`, `time` (microseconds since 1970), `id`, `value`, `back` (millionths; int64); `whole` (bool: taken back
    whole), `other_currency` (bool), `device` (int8: where it took place).
    """

    profile: np.ndarray
    time: np.ndarray
    id: np.ndarray
    value: np.ndarray
    back: np.ndarray
    whole: np.ndarray
    other_currency: np.ndarray
    device: np.ndarray


@dataclass(frozen=True)
class Found:
    """Journeys in order of (profile, id of the journey), as the table `journey` has them; the touches of journey i are
    `order[starts[i]:starts[i + 1]]` of the `Touches` that they were made from."""

    profile: np.ndarray
    id: np.ndarray
    time: np.ndarray
    converted: np.ndarray
    value: np.ndarray
    back: np.ndarray
    other_currency: np.ndarray
    new: np.ndarray
    device: np.ndarray
    starts: np.ndarray
    order: np.ndarray


def journeys(touched: Touches, conversions: Conversions, lookback: int) -> Found:
    """All journeys of these people. `lookback` in microseconds. Cost: a few sorts."""
    raise NotImplementedError
