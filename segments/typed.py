"""A rule's values as they are typed into a control, and back: what is written reads as the same value. Pure.

shoes        a text                  84.50        a number           true, false   truth values
"84.50"      the text, in quotes     a, b, "c, d" a list; a text with a comma in quotes
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
    if isinstance(value, tuple):
        return ", ".join(_quoted(one) if isinstance(one, str) and set(one) & {",", '"'} else _one(one) for one in value)
    if isinstance(value, str) and op not in ("is", "is_not"):
        return value if text(value) == value and _plain(value) else _quoted(value)
    return _one(value)


def _one(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if scalar(value) == value and _plain(value) else _quoted(value)
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")


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
