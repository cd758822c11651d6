"""From touchpoints and conversions to journeys, for one goal. Pure: columns to columns, and no clock in it.

A conversion takes the touchpoints that no earlier one took and that are less than the goal's lookback before it. What is
left over forms journeys without a conversion, parted where more than the lookback lies between two touchpoints.
"""

from dataclasses import dataclass

import numpy as np

from campaigns.attribution.touches import Touches
from campaigns.attribution.values import Device

# Of longer journeys (a kiosk's, a robot's) the last ones are kept.
MOST_TOUCHES = 500


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

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True)
class Found:
    """Journeys as the table `journey` has them: those with a conversion in order of (profile, time, id), then the others.

    The touches of journey i are `order[starts[i]:starts[i + 1]]` of the `Touches` that they were made from.
    """

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

    def __len__(self) -> int:
        return len(self.id)


def journeys(touched: Touches, conversions: Conversions, lookback: int) -> Found:
    """All journeys of these people. `lookback` in microseconds. Cost: a few sorts."""
    number = len(conversions)
    journey = _journey_of(touched, conversions, lookback)
    left = journey >= number
    others = int(journey[left].max()) + 1 - number if left.any() else 0
    order = np.argsort(journey, kind="stable")
    starts = np.searchsorted(journey[order], np.arange(number + others + 1))
    order, starts = _shortened(order, starts)
    # Of a journey without a conversion the last touchpoint tells its moment; each of them has one.
    last = order[starts[number + 1 :] - 1]
    none = np.zeros(others, np.int64)
    unsaid = np.zeros(others, bool)
    return Found(
        profile=np.concatenate([conversions.profile, touched.profile[last]]),
        id=np.concatenate([conversions.id, touched.id[last]]),
        time=np.concatenate([conversions.time, touched.time[last]]),
        converted=np.concatenate([~conversions.whole, unsaid]),
        value=np.concatenate([np.where(conversions.whole, 0, conversions.value), none]),
        back=np.concatenate([conversions.back, none]),
        other_currency=np.concatenate([conversions.other_currency, unsaid]),
        new=np.concatenate([_first(conversions), unsaid]),
        device=_devices(touched, conversions, starts, order),
        starts=starts,
        order=order,
    )


def _journey_of(touched: Touches, conversions: Conversions, lookback: int) -> np.ndarray:
    """For each touchpoint the number of its journey: that of its conversion, or those after the last of these."""
    number = len(conversions)
    following = _at_or_after(touched, conversions)
    journey = following.copy()
    there = np.flatnonzero(following < number)
    at = following[there]
    taken = (conversions.profile[at] == touched.profile[there]) & (
        conversions.time[at] - touched.time[there] < lookback
    )
    left = np.ones(len(touched), bool)
    left[there[taken]] = False
    # A conversion between two that are left over lies more than the lookback after the first: it parts them as well.
    place = np.flatnonzero(left)
    profile, time = touched.profile[place], touched.time[place]
    parts = np.ones(len(place), bool)
    parts[1:] = (profile[1:] != profile[:-1]) | (time[1:] - time[:-1] > lookback)
    journey[place] = number + np.cumsum(parts) - 1
    return journey


def _at_or_after(touched: Touches, conversions: Conversions) -> np.ndarray:
    """For each touchpoint the place of the first conversion of that moment or later; maybe another person's."""
    profile = np.concatenate([touched.profile, conversions.profile])
    time = np.concatenate([touched.time, conversions.time])
    last = np.repeat([0, 1], [len(touched), len(conversions)])
    order = np.lexsort((last, time, profile))
    passed = np.cumsum(last[order])
    found = np.empty(len(order), np.int64)
    found[order] = passed
    return found[: len(touched)]


def _shortened(order: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most `MOST_TOUCHES` a journey, the last ones."""
    lengths = np.diff(starts)
    if not len(lengths) or lengths.max() <= MOST_TOUCHES:
        return order, starts
    ends = np.repeat(starts[1:], lengths)
    kept = np.arange(len(order)) >= ends - MOST_TOUCHES
    return order[kept], np.concatenate([[0], np.cumsum(np.minimum(lengths, MOST_TOUCHES))])


def _first(conversions: Conversions) -> np.ndarray:
    """Which of the conversions is the person's first that stands."""
    stands = np.flatnonzero(~conversions.whole)
    profile = conversions.profile[stands]
    first = np.zeros(len(conversions), bool)
    first[stands[np.concatenate([[True], profile[1:] != profile[:-1]])[: len(stands)]]] = True
    return first


def _devices(touched: Touches, conversions: Conversions, starts: np.ndarray, order: np.ndarray) -> np.ndarray:
    """On what the last touchpoint was of which that is known; else where the conversion took place."""
    device = touched.device[order]
    known = np.where(device != Device.UNKNOWN, np.arange(1, len(order) + 1), 0)
    latest = np.concatenate([[0], np.maximum.accumulate(known)])[starts[1:]]
    found = np.zeros(len(starts) - 1, np.int8)
    found[: len(conversions)] = conversions.device
    within = latest > starts[:-1]
    found[within] = device[latest[within] - 1]
    return found
