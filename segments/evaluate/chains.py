"""Sequences: which first steps lead to the last one in time, with nothing after it that mustn't be."""

import numpy as np

from segments.evaluate.windows import SECOND, View, pieces
from segments.rules import Events, Ever, Sequence

_NEVER = np.iinfo(np.int64).max


def holds(view: View, sequence: Sequence) -> np.ndarray:
    """Whether a chain of the steps is complete at each point.

    From each first step the earliest chain is followed; where it ends in time, the latest last step within reach has the
    least after it. Cost: a binary search for each step of each first one; then one for each pair of point and first one.
    """
    points, steps = view.points, sequence.steps
    beginnings = view.timeline(steps[0])
    person, begun = beginnings.events.person, beginnings.events.time
    limit = begun + sequence.within * SECOND
    earliest = begun
    for step in steps[1:]:
        earliest = _next(view, step, person, earliest)
    complete = earliest <= limit
    low = beginnings.starts[points.person]
    if not isinstance(sequence.window, Ever):
        low = view.ago(steps[0], seconds=sequence.window.seconds)
    answer = np.zeros(len(points.person), bool)
    for point, place in pieces(low, view.ago(steps[0])):
        reached = complete[place] & (earliest[place] <= points.moment[point])
        point, place = point[reached], place[reached]
        if sequence.without is not None:
            until = np.minimum(limit[place], points.moment[point])
            clean = ~_spoilt(view, sequence, person[place], until)
            point = point[clean]
        answer[point] = True
    return answer


def _next(view: View, step: Events, person: np.ndarray, after: np.ndarray) -> np.ndarray:
    """When each person's first event of `step` after a moment was; never for none."""
    timeline = view.timeline(step)
    place = timeline.until(person, after)
    return np.where(place < timeline.starts[person + 1], timeline.time[place], _NEVER)


def _spoilt(view: View, sequence: Sequence, person: np.ndarray, until: np.ndarray) -> np.ndarray:
    """Whether, after the latest last step up to `until` (there is one), what mustn't be happened up to `until`."""
    assert sequence.without is not None
    ends, others = view.timeline(sequence.steps[-1]), view.timeline(sequence.without)
    latest = ends.time[ends.until(person, until) - 1]
    return others.until(person, until) > others.until(person, latest)
