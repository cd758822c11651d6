"""Conditions on the person, read of a text: identifiers, records, consent, scores, segments, samples, ranks."""

from segments.rules import RECORD_OPS, SCORE_OPS, STATES
from segments.text.behaviour import Behaviour
from segments.text.tokens import AGGREGATES, RECORDS, Said


class Person(Behaviour):
    def segment(self) -> Said:
        said = Said(self.place)
        self.need("in", "segment")
        self.put_name(said, "segment", 'the name of a segment, such as "VIP"')
        return said

    def has(self) -> Said:
        said = Said(self.place)
        self.need("has")
        if self.take("no"):
            if self.here.word not in STATES and self.here.word not in RECORDS:
                known = Said(self.place)
                self.put_name(known, "has", "the kind of an identifier, such as email")
                return Said(said.place, **{"not": known})
            said.put("at_most", 0, said.place)
        elif self.times(said, never=False):
            pass
        elif self.here.kind == "number":
            raise self.mistake(f"a number of records is 'at least', 'at most' or 'exactly' {self.here.shown}")
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

    def anonymous(self) -> Said:
        said = Said(self.place, anonymous=True)
        self.need("is")
        if self.take("not", "anonymous"):
            said["anonymous"] = False
            return said
        self.need("anonymous")
        return said

    def consent(self) -> Said:
        said = Said(self.place)
        self.need("consent")
        _ = self.take("to")
        self.put_name(said, "consent", "a channel, such as email")
        if self.take("is"):
            place = self.place
            said.put("is", self.name("given, denied or unknown").lower(), place)
        return said

    def agreed(self) -> Said:
        said = Said(self.place)
        self.need("agreed", "to")
        self.put_name(said, "consent", "a channel, such as email")
        return said

    def score(self) -> Said:
        said = Said(self.place)
        self.need("score")
        self.put_name(said, "score", "the name of a score, such as churn")
        self.test(said, SCORE_OPS)
        return said

    def random(self) -> Said:
        said = Said(self.place)
        self.need("random")
        said.put("sample", self.percent(), said.place)
        if self.take("of"):
            self.need("people")
        if self.take("with"):
            self.need("salt")
            self.put_name(said, "salt", "a word that chooses other people")
        return said

    def top(self) -> Said:
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
