"""What comparisons with a property or trait mean, in plain Python."""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any as Anything

from segments.rules import instants, is_date

Document = dict[str, Anything]


def between(moment: datetime, start: str, end: str) -> bool:
    until = instants(end, end=True)
    return instants(start) <= moment and (moment < until if is_date(end) else moment <= until)


def member(document: Document, name: str) -> Anything:
    if name in document or "." not in name:
        return document.get(name)
    found: list[Anything] = [document]
    for part in name.split("."):
        items = [item for one in found for item in (one if isinstance(one, list) else [one])]
        found = [one[part] for one in items if isinstance(one, dict) and part in one]
    return found or None


def items(value: Anything) -> Iterator[Anything]:
    yield from value if isinstance(value, list) else [value]


def passes(value: Anything, op: str, wanted: Anything) -> bool:
    if op == "is_not":
        return not passes(value, "is", wanted)
    if op == "missing":
        return not passes(value, "exists", True)
    return any(compares(item, op, wanted) for item in items(value))


def compares(value: Anything, op: str, wanted: Anything) -> bool:
    text, number, moment = text_of(value), number_of(value), moment_of(value)
    match op:
        case "exists":
            return value is not None
        case "is":
            return _equal(value, wanted)
        case "one_of":
            return any(_equal(value, one) for one in wanted)
        case "contains":
            return text is not None and wanted.lower() in text
        case "starts_with":
            return text is not None and text.startswith(wanted.lower())
        case "greater":
            return number is not None and number > Decimal(str(wanted))
        case "less":
            return number is not None and number < Decimal(str(wanted))
        case "between" if isinstance(wanted[0], str):
            return moment is not None and between(moment, *wanted)
        case "between":
            return number is not None and Decimal(str(wanted[0])) <= number <= Decimal(str(wanted[1]))
        case "before":
            return moment is not None and moment < instants(wanted)
        case "after":
            end = instants(wanted, end=True)
            return moment is not None and (moment >= end if is_date(wanted) else moment > end)
    raise AssertionError(op)


def _equal(value: Anything, wanted: Anything) -> bool:
    if isinstance(wanted, bool):
        return isinstance(value, bool | str) and text_of(value) == str(wanted).lower()
    if isinstance(wanted, str):
        return text_of(value) == wanted.lower()
    return number_of(value) == Decimal(str(wanted))


def text_of(value: Anything) -> str | None:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value.lower()
        case int() | float() | Decimal():
            return format(Decimal(str(value)) + 0, "f")
    return None


def number_of(value: Anything) -> Decimal | None:
    match value:
        case bool():
            return None
        case int() | float() | Decimal():
            return Decimal(str(value))
        case str() if re.fullmatch(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?", value):
            return Decimal(value)
    return None


def moment_of(value: Anything) -> datetime | None:
    if not isinstance(value, str) or not re.match(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}($|[T ])", value):
        return None
    try:
        return instants(value)
    except ValueError:
        return None
