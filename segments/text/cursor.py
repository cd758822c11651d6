"""Steps over the tokens of a text: words that are expected, names, values and lengths of time."""

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any as Anything

from segments.text.tokens import UNITS, Said, TextError, Token, tokens


class Cursor:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(tokens(text))
        self.next = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.next]

    @property
    def place(self) -> int:
        return self.here.place

    def ahead(self, number: int = 1) -> Token:
        return self.tokens[min(self.next + number, len(self.tokens) - 1)]

    def mistake(self, reason: str, place: int | None = None) -> TextError:
        return TextError(self.place if place is None else place, reason, self.text)

    def expected(self, what: str, words: Iterable[str] = ()) -> TextError:
        """What should have come here; with the nearest of `words`, where what came is nearly one of them."""
        near = self.near(words)
        return self.mistake(f"expected {what}, found {self.here.shown}{f'; did you mean {near}?' if near else ''}")

    def near(self, words: Iterable[str]) -> str:
        """Which of these words the next one nearly is; '' for none."""
        word = self.here.word
        alike = [one for one in words if abs(len(one) - len(word)) <= 1 and one != word]
        return (get_close_matches(word, alike, n=1, cutoff=0.65) or [""])[0] if self.here.kind == "word" else ""

    def sees(self, *words: str, at: int = 0) -> bool:
        """Whether these words or signs come next, or so many tokens later."""
        coming = self.tokens[self.next + at : self.next + at + len(words)]
        return [token.word for token in coming] == list(words)

    def take(self, *words: str) -> bool:
        """Step over these words or signs when they come next."""
        if self.sees(*words):
            self.next += len(words)
            return True
        return False

    def take_one(self, *words: str) -> str:
        """Step over whichever of these words comes next; '' when none does."""
        if self.here.word in words and self.here.word:
            self.next += 1
            return self.tokens[self.next - 1].word
        return ""

    def need(self, *words: str) -> None:
        for word in words:
            if not self.take(word):
                raise self.expected(f"'{word}'", (word,))

    def name(self, what: str) -> str:
        token = self.here
        if token.kind not in ("text", "word"):
            raise self.expected(what)
        self.next += 1
        return token.text if token.kind == "word" else self._text(token)

    def put_name(self, said: Said, key: str, what: str) -> None:
        place = self.place
        said.put(key, self.name(what), place)

    def value(self) -> Anything:
        token = self.here
        match token.kind:
            case "number":
                value = self._json(token, "is no number")
            case "text":
                value = self._text(token)
            case "date" | "clock":
                value = token.text
            case "word" if token.word in ("true", "false"):
                value = token.word == "true"
            case "word":
                raise self.mistake(f'expected a value, found {token.shown}; a text needs quotes: "{token.shown}"')
            case _:
                raise self.expected('a value: "text", a number, a date, true or false')
        self.next += 1
        return value

    def number(self, what: str = "a number") -> Anything:
        if self.here.kind != "number":
            raise self.expected(what)
        return self.value()

    def percent(self) -> Anything:
        number = self.number("a percentage such as 10%")
        self.need("%")
        return number

    def span(self, *, after_the: bool = False) -> tuple[str, Anything]:
        """A length of time as its unit and number: '90 days', '2 weeks'; '(the) day' alone is one."""
        number = 1 if after_the and self.here.word in {unit.removesuffix("s") for unit in UNITS} else None
        if number is None:
            number = self.number("a length of time such as 90 days")
        for unit in UNITS:
            if self.take_one(unit, unit.removesuffix("s")):
                return ("days", number * 7) if unit == "weeks" else (unit, number)
        raise self.expected("days, weeks, hours, minutes or seconds", UNITS)

    def put_span(self, said: Said, key: str, *, after_the: bool = False) -> None:
        place = self.place
        unit, number = self.span(after_the=after_the)
        said.put(f"{key}_{unit}", number, place)

    def days(self) -> Anything:
        """A length of time in whole days, where only days count."""
        place = self.place
        unit, number = self.span(after_the=True)
        if unit != "days":
            raise self.mistake(f"expected days or weeks, found {unit}", place)
        return number

    def _text(self, token: Token) -> str:
        if token.text.startswith("“"):
            return token.text[1:-1]
        return str(self._json(token, "isn't quoted as in JSON"))

    def _json(self, token: Token, wrong: str) -> Anything:
        try:
            return json.loads(token.text, strict=False)
        except ValueError:
            raise self.mistake(f"{token.shown} {wrong}", token.place) from None
