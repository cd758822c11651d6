"""Who is among the top: the lowest value that still is, found over everybody, kept for an hour."""

import hashlib
import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np

from segments.evaluate import Points, View, ranked
from segments.load import chunks, micros
from segments.require import require
from segments.rules import Rule, Top, Total, key, nodes

KEPT = timedelta(hours=1)


def tops(*rules: Rule) -> dict[str, Top]:
    """The tops in rules, by `rules.key`."""
    return {key(node): node for rule in rules for _, node in nodes(rule) if isinstance(node, Top)}


def fresh(rule: Rule, now: datetime) -> dict[str, float]:
    """The thresholds of the tops in a rule, ranked now. Cost: a pass over everybody's values for each."""
    return rank(tops(rule).values(), now)


def rank(asked: Iterable[Top], now: datetime) -> dict[str, float]:
    """The threshold of each top at `now`, by `rules.key`; infinity where nobody has a value above 0.

    Cost: a pass over everybody for each thing that is ranked by; 8 bytes for each person who has a value.
    """
    together: dict[str, list[Top]] = {}
    for top in asked:
        together.setdefault(key(top.by), []).append(top)
    found: dict[str, float] = {}
    for same in together.values():
        values = np.sort(_values(same[0], now))
        for top in same:
            found[key(top)] = _threshold(values, top)
    return found


def _values(top: Top, now: datetime) -> np.ndarray:
    """The values above 0 of everybody."""
    by: Total | str = top.by
    parts = [np.empty(0)]
    for columns in chunks(require(top), now):
        size, moment = len(columns.people), micros(now)
        value = ranked(View(columns, Points(np.arange(size), np.full(size, moment), moment)), by)
        parts.append(value[value > 0])
    return np.concatenate(parts)


def _threshold(values: np.ndarray, top: Top) -> float:
    """The lowest of the highest `values` (sorted): a share of people is rounded up to whole ones."""
    size = len(values)
    number = math.ceil(Fraction(str(top.number)) * size / 100) if top.unit == "percent" else int(top.number)
    return float(values[max(size - number, 0)]) if size else math.inf


def digest(slot: str) -> str:
    """What a top is kept by: its key may be longer than an index takes."""
    return hashlib.sha256(slot.encode()).hexdigest()
