"""Rules of their JSON form: every node checked, with an error that names the node and says how to mend it."""

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any as Anything

from segments.rules.values import (
    AGAINST,
    AGGREGATES,
    COMPARES,
    CONSENTS,
    DAY,
    EVER,
    MAX_CHOICES,
    MAX_DAYS,
    MAX_DEPTH,
    MAX_NAME,
    MAX_NODES,
    MAX_NUMBER,
    MAX_STEPS,
    MAX_TEXT,
    MAX_TIMES,
    OPS,
    PROPERTY_OPS,
    RECORD_OPS,
    SCORE_OPS,
    STATES,
    UNITS,
    WEEK,
    WHENS,
    All,
    Any,
    Between,
    Changed,
    Compare,
    Consent,
    Did,
    Events,
    FirstAfter,
    Hours,
    InSegment,
    Known,
    Last,
    Measure,
    Moment,
    Not,
    Op,
    PropertyFilter,
    Records,
    Rule,
    RuleError,
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
    canonical,
    instants,
    is_date,
)

Given = Mapping[str, Anything]
MAX_BIRTHDAY = 366


def from_json(given: Anything) -> Rule:
    """A rule of its JSON form, in canonical form; raises `RuleError` that names the node and says how to mend it."""
    return canonical(_Reader().rule(given, "", 1))


class _Reader:
    """Reads one rule; counts its nodes on the way, so that a huge one is refused before it costs anything."""

    def __init__(self) -> None:
        self.count = 0
        self.kinds: dict[str, Callable[[Given, str, int], Rule]] = {
            "all": lambda given, path, depth: All(self._conditions(given, "all", path, depth)),
            "any": lambda given, path, depth: Any(self._conditions(given, "any", path, depth)),
            "not": self._not, "did": self._did, "total": self._measure, "moment": self._moment, "changed": self._changed,
            "sequence": self._sequence, "trait": self._trait, "has": self._has, "anonymous": self._anonymous,
            "consent": self._consent, "score": self._score, "records": self._records, "segment": self._segment,
            "sample": self._sample, "top": self._top,
        }  # fmt: skip

    def rule(self, given: Anything, path: str, depth: int) -> Rule:
        if not isinstance(given, Mapping):
            raise RuleError(path, 'must be a condition such as {"trait": "country", "is": "ES"}')
        self._counted(path)
        if depth > MAX_DEPTH:
            raise RuleError(path, f"is nested more than {MAX_DEPTH} deep; take groups apart")
        found = [kind for kind in self.kinds if kind in given]
        if len(found) != 1:
            raise RuleError(path, f"needs exactly one of {', '.join(self.kinds)}")
        return self.kinds[found[0]](given, path, depth)

    def _conditions(self, given: Given, kind: str, path: str, depth: int) -> tuple[Rule, ...]:
        _only(given, {kind}, path)
        listed, inner = given[kind], _join(path, kind)
        if not isinstance(listed, list) or not listed:
            raise RuleError(inner, "must be a list with at least one condition")
        return tuple(self.rule(one, f"{inner}[{number}]", depth + 1) for number, one in enumerate(listed))

    def _not(self, given: Given, path: str, depth: int) -> Rule:
        _only(given, {"not"}, path)
        return Not(self.rule(given["not"], _join(path, "not"), depth + 1))

    def _did(self, given: Given, path: str, depth: int) -> Did:
        _only(given, {"did", *_CHOOSING, *COMPARES, *_WINDOWS}, path)
        events = self._events(given, "did", path)
        compare, times = _times(given, path)
        return Did(events, compare, times, self._window(given, path))

    def _measure(self, given: Given, path: str, depth: int) -> Measure:
        _only(given, {*_TOTAL, *AGAINST}, path)
        total = self._total(given, path)
        if total.aggregate == "count":
            raise RuleError(path, 'counts events: write {"did": …, "at_least": …}')
        compare = _one_key(given, AGAINST, path)
        return Measure(total, compare, _number(given[compare], _join(path, compare)))  # type: ignore[arg-type]

    def _total(self, given: Given, path: str) -> Total:
        aggregate = _one(given["total"], AGGREGATES, _join(path, "total"))
        if "of" not in given:
            raise RuleError(path, 'needs "of": the name of an event')
        if aggregate == "count":
            if "property" in given:
                raise RuleError(_join(path, "property"), "has no meaning where events are counted")
            name = ""
        elif "property" in given:
            name = _name(given["property"], _join(path, "property"))
        else:
            raise RuleError(path, 'needs "property": the values of which it is the total')
        return Total(aggregate, name, self._events(given, "of", path), self._window(given, path))  # type: ignore[arg-type]

    def _moment(self, given: Given, path: str, depth: int) -> Moment:
        _only(given, {"moment", "of", *_CHOOSING, *WHENS}, path)
        which = _one(given["moment"], ("first", "last"), _join(path, "moment"))
        if "of" not in given:
            raise RuleError(path, 'needs "of": the name of an event')
        op = _one_key(given, WHENS, path)
        place = _join(path, op)
        value: Anything
        match op:
            case "in_last_days" | "over_days_ago":
                value = _whole(given[op], place, 1, MAX_DAYS)
            case "between":
                value = _between_dates(given[op], place)
            case _:
                value = _moment(given[op], place)
        return Moment(which, self._events(given, "of", path), op, value)  # type: ignore[arg-type]

    def _changed(self, given: Given, path: str, depth: int) -> Changed:
        spans = [f"within_{unit}" for unit in UNITS]
        _only(given, {"changed", "of", "sum_of", "percent", *_CHOOSING, *spans}, path)
        direction = _one(given["changed"], ("fewer", "more"), _join(path, "changed"))
        if "of" not in given:
            raise RuleError(path, 'needs "of": the name of an event')
        within = _span(given, "within", path, MAX_DAYS // 2)
        if within is None:
            raise RuleError(path, "needs the length of the two periods, such as within_days")
        name = _name(given["sum_of"], _join(path, "sum_of")) if "sum_of" in given else ""
        percent = None
        if "percent" in given:
            percent = _positive(given["percent"], _join(path, "percent"), 100 if direction == "fewer" else 1_000_000)
        return Changed(direction, self._events(given, "of", path), within, name, percent)  # type: ignore[arg-type]

    def _sequence(self, given: Given, path: str, depth: int) -> Sequence:
        spans = [f"{name}_{unit}" for name in ("within", "in_last") for unit in UNITS]
        _only(given, {"sequence", "without", *spans}, path)
        listed, inner = given["sequence"], _join(path, "sequence")
        if not isinstance(listed, list) or not 2 <= len(listed) <= MAX_STEPS:
            raise RuleError(inner, f"must be a list of 2 to {MAX_STEPS} events")
        steps = tuple(self._anchor(one, f"{inner}[{number}]") for number, one in enumerate(listed))
        within = _span(given, "within", path)
        if within is None:
            raise RuleError(path, "needs the time from the first step to the last, such as within_days")
        without = self._anchor(given["without"], _join(path, "without")) if "without" in given else None
        last = _span(given, "in_last", path)
        return Sequence(steps, within, without, EVER if last is None else Last(last))

    def _trait(self, given: Given, path: str, depth: int) -> Trait:
        return Trait(*_comparison(given, "trait", OPS, path))

    def _has(self, given: Given, path: str, depth: int) -> Known:
        _only(given, {"has"}, path)
        kind = _name(given["has"], _join(path, "has"))
        if kind == "anonymous":
            raise RuleError(_join(path, "has"), 'is the name of a kind of identifiers; write {"anonymous": true}')
        return Known(kind)

    def _anonymous(self, given: Given, path: str, depth: int) -> Rule:
        _only(given, {"anonymous"}, path)
        if not isinstance(given["anonymous"], bool):
            raise RuleError(_join(path, "anonymous"), "must be true or false")
        return Known("anonymous") if given["anonymous"] else Not(Known("anonymous"))

    def _consent(self, given: Given, path: str, depth: int) -> Consent:
        _only(given, {"consent", "is"}, path)
        state = _one(given.get("is", "given"), CONSENTS, _join(path, "is"))
        return Consent(_name(given["consent"], _join(path, "consent")), state)  # type: ignore[arg-type]

    def _score(self, given: Given, path: str, depth: int) -> Score:
        name, op, value = _comparison(given, "score", SCORE_OPS, path)
        if op == "between" and isinstance(value, tuple) and isinstance(value[0], str):
            raise RuleError(_join(path, op), "must be a list of two numbers")
        return Score(name, op, value)

    def _records(self, given: Given, path: str, depth: int) -> Records:
        _only(given, {"records", "state", "where", *COMPARES}, path)
        kind = _name(given["records"], _join(path, "records"))
        state = _one(given.get("state", "open"), STATES, _join(path, "state"))
        compare, times = _times(given, path)
        return Records(kind, state, self._where(given, path, RECORD_OPS), compare, times)  # type: ignore[arg-type]

    def _segment(self, given: Given, path: str, depth: int) -> InSegment:
        _only(given, {"segment"}, path)
        return InSegment(_name(given["segment"], _join(path, "segment")))

    def _sample(self, given: Given, path: str, depth: int) -> Sample:
        _only(given, {"sample", "salt"}, path)
        salt = given.get("salt", "")
        return Sample(
            _positive(given["sample"], _join(path, "sample"), 100),
            _name(salt, _join(path, "salt")) if salt != "" else "",
        )

    def _top(self, given: Given, path: str, depth: int) -> Top:
        _only(given, {"top", "unit", "by"}, path)
        unit = _one(given.get("unit", "percent"), ("people", "percent"), _join(path, "unit"))
        place = _join(path, "top")
        number = (
            _positive(given["top"], place, 100) if unit == "percent" else _whole(given["top"], place, 1, 1_000_000_000)
        )
        by, inner = given.get("by"), _join(path, "by")
        if not isinstance(by, Mapping) or len({"trait", "score", "total"} & by.keys()) != 1:
            raise RuleError(inner, 'must be {"trait": …}, {"score": …} or {"total": …}')
        if "total" in by:
            _only(by, {*_TOTAL}, inner)
            return Top(number, unit, self._total(by, inner))  # type: ignore[arg-type]
        kind = "trait" if "trait" in by else "score"
        _only(by, {kind}, inner)
        name = _name(by[kind], _join(inner, kind))
        return Top(number, unit, name if kind == "trait" else f"score_{name}")  # type: ignore[arg-type]

    def _events(self, given: Given, kind: str, path: str) -> Events:
        name = _name(given[kind], _join(path, kind))
        hours = _hours(given["on"], _join(path, "on")) if "on" in given else None
        return Events(name, self._where(given, path, PROPERTY_OPS), hours)

    def _anchor(self, given: Anything, path: str) -> Events:
        self._counted(path)
        if isinstance(given, str):
            return Events(_name(given, path))
        if not isinstance(given, Mapping) or "did" not in given:
            raise RuleError(path, 'must be the name of an event, or such as {"did": "Order Completed", "where": […]}')
        _only(given, {"did", *_CHOOSING}, path)
        return self._events(given, "did", path)

    def _where(self, given: Given, path: str, ops: tuple[Op, ...]) -> tuple[PropertyFilter, ...]:
        listed, inner = given.get("where", []), _join(path, "where")
        if not isinstance(listed, list):
            raise RuleError(inner, "must be a list of filters")
        return tuple(self._filter(one, f"{inner}[{number}]", ops) for number, one in enumerate(listed))

    def _filter(self, given: Anything, path: str, ops: tuple[Op, ...]) -> PropertyFilter:
        self._counted(path)
        if not isinstance(given, Mapping) or "property" not in given:
            raise RuleError(path, 'must be a filter such as {"property": "category", "is": "shoes"}')
        return PropertyFilter(*_comparison(given, "property", ops, path))

    def _window(self, given: Given, path: str) -> Window:
        within, first = _span(given, "within", path), _span(given, "first", path)
        said = [
            name
            for name, there in (
                ("a window in the past", within is not None),
                ("between", "between" in given),
                ("the first days after something", first is not None or "after_first" in given),
                ("since_last", "since_last" in given),
            )
            if there
        ]
        if len(said) > 1:
            raise RuleError(path, f"has {' and '.join(said)}; keep one")
        if within is not None:
            return Last(within)
        if "between" in given:
            return Between(*_between_dates(given["between"], _join(path, "between")))
        if first is not None and "after_first" in given:
            return FirstAfter(first, self._anchor(given["after_first"], _join(path, "after_first")))
        if first is not None or "after_first" in given:
            raise RuleError(path, "needs both: how long (first_days) and after the first of what (after_first)")
        if "since_last" in given:
            return SinceLast(self._anchor(given["since_last"], _join(path, "since_last")))
        return EVER

    def _counted(self, path: str) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            raise RuleError(path, f"is one condition too many: a rule has at most {MAX_NODES}")


_CHOOSING = ("where", "on")
_WINDOWS = (
    *(f"{name}_{unit}" for name in ("within", "first") for unit in UNITS), "between", "after_first", "since_last",
)  # fmt: skip
_TOTAL = ("total", "property", "of", *_CHOOSING, *_WINDOWS)


def _comparison(given: Given, kind: str, ops: tuple[Op, ...], path: str) -> tuple[str, Op, Value]:
    name = _name(given[kind], _join(path, kind))
    _only(given, {kind, *ops}, path)
    op = _one_key(given, ops, path)
    return name, op, _CHECKS[op](given[op], _join(path, op))  # type: ignore[return-value]


def _times(given: Given, path: str) -> tuple[Compare, int]:
    compares = [compare for compare in COMPARES if compare in given]
    if len(compares) > 1:
        raise RuleError(path, f"has {' and '.join(compares)}; keep one")
    compare: Compare = compares[0] if compares else "at_least"
    return compare, _whole(given.get(compare, 1), _join(path, compare), 1 if compare == "at_least" else 0, MAX_TIMES)


def _span(given: Given, name: str, path: str, most_days: int = MAX_DAYS) -> int | None:
    """Seconds of the one window of this name, `within_days` or another unit; None without."""
    spans = [window for unit in UNITS if (window := f"{name}_{unit}") in given]
    if len(spans) > 1:
        raise RuleError(path, f"has {' and '.join(spans)}; keep one")
    if not spans:
        return None
    size = UNITS[spans[0].removeprefix(f"{name}_")]
    return _whole(given[spans[0]], _join(path, spans[0]), 1, most_days * DAY // size) * size


def _hours(given: Anything, path: str) -> Hours:
    if not isinstance(given, Mapping) or not given:
        raise RuleError(path, 'must be such as {"days": ["sat", "sun"], "from": "18:00", "to": "22:00"}')
    _only(given, {"days", "from", "to"}, path)
    listed, inner = given.get("days", []), _join(path, "days")
    if not isinstance(listed, list):
        raise RuleError(inner, f"must be a list of {', '.join(WEEK)}")
    chosen = {WEEK.index(_one(day, WEEK, f"{inner}[{number}]")) + 1 for number, day in enumerate(listed)}
    if ("from" in given) != ("to" in given):
        raise RuleError(path, "needs both from and to")
    start = _clock(given["from"], _join(path, "from")) if "from" in given else 0
    end = _clock(given["to"], _join(path, "to")) if "to" in given else 1_440
    if start == end:
        raise RuleError(path, "begins when it ends")
    if start == 1_440:
        raise RuleError(_join(path, "from"), "must be before the end of the day")
    if not chosen and (start, end) == (0, 1_440):
        raise RuleError(path, "is all week; leave it out")
    return Hours(tuple(sorted(chosen)), start, end)


def _clock(given: Anything, path: str) -> int:
    parts = given.split(":") if isinstance(given, str) and len(given) == 5 else []
    if len(parts) == 2 and all(len(part) == 2 and part.isascii() and part.isdigit() for part in parts):
        minutes = int(parts[0]) * 60 + int(parts[1])
        if int(parts[1]) < 60 and minutes <= 1_440:
            return minutes
    raise RuleError(path, "must be a time of day like 18:30, up to 24:00")


def _only(given: Given, allowed: set[str], path: str) -> None:
    for unknown in given:
        if unknown not in allowed:
            raise RuleError(path, f"{str(unknown)[:60]!r} isn't known here; known are {', '.join(sorted(allowed))}")


def _one_key(given: Given, keys: tuple[str, ...], path: str) -> Anything:
    found = [one for one in keys if one in given]
    if len(found) != 1:
        raise RuleError(path, f"needs exactly one of {', '.join(keys)}")
    return found[0]


def _one(given: Anything, choices: tuple[str, ...], path: str) -> str:
    if not isinstance(given, str) or given not in choices:
        raise RuleError(path, f"must be one of {', '.join(choices)}")
    return given


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
    return given  # type: ignore[no-any-return]


def _positive(given: Anything, path: str, most: int) -> float:
    if not _is_number(given) or not 0 < given <= most:
        raise RuleError(path, f"must be a number above 0, up to {most:,}")
    return given  # type: ignore[no-any-return]


def _whole(given: Anything, path: str, least: int, most: int) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
        raise RuleError(path, f"must be a whole number from {least:,} to {most:,}")
    return given


def _scalar(given: Anything, path: str) -> Scalar:
    if isinstance(given, bool) or _is_number(given):
        return given  # type: ignore[no-any-return]
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
    if isinstance(given[0], str):
        return _between_dates(given, path)
    low, high = _number(given[0], f"{path}[0]"), _number(given[1], f"{path}[1]")
    if low > high:
        raise RuleError(path, "must begin with the lower value")
    return (low, high)


def _between_dates(given: Anything, path: str) -> tuple[str, str]:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise RuleError(path, "must be a list of two dates or times, both included")
    low, high = _moment(given[0], f"{path}[0]"), _moment(given[1], f"{path}[1]")
    if instants(low) > instants(high):
        raise RuleError(path, "must begin with the lower value")
    return (low, high)


def _true(given: Anything, path: str) -> bool:
    if given is not True:
        raise RuleError(path, "can only be true; for the opposite use the other of exists and missing")
    return True


def _days(given: Anything, path: str) -> int:
    return _whole(given, path, 1, MAX_DAYS)


_CHECKS: dict[str, Callable[[Anything, str], Value]] = {
    "is": _scalar, "is_not": _scalar, "contains": _text, "starts_with": _text, "one_of": _choices,
    "exists": _true, "missing": _true, "greater": _number, "less": _number, "between": _between,
    "before": _moment, "after": _moment, "in_last_days": _days, "in_next_days": _days,
    "birthday_in": lambda given, path: _whole(given, path, 0, MAX_BIRTHDAY),
}  # fmt: skip
