"""Text to rules. The text is read to the JSON form, which is then checked like any other; mistakes have their place.

    rule      = both { "or" both }                  both = single { "and" single }
    single    = "not" single | "(" rule ")" | ("all" | "any") "(" rule { "," rule } ")" | condition

docs/segments.md has the rest of the grammar.
"""

import json
import re
from collections.abc import Callable

from segments.rules import OPS, RECORD_OPS, SCORE_OPS, STATES, Rule, RuleError, from_json
from segments.text.parts import Parts
from segments.text.tokens import AGGREGATES, RECORDS, STARTERS, Said, TextError

MAX_LENGTH = 100_000
# Parentheses within each other: more than rules may be deep, as some of them say nothing.
MAX_PARENTHESES = 50
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
    place, part = said.place, said
    for step in _PATH.finditer(path):
        key: str | int = int(step[1]) if step[1] else step[0]
        if isinstance(part, Said):
            place = part.places.get(str(key), place)
        try:
            part = part[key]
        except (LookupError, TypeError):
            return place
        if isinstance(part, Said):
            place = part.place
    return place


class _Reader(Parts):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0
        # A word that begins a condition; where a comparison follows it, it is the name of a trait instead.
        self.kinds: dict[str, Callable[[], Said]] = {
            "has": self._has, "is": self._anonymous, "consent": self._consent, "agreed": self._agreed, "score": self._score,
            "fewer": self._fewer, "more": self._fewer, "less": self._fewer, "first": self._moment, "last": self._moment,
            "random": self._random, "top": self._top,
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
            return self._did(self.tokens[self.next - 1].place)
        if self.sees("in", "segment"):
            said = Said(self.place)
            self.next += 2
            self.put_name(said, "segment", 'the name of a segment, such as "VIP"')
            return said
        if self.sees("in"):
            raise self.expected("a condition; did you mean in segment", ())
        if self.take("trait"):
            said = Said(self.place)
            self.put_name(said, "trait", "the name of a trait")
            self.test(said, OPS)
            return said
        if self.is_total():
            return self._measure()
        if self.here.word in self.kinds and not self._names_trait():
            return self.kinds[self.here.word]()
        return self._named()

    def _names_trait(self) -> bool:
        """Whether what could begin a condition is the name of a trait: a comparison follows."""
        return self.is_test(OPS, 1) and not self.sees("is", "anonymous")

    def _named(self) -> Said:
        """What begins with a name: a trait compared, or an event that became more or less."""
        said = Said(self.place)
        start = self.here
        if start.kind == "word" and self.ahead().kind in ("text", "word") and not self.is_test(OPS, 1):
            if not self.ahead().word or self.ahead().word not in ("down", "up", "where", "on", "from"):
                raise self.expected('a condition, such as did "…", country = "ES" or in segment "…"', STARTERS)
        elif start.kind not in ("text", "word"):
            raise self.expected('a condition, such as did "…", country = "ES" or in segment "…"')
        if self.ahead().word in ("down", "up", "where", "on", "from"):
            self.events(said, "of")
            return self._down(said)
        self.put_name(said, "trait", "the name of a trait")
        self.test(said, OPS, birthday=said["trait"] == "birthday")
        return said

    def _did(self, place: int) -> Said:
        said, first = Said(place), Said(self.place)
        never = self.take("not")
        first.place = self.place
        self.events(first, "did")
        if self.sees("then"):
            if never:
                raise self.mistake("'did not' has one event; write not (did … then …)")
            return self._sequence(said, first)
        said.update(first)
        said.places |= first.places
        if never:
            said.put("at_most", 0, place)
        while self.window(said) or self.choosing(said) or self._times(said, never=never):
            pass
        return said

    def _times(self, said: Said, *, never: bool) -> bool:
        place = self.place
        compare = next((one for one in ("at_least", "at_most") if self.take(*one.split("_"))), "")
        compare = compare or ("exactly" if self.sees("exactly") or self.here.word in ("once", "twice") else "")
        if not compare:
            return False
        _ = self.take("exactly")
        if never:
            raise self.mistake("'did not' has no number of times; write did … at most N times", place)
        if said.keys() & {"at_least", "at_most", "exactly"}:
            raise self.mistake("the number of times is said twice; keep one", place)
        place = self.place
        if word := self.take_one("once", "twice"):
            said.put(compare, 1 if word == "once" else 2, place)
            return True
        said.put(compare, self.number("a number of times"), place)
        _ = self.take_one("times", "time")
        return True

    def _sequence(self, said: Said, first: Said) -> Said:
        steps: list[str | Said] = [first if len(first) > 1 else first["did"]]
        while self.take("then"):
            place = self.place
            if self.take("not"):
                said.put("without", self.anchor(), place)
                break
            steps.append(self.anchor())
        said.put("sequence", steps, first.place)
        self.need("within")
        self.put_span(said, "within")
        if not self.take("ever") and self.take("in"):
            _ = self.take("the")
            self.put_span(said, "in_last", after_the=self.take("last"))
        return said

    def _measure(self) -> Said:
        said = Said(self.place)
        self.total(said)
        if self.here.word in ("down", "up"):
            if said["total"] not in ("sum", "count"):
                raise self.mistake("only a sum or a number of events is compared with the period before")
            changed = Said(said.place, **{key: said[key] for key in ("of", "where", "on") if key in said})
            changed.places = said.places
            if "property" in said:
                changed.put("sum_of", said["property"], said.places["property"])
            return self._down(changed)
        self.rest_of_total(said)
        place = self.place
        compare = self.against()
        if compare is None:
            raise self.expected("a comparison such as > 500", ("more", "less", "at", "exactly", "in", "where"))
        number_place = self.place
        number = self.number()
        if said["total"] != "count":
            said.put(compare, number, number_place)
            return said
        return self._counted(said, compare, number, place)

    def _counted(self, said: Said, compare: str, number: float, place: int) -> Said:
        """'number of "X" > 3' is 'did "X" at least 4 times'."""
        said.put("did", said.pop("of"), said.places["of"])
        del said["total"]
        if not isinstance(number, int):
            raise self.mistake("events are counted in whole numbers", place)
        moved = {"more": ("at_least", number + 1), "less": ("at_most", number - 1)}.get(compare, (compare, number))
        if moved == ("at_least", 0):
            raise self.mistake("everybody did it at least 0 times", place)
        said.put(*moved, place)
        return said

    def _fewer(self) -> Said:
        said = Said(self.place)
        direction = self.take_one("fewer", "more", "less")
        said.put("changed", "more" if direction == "more" else "fewer", said.place)
        self.events(said, "of")
        self._periods(said)
        return said

    def _down(self, said: Said) -> Said:
        place = self.place
        direction = self.take_one("down", "up")
        if not direction:
            raise self.expected("'down' or 'up'", ("down", "up"))
        said.put("changed", "more" if direction == "up" else "fewer", place)
        _ = self.take("by")
        _ = self.take("at", "least")
        if self.here.kind == "number":
            place = self.place
            said.put("percent", self.percent(), place)
        self._periods(said)
        return said

    def _periods(self, said: Said) -> None:
        """'in last 90 days than in the 90 days before': both are equally long."""
        self.need("in")
        _ = self.take("the")
        self.need("last")
        place = self.place
        unit, number = self.span(after_the=True)
        said.put(f"within_{unit}", number, place)
        if not self.take_one("than", "against"):
            raise self.expected(f"'than in the {number} {unit} before'", ("than", "against"))
        _ = self.take("in")
        _ = self.take("the")
        if not self.take("period") and not self.sees("before"):
            place = self.place
            if self.span(after_the=True) != (unit, number):
                raise self.mistake(f"both periods are equally long: {number} {unit}", place)
        self.need("before")

    def _moment(self) -> Said:
        said = Said(self.place)
        said.put("moment", self.take_one("first", "last"), said.place)
        self.events(said, "of")
        if not self.take_one("was", "is"):
            raise self.expected("'was'", ("was",))
        place = self.place
        if self.take("over") or self.take("more", "than"):
            said.put("over_days_ago", self.days(), place)
            self.need("ago")
            return said
        self.test(said, ("in_last_days", "before", "after", "between", "in_next_days"))
        return said

    def _has(self) -> Said:
        said = Said(self.place)
        self.need("has")
        if self.take("no"):
            if self.here.word not in STATES and self.here.word not in RECORDS:
                known = Said(self.place)
                self.put_name(known, "has", "the kind of an identifier, such as email")
                return Said(said.place, **{"not": known})
            said.put("at_most", 0, said.place)
        elif self._times(said, never=False):
            pass
        elif self.here.word not in STATES:
            place = self.place
            if self.here.word.removesuffix("s") in RECORDS:
                kind = self.here.word.removesuffix("s")
                raise self.mistake(f"say which: open {kind}, closed {kind} or any {kind}", place)
            self.put_name(
                said, "has", "open, closed or any and a kind of record, or the kind of an identifier, such as email"
            )
            return said
        return self._records(said)

    def _records(self, said: Said) -> Said:
        place = self.place
        state = self.take_one(*STATES)
        if not state:
            raise self.expected("open, closed or any", STATES)
        said.put("state", state, place)
        place, word = self.place, self.here.word
        kind = self.name("a kind of record, such as ticket")
        said.put("records", word.removesuffix("s") if word.removesuffix("s") in RECORDS else kind, place)
        _ = self.take_one("records", "record")
        if self.take("where"):
            self.where(said, RECORD_OPS)
        return said

    def _anonymous(self) -> Said:
        said = Said(self.place, anonymous=True)
        self.need("is")
        if self.take("not", "anonymous"):
            said["anonymous"] = False
            return said
        self.need("anonymous")
        return said

    def _consent(self) -> Said:
        said = Said(self.place)
        self.need("consent")
        _ = self.take("to")
        self.put_name(said, "consent", "a channel, such as email")
        place = self.place
        if self.take("is"):
            said.put("is", self.name("given, denied or unknown").lower(), place)
        return said

    def _agreed(self) -> Said:
        said = Said(self.place)
        self.need("agreed", "to")
        self.put_name(said, "consent", "a channel, such as email")
        return said

    def _score(self) -> Said:
        said = Said(self.place)
        self.need("score")
        self.put_name(said, "score", "the name of a score, such as churn")
        self.test(said, SCORE_OPS)
        return said

    def _random(self) -> Said:
        said = Said(self.place)
        self.need("random")
        said.put("sample", self.percent(), said.place)
        if self.take("of"):
            self.need("people")
        if self.take("with"):
            self.need("salt")
            self.put_name(said, "salt", "a word that chooses other people")
        return said

    def _top(self) -> Said:
        said = Said(self.place)
        self.need("top")
        place = self.place
        number = self.number("a number of people, or a percentage such as 10%")
        said.put("top", number, place)
        said["unit"] = "percent" if self.take("%") else "people"
        if said["unit"] == "people":
            _ = self.take("people")
        self.need("by")
        by = Said(self.place)
        if self.is_total():
            self.total(by)
            self.rest_of_total(by)
        elif self.sees("score") and self.ahead().kind in ("text", "word") and self.ahead().word not in ("and", "or"):
            self.next += 1
            self.put_name(by, "score", "the name of a score")
        elif self.here.word in AGGREGATES and self.ahead().kind in ("text", "word"):
            raise self.expected('a trait, score churn, or a total such as sum of revenue over "…"')
        else:
            self.put_name(by, "trait", 'a trait, score churn, or a total such as sum of revenue over "…"')
        said.put("by", by, by.place)
        return said
