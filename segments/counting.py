"""How many people a rule finds, and a few of them: the builder's preview and `manage.py segments count`."""

import time
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.utils import timezone

from segments import expand, ranking
from segments.evaluate import evaluate
from segments.load import chunks
from segments.require import require
from segments.rules import Rule

# An odd number: multiplying by it shuffles ids, the same way each time.
_SHUFFLE = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Count:
    """`count` people of `of`; `sample` are ids of some of them, the same ones each time that they are in."""

    count: int
    of: int
    milliseconds: float
    sample: tuple[int, ...] = ()

    @property
    def share(self) -> float:
        return self.count / self.of if self.of else 0.0


def count(rule: Rule, now: datetime | None = None, sample: int = 10) -> Count:
    """Count people whom the rule finds at `now`. Raises `Cycle` and `UnknownSegment` (`expand.whole`).

    Cost: one pass over the rule's events, chunk by chunk of people; one more for each value that people are ranked by.
    """
    started = time.perf_counter()
    now = now or timezone.now()
    inside = total = 0
    chosen = np.empty(0, np.int64)
    rule = expand.whole(rule)
    thresholds = ranking.fresh(rule, now)
    for columns in chunks(require(rule), now):
        columns.thresholds = thresholds
        members = evaluate(rule, columns, now).members
        inside += len(members)
        total += len(columns.people)
        chosen = _first(np.concatenate([chosen, members]), sample)
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    return Count(inside, total, milliseconds, tuple(chosen.tolist()))


def _first(people: np.ndarray, sample: int) -> np.ndarray:
    """The first so many of them, shuffled. One pass, without sorting all."""
    shuffled = people.astype(np.uint64) * _SHUFFLE
    if len(people) > 1_000 * sample > 0:
        # Some of the first, and surely enough: the bound lets 64 times as many through.
        few = np.flatnonzero(shuffled < np.uint64(2**64 // len(people) * 64 * sample))
        if len(few) >= sample:
            people, shuffled = people[few], shuffled[few]
    return people[np.argsort(shuffled)[:sample]]
