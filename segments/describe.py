"""A rule in plain English, for people who didn't make it."""

from typing import assert_never

from segments.rules import All, Any, Did, Not, PropertyFilter, Rule, Scalar, Trait, Value, in_units, instants, is_date

_TYPES_OF_COMPARE = {"at_least": "at least", "at_most": "at most", "exactly": "exactly"}


def describe(rule: Rule) -> str:
    """One sentence with a capital and a full stop: 'People who did “Order Completed” at least 3 times …'."""
    return f"People who {clause(rule)}."


def clause(rule: Rule, *, nested: bool = False) -> str:
    """The rule as what follows 'people who'. `nested` puts brackets round groups."""
    match rule:
        case All(conditions):
            return _joined([clause(condition, nested=True) for condition in conditions], "and", nested)
        case Any(conditions):
            return _joined([clause(condition, nested=True) for condition in conditions], "or", nested)
        case Not(condition):
            return f"are not among those who {clause(condition, nested=True)}"
        case Trait(name, op, value):
            return f"have {comparison(name, op, value)}"
        case Did():
            return _did(rule)
        case _:
            assert_never(rule)


def _joined(parts: list[str], word: str, nested: bool) -> str:
    if len(parts) == 1:
        return parts[0]
    text = f" {word} ".join(parts) if len(parts) == 2 else f", {word} ".join([", ".join(parts[:-1]), parts[-1]])
    return f"({text})" if nested else text


def _did(rule: Did) -> str:
    verb, times = "did", ""
    match rule:
        case Did(compare="at_least", times=1):
            pass
        case Did(compare="at_most", times=0):
            verb = "did not do"
        case _:
            times = f" {_TYPES_OF_COMPARE[rule.compare]} {counted(rule.times)}"
    return f"{verb} “{rule.event}”{times}{filters(rule.where)}{window(rule.within)}"


def counted(times: int) -> str:
    return {1: "once", 2: "twice"}.get(times, f"{times:,} times")


def filters(where: tuple[PropertyFilter, ...]) -> str:
    return f" with {' and '.join(comparison(one.name, one.op, one.value) for one in where)}" if where else ""


def window(within: int | None) -> str:
    if within is None:
        return ""
    number, unit = in_units(within)
    return f" in the last {unit.removesuffix('s')}" if number == 1 else f" in the last {number:,} {unit}"


def comparison(name: str, op: str, value: Value) -> str:
    """'country “ES”', 'a birthday before 1 May 1990': a condition on a trait or property."""
    label = name.replace("_", " ")
    match op, value:
        case "is", bool():
            return f"{label} ({'yes' if value else 'no'})"
        case "is", _:
            return f"{label} {shown(value)}"
        case "is_not", _:
            return f"{label} other than {shown(value)} (or none)"
        case "contains", _:
            return f"{label} that contains {shown(value)}"
        case "starts_with", _:
            return f"{label} that starts with {shown(value)}"
        case "one_of", tuple():
            return f"{label} {_joined([shown(one) for one in value], 'or', False)}"
        case "exists", _:
            return f"any {label}"
        case "missing", _:
            return f"no {label}"
        case "greater", _:
            return f"{label} above {shown(value)}"
        case "less", _:
            return f"{label} below {shown(value)}"
        case "between", (str() as low, str() as high):
            return f"{label} from {_day(low)} to {_day(high)}"
        case "between", (low, high):
            return f"{label} from {shown(low)} to {shown(high)}"
        case (("before" | "after"), str()):
            return f"{label} {op} {_day(value)}"
        case "in_last_days", int():
            return f"{label} in the last {value:,} days" if value > 1 else f"{label} in the last day"
    raise ValueError(f"{op} with {value!r} is no comparison")


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
    return f"{value:,}"


def _day(value: str) -> str:
    moment = instants(value)
    day = f"{moment.day} {moment:%B %Y}"
    return day if is_date(value) else f"{day} {moment:%H:%M} UTC"
