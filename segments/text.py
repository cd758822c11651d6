"""Rules as readable text and back: what `manage.py segments` takes and exports.

    all(did "Order Completed" where category is "shoes" at least 3 times in 60 days, trait country is "ES")

    rule      = all(rule, …) | any(rule, …) | not(rule) | trait | did
    trait     = trait NAME test
    did       = did EVENT [where NAME test [and NAME test …]] [at least | at most | exactly N times] [in N days | ever]
              | did not EVENT [where …] [in … | ever]
    test      = is VALUE | is not VALUE | contains "…" | starts with "…" | one of (VALUE, …) | exists | missing
              | greater N | less N | between A and B | before "DATE" | after "DATE" | in last N days

Names and texts are quoted as in JSON; a name of letters, digits, _ and dots needs no quotes. =, !=, > and < may be
written for is, is not, greater and less; the words the, last, than and time(s) are optional where they read well.
"""

import json
import re
from typing import Any as Anything
from typing import assert_never

from segments.rules import MAX_DEPTH, UNITS, All, Any, Did, Not, Rule, RuleError, Trait, Value, from_json, in_units

MAX_LENGTH = 100_000
_TOKENS = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))"""
    r"""|(?P<word>[^\W\d][\w.]*)|(?P<sign>!=|[(),=<>]))""",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^\W\d][\w.]*")
# Words that begin something: as a name they are quoted.
_KEPT = {
    "all", "any", "not", "trait", "did", "where", "and", "in", "ever", "at", "exactly", "is", "contains", "starts", "one",
    "exists", "missing", "greater", "less", "between", "before", "after", "true", "false",
}  # fmt: skip


class TextError(ValueError):
    """What is wrong with a text, and where: `place` counts characters from 1."""

    def __init__(self, place: int, reason: str) -> None:
        super().__init__(f"at character {place}: {reason}")
        self.place = place
        self.reason = reason


def to_text(rule: Rule) -> str:
    match rule:
        case All(conditions):
            return f"all({', '.join(map(to_text, conditions))})"
        case Any(conditions):
            return f"any({', '.join(map(to_text, conditions))})"
        case Not(condition):
            return f"not({to_text(condition)})"
        case Trait(name, op, value):
            return f"trait {_name(name)} {_test(op, value)}"
        case Did():
            return _did(rule)
        case _:
            assert_never(rule)


def _did(rule: Did) -> str:
    parts = ["did not" if (rule.compare, rule.times) == ("at_most", 0) else "did", _quoted(rule.event)]
    if rule.where:
        parts.append("where " + " and ".join(f"{_name(one.name)} {_test(one.op, one.value)}" for one in rule.where))
    if parts[0] == "did":
        parts.append(f"{rule.compare.replace('_', ' ')} {rule.times} {'time' if rule.times == 1 else 'times'}")
    if rule.within is not None:
        number, unit = in_units(rule.within)
        parts.append(f"in {number} {unit}")
    return " ".join(parts)


def _name(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and name.isascii() and name.lower() not in _KEPT else _quoted(name)


def _quoted(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)


def _test(op: str, value: Value) -> str:
    match op, value:
        case (("exists" | "missing"), _):
            return op
        case "one_of", tuple():
            return f"one of ({', '.join(map(_quoted, value))})"
        case "between", (low, high):
            return f"between {_quoted(low)} and {_quoted(high)}"
        case "in_last_days", int():
            return f"in last {value} days"
        case _:
            return f"{op.replace('_', ' ')} {_quoted(value)}"


def parse(text: str) -> Rule:
    """A rule of its text, or of its JSON. Raises `TextError` with the place, or `RuleError` with the node."""
    if len(text) > MAX_LENGTH:
        raise TextError(MAX_LENGTH, f"is longer than {MAX_LENGTH:,} characters")
    if text.lstrip().startswith("{"):
        try:
            return from_json(json.loads(text))
        except (ValueError, RecursionError) as error:
            if isinstance(error, RuleError):
                raise
            raise TextError(getattr(error, "pos", 0) + 1, "isn't JSON") from None
    return from_json(_Parser(text).whole())


class _Parser:
    """Reads text to the JSON form, which is then checked like any other."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str, int]] = []
        place = 0
        end = len(text.rstrip())
        while place < end:
            found = _TOKENS.match(text, place)
            if not found or not found.lastgroup:
                start = place + len(text[place:]) - len(text[place:].lstrip())
                raise TextError(start + 1, f"{text[start : start + 20]!r} can't be read; texts need double quotes")
            kind = found.lastgroup
            self.tokens.append((kind, found[kind], found.start(kind) + 1))
            place = found.end()
        self.tokens.append(("end", "", end + 1))
        self.next = 0

    def whole(self) -> dict[str, Anything]:
        rule = self.rule(1)
        if self.tokens[self.next][0] != "end":
            raise self.expected("the end")
        return rule

    def expected(self, what: str) -> TextError:
        kind, token, place = self.tokens[self.next]
        return TextError(place, f"expected {what}, found {'the end' if kind == 'end' else token[:40]}")

    def take(self, *words: str) -> bool:
        """Step over these words or signs when they come next."""
        coming = [
            token.lower() if kind in ("word", "sign") else ""
            for kind, token, _ in self.tokens[self.next :][: len(words)]
        ]
        if coming == list(words):
            self.next += len(words)
            return True
        return False

    def need(self, word: str) -> None:
        if not self.take(word):
            raise self.expected(repr(word))

    def rule(self, depth: int) -> dict[str, Anything]:
        if depth > MAX_DEPTH:
            raise TextError(self.tokens[self.next][2], f"is nested more than {MAX_DEPTH} deep")
        for group in ("all", "any"):
            if self.take(group):
                self.need("(")
                conditions = [self.rule(depth + 1)]
                while self.take(","):
                    conditions.append(self.rule(depth + 1))
                self.need(")")
                return {group: conditions}
        if self.take("not"):
            self.need("(")
            inner = self.rule(depth + 1)
            self.need(")")
            return {"not": inner}
        if self.take("trait"):
            return {"trait": self.name("the name of a trait"), **self.test()}
        if self.take("did"):
            return self.did(negated=self.take("not"))
        raise self.expected("all(, any(, not(, trait or did")

    def did(self, *, negated: bool) -> dict[str, Anything]:
        answer: dict[str, Anything] = {"did": self.name("the name of an event")}
        if negated:
            answer["at_most"] = 0
        while True:
            if self.take("where"):
                answer["where"] = [{"property": self.name("the name of a property"), **self.test()}]
                while self.take("and"):
                    answer["where"].append({"property": self.name("the name of a property"), **self.test()})
            elif not negated and (compare := self.compare()):
                answer[compare] = self.number()
                _ = self.take("times") or self.take("time")
            elif self.take("in"):
                _ = self.take("the")
                _ = self.take("last")
                answer |= self.window()
            elif not self.take("ever"):
                return answer

    def compare(self) -> str:
        if self.take("at", "least"):
            return "at_least"
        if self.take("at", "most"):
            return "at_most"
        return "exactly" if self.take("exactly") else ""

    def window(self) -> dict[str, Anything]:
        number = self.number()
        for unit in UNITS:
            if self.take(unit) or self.take(unit.removesuffix("s")):
                return {f"within_{unit}": number}
        raise self.expected(", ".join(UNITS))

    def test(self) -> dict[str, Anything]:
        if self.take("is", "not") or self.take("!="):
            return {"is_not": self.value()}
        if self.take("is") or self.take("="):
            return {"is": self.value()}
        if self.take("starts", "with"):
            return {"starts_with": self.value()}
        if self.take("one", "of"):
            return {"one_of": self.choices()}
        if self.take("in", "last") or self.take("in", "the", "last"):
            number = self.number()
            if not (self.take("days") or self.take("day")):
                raise self.expected("'days'")
            return {"in_last_days": number}
        if self.take("between"):
            low = self.value()
            self.need("and")
            return {"between": [low, self.value()]}
        for op, sign in (("greater", ">"), ("less", "<")):
            if self.take(op) or self.take(sign):
                _ = self.take("than")
                return {op: self.value()}
        for op in ("contains", "before", "after"):
            if self.take(op):
                return {op: self.value()}
        for op in ("exists", "missing"):
            if self.take(op):
                return {op: True}
        raise self.expected(
            "is, contains, starts with, one of, exists, missing, greater, less, between, before or after"
        )

    def choices(self) -> list[Anything]:
        self.need("(")
        values = [self.value()]
        while self.take(","):
            values.append(self.value())
        self.need(")")
        return values

    def name(self, what: str) -> str:
        kind, token, place = self.tokens[self.next]
        if kind not in ("text", "word"):
            raise self.expected(what)
        self.next += 1
        return token if kind == "word" else _text(token, place)

    def number(self) -> Anything:
        if self.tokens[self.next][0] != "number":
            raise self.expected("a number")
        return self.value()

    def value(self) -> Anything:
        kind, token, place = self.tokens[self.next]
        if kind == "number" or token in ("true", "false"):
            self.next += 1
            return json.loads(token)
        if kind != "text":
            raise self.expected('a value: "text", a number, true or false')
        self.next += 1
        return _text(token, place)


def _text(token: str, place: int) -> str:
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        raise TextError(place, f"{token[:40]} isn't quoted as in JSON") from None
