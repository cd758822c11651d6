"""Totals of events: exact in whole numbers of 1/10,000, and compared exactly with the numbers of rules."""

from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never

import numpy as np

from segments.compare import SCALE
from segments.evaluate.windows import Range, Timeline, View, pieces
from segments.require import events_changed, property_of
from segments.rules import Against, Changed, Last, Total

_LOWEST, _HIGHEST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@dataclass(frozen=True)
class Amount:
    """A total at each point: `sum` / (`count` * `scale`), where `count` is None for 1. `there`: whether there is one."""

    sum: np.ndarray
    there: np.ndarray | None
    scale: int = 1
    count: np.ndarray | None = None

    @property
    def number(self) -> np.ndarray:
        """As floats, NaN where there is none: for people to read, and to rank by."""
        divisor = self.scale if self.count is None else np.maximum(self.count, 1) * self.scale
        number = self.sum / divisor
        return number if self.there is None else np.where(self.there, number, np.nan)


def amount(view: View, total: Total) -> Amount:
    what = property_of(total)
    window = view.range(what, total.window)
    timeline = view.timeline(*what)
    match total.aggregate:
        case "count":
            return Amount(window.count, window.there)
        case "distinct":
            return Amount(_distinct(timeline, window), window.there)
        case "sum":
            return Amount(_sum(timeline, window), window.there, SCALE)
        case "average":
            return Amount(_sum(timeline, window), _any(window), SCALE, window.count)
        case "lowest":
            return Amount(_least(timeline, window, np.minimum), _any(window), SCALE)
        case "highest":
            return Amount(_least(timeline, window, np.maximum), _any(window), SCALE)
        case _:
            assert_never(total.aggregate)


def _any(window: Range) -> np.ndarray:
    some = window.high > window.low
    return some if window.there is None else some & window.there


def _sum(timeline: Timeline, window: Range) -> np.ndarray:
    """By cumulative sums. What they overflow by cancels out in the difference."""
    return timeline.sums[window.high] - timeline.sums[window.low]


def _least(timeline: Timeline, window: Range, of: np.ufunc) -> np.ndarray:
    """The lowest or highest value in each window; 0 where it has none."""
    value = timeline.events.value
    assert value is not None
    answer = np.zeros(len(window.low), np.int64)
    some = np.flatnonzero(window.high > window.low)
    if len(some):
        bounds = np.stack([window.low[some], window.high[some]], axis=1).ravel()
        answer[some] = of.reduceat(np.append(value, 0), bounds)[::2]
    return answer


def _distinct(timeline: Timeline, window: Range) -> np.ndarray:
    """How many distinct values are in each window: those whose same value before them, if any, is before the window."""
    events = timeline.events
    assert events.value is not None
    order = np.lexsort((np.arange(len(events.value)), events.value, events.person))
    same = (events.value[order[1:]] == events.value[order[:-1]]) & (
        events.person[order[1:]] == events.person[order[:-1]]
    )
    before = np.full(len(events.value), -1)
    before[order[1:][same]] = order[:-1][same]
    answer = np.zeros(len(window.low), np.int64)
    for point, place in pieces(window.low, window.high):
        answer += np.bincount(point[before[place] < window.low[point]], minlength=len(answer))
    return answer


def against(amount: Amount, compare: Against, number: float) -> np.ndarray:
    """Whether each total compares so with a number: sum > number * scale * count, without a division."""
    exact = Fraction(str(number)) * amount.scale
    if amount.count is None:
        down, up = (np.array(_bounded(one)) for one in (exact.__floor__(), exact.__ceil__()))
    else:
        counts, place = np.unique(amount.count, return_inverse=True)
        bounds = [exact * count for count in counts.tolist()]
        down = np.array([_bounded(one.__floor__()) for one in bounds])[place]
        up = np.array([_bounded(one.__ceil__()) for one in bounds])[place]
    match compare:
        case "more":
            holds = amount.sum > down
        case "less":
            holds = amount.sum < up
        case "at_least":
            holds = amount.sum >= up
        case "at_most":
            holds = amount.sum <= down
        case "exactly":
            holds = (amount.sum == down) & (down == up)
        case _:
            assert_never(compare)
    return holds if amount.there is None else holds & amount.there


def _bounded(whole: int) -> int:
    """No sum is as far out as this."""
    return max(_LOWEST, min(_HIGHEST, whole))


def periods(view: View, changed: Changed) -> tuple[Amount, Amount]:
    """The last period and the one before it."""
    what = events_changed(changed)
    timeline = view.timeline(*what)
    latest = view.range(what, Last(changed.within))
    earlier = Range(view.ago(*what, seconds=2 * changed.within), latest.low)
    if not changed.property:
        return Amount(latest.count, None), Amount(earlier.count, None)
    return Amount(_sum(timeline, latest), None, SCALE), Amount(_sum(timeline, earlier), None, SCALE)


def changes(changed: Changed, latest: Amount, earlier: Amount) -> np.ndarray:
    fewer = changed.direction == "fewer"
    if changed.percent is None:
        return latest.sum < earlier.sum if fewer else latest.sum > earlier.sum
    share = Fraction(str(changed.percent)) / 100
    ratio = 1 - share if fewer else 1 + share
    left, right = latest.sum, earlier.sum
    most = max(_most(left) * ratio.denominator, _most(right) * abs(ratio.numerator))
    if most >= 2**63:  # beyond 64 bits: Python's whole numbers
        left, right = left.astype(object), right.astype(object)
    left, right = left * ratio.denominator, right * ratio.numerator
    return (earlier.sum > 0) & ((left <= right) if fewer else (left >= right)).astype(bool)


def _most(values: np.ndarray) -> int:
    return max(abs(int(values.max(initial=0))), abs(int(values.min(initial=0))))
