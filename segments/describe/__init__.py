"""Rules in plain English: whole sentences (`clauses`), and the words for values, comparisons and windows (`words`)."""

from segments.describe.clauses import clause, describe, relative
from segments.describe.words import (
    AGAINST_WORDS,
    comparison,
    counted,
    day,
    during,
    events,
    filters,
    joined,
    label,
    number,
    percent,
    shown,
    span,
    total,
    window,
)

__all__ = [
    "AGAINST_WORDS", "clause", "comparison", "counted", "day", "describe", "during", "events", "filters", "joined", "label",
    "number", "percent", "relative", "shown", "span", "total", "window",
]  # fmt: skip
