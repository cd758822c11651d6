"""Who is among the top: the lowest value that still is, found over everybody, kept for an hour."""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np

from cdp_site import sql
from segments.evaluate import View, ranked, sparse
from segments.load import chunks, micros
from segments.require import digest, require
from segments.rules import Rule, Top, Total, key, nodes, to_json

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
        values = _values(same[0], now)
        for top in same:
            found[key(top)] = _threshold(values, top)
    return found


def _values(top: Top, now: datetime) -> np.ndarray:
    """The values above 0 of everybody."""
    by: Total | str = top.by
    parts = [np.empty(0)]
    needed = require(top)
    needed.tops = {}  # they aren't known yet
    for columns in chunks(needed, now):
        everybody = View(columns, sparse.everybody_at(len(columns.people), micros(now)))
        value = ranked(sparse.those(everybody, top), by)
        parts.append(value[value > 0])
    return np.concatenate(parts)


def _threshold(values: np.ndarray, top: Top) -> float:
    """The lowest of the highest `values`: a share of people is rounded up to whole ones."""
    size = len(values)
    number = math.ceil(Fraction(str(top.number)) * size / 100) if top.unit == "percent" else int(top.number)
    if not size:
        return math.inf
    place = max(size - number, 0)
    return float(np.partition(values, place)[place])


_MISSING = "SELECT key FROM segment_ranking WHERE key = ANY(%s)"
_STORE = """
INSERT INTO segment_ranking AS kept (key, top, threshold, at)
SELECT key, top::jsonb, threshold, %s::timestamptz
FROM unnest(%s::text[], %s::text[], %s::float8[]) AS ranked (key, top, threshold)
ON CONFLICT (key) DO UPDATE SET threshold = excluded.threshold, at = excluded.at
"""


def see_to(rule: Rule, now: datetime) -> None:
    """Rank for the tops in a rule that were never ranked."""
    asked = tops(rule)
    if asked:
        there = {kept for (kept,) in sql.rows(_MISSING, ([digest(slot) for slot in asked],))}
        missing = [top for slot, top in asked.items() if digest(slot) not in there]
        store(rank(missing, now), missing, now)


def store(thresholds: Mapping[str, float], of: Iterable[Top], now: datetime) -> None:
    ranked = sorted((digest(key(top)), json.dumps(to_json(top)), thresholds[key(top)]) for top in of)
    if ranked:
        with sql.cursor() as cursor:
            cursor.execute(_STORE, (now, *map(list, zip(*ranked, strict=True))))
