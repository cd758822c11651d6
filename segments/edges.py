"""How time alone turns conditions: how long after an event, and how far from a date, an answer may change."""

from collections.abc import Iterator
from typing import assert_never

from segments.require import Kind, events_changed, property_of
from segments.rules import (
    DAY,
    All,
    Any,
    Changed,
    Consent,
    Did,
    Events,
    FirstAfter,
    InSegment,
    Known,
    Last,
    Measure,
    Moment,
    Not,
    Records,
    Rule,
    Sample,
    Score,
    Sequence,
    SinceLast,
    Top,
    Total,
    Trait,
    Window,
)

# Events, and which of their values (see `segments.require.stream_key`).
What = tuple[Events, str, Kind]


def event_edges(node: Rule) -> Iterator[tuple[What, int]]:
    """(events, seconds after one of them at which the condition may turn). 0: when its own time has come."""
    match node:
        case Did(events, window=window):
            yield from _windowed((events, "", ""), window)
        case Measure(total) | Top(by=Total() as total):
            yield from _windowed(property_of(total), total.window)
        case Moment(events=events, op=op, value=value):
            yield (events, "", ""), 0
            if isinstance(value, int) and op in ("in_last_days", "over_days_ago"):
                yield (events, "", ""), value * DAY
        case Changed(within=within):
            for seconds in (0, within, 2 * within):
                yield events_changed(node), seconds
        case Sequence(steps, without=without, window=window):
            for events in (*steps, without) if without is not None else steps:
                yield (events, "", ""), 0
            if isinstance(window, Last):
                yield (steps[0], "", ""), window.seconds
        case (
            All() | Any() | Not() | Trait() | Known() | Consent() | Score() | Records() | InSegment() | Sample() | Top()
        ):
            return
        case _:
            assert_never(node)


def _windowed(what: What, window: Window) -> Iterator[tuple[What, int]]:
    yield what, 0
    if isinstance(window, Last):
        yield what, window.seconds
    elif isinstance(window, FirstAfter | SinceLast):
        yield (window.anchor, "", ""), 0


def date_edges(op: str, days: int) -> tuple[int, int]:
    """How many seconds after a date (before it: negative) a comparison with it begins and ceases to hold."""
    return (0, days * DAY) if op == "in_last_days" else (-days * DAY, 0)
