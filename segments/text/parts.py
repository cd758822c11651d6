"""What conditions are made of, read of a text: comparisons, filters, events, hours, windows and totals."""

from typing import Any as Anything

from segments.rules import OPS, PROPERTY_OPS, WEEK, Against, Op
from segments.text.cursor import Cursor
from segments.text.tokens import DAYS, TEST_SIGNS, TESTS, Said

COMPARISON = "a comparison such as =, !=, >, <, contains, is any of, between, before or exists"
_AGGREGATES = {
    "sum": "sum", "average": "average", "mean": "average", "lowest": "lowest", "min": "lowest", "minimum": "lowest",
    "highest": "highest", "max": "highest", "maximum": "highest",
}  # fmt: skip
_AGAINST: tuple[tuple[tuple[str, ...], Against], ...] = (
    ((">",), "more"), (("<",), "less"), ((">=",), "at_least"), (("<=",), "at_most"), (("=",), "exactly"),
    (("more", "than"), "more"), (("greater", "than"), "more"), (("above",), "more"), (("less", "than"), "less"),
    (("fewer", "than"), "less"), (("below",), "less"), (("at", "least"), "at_least"), (("at", "most"), "at_most"),
    (("exactly",), "exactly"),
)  # fmt: skip
_DAYS = {
    name: short for short, long in zip(WEEK, DAYS, strict=True) for name in (short, long, f"{long}s")
}  # fmt: skip


class Parts(Cursor):
    def is_test(self, ops: tuple[Op, ...], at: int = 0) -> bool:
        """Whether a comparison comes so many tokens later."""
        word, after = self.ahead(at).word, self.ahead(at + 1).word
        match word:
            case "one" | "any":
                return after == "of"
            case "has":
                return after == "anniversary" and "birthday_in" in ops
            case "today":
                return "birthday_in" in ops
            case "in":
                return "in_last_days" in ops and ({after, self.ahead(at + 2).word} & {"last", "next"} != set())
            case "more":
                return after == "than"
            case _:
                return word in TESTS or word in TEST_SIGNS

    def test(self, said: Said, ops: tuple[Op, ...], *, birthday: bool = False) -> None:
        """A comparison. `birthday`: 'in next 7 days' is of the day and month."""
        place = self.place
        op, value = self._test(ops, birthday=birthday)
        if op not in ops:
            raise self.mistake(f"{op.replace('_', ' ')} can't be asked here", place)
        said.put(op, value, place)

    def _test(self, ops: tuple[Op, ...], *, birthday: bool) -> tuple[Op, Anything]:
        if self.take("!=") or self.take("<>") or self.take("is", "not"):
            return "is_not", self.value()
        if self.take("="):
            return "is", self.value()
        said_is = self.take("is")
        if self.take("has", "anniversary") or (birthday and self._coming()):
            return "birthday_in", self._anniversary()
        if self.take_one("in"):
            return self._dates(ops)
        if self.take_one(">", "greater", "above", "more"):
            _ = self.take("than")
            return "greater", self.value()
        if self.take_one("<", "less", "below"):
            _ = self.take("than")
            return "less", self.value()
        if self.take("one", "of") or self.take("any", "of"):
            return "one_of", self._choices()
        if self.take("between"):
            low = self.value()
            self.need("and")
            return "between", [low, self.value()]
        if self.take("before"):
            return "before", self.value()
        if self.take("after"):
            return "after", self.value()
        if self.take("exists"):
            return "exists", True
        if self.take("missing"):
            return "missing", True
        if said_is:
            return "is", self.value()
        if self.take("contains"):
            return "contains", self.value()
        if self.take("starts"):
            self.need("with")
            return "starts_with", self.value()
        if self.here.word in (">=", "<="):
            raise self.mistake(
                f"{self.here.text} compares totals; a trait or property takes > or <, or between … and …"
            )
        raise self.expected(COMPARISON, TESTS)

    def _coming(self) -> bool:
        return self.sees("today") or self.sees("in", "next") or self.sees("in", "the", "next")

    def _anniversary(self) -> Anything:
        if self.take("today"):
            return 0
        self.need("in")
        _ = self.take("the")
        self.need("next")
        return self.days()

    def _dates(self, ops: tuple[Op, ...]) -> tuple[Op, Anything]:
        _ = self.take("the")
        which = self.take_one("last", "next")
        if not which:
            raise self.expected("'last' or 'next'", ("last", "next"))
        if "in_last_days" not in ops:
            raise self.mistake(
                "a filter on events has no clock of its own; the window comes after the filters, without 'is'"
            )
        return ("in_last_days" if which == "last" else "in_next_days"), self.days()

    def _choices(self) -> list[Anything]:
        self.need("(")
        values = [self.value()]
        while self.take(","):
            values.append(self.value())
        if not self.take(")"):
            raise self.expected("',' or ')'")
        return values

    def where(self, said: Said, ops: tuple[Op, ...] = PROPERTY_OPS) -> None:
        """Filters, in parentheses or as far as 'and' is followed by something that can be one."""
        place = self.place
        closed = self.take("(")
        filters = [self._filter(ops)]
        while (closed or self._another(ops)) and self.take("and"):
            filters.append(self._filter(ops))
        if closed and not self.take(")"):
            raise self.expected("'and' or ')'", ("and",))
        said.put("where", filters, place)

    def _filter(self, ops: tuple[Op, ...]) -> Said:
        said = Said(self.place)
        self.put_name(said, "property", "the name of a property")
        self.test(said, ops)
        return said

    def _another(self, ops: tuple[Op, ...]) -> bool:
        name = self.ahead(1)
        if name.kind not in ("text", "word") or not self.is_test(ops, 2):
            return False
        if name.word == "birthday" and any(self.sees(*words, at=2) for words in (("in",), ("is", "in"), ("today",))):
            return False
        return name.word not in ("not", "did") and not self.sees("is", "anonymous", at=1)

    def events(self, said: Said, key: str) -> None:
        """The name of an event, then what chooses among them."""
        self.put_name(said, key, 'the name of an event, such as "Order Completed"')
        while self.choosing(said):
            pass

    def choosing(self, said: Said) -> bool:
        """Filters or hours, when they come next."""
        place = self.place
        if self.take("where"):
            self.once(said, "where", "where", place)
            self.where(said)
            return True
        if self.take("on") or (self.sees("from") and self.ahead().kind == "clock"):
            self.once(said, "on", "hours", place)
            said.put("on", self._hours(), place)
            return True
        return False

    def anchor(self) -> str | Said:
        """Events that stand alone."""
        said = Said(self.place)
        self.events(said, "did")
        return said if len(said) > 1 else str(said["did"])

    def once(self, said: Said, key: str, what: str, place: int) -> None:
        if key in said:
            raise self.mistake(f"{what} is said twice; keep one", place)

    def _hours(self) -> Said:
        said = Said(self.place)
        if days := self._days():
            said.put("days", days, said.place)
        elif not self.sees("from"):
            raise self.expected("a day such as sat, or from 18:00 to 22:00", DAYS)
        if self.sees("from") and self.ahead().kind == "clock":
            for key in ("from", "to"):
                self.need(key)
                if self.here.kind != "clock":
                    raise self.expected("a time of day such as 18:30")
                said.put(key, self.here.text.zfill(5), self.place)
                self.next += 1
        return said

    def _days(self) -> list[str]:
        """Days of the week with commas between; a comma that no day follows is another's."""
        days = []
        while self.here.word in _DAYS:
            days.append(_DAYS[self.here.word])
            self.next += 1
            if not (self.sees(",") and self.ahead().word in _DAYS):
                break
            self.next += 1
        return days

    def window(self, said: Said) -> bool:
        """When, when it comes next."""
        place = self.place
        if self.take("in"):
            self._one_window(said, place)
            _ = self.take("the")
            if self.take("first"):
                self.put_span(said, "first", after_the=True)
                self.need("after")
                _ = self.take_one("the", "their")
                self.need("first")
                place = self.place
                said.put("after_first", self.anchor(), place)
            else:
                last = self.take("last")
                if not last and self.here.kind != "number":
                    raise self.expected("'last', 'first' or a length of time such as 90 days", ("last", "first"))
                self.put_span(said, "within", after_the=last)
        elif self.take("since"):
            self._one_window(said, place)
            _ = self.take_one("the", "their")
            self.need("last")
            place = self.place
            said.put("since_last", self.anchor(), place)
        elif word := self.take_one("between", "from"):
            self._one_window(said, place)
            low = self.value()
            self.need("and" if word == "between" else "to")
            said.put("between", [low, self.value()], place)
        elif self.take("ever"):
            self._one_window(said, place)
        else:
            return False
        return True

    def _one_window(self, said: Said, place: int) -> None:
        if "window" in said.places:
            raise self.mistake("a window is said twice; keep one", place)
        said.places["window"] = place

    def is_total(self) -> bool:
        word = self.here.word
        if word in ("number", "count") or word in _AGGREGATES:
            return self.sees("of", at=1)
        return word in ("distinct", "different") and (self.sees("values", "of", at=1) or not self.is_test(OPS, 1))

    def total(self, said: Said) -> None:
        """A total's aggregate, property and events; its window is another step."""
        said.put("total", self._aggregate(), said.place)
        if said["total"] != "count":
            self.put_name(said, "property", "the name of a property")
            self.need("over")
        self.events(said, "of")

    def _aggregate(self) -> str:
        word = self.here.word
        self.next += 1
        if word in ("number", "count"):
            self.need("of")
            word = self.take_one("distinct", "different")
            if not word:
                return "count"
        if word in ("distinct", "different"):
            _ = self.take("values")
            _ = self.take("of")
            return "distinct"
        self.need("of")
        return _AGGREGATES[word]

    def rest_of_total(self, said: Said) -> None:
        while self.window(said) or self.choosing(said):
            pass

    def against(self) -> Against | None:
        """How a number is compared, when that comes next."""
        _ = self.take("is")
        return next((against for words, against in _AGAINST if self.take(*words)), None)
