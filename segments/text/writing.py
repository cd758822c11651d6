"""Rules to text that reads like their summary. `segments.text.reading` is the way back: it gives the same rule."""

import json
from typing import assert_never

from segments.rules import (
    WEEK,
    Against,
    All,
    Any,
    Between,
    Changed,
    Compare,
    Consent,
    Did,
    Events,
    Ever,
    FirstAfter,
    Hours,
    InSegment,
    Known,
    Last,
    Measure,
    Moment,
    Not,
    PropertyFilter,
    Records,
    Rule,
    Sample,
    Scalar,
    Score,
    Sequence,
    SinceLast,
    Top,
    Total,
    Trait,
    Value,
    Window,
    clock,
    in_units,
)
from segments.text.tokens import DATE, PLAIN, RECORDS, WORDS

# The longest line of a text that is laid out over several.
WIDE = 100
_SIGNS: dict[Against, str] = {"more": ">", "less": "<", "at_least": ">=", "at_most": "<=", "exactly": "="}
_OPS = {"is": "=", "is_not": "!=", "greater": ">", "less": "<", "contains": "contains", "starts_with": "starts with"}


def to_text(rule: Rule, wide: int | None = None) -> str:
    """The rule on one line, or with `wide` on several, each at most so long where its conditions let it."""
    return _flat(rule) if wide is None else "\n".join(_lines(rule, wide))


def _flat(rule: Rule) -> str:
    match rule:
        case All((condition,)):
            return f"all({_flat(condition)})"
        case Any((condition,)):
            return f"any({_flat(condition)})"
        case All(conditions):
            return " and ".join(map(_inner, conditions))
        case Any(conditions):
            return " or ".join(map(_inner, conditions))
        case Not(condition):
            return f"not {_inner(condition)}"
        case _:
            return _leaf(rule)


def _inner(rule: Rule) -> str:
    """A condition within a group: a group of several is in parentheses."""
    return f"({_flat(rule)})" if isinstance(rule, All | Any) and len(rule.conditions) > 1 else _flat(rule)


def _lines(rule: Rule, wide: int) -> list[str]:
    """A group that is too long for a line has each of its conditions on a line of its own."""
    flat = _flat(rule)
    if len(flat) <= wide:
        return [flat]
    match rule:
        case All((condition,)) | Any((condition,)):
            return _within("all(" if isinstance(rule, All) else "any(", condition, wide)
        case All(conditions) | Any(conditions):
            word = "and " if isinstance(rule, All) else "or "
            lines: list[str] = []
            for number, condition in enumerate(conditions):
                first, *others = _inner_lines(condition, wide - len(word))
                lines += [f"{word if number else ''}{first}", *others]
            return lines
        case Not(condition):
            first, *others = _inner_lines(condition, wide - 4)
            return [f"not {first}", *others]
        case Trait(name, "one_of", tuple(values)):
            *most, last = map(_value, values)
            return [f"{_name(name)} is any of (", *(f"  {value}," for value in most), f"  {last}", ")"]
        case _:
            return [flat]


def _inner_lines(rule: Rule, wide: int) -> list[str]:
    if isinstance(rule, All | Any) and len(rule.conditions) > 1 and len(_inner(rule)) > wide:
        return _within("(", rule, wide)
    return [_inner(rule)] if len(_inner(rule)) <= wide else _lines(rule, wide)


def _within(opening: str, rule: Rule, wide: int) -> list[str]:
    return [opening, *(f"  {line}" for line in _lines(rule, wide - 2)), ")"]


def _leaf(rule: Rule) -> str:
    match rule:
        case Did():
            return _did(rule)
        case Measure(total, compare, wanted):
            return f"{_total(total, closed=True)} {_SIGNS[compare]} {_value(wanted)}"
        case Moment(which, events, op, value):
            return f"{which} {_events(events, closed=True)} was {_when(op, value)}"
        case Changed():
            return _changed(rule)
        case Sequence():
            return _sequence(rule)
        case Trait("birthday", "birthday_in", 0):
            return "birthday today"
        case Trait("birthday", "birthday_in", value):
            return f"birthday in next {_days(value)}"
        case Trait("birthday", "in_next_days", value):
            return f"trait birthday is in next {_days(value)}"
        case Trait(name, op, value):
            return f"{_name(name)} {_test(op, value)}"
        case Known("anonymous"):
            return "is anonymous"
        case Known(kind):
            return f"has {_name(kind)}"
        case Consent(channel, state):
            return f"consent to {_name(channel)} is {state}"
        case Score(name, op, value):
            return f"score {_name(name)} {_test(op, value)}"
        case Records():
            return _records(rule)
        case InSegment(name):
            return f"in segment {_quoted(name)}"
        case Sample(share, salt):
            return f"random {_value(share)}% of people{f' with salt {_name(salt)}' if salt else ''}"
        case Top():
            return _top(rule)
        case All() | Any() | Not():
            raise ValueError("a group is no condition")
        case _:
            assert_never(rule)


def _did(rule: Did) -> str:
    never = (rule.compare, rule.times) == ("at_most", 0)
    times = "" if never or (rule.compare, rule.times) == ("at_least", 1) else f" {_times(rule.compare, rule.times)}"
    rest = f"{times}{_window(rule.window)}"
    return f"did {'not ' if never else ''}{_events(rule.events, closed=bool(rest))}{rest}"


def _times(compare: Compare, times: int) -> str:
    return f"{compare.replace('_', ' ')} {times} {'time' if times == 1 else 'times'}"


def _changed(rule: Changed) -> str:
    events, length = _events(rule.events, closed=True), _span(rule.within)
    if rule.percent is None and not rule.property:
        return f"{rule.direction} {events} in last {length} than in the {length} before"
    over = f"sum of {_name(rule.property)} over " if rule.property else ""
    share = "" if rule.percent is None else f" {_value(rule.percent)}%"
    way = "down" if rule.direction == "fewer" else "up"
    return f"{over}{events} {way}{share} in last {length} against the {length} before"


def _sequence(rule: Sequence) -> str:
    steps = " then ".join(_events(step, closed=True) for step in rule.steps)
    without = "" if rule.without is None else f" then not {_events(rule.without, closed=True)}"
    return f"did {steps}{without} within {_span(rule.within)}{_window(rule.window)}"


def _records(rule: Records) -> str:
    where = f" where ({_filters(rule.where)})" if rule.where else ""
    state, kind = rule.state, rule.kind if rule.kind in RECORDS else _name(rule.kind)
    match rule:
        case Records(compare="at_least", times=1):
            return f"has {state} {kind}{where}"
        case Records(compare="at_most", times=0):
            return f"has no {state} {kind}{where}"
        case Records(compare=compare, times=times):
            many = f"{compare.replace('_', ' ')} {times}"
            return f"has {many} {state} {kind} {'record' if times == 1 else 'records'}{where}"


def _top(rule: Top) -> str:
    many = f"{_value(rule.number)}%" if rule.unit == "percent" else f"{_value(rule.number)} people"
    if isinstance(rule.by, Total):
        return f"top {many} by {_total(rule.by, closed=False)}"
    score = rule.by.removeprefix("score_")
    by = _name(rule.by) if score in ("", rule.by) else f"score {_name(score)}"
    return f"top {many} by {by}"


def _total(total: Total, *, closed: bool) -> str:
    window = _window(total.window)
    events = _events(total.events, closed=closed or bool(window))
    match total.aggregate:
        case "count":
            return f"number of {events}{window}"
        case "distinct":
            return f"distinct values of {_name(total.property)} over {events}{window}"
        case _:
            return f"{total.aggregate} of {_name(total.property)} over {events}{window}"


def _events(events: Events, *, closed: bool) -> str:
    """`closed`: something of the same condition follows. Else filters are in parentheses, as an 'and' might go on."""
    hours = _hours(events.hours) if events.hours is not None else ""
    where = _filters(events.where)
    if where and not (closed or hours):
        where = f"({where})"
    return f"{_quoted(events.name)}{f' where {where}' if where else ''}{hours}"


def _filters(where: tuple[PropertyFilter, ...]) -> str:
    return " and ".join(f"{_name(one.name)} {_test(one.op, one.value)}" for one in where)


def _hours(hours: Hours) -> str:
    days = f" on {', '.join(WEEK[day - 1] for day in hours.days)}" if hours.days else ""
    whole = (hours.start, hours.end) == (0, 1_440)
    return days if whole else f"{days} from {clock(hours.start)} to {clock(hours.end)}"


def _window(window: Window) -> str:
    match window:
        case Ever():
            return ""
        case Last(seconds):
            return f" in last {_span(seconds)}"
        case Between(start, end):
            return f" between {_date(start)} and {_date(end)}"
        case FirstAfter(seconds, anchor):
            return f" in first {_span(seconds)} after first {_events(anchor, closed=False)}"
        case SinceLast(anchor):
            return f" since last {_events(anchor, closed=False)}"
        case _:
            assert_never(window)


def _span(seconds: int) -> str:
    number, unit = in_units(seconds)
    return f"{number} {unit.removesuffix('s') if number == 1 else unit}"


def _days(value: Value) -> str:
    return f"{value} {'day' if value == 1 else 'days'}"


def _when(op: str, value: Value) -> str:
    return f"over {_days(value)} ago" if op == "over_days_ago" else _test(op, value).removeprefix("is ")


def _test(op: str, value: Value) -> str:
    match op, value:
        case "exists", _:
            return "exists"
        case "missing", _:
            return "is missing"
        case "one_of", tuple():
            return f"is any of ({', '.join(map(_value, value))})"
        case "between", (low, high):
            return f"between {_date(low)} and {_date(high)}"
        case (("before" | "after"), str()):
            return f"{op} {_date(value)}"
        case "in_last_days", int():
            return f"is in last {_days(value)}"
        case "in_next_days", int():
            return f"is in next {_days(value)}"
        case "birthday_in", 0:
            return "has anniversary today"
        case "birthday_in", int():
            return f"has anniversary in next {_days(value)}"
        case _:
            assert not isinstance(value, tuple)
            return f"{_OPS[op]} {_value(value)}"


def _name(name: str) -> str:
    return name if PLAIN.fullmatch(name) and name.lower() not in WORDS else _quoted(name)


def _date(value: Scalar) -> str:
    return value if isinstance(value, str) and DATE.fullmatch(value) else _value(value)


def _value(value: Scalar) -> str:
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
