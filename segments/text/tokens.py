"""The words and signs of the language, and the mistake that has a place."""

import re
from collections.abc import Iterator
from typing import Any as Anything
from typing import NamedTuple

_TOKENS = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|“[^”]*”)"""
    r"""|(?P<date>\d{4}-\d{2}-\d{2}(?:T\d{2}:[\d:.]*\d(?:Z|[+-]\d{2}:\d{2})?)?(?![\w-]))"""
    r"""|(?P<clock>\d{1,2}:\d{2}(?![\w:]))"""
    r"""|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))"""
    r"""|(?P<word>[^\W\d][\w.]*)|(?P<sign>!=|<>|>=|<=|[(),=<>%]))""",
    re.DOTALL,
)
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:[\d:.]*\d(?:Z|[+-]\d{2}:\d{2})?)?", re.ASCII)

# Kinds of records that a plural or a forgotten 'open' is understood for.
RECORDS = ("ticket", "deal", "order", "subscription")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNITS = ("days", "hours", "minutes", "seconds", "weeks")
AGGREGATES = ("sum", "average", "lowest", "highest", "distinct", "different", "number", "count")
# What a condition begins with, where it isn't the name of a trait or event.
STARTERS = (
    "all", "any", "not", "did", "trait", "has", "in", "is", "consent", "agreed", "score", "fewer", "more", "less", "first",
    "last", "random", "top", *AGGREGATES,
)  # fmt: skip
# What a comparison begins with.
TESTS = (
    "is", "contains", "starts", "one", "any", "exists", "missing", "greater", "more", "above", "less", "below", "between",
    "before", "after", "has", "today",
)  # fmt: skip
TEST_SIGNS = ("=", "!=", "<>", ">", "<", ">=", "<=")
# A name that is one of these is written in quotes.
WORDS = frozenset(
    {
        *STARTERS,
        *TESTS,
        *RECORDS,
        *UNITS,
        *DAYS,
        *(day[:3] for day in DAYS),
        *(unit.removesuffix("s") for unit in UNITS),
    }
    | set(
        "and or where then within without on from to of over by with salt people values segment anonymous was since "
        "ever at least most exactly once twice time times than against the before after down up open closed no record records "
        "true false next period ago anniversary given denied unknown".split()
    )
)


class TextError(ValueError):
    """What is wrong with a text, and where: `place` counts characters from 1, `line` and `column` likewise."""

    def __init__(self, place: int, reason: str, text: str = "") -> None:
        before = text[: place - 1]
        self.place = place
        self.line = before.count("\n") + 1
        self.column = place - (before.rfind("\n") + 1)
        self.reason = reason
        where = f"line {self.line}, column {self.column}" if "\n" in text.strip() else f"at character {place}"
        super().__init__(f"{where}: {reason}")


class Token(NamedTuple):
    kind: str
    text: str
    place: int

    @property
    def word(self) -> str:
        """The word or sign as it is compared; '' for a value."""
        return self.text.lower() if self.kind in ("word", "sign") else ""

    @property
    def shown(self) -> str:
        return "the end" if self.kind == "end" else self.text[:40]


class Said(dict[str, Anything]):
    """The JSON form of a condition, and where in the text it and its parts stand."""

    def __init__(self, place: int, **parts: Anything) -> None:
        super().__init__(**parts)
        self.place = place
        self.places: dict[str, int] = {}

    def put(self, key: str, value: Anything, place: int) -> None:
        self[key] = value
        self.places[key] = place


def tokens(text: str) -> Iterator[Token]:
    """The text's tokens, the last of them 'end'."""
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKENS.match(text, place)
        if not found or not found.lastgroup:
            start = end - len(text[place:end].lstrip())
            raise TextError(start + 1, f"{text[start : start + 20]!r} can't be read; {_hint(text[start])}", text)
        kind = found.lastgroup
        yield Token(kind, found[kind], found.start(kind) + 1)
        place = found.end()
    yield Token("end", "", end + 1)


def _hint(character: str) -> str:
    if character in '"“':
        return "the quote isn't closed"
    if character.isdigit() or character == "-":
        return "after a number comes a space"
    return "texts need double quotes"
