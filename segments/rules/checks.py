"""What rules hold in their JSON form, checked one by one: texts, numbers, dates, comparisons, hours and spans of time."""

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any as Anything

from segments.rules.trees import instants, is_date
from segments.rules.values import (
    COMPARES,
    DAY,
    MAX_CHOICES,
    MAX_DAYS,
    MAX_NAME,
    MAX_NUMBER,
    MAX_TEXT,
    MAX_TIMES,
    UNITS,
    WEEK,
    Compare,
    Hours,
    Op,
    RuleError,
    Scalar,
    Value,
)

Given = Mapping[str, Anything]
MAX_BIRTHDAY = 366

CHOOSING = ("where", "on")
WINDOWS = (
    *(f"{name}_{unit}" for name in ("within", "first") for unit in UNITS), "between", "after_first", "since_last",
)  # fmt: skip
TOTAL = ("total", "property", "of", *CHOOSING, *WINDOWS)


def comparison(given: Given, kind: str, ops: tuple[Op, ...], path: str) -> tuple[str, Op, Value]:
    called = name(given[kind], join(path, kind))
    only(given, {kind, *ops}, path)
    op = one_key(given, ops, path)
    return called, op, CHECKS[op](given[op], join(path, op))  # type: ignore[return-value]


def times(given: Given, path: str) -> tuple[Compare, int]:
    compares = [compare for compare in COMPARES if compare in given]
    if len(compares) > 1:
        raise RuleError(path, f"has {' and '.join(compares)}; keep one")
    compare: Compare = compares[0] if compares else "at_least"
    return compare, whole(given.get(compare, 1), join(path, compare), 1 if compare == "at_least" else 0, MAX_TIMES)


def span(given: Given, name: str, path: str, most_days: int = MAX_DAYS) -> int | None:
    """Seconds of the one window of this name, `within_days` or another unit; None without."""
    spans = [window for unit in UNITS if (window := f"{name}_{unit}") in given]
    if len(spans) > 1:
        raise RuleError(path, f"has {' and '.join(spans)}; keep one")
    if not spans:
        return None
    size = UNITS[spans[0].removeprefix(f"{name}_")]
    return whole(given[spans[0]], join(path, spans[0]), 1, most_days * DAY // size) * size


def hours(given: Anything, path: str) -> Hours:
    if not isinstance(given, Mapping) or not given:
        raise RuleError(path, 'must be such as {"days": ["sat", "sun"], "from": "18:00", "to": "22:00"}')
    only(given, {"days", "from", "to"}, path)
    listed, inner = given.get("days", []), join(path, "days")
    if not isinstance(listed, list):
        raise RuleError(inner, f"must be a list of {', '.join(WEEK)}")
    chosen = {WEEK.index(one_of(day, WEEK, f"{inner}[{number}]")) + 1 for number, day in enumerate(listed)}
    if ("from" in given) != ("to" in given):
        raise RuleError(path, "needs both from and to")
    start = clock(given["from"], join(path, "from")) if "from" in given else 0
    end = clock(given["to"], join(path, "to")) if "to" in given else 1_440
    if start == end:
        raise RuleError(path, "begins when it ends")
    if start == 1_440:
        raise RuleError(join(path, "from"), "must be before the end of the day")
    if not chosen and (start, end) == (0, 1_440):
        raise RuleError(path, "is all week; leave it out")
    return Hours(tuple(sorted(chosen)), start, end)


def clock(given: Anything, path: str) -> int:
    parts = given.split(":") if isinstance(given, str) and len(given) == 5 else []
    if len(parts) == 2 and all(len(part) == 2 and part.isascii() and part.isdigit() for part in parts):
        minutes = int(parts[0]) * 60 + int(parts[1])
        if int(parts[1]) < 60 and minutes <= 1_440:
            return minutes
    raise RuleError(path, "must be a time of day like 18:30, up to 24:00")


def only(given: Given, allowed: set[str], path: str) -> None:
    for unknown in given:
        if unknown not in allowed:
            raise RuleError(path, f"{str(unknown)[:60]!r} isn't known here; known are {', '.join(sorted(allowed))}")


def one_key(given: Given, keys: tuple[str, ...], path: str) -> Anything:
    found = [one for one in keys if one in given]
    if len(found) != 1:
        raise RuleError(path, f"needs exactly one of {', '.join(keys)}")
    return found[0]


def one_of(given: Anything, choices: tuple[str, ...], path: str) -> str:
    if not isinstance(given, str) or given not in choices:
        raise RuleError(path, f"must be one of {', '.join(choices)}")
    return given


def join(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part


def text(given: Anything, path: str, most: int = MAX_TEXT) -> str:
    if not isinstance(given, str) or not given:
        raise RuleError(path, "must be a text that isn't empty")
    if len(given) > most:
        raise RuleError(path, f"has {len(given):,} characters; at most {most:,} are allowed")
    if "\0" in given or any("\ud800" <= character <= "\udfff" for character in given):
        raise RuleError(path, "holds a character that can't be stored")
    return given


def name(given: Anything, path: str) -> str:
    return text(given, path, MAX_NAME)


def is_number(given: Anything) -> bool:
    return (
        isinstance(given, int | float) and not isinstance(given, bool)
        and math.isfinite(given) and abs(given) <= MAX_NUMBER
    )  # fmt: skip


def number(given: Anything, path: str) -> float:
    if not is_number(given):
        raise RuleError(path, f"must be a number up to {MAX_NUMBER:,}")
    return given  # type: ignore[no-any-return]


def positive(given: Anything, path: str, most: int) -> float:
    if not is_number(given) or not 0 < given <= most:
        raise RuleError(path, f"must be a number above 0, up to {most:,}")
    return given  # type: ignore[no-any-return]


def whole(given: Anything, path: str, least: int, most: int) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
        raise RuleError(path, f"must be a whole number from {least:,} to {most:,}")
    return given


def scalar(given: Anything, path: str) -> Scalar:
    if isinstance(given, bool) or is_number(given):
        return given  # type: ignore[no-any-return]
    if isinstance(given, str):
        return text(given, path)
    raise RuleError(path, "must be a text, a number, true or false")


def moment(given: Anything, path: str) -> str:
    said = text(given, path)
    try:
        if is_date(said):
            date.fromisoformat(said)
        year = instants(said, end=True).year
    except (ValueError, OverflowError):
        year = 0
    # Ten characters that aren't a plain date ("2026W48-01") would be taken for one.
    if not 1900 <= year <= 2200 or (is_date(said) and (said[4], said[7]) != ("-", "-")):
        raise RuleError(path, "must be a date like 2026-11-24 or a time like 2026-11-24T09:30:00Z, from 1900 to 2200")
    return said


def choices(given: Anything, path: str) -> tuple[Scalar, ...]:
    if not isinstance(given, list | tuple) or not 0 < len(given) <= MAX_CHOICES:
        raise RuleError(path, f"must be a list of 1 to {MAX_CHOICES:,} values")
    return tuple(scalar(one, f"{path}[{number}]") for number, one in enumerate(given))


def between(given: Anything, path: str) -> tuple[Scalar, ...]:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise RuleError(path, "must be a list of two: the lowest and the highest, both included")
    if isinstance(given[0], str):
        return between_dates(given, path)
    low, high = number(given[0], f"{path}[0]"), number(given[1], f"{path}[1]")
    if low > high:
        raise RuleError(path, "must begin with the lower value")
    return (low, high)


def between_dates(given: Anything, path: str) -> tuple[str, str]:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise RuleError(path, "must be a list of two dates or times, both included")
    low, high = moment(given[0], f"{path}[0]"), moment(given[1], f"{path}[1]")
    if instants(low) > instants(high):
        raise RuleError(path, "must begin with the lower value")
    return (low, high)


def true(given: Anything, path: str) -> bool:
    if given is not True:
        raise RuleError(path, "can only be true; for the opposite use the other of exists and missing")
    return True


def days(given: Anything, path: str) -> int:
    return whole(given, path, 1, MAX_DAYS)


CHECKS: dict[str, Callable[[Anything, str], Value]] = {
    "is": scalar, "is_not": scalar, "contains": text, "starts_with": text, "one_of": choices,
    "exists": true, "missing": true, "greater": number, "less": number, "between": between,
    "before": moment, "after": moment, "in_last_days": days, "in_next_days": days,
    "birthday_in": lambda given, path: whole(given, path, 0, MAX_BIRTHDAY),
}  # fmt: skip
