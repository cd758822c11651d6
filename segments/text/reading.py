"""Text to rules. The text is read to the JSON form, which is then checked like any other; mistakes have their place.

    rule      = both { "or" both }                  both = single { "and" single }
    single    = "not" single | "(" rule ")" | ("all" | "any") "(" rule { "," rule } ")" | condition

docs/segments.md has the rest of the grammar.
"""

import json
import re
from collections.abc import Callable
from typing import Any as Anything

from segments.rules import OPS, Rule, RuleError, from_json
from segments.text.parts import COMPARISON
from segments.text.person import Person
from segments.text.tokens import AGGREGATES, STARTERS, TESTS, Said, TextError

MAX_LENGTH = 100_000
# Parentheses within each other: more than rules may be deep, as some of them say nothing.
MAX_PARENTHESES = 50
_CONDITION = 'a condition, such as did "…", country = "ES" or in segment "…"'
_BEFORE_NAMES = ("did", "trait", "has", "score", "fewer", "more", "less", "first", "last")
_PATH = re.compile(r"\w+|\[(\d+)\]")


def parse(text: str) -> Rule:
    """A rule of its text, or of its JSON. Raises `TextError` with the place, or for JSON `RuleError` with the node."""
    if len(text) > MAX_LENGTH:
        raise TextError(MAX_LENGTH, f"is longer than {MAX_LENGTH:,} characters")
    if text.lstrip().startswith("{"):
        try:
            return from_json(json.loads(text))
        except (ValueError, RecursionError) as error:
            if isinstance(error, RuleError):
                raise
            raise TextError(getattr(error, "pos", 0) + 1, "isn't JSON", text) from None
    said = _Reader(text).whole()
    try:
        return from_json(said)
    except RuleError as error:
        raise TextError(_place(said, error.path), f"{error.reason}", text) from None


def _place(said: Said, path: str) -> int:
    """Where in the text the node of a path such as `all[1].where[0].greater` stands."""
    place = said.place
    part: Anything = said
    for step in _PATH.finditer(path):
        key: str | int = int(step[1]) if step[1] else step[0]
        if isinstance(part, Said):
            place = part.places.get(str(key), place)
        try:
            part = part[key]
        except LookupError:
            return place
        if isinstance(part, Said):
            place = part.place
    return place


class _Reader(Person):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0
        # A word that begins a condition; where a comparison follows it, it is the name of a trait instead.
        self.kinds: dict[str, Callable[[], Said]] = {
            "has": self.has, "is": self.anonymous, "consent": self.consent, "agreed": self.agreed, "score": self.score,
            "fewer": self.fewer, "more": self.fewer, "less": self.fewer, "first": self.moment, "last": self.moment,
            "random": self.random, "top": self.top,
        }  # fmt: skip

    def whole(self) -> Said:
        said = self.rule()
        if self.here.kind != "end":
            raise self.expected("'and', 'or' or the end", ("and", "or", "in", "where", "at", "since", "then", "within"))
        return said

    def rule(self) -> Said:
        return self._chain("or", "any", self._both)

    def _both(self) -> Said:
        return self._chain("and", "all", self._single)

    def _chain(self, word: str, kind: str, part: Callable[[], Said]) -> Said:
        place = self.place
        first = part()
        if not self.sees(word):
            return first
        conditions = [first]
        while self.take(word):
            conditions.append(part())
        return Said(place, **{kind: conditions})

    def _single(self) -> Said:
        place = self.place
        if self.take("("):
            said = self._deeper(self.rule)
            self._close("'and', 'or' or ')'")
            return said
        for kind in ("all", "any"):
            if self.take(kind, "("):
                conditions = [self._deeper(self.rule)]
                while self.take(","):
                    conditions.append(self._deeper(self.rule))
                self._close("',' or ')'")
                return Said(place, **{kind: conditions})
        if self.take("not"):
            return Said(place, **{"not": self._deeper(self._single)})
        return self._condition()

    def _deeper(self, part: Callable[[], Said]) -> Said:
        self.depth += 1
        if self.depth > MAX_PARENTHESES:
            raise self.mistake("is nested too deep; take groups apart")
        said = part()
        self.depth -= 1
        return said

    def _close(self, what: str) -> None:
        if not self.take(")"):
            raise self.expected(what, ("and", "or"))

    def _condition(self) -> Said:
        if self.take("did"):
            return self.did(self.tokens[self.next - 1].place)
        if self.sees("in") and not self.is_test(OPS, 1):
            return self.segment()
        if self.take("trait"):
            said = Said(self.place)
            self.put_name(said, "trait", "the name of a trait")
            self.test(said, OPS)
            return said
        if self.is_total():
            return self.measure()
        if self.here.word in self.kinds and not self._names_trait():
            return self.kinds[self.here.word]()
        return self._named()

    def _names_trait(self) -> bool:
        """Whether what could begin a condition is the name of a trait: a comparison follows."""
        return self.is_test(OPS, 1) and not self.sees("is", "anonymous")

    def _named(self) -> Said:
        """What begins with a name: a trait compared, or an event that became more or less."""
        said = Said(self.place)
        if self.here.kind not in ("text", "word"):
            raise self.expected(_CONDITION)
        if self.ahead().word in ("down", "up", "where", "on", "from"):
            self.events(said, "of")
            return self.down(said)
        if self.here.kind == "word" and not self.is_test(OPS, 1):
            raise self._misspelt()
        self.put_name(said, "trait", "the name of a trait")
        self.test(said, OPS, birthday=said["trait"] == "birthday")
        return said

    def _misspelt(self) -> TextError:
        """A word that no comparison follows: what it, or what follows, was meant to be."""
        aggregate, event = self.here.word in AGGREGATES, self.ahead().kind == "text"
        beginning = self.near(_BEFORE_NAMES if event else STARTERS)
        self.next += 1
        if aggregate or self.near(TESTS) or not beginning:
            return self.expected("'of'", ("of",)) if aggregate else self.expected(COMPARISON, TESTS)
        self.next -= 1
        return self.expected(_CONDITION, _BEFORE_NAMES if event else STARTERS)
