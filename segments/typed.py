"""A rule's values as they are typed into a control, and back: what is written reads as the same value. Pure.

shoes        a text                  84.50        a number           true, false   truth values
"84.50"      the text, in quotes     a, b, "c, d" a list; a text with a comma in quotes
1 and 10     two ends, or with a comma               18:30, 9:00   times of day
"""

import json
import re
from decimal import Decimal

from segments.rules import MAX_NUMBER, Op, Scalar, Value

# Not 007 (a code), nor 1e5: only what people write as a number.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,40})?")
_ITEM = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")\s*|([^,]*))(?:,|$)', re.DOTALL)


def write(op: Op, value: Value) -> str:
    """What a control says for this value of this comparison."""
    if isinstance(value, tuple) and op == "between":
        return " and ".join(map(one, value))
    if isinstance(value, tuple):
        return ", ".join(
            _quoted(item) if isinstance(item, str) and set(item) & {",", '"'} else one(item) for item in value
        )
    if isinstance(value, str) and op not in ("is", "is_not"):
        return name(value)
    return one(value)


def one(value: Scalar) -> str:
    """A single value as a control says it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if scalar(value) == value and _plain(value) else _quoted(value)
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")


def name(value: str) -> str:
    """A name as a control says it: in quotes only where its ends would be cut off, or it is in quotes itself."""
    return value if text(value) == value and _plain(value) else _quoted(value)


def _plain(value: str) -> bool:
    """Whether a control of one line, whose ends are cut off, keeps it."""
    return value == value.strip() and not set(value) & {"\n", "\r"}


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def text(said: str) -> str:
    """A text, without the quotes that it may be in."""
    if len(said) > 1 and said[0] == said[-1] == '"':
        try:
            return str(json.loads(said, strict=False))
        except ValueError:
            return said
    return said


def is_date(said: str) -> bool:
    """Whether this is meant for a date; whether it is one, the rule says."""
    return len(said) >= 10 and said[4:5] == "-"


def number(said: str) -> float | None:
    """A number, with a point or a comma; None where it isn't one."""
    try:
        found = float(said.replace(",", "."))
    except ValueError:
        return None
    return int(found) if found.is_integer() and abs(found) < 1e15 else found


def ends(said: str) -> list[str]:
    """The two ends of 'between': '1 and 10' or '1, 10'."""
    return [part.strip() for part in (said.split(" and ") if " and " in said else said.split(","))]


def clock(said: str) -> str:
    """A time of day as rules write it: 9:00 is 09:00, and 9 as well."""
    hours, _, minutes = said.partition(":")
    return f"{hours:0>2}:{minutes or '00'}"


def scalar(said: str) -> Scalar:
    """A truth value, a number or a text: whichever it is written as."""
    if said.lower() in ("true", "false"):
        return said.lower() == "true"
    if _NUMBER.fullmatch(said) and abs(number := float(said)) <= MAX_NUMBER:
        return int(number) if number.is_integer() else number
    return text(said)


def choices(said: str) -> list[Scalar]:
    """A list with commas between; empty places are none."""
    items = [quoted or plain.strip() for quoted, plain in _ITEM.findall(said)]
    return [scalar(one) for one in items if one]
