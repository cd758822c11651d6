"""The English for the parts of a rule: values, comparisons, filters, hours, windows and totals."""

from typing import assert_never

from segments.rules import (
    Against,
    Between,
    Compare,
    Events,
    Ever,
    FirstAfter,
    Hours,
    Last,
    PropertyFilter,
    Scalar,
    SinceLast,
    Total,
    Value,
    Window,
    clock,
    in_units,
    instants,
    is_date,
)

AGAINST_WORDS: dict[Against | Compare, str] = {
    "more": "more than", "less": "less than", "at_least": "at least", "at_most": "at most", "exactly": "exactly",
}  # fmt: skip
_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def joined(parts: list[str], word: str) -> str:
    """'a', 'a and b', 'a, b, and c'."""
    if len(parts) < 3:
        return f" {word} ".join(parts)
    return f"{', '.join(parts[:-1])}, {word} {parts[-1]}"


def label(name: str) -> str:
    """The name of a trait, property, score or kind of record as people say it."""
    return name.replace("_", " ")


def counted(times: int) -> str:
    return {1: "once", 2: "twice"}.get(times, f"{times:,} times")


def shown(value: Value) -> str:
    """A value of a rule as people write it."""
    match value:
        case tuple():
            return ", ".join(map(shown, value))
        case bool():
            return "true" if value else "false"
        case str():
            return f"“{value}”"
        case _:
            return number(value)


def number(value: Scalar) -> str:
    return f"{int(value):,}" if isinstance(value, float) and value.is_integer() else f"{value:,}"


def percent(value: float) -> str:
    return f"{number(value)} %"


def day(value: str) -> str:
    """A date or time of a rule: '1 May 2026', '1 May 2026 09:30 UTC'."""
    moment = instants(value)
    written = f"{moment.day} {moment:%B %Y}"
    return written if is_date(value) else f"{written} {moment:%H:%M} UTC"


def ahead(days: int, word: str) -> str:
    """'in the next 7 days', 'in the last day'."""
    return f"in the {word} {days:,} days" if days > 1 else f"in the {word} day"


def comparison(name: str, op: str, value: Value) -> str:
    """'country “ES”', 'a birthday in the next 7 days': a condition on a trait or property, as what somebody has."""
    named = label(name)
    match op, value:
        case "is", bool():
            return f"{named} ({'yes' if value else 'no'})"
        case "is", _:
            return f"{named} {shown(value)}"
        case "is_not", _:
            return f"{named} other than {shown(value)} (or none)"
        case "contains", _:
            return f"{named} that contains {shown(value)}"
        case "starts_with", _:
            return f"{named} that starts with {shown(value)}"
        case "one_of", tuple():
            return f"{named} {joined([shown(one) for one in value], 'or')}"
        case "exists", _:
            return f"any {named}"
        case "missing", _:
            return f"no {named}"
        case "greater", _:
            return f"{named} above {shown(value)}"
        case "less", _:
            return f"{named} below {shown(value)}"
        case "between", (str() as low, str() as high):
            return f"{named} from {day(low)} to {day(high)}"
        case "between", (low, high):
            return f"{named} from {shown(low)} to {shown(high)}"
        case (("before" | "after"), str()):
            return f"{named} {op} {day(value)}"
        case "in_last_days", int():
            return f"{named} {ahead(value, 'last')}"
        case "in_next_days", int():
            return f"{named} {ahead(value, 'next')}"
        case "birthday_in", int():
            what = "a birthday" if name == "birthday" else f"an anniversary of {named}"
            return f"{what} {({0: 'today', 1: 'today or tomorrow'}).get(value) or ahead(value, 'next')}"
    raise ValueError(f"{op} with {value!r} is no comparison")


def filters(where: tuple[PropertyFilter, ...]) -> str:
    """' with category “shoes” and value above 50'; nothing without filters."""
    return f" with {' and '.join(comparison(one.name, one.op, one.value) for one in where)}" if where else ""


def during(hours: Hours | None) -> str:
    """' on Saturdays and Sundays between 18:00 and 22:00'; nothing for all week."""
    if hours is None:
        return ""
    days = f" on {joined([_DAYS[one - 1] for one in hours.days], 'and')}" if hours.days else ""
    if (hours.start, hours.end) == (0, 1_440):
        return days
    return f"{days} between {clock(hours.start)} and {clock(hours.end)}"


def events(chosen: Events) -> str:
    """'“Order Completed” with category “shoes” on Saturdays'."""
    return f"“{chosen.name}”{filters(chosen.where)}{during(chosen.hours)}"


def span(seconds: int) -> str:
    """A length of time: '90 days', or 'day' where it is one."""
    size, unit = in_units(seconds)
    return unit.removesuffix("s") if size == 1 else f"{size:,} {unit}"


def length(seconds: int) -> str:
    """A length of time that stands alone: '90 days', '1 day'."""
    size, unit = in_units(seconds)
    return f"1 {unit.removesuffix('s')}" if size == 1 else f"{size:,} {unit}"


def window(chosen: Window) -> str:
    """' in the last 60 days'; nothing for ever."""
    match chosen:
        case Ever():
            return ""
        case Last(seconds):
            return f" in the last {span(seconds)}"
        case Between(start, end):
            return f" from {day(start)} to {day(end)}"
        case FirstAfter(seconds, anchor):
            return f" in the first {span(seconds)} after their first {events(anchor)}"
        case SinceLast(anchor):
            return f" since their last {events(anchor)}"
        case _:
            assert_never(chosen)


def total(one: Total) -> str:
    """What a total is of: 'sum of revenue over “Order Completed” in the last 365 days'."""
    where = f"{events(one.events)}{window(one.window)}"
    match one.aggregate:
        case "count":
            return f"number of {where}"
        case "sum":
            return f"sum of {label(one.property)} over {where}"
        case "distinct":
            return f"number of different values of {label(one.property)} over {where}"
        case "average" | "lowest" | "highest":
            return f"{one.aggregate} {label(one.property)} over {where}"
        case _:
            assert_never(one.aggregate)
