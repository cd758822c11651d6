"""What to look at again in a rule before it is saved: conditions that can't both hold, names that were never seen, cost."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any as Anything
from typing import NamedTuple

from segments.catalog import PEOPLE_SAMPLED, PROPERTIES_SAMPLED
from segments.describe import clause
from segments.rules import (
    EVER,
    All,
    Any,
    Consent,
    Did,
    Events,
    Last,
    Leaf,
    Measure,
    Not,
    Rule,
    Score,
    Trait,
    Window,
    events_in,
    key,
    nodes,
)

SLOW = 1_000.0  # milliseconds


class Range(NamedTuple):
    """Numbers from `low` to `high`; `open`: without the ends themselves."""

    low: float
    high: float
    open: bool = False

    def meets(self, other: "Range") -> bool:
        low, high = max(self.low, other.low), min(self.high, other.high)
        return low < high or (
            low == high
            and not (self.open and low in (self.low, self.high) and self.low != self.high)
            and not (other.open and low in (other.low, other.high) and other.low != other.high)
        )


def contradictions(rule: Rule) -> list[str]:
    """Pairs of conditions that nobody can meet both, each as a sentence."""
    found = []
    for together in _together(rule):
        for one, other in combinations(together, 2):
            if _contradict(one, other):
                unless = ", unless it is a list" if isinstance(one, Trait) and isinstance(other, Trait) else ""
                found.append(f"Nobody can be both: {clause(one)}, and: {clause(other)}{unless}.")
    return list(dict.fromkeys(found))


def _together(rule: Rule) -> Iterator[list[Rule]]:
    """The conditions that have to hold at the same time, for the rule and for each group in it."""
    yield list(_all_of(rule))
    for path, node in nodes(rule):
        if path and isinstance(node, All):
            yield list(_all_of(node))


def _all_of(rule: Rule) -> Iterator[Rule]:
    match rule:
        case All(conditions):
            for one in conditions:
                yield from _all_of(one)
        case Not(Any(conditions)):
            for one in conditions:
                yield from _all_of(Not(one))
        case Not(Not(condition)):
            yield from _all_of(condition)
        case _:
            yield rule


def _contradict(one: Rule, other: Rule) -> bool:
    if isinstance(one, Not) != isinstance(other, Not):
        plain, denied = (other, one) if isinstance(one, Not) else (one, other)
        assert isinstance(denied, Not)
        if key(plain) == key(denied.condition):
            return True
    match one, other:
        case Did(), Did():
            return _too_few(one, other) or _too_few(other, one)
        case Measure(), Measure() if key(one.total) == key(other.total):
            return not _range(one.compare, one.number).meets(_range(other.compare, other.number))
        case Trait(), Trait():
            return one.name == other.name and _apart_either_way(one.op, one.value, other.op, other.value)
        case Score(), Score():
            return one.name == other.name and _apart_either_way(one.op, one.value, other.op, other.value)
        case Consent(), Consent():
            return one.channel == other.channel and one.state != other.state
    return False


def _too_few(one: Did, other: Did) -> bool:
    """Whether `one` asks for more than `other` lets happen, of events and in a window that are part of the other's."""
    asked, let = _range(one.compare, one.times), _range(other.compare, other.times)
    return asked.low > let.high and _within(one.events, other.events) and _inside(one.window, other.window)


def _within(part: Events, whole: Events) -> bool:
    filters = {key(one) for one in part.where}
    same_hours = whole.hours is None or key(whole.hours) == key(part.hours)
    return part.name == whole.name and same_hours and {key(one) for one in whole.where} <= filters


def _inside(part: Window, whole: Window) -> bool:
    if isinstance(part, Last) and isinstance(whole, Last):
        return part.seconds <= whole.seconds
    return whole == EVER or key(part) == key(whole)


def _range(compare: str, number: float) -> Range:
    match compare:
        case "at_least":
            return Range(number, math.inf)
        case "at_most":
            return Range(-math.inf, number)
        case "more" | "greater":
            return Range(number, math.inf, True)
        case "less":
            return Range(-math.inf, number, True)
        case _:
            return Range(number, number)


def _apart_either_way(op: str, value: Anything, other_op: str, other: Anything) -> bool:
    return _apart(op, value, other_op, other) or _apart(other_op, other, op, value)


def _apart(op: str, value: Anything, other_op: str, other: Anything) -> bool:
    """Whether no single value passes both comparisons."""
    if op == "missing":
        return other_op not in ("missing", "is_not")
    if op == "is":
        if other_op == "is":
            return _folded(value) != _folded(other)
        if other_op == "is_not":
            return _folded(value) == _folded(other)
        if other_op == "one_of":
            return _folded(value) not in {_folded(one) for one in other}
    one, two = _value_range(op, value), _value_range(other_op, other)
    return one is not None and two is not None and not one.meets(two)


def _value_range(op: str, value: Anything) -> Range | None:
    if op in ("greater", "less"):
        return _range(op, value)
    if op == "between" and not isinstance(value[0], str):
        return Range(*value)
    if op == "is" and isinstance(value, int | float) and not isinstance(value, bool):
        return Range(value, value)
    return None


def _folded(value: Anything) -> str:
    return str(value).casefold() if not isinstance(value, float) else f"{value:g}"


def unseen(
    rule: Rule, events: Collection[str], traits: Collection[str], properties: Mapping[str, Collection[str]]
) -> list[str]:
    """Names that nothing that arrived has. `events`: those of the rule that are known; `properties` by event."""
    found = []
    for one in _unique(events_in(rule)):
        if one.name not in events:
            found.append(f"“{one.name}” has never been seen. Is it spelled as the source sends it?")
            continue
        known = properties.get(one.name, ())
        for name in dict.fromkeys(each.name for each in one.where):
            if known and name not in known:
                found.append(f"None of the last {PROPERTIES_SAMPLED:,} “{one.name}” has a “{name}”.")
    for _, node in nodes(rule):
        if isinstance(node, Trait) and node.name not in traits:
            found.append(f"None of the {PEOPLE_SAMPLED:,} newest people has the trait “{node.name}”.")
        if isinstance(node, Score) and f"score_{node.name}" not in traits:
            found.append(f"None of the {PEOPLE_SAMPLED:,} newest people has the score “{node.name}”.")
    return list(dict.fromkeys(found))


def _unique(events: Iterable[Events]) -> list[Events]:
    return list({key(one): one for one in events}.values())


def cost(rule: Rule, milliseconds: float, counts: Mapping[str, int]) -> list[str]:
    """What makes a rule slow, where it is. `counts`: about how often each event happened."""
    if milliseconds < SLOW:
        return []
    because = _because(rule, counts)
    return [f"This took {milliseconds / 1000:.1f} s to count, and costs as much whenever it is counted anew.{because}"]


def too_long(rule: Rule, seconds: float, counts: Mapping[str, int]) -> str:
    """What to say of a rule whose count was given up after so many seconds; `counts` as for `cost`."""
    because = _because(rule, counts) or " Fewer conditions, and fewer segments that it asks for, make it quicker."
    return (
        f"Counting this takes more than {seconds:.0f} s, too long while you build. It can be saved: its members are found "
        f"in the background then, at that cost whenever it is counted anew.{because}"
    )


def _because(rule: Rule, counts: Mapping[str, int]) -> str:
    windows: dict[str, bool] = {}
    for _, node in nodes(rule):
        window = getattr(node, "window", getattr(getattr(node, "total", None), "window", None))
        for one in events_in(node) if isinstance(node, Leaf) else ():
            windows[one.name] = windows.get(one.name, False) or window == EVER
    dear = sorted(windows, key=lambda name: -counts.get(name, 0))[:2]
    said = " and ".join(
        f"{counts.get(name, 0):,} “{name}”{' without a window' if windows[name] else ''}" for name in dear
    )
    return f" It looks at {said}: a shorter window, or a rarer event, makes it quicker." if said else ""
