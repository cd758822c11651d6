"""The algebra of rules: a small closed set of frozen values, and their JSON form.

What each condition means:
- A person is in `All` when every condition holds, in `Any` when one does, in `Not` when it doesn't.
- `Did` counts the person's events of one name whose properties pass every filter, in the window: an event counts at
  `now` when `now - within < time <= now` (to the microsecond; a day is 24 hours). `within=None` is ever: `time <= now`.
  Who never did anything has a count of 0. 'Did not' is at most 0 times; that is its one form.
- `Trait` compares a winning trait, `PropertyFilter` a property of an event, by the type of the value in the rule:
  - a number compares with numbers and with text that is written as one (`"84.50"`), as exact decimals;
  - text compares with text, ignoring case, and with the way that a number or truth value is written;
  - true and false compare with truth values and with the text `true` or `false`;
  - dates compare with text in ISO 8601 (no zone: UTC). A date without a time is its whole day: after it means from the
    next day on, before it means until the day before, between two of them has both;
  - a list passes when one of its items does; a name with dots (`products.category`) looks inside;
  - a value that is absent, null or of another type passes no comparison. `is_not` is the opposite of `is`, so it holds
    for absent values too.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any as Anything
from typing import Literal, TypeAlias, assert_never

MAX_DEPTH = 8
MAX_NODES = 200  # conditions and filters
MAX_CHOICES = 1_000
MAX_TEXT = 1_000
MAX_NAME = 200
MAX_TIMES = 1_000_000
MAX_DAYS = 36_500
MAX_NUMBER = 10**15
DAY = 86_400
UNITS = {"days": DAY, "hours": 3_600, "minutes": 60, "seconds": 1}

Scalar: TypeAlias = str | int | float | bool
Value: TypeAlias = Scalar | tuple[Scalar, ...]
Compare: TypeAlias = Literal["at_least", "at_most", "exactly"]
Op: TypeAlias = Literal[
    "is", "is_not", "contains", "starts_with", "one_of", "exists", "missing",
    "greater", "less", "between", "before", "after", "in_last_days",
]  # fmt: skip
COMPARES: tuple[Compare, ...] = ("at_least", "at_most", "exactly")
OPS: tuple[Op, ...] = (
    "is", "is_not", "contains", "starts_with", "one_of", "exists", "missing",
    "greater", "less", "between", "before", "after", "in_last_days",
)  # fmt: skip
# A filter on events has no clock of its own: the window has it.
PROPERTY_OPS: tuple[Op, ...] = tuple(op for op in OPS if op != "in_last_days")


@dataclass(frozen=True, slots=True)
class PropertyFilter:
    """A condition on a property of an event."""

    name: str
    op: Op
    value: Value = True


@dataclass(frozen=True, slots=True)
class Trait:
    """A condition on a trait of the person. `exists` and `missing` have the value True."""

    name: str
    op: Op
    value: Value = True


@dataclass(frozen=True, slots=True)
class Did:
    """How often the person did something. `within` in seconds, None for ever."""

    event: str
    compare: Compare = "at_least"
    times: int = 1
    where: tuple[PropertyFilter, ...] = ()
    within: int | None = None


@dataclass(frozen=True, slots=True)
class All:
    conditions: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Any:
    conditions: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: "Rule"


Rule: TypeAlias = All | Any | Not | Trait | Did
Path: TypeAlias = tuple[int, ...]


class RuleError(ValueError):
    """What is wrong with a rule and where: `path` names the node as in `all[1].where[0].greater`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path or 'rule'}: {reason}")
        self.path = path
        self.reason = reason


def days(number: int) -> int:
    return number * DAY


def nodes(rule: Rule, path: Path = ()) -> Iterator[tuple[Path, Rule]]:
    """The rule and all conditions in it, outermost first, each with the positions that lead to it."""
    yield path, rule
    match rule:
        case All(conditions) | Any(conditions):
            for number, condition in enumerate(conditions):
                yield from nodes(condition, (*path, number))
        case Not(condition):
            yield from nodes(condition, (*path, 0))
        case Trait() | Did():
            return
        case _:
            assert_never(rule)


def canonical(rule: Rule) -> Rule:
    """The one form of 'did not': at most 0 times."""
    match rule:
        case All(conditions):
            return All(tuple(map(canonical, conditions)))
        case Any(conditions):
            return Any(tuple(map(canonical, conditions)))
        case Not(condition):
            inner = canonical(condition)
            if isinstance(inner, Did) and (inner.compare, inner.times) == ("at_least", 1):
                return Did(inner.event, "at_most", 0, inner.where, inner.within)
            return Not(inner)
        case Did(event, "exactly", 0, where, within):
            return Did(event, "at_most", 0, where, within)
        case Trait() | Did():
            return rule
        case _:
            assert_never(rule)


def key(part: Rule | PropertyFilter | tuple[PropertyFilter, ...]) -> str:
    """A text that is the same for equal parts only. (As Python values, True and 1 would be equal.)"""
    if isinstance(part, tuple):
        return json.dumps([filter_to_json(one) for one in part])
    return json.dumps(filter_to_json(part) if isinstance(part, PropertyFilter) else to_json(part))


def to_json(rule: Rule) -> dict[str, Anything]:
    match rule:
        case All(conditions):
            return {"all": [to_json(condition) for condition in conditions]}
        case Any(conditions):
            return {"any": [to_json(condition) for condition in conditions]}
        case Not(condition):
            return {"not": to_json(condition)}
        case Trait(name, op, value):
            return {"trait": name, op: list(value) if isinstance(value, tuple) else value}
        case Did(event, compare, times, where, within):
            answer: dict[str, Anything] = {"did": event, compare: times}
            if where:
                answer["where"] = [filter_to_json(one) for one in where]
            if within is not None:
                number, unit = in_units(within)
                answer[f"within_{unit}"] = number
            return answer
        case _:
            assert_never(rule)


def filter_to_json(one: PropertyFilter) -> dict[str, Anything]:
    return {"property": one.name, one.op: list(one.value) if isinstance(one.value, tuple) else one.value}


def in_units(seconds: int) -> tuple[int, str]:
    """A window in the largest unit that says it in whole numbers: (60, 'days')."""
    return next((seconds // size, unit) for unit, size in UNITS.items() if seconds % size == 0)


def from_json(given: Anything) -> Rule:
    """A rule of its JSON form, in canonical form; raises `RuleError` that names the node and says how to mend it."""
    reader = _Reader()
    return canonical(reader.rule(given, "", 1))


def instants(value: str, *, end: bool = False) -> datetime:
    """A date or time in a rule as a moment; a date without a time is its start, or with `end` the start of the next day."""
    moment = datetime.fromisoformat(value)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment + timedelta(days=1) if end and is_date(value) else moment


def is_date(value: str) -> bool:
    return len(value) == 10


class _Reader:
    """Reads one rule; counts its nodes on the way, so that a huge one is refused before it costs anything."""

    def __init__(self) -> None:
        self.count = 0

    def rule(self, given: Anything, path: str, depth: int) -> Rule:
        if not isinstance(given, Mapping):
            raise RuleError(path, 'must be a condition such as {"trait": "country", "is": "ES"}')
        self._counted(path)
        if depth > MAX_DEPTH:
            raise RuleError(path, f"is nested more than {MAX_DEPTH} deep; take groups apart")
        found = [kind for kind in ("all", "any", "not", "trait", "did") if kind in given]
        if len(found) != 1:
            raise RuleError(path, "needs exactly one of all, any, not, trait, did")
        match found[0]:
            case "all":
                return All(self._conditions(given, "all", path, depth))
            case "any":
                return Any(self._conditions(given, "any", path, depth))
            case "not":
                _only(given, {"not"}, path)
                return Not(self.rule(given["not"], _join(path, "not"), depth + 1))
            case "trait":
                return Trait(*_comparison(given, "trait", OPS, path))
            case _:
                return self._did(given, path)

    def _conditions(self, given: Mapping[str, Anything], kind: str, path: str, depth: int) -> tuple[Rule, ...]:
        _only(given, {kind}, path)
        listed, inner = given[kind], _join(path, kind)
        if not isinstance(listed, list) or not listed:
            raise RuleError(inner, "must be a list with at least one condition")
        return tuple(self.rule(one, f"{inner}[{number}]", depth + 1) for number, one in enumerate(listed))

    def _did(self, given: Mapping[str, Anything], path: str) -> Did:
        windows = [f"within_{unit}" for unit in UNITS]
        _only(given, {"did", "where", *COMPARES, *windows}, path)
        event = _name(given["did"], _join(path, "did"))
        compares = [compare for compare in COMPARES if compare in given]
        if len(compares) > 1:
            raise RuleError(path, f"has {' and '.join(compares)}; keep one")
        compare: Compare = compares[0] if compares else "at_least"
        times = _whole(given.get(compare, 1), _join(path, compare), 1 if compare == "at_least" else 0, MAX_TIMES)
        listed = given.get("where", [])
        if not isinstance(listed, list):
            raise RuleError(_join(path, "where"), "must be a list of filters")
        where = tuple(self._filter(one, _join(path, f"where[{number}]")) for number, one in enumerate(listed))
        spans = [window for window in windows if window in given]
        if len(spans) > 1:
            raise RuleError(path, f"has {' and '.join(spans)}; keep one")
        within = None
        if spans:
            size = UNITS[spans[0].removeprefix("within_")]
            within = _whole(given[spans[0]], _join(path, spans[0]), 1, MAX_DAYS * DAY // size) * size
        return Did(event, compare, times, where, within)

    def _filter(self, given: Anything, path: str) -> PropertyFilter:
        self._counted(path)
        if not isinstance(given, Mapping) or "property" not in given:
            raise RuleError(path, 'must be a filter such as {"property": "category", "is": "shoes"}')
        return PropertyFilter(*_comparison(given, "property", PROPERTY_OPS, path))

    def _counted(self, path: str) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            raise RuleError(path, f"is one condition too many: a rule has at most {MAX_NODES}")


def _comparison(given: Mapping[str, Anything], kind: str, ops: tuple[Op, ...], path: str) -> tuple[str, Op, Value]:
    name = _name(given[kind], _join(path, kind))
    _only(given, {kind, *ops}, path)
    found = [op for op in ops if op in given]
    if len(found) != 1:
        raise RuleError(path, f"needs exactly one of {', '.join(ops)}")
    return name, found[0], _CHECKS[found[0]](given[found[0]], _join(path, found[0]))


def _only(given: Mapping[str, Anything], allowed: set[str], path: str) -> None:
    for unknown in given:
        if unknown not in allowed:
            raise RuleError(path, f"{str(unknown)[:60]!r} isn't known here; known are {', '.join(sorted(allowed))}")


def _join(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part


def _text(given: Anything, path: str, most: int = MAX_TEXT) -> str:
    if not isinstance(given, str) or not given:
        raise RuleError(path, "must be a text that isn't empty")
    if len(given) > most:
        raise RuleError(path, f"has {len(given):,} characters; at most {most:,} are allowed")
    if "\0" in given or any("\ud800" <= character <= "\udfff" for character in given):
        raise RuleError(path, "holds a character that can't be stored")
    return given


def _name(given: Anything, path: str) -> str:
    return _text(given, path, MAX_NAME)


def _is_number(given: Anything) -> bool:
    return (
        isinstance(given, int | float) and not isinstance(given, bool)
        and math.isfinite(given) and abs(given) <= MAX_NUMBER
    )  # fmt: skip


def _number(given: Anything, path: str) -> float:
    if not _is_number(given):
        raise RuleError(path, f"must be a number up to {MAX_NUMBER:,}")
    return given


def _whole(given: Anything, path: str, least: int, most: int) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
        raise RuleError(path, f"must be a whole number from {least:,} to {most:,}")
    return given


def _scalar(given: Anything, path: str) -> Scalar:
    if isinstance(given, bool) or _is_number(given):
        return given
    if isinstance(given, str):
        return _text(given, path)
    raise RuleError(path, "must be a text, a number, true or false")


def _moment(given: Anything, path: str) -> str:
    text = _text(given, path)
    try:
        if is_date(text):
            date.fromisoformat(text)
        year = instants(text, end=True).year
    except (ValueError, OverflowError):
        year = 0
    # Ten characters that aren't a plain date ("2026W48-01") would be taken for one.
    if not 1900 <= year <= 2200 or (is_date(text) and (text[4], text[7]) != ("-", "-")):
        raise RuleError(path, "must be a date like 2026-11-24 or a time like 2026-11-24T09:30:00Z, from 1900 to 2200")
    return text


def _choices(given: Anything, path: str) -> tuple[Scalar, ...]:
    if not isinstance(given, list | tuple) or not 0 < len(given) <= MAX_CHOICES:
        raise RuleError(path, f"must be a list of 1 to {MAX_CHOICES:,} values")
    return tuple(_scalar(one, f"{path}[{number}]") for number, one in enumerate(given))


def _between(given: Anything, path: str) -> tuple[Scalar, ...]:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise RuleError(path, "must be a list of two: the lowest and the highest, both included")
    read: Callable[[Anything, str], Scalar] = _moment if isinstance(given[0], str) else _number
    low, high = read(given[0], f"{path}[0]"), read(given[1], f"{path}[1]")
    ends = (instants(low), instants(high)) if isinstance(low, str) and isinstance(high, str) else (low, high)
    if ends[0] > ends[1]:  # type: ignore[operator]
        raise RuleError(path, "must begin with the lower value")
    return (low, high)


def _true(given: Anything, path: str) -> bool:
    if given is not True:
        raise RuleError(path, "can only be true; for the opposite use the other of exists and missing")
    return True


_CHECKS: dict[str, Callable[[Anything, str], Value]] = {
    "is": _scalar, "is_not": _scalar, "contains": _text, "starts_with": _text, "one_of": _choices,
    "exists": _true, "missing": _true, "greater": _number, "less": _number, "between": _between,
    "before": _moment, "after": _moment, "in_last_days": lambda given, path: _whole(given, path, 1, MAX_DAYS),
}  # fmt: skip
