"""Conditions on what people did, read of a text: did, sequences, totals, periods compared, first and last times."""

from segments.text.parts import Parts
from segments.text.tokens import Said


class Behaviour(Parts):
    def did(self, place: int) -> Said:
        said, first = Said(place), Said(self.place)
        never = self.take("not")
        first.place = self.place
        self.events(first, "did")
        if self.sees("then"):
            if never:
                raise self.mistake("'did not' has one event; write not (did … then …)")
            return self.sequence(said, first)
        said.update(first)
        said.places |= first.places
        if never:
            said.put("at_most", 0, place)
        while self.window(said) or self.choosing(said) or self.times(said, never=never):
            pass
        return said

    def times(self, said: Said, *, never: bool) -> bool:
        place = self.place
        if self.take("at"):
            which = self.take_one("least", "most")
            if not which:
                raise self.expected("'least' or 'most'", ("least", "most"))
            compare = f"at_{which}"
        elif self.take("exactly") or self.here.word in ("once", "twice"):
            compare = "exactly"
        else:
            return False
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

    def sequence(self, said: Said, first: Said) -> Said:
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

    def measure(self) -> Said:
        said = Said(self.place)
        self.total(said)
        if self.here.word in ("down", "up"):
            if said["total"] not in ("sum", "count"):
                raise self.mistake("only a sum or a number of events is compared with the period before")
            changed = Said(said.place, **{key: said[key] for key in ("of", "where", "on") if key in said})
            changed.places = said.places
            if "property" in said:
                changed.put("sum_of", said["property"], said.places["property"])
            return self.down(changed)
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

    def fewer(self) -> Said:
        said = Said(self.place)
        direction = self.take_one("fewer", "more", "less")
        said.put("changed", "more" if direction == "more" else "fewer", said.place)
        self.events(said, "of")
        self._periods(said)
        return said

    def down(self, said: Said) -> Said:
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

    def moment(self) -> Said:
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
