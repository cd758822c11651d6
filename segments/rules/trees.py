"""Walks over rules: their nodes, the one form of each, what they ask for, and keys that tell parts apart. Pure."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any as Anything
from typing import assert_never

from segments.rules.values import (
    DAY,
    UNITS,
    All,
    Any,
    Changed,
    Consent,
    Did,
    Events,
    FirstAfter,
    InSegment,
    Known,
    Leaf,
    Measure,
    Moment,
    Not,
    Path,
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


def days(number: int) -> int:
    return number * DAY


def children(rule: Rule) -> tuple[Rule, ...]:
    match rule:
        case All(conditions) | Any(conditions):
            return conditions
        case Not(condition):
            return (condition,)
        case _:
            return ()


def nodes(rule: Rule, path: Path = ()) -> Iterator[tuple[Path, Rule]]:
    """The rule and all conditions in it, outermost first, each with the positions that lead to it."""
    yield path, rule
    for number, condition in enumerate(children(rule)):
        yield from nodes(condition, (*path, number))


def replaced(rule: Rule, change: Callable[[Leaf], Rule]) -> Rule:
    """The rule with every leaf changed."""
    match rule:
        case All(conditions):
            return All(tuple(replaced(one, change) for one in conditions))
        case Any(conditions):
            return Any(tuple(replaced(one, change) for one in conditions))
        case Not(condition):
            return Not(replaced(condition, change))
        case _:
            return change(rule)


def canonical(rule: Rule) -> Rule:
    """The one form of 'did not': at most 0 times."""
    match rule:
        case Not(condition):
            inner = canonical(condition)
            # Who never did the anchor of a window has none: neither did nor didn't.
            at_least_once = isinstance(inner, Did) and (inner.compare, inner.times) == ("at_least", 1)
            if isinstance(inner, Did) and at_least_once and not isinstance(inner.window, FirstAfter | SinceLast):
                return Did(inner.events, "at_most", 0, inner.window)
            return Not(inner)
        case Did(events, "exactly", 0, window):
            return Did(events, "at_most", 0, window)
        case All(conditions):
            return All(tuple(map(canonical, conditions)))
        case Any(conditions):
            return Any(tuple(map(canonical, conditions)))
        case _:
            return rule


class Cycle(ValueError):
    """Segments that ask for each other. `names`: the way round, its first name again at the end."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(" → ".join(names))
        self.names = names


class UnknownSegment(ValueError):
    """A rule asks for a segment that isn't there."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no segment “{name}”.")
        self.name = name


def expanded(rule: Rule, segments: Mapping[str, Rule], above: tuple[str, ...] = ()) -> Rule:
    """The rule with every segment that it asks for replaced by that one's rule. Raises `Cycle` and `UnknownSegment`.

    `above`: the names of the segments whose rules this is part of, outermost first.
    """

    def change(leaf: Leaf) -> Rule:
        if not isinstance(leaf, InSegment):
            return leaf
        if leaf.name in above:
            raise Cycle((*above[above.index(leaf.name) :], leaf.name))
        if leaf.name not in segments:
            raise UnknownSegment(leaf.name)
        return expanded(segments[leaf.name], segments, (*above, leaf.name))

    return replaced(rule, change)


def segments_in(rule: Rule) -> set[str]:
    """The names of the segments that a rule asks for itself."""
    return {node.name for _, node in nodes(rule) if isinstance(node, InSegment)}


def events_in(rule: Rule) -> Iterator[Events]:
    """All events that a rule looks at, those of anchors too."""
    for _, node in nodes(rule):
        yield from _events_of(node)


def _events_of(node: Rule) -> Iterator[Events]:
    match node:
        case Did(events, window=window):
            yield events
            yield from _anchor(window)
        case Measure(total) | Top(by=Total() as total):
            yield total.events
            yield from _anchor(total.window)
        case Moment(events=events) | Changed(events=events):
            yield events
        case Sequence(steps, without=without):
            yield from steps
            if without is not None:
                yield without
        case (
            All() | Any() | Not() | Trait() | Known() | Consent() | Score() | Records() | InSegment() | Sample() | Top()
        ):
            return
        case _:
            assert_never(node)


def _anchor(window: Window) -> Iterator[Events]:
    if isinstance(window, FirstAfter | SinceLast):
        yield window.anchor


def in_units(seconds: int) -> tuple[int, str]:
    """A window in the largest unit that says it in whole numbers: (60, 'days')."""
    return next((seconds // size, unit) for unit, size in UNITS.items() if seconds % size == 0)


def instants(value: str, *, end: bool = False) -> datetime:
    """A date or time in a rule as a moment; a date without a time is its start, or with `end` the start of the next day."""
    moment = datetime.fromisoformat(value)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment + timedelta(days=1) if end and is_date(value) else moment


def is_date(value: str) -> bool:
    return len(value) == 10


def key(part: Anything) -> str:
    """A text that is the same for equal parts of rules only. (As Python values, True and 1 would be equal.)"""

    def plain(value: Anything) -> Anything:
        if isinstance(value, tuple):
            return [plain(one) for one in value]
        if hasattr(value, "__dataclass_fields__"):
            return [type(value).__name__, *(plain(getattr(value, name)) for name in value.__dataclass_fields__)]
        return value

    return json.dumps(plain(part))
