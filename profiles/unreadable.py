"""Why a message can't be read, and where in it: errors that name the field, for the person who sent it."""

import json
import re
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 100


class Invalid(Exception):
    """A message that can't be taken: which field, and why; written for the person who sends it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


def unreadable(text: bytes, error: Exception) -> Invalid:
    """Why `text` can't be read, found with the tolerant reader of the standard library: it names the place."""
    if isinstance(error, RecursionError):
        return Invalid(_deep_field(text), f"nested deeper than {MAX_DEPTH} levels")
    try:
        value = json.loads(
            text.decode("utf-8", "surrogateescape"),
            parse_int=str,
            parse_float=str,
            parse_constant=_Constant,
            strict=False,
        )
    except RecursionError:
        return Invalid(_deep_field(text), f"nested deeper than {MAX_DEPTH} levels")
    except ValueError:
        return Invalid("", f"is not JSON: {str(error).removeprefix('JSON is malformed: ')}")
    for wrong, reason in _UNREADABLE:
        if where := path_of(value, wrong):
            return Invalid(where, reason)
    return Invalid("", f"is not JSON: {error}")


# A string, or what nests; an unterminated string runs to the end.
_NESTING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)


def _deep_field(text: bytes) -> str:
    """Which field of an object nests too deep; '' where it isn't one of its fields."""
    depth, field, name_next = 0, "", False
    for token in _NESTING.finditer(text):
        match token.group()[:1]:
            case b"{" | b"[":
                depth += 1
                name_next = depth == 1
            case b"}" | b"]":
                depth -= 1
            case b",":
                name_next = depth == 1
            case _ if name_next and depth == 1:
                field, name_next = token.group().strip(b'"').decode("utf-8", "replace"), False
        if depth > MAX_DEPTH:
            return field
    return ""


class _Constant(str):
    """NaN, Infinity or -Infinity, which the standard library's reader lets through."""


def _is_no_text(value: Any) -> bool:
    return isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value)


def _is_raw(value: Any) -> bool:
    return isinstance(value, str) and any(character < " " for character in value)


_UNREADABLE: list[tuple[Callable[[Any], bool], str]] = [
    (lambda item: isinstance(item, _Constant), "NaN and Infinity are not JSON; leave the field out or send null"),
    (_is_no_text, "is no valid text: bytes that are not UTF-8, or half of a surrogate pair (\\ud800 to \\udfff)"),
    (_is_raw, "holds a control character that isn't escaped (\\n for a new line, \\t for a tab)"),
]


def holds_nul(value: Any) -> bool:
    return isinstance(value, str) and "\0" in value


def path_of(value: Any, wanted: Callable[[Any], bool], path: str = "") -> str:
    """Where in `value` the first thing is that is `wanted`, as 'properties.products[3].name'; '' when nowhere."""
    if wanted(value):
        return path
    if isinstance(value, dict):
        for key, item in value.items():
            if wanted(key):
                return path or "a field name"
            if where := path_of(item, wanted, f"{path}.{key}" if path else key):
                return where
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if where := path_of(item, wanted, f"{path}[{index}]"):
                return where
    return ""


def depth(text: bytes) -> int:
    """How deep the brackets of valid JSON text nest, strings left out."""
    deepest = depth = 0
    for bracket in re.sub(rb'"(?:[^"\\]|\\.)*"|[^\[\]{}"]+', b"", text):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest
