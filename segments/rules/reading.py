"""Rules of their JSON form: every node checked, with an error that names the node and says how to mend it."""

from collections.abc import Callable, Mapping
from typing import Any as Anything

from segments.rules import checks
from segments.rules.checks import Given
from segments.rules.trees import canonical
from segments.rules.values import (
    AGAINST,
    AGGREGATES,
    COMPARES,
    CONSENTS,
    EVER,
    MAX_DAYS,
    MAX_DEPTH,
    MAX_NAME,
    MAX_NODES,
    MAX_STEPS,
    OPS,
    PROPERTY_OPS,
    RECORD_OPS,
    SCORE_OPS,
    STATES,
    UNITS,
    WHENS,
    All,
    Any,
    Between,
    Changed,
    Consent,
    Did,
    Events,
    FirstAfter,
    InSegment,
    Known,
    Last,
    Measure,
    Moment,
    Not,
    Op,
    PropertyFilter,
    Records,
    Rule,
    RuleError,
    Sample,
    Score,
    Sequence,
    SinceLast,
    Top,
    Total,
    Trait,
    Window,
)


def from_json(given: Anything) -> Rule:
    """A rule of its JSON form, in canonical form; raises `RuleError` that names the node and says how to mend it."""
    return canonical(_Reader().rule(given, "", 1))


class _Reader:
    """Reads one rule; counts its nodes on the way, so that a huge one is refused before it costs anything."""

    def __init__(self) -> None:
        self.count = 0
        self.kinds: dict[str, Callable[[Given, str, int], Rule]] = {
            "all": lambda given, path, depth: All(self._conditions(given, "all", path, depth)),
            "any": lambda given, path, depth: Any(self._conditions(given, "any", path, depth)),
            "not": self._not, "did": self._did, "total": self._measure, "moment": self._moment, "changed": self._changed,
            "sequence": self._sequence, "trait": self._trait, "has": self._has, "anonymous": self._anonymous,
            "consent": self._consent, "score": self._score, "records": self._records, "segment": self._segment,
            "sample": self._sample, "top": self._top,
        }  # fmt: skip

    def rule(self, given: Anything, path: str, depth: int) -> Rule:
        if not isinstance(given, Mapping):
            raise RuleError(path, 'must be a condition such as {"trait": "country", "is": "ES"}')
        self._counted(path)
        if depth > MAX_DEPTH:
            raise RuleError(path, f"is nested more than {MAX_DEPTH} deep; take groups apart")
        found = [kind for kind in self.kinds if kind in given]
        if len(found) != 1:
            raise RuleError(path, f"needs exactly one of {', '.join(self.kinds)}")
        return self.kinds[found[0]](given, path, depth)

    def _conditions(self, given: Given, kind: str, path: str, depth: int) -> tuple[Rule, ...]:
        checks.only(given, {kind}, path)
        listed, inner = given[kind], checks.join(path, kind)
        if not isinstance(listed, list) or not listed:
            raise RuleError(inner, "must be a list with at least one condition")
        return tuple(self.rule(one, f"{inner}[{number}]", depth + 1) for number, one in enumerate(listed))

    def _not(self, given: Given, path: str, depth: int) -> Rule:
        checks.only(given, {"not"}, path)
        return Not(self.rule(given["not"], checks.join(path, "not"), depth + 1))

    def _did(self, given: Given, path: str, depth: int) -> Did:
        checks.only(given, {"did", *checks.CHOOSING, *COMPARES, *checks.WINDOWS}, path)
        events = self._events(given, "did", path)
        compare, times = checks.times(given, path)
        return Did(events, compare, times, self._window(given, path))

    def _measure(self, given: Given, path: str, depth: int) -> Measure:
        checks.only(given, {*checks.TOTAL, *AGAINST}, path)
        total = self._total(given, path)
        if total.aggregate == "count":
            raise RuleError(path, 'counts events: write {"did": …, "at_least": …}')
        compare = checks.one_key(given, AGAINST, path)
        return Measure(total, compare, checks.number(given[compare], checks.join(path, compare)))  # type: ignore[arg-type]

    def _total(self, given: Given, path: str) -> Total:
        aggregate = checks.one_of(given["total"], AGGREGATES, checks.join(path, "total"))
        if "of" not in given:
            raise RuleError(path, 'needs "of": the name of an event')
        if aggregate == "count":
            if "property" in given:
                raise RuleError(checks.join(path, "property"), "has no meaning where events are counted")
            name = ""
        elif "property" in given:
            name = checks.name(given["property"], checks.join(path, "property"))
        else:
            raise RuleError(path, 'needs "property": the values of which it is the total')
        return Total(aggregate, name, self._events(given, "of", path), self._window(given, path))  # type: ignore[arg-type]

    def _moment(self, given: Given, path: str, depth: int) -> Moment:
        checks.only(given, {"moment", "of", *checks.CHOOSING, *WHENS}, path)
        which = checks.one_of(given["moment"], ("first", "last"), checks.join(path, "moment"))
        if "of" not in given:
            raise RuleError(path, 'needs "of": the name of an event')
        op = checks.one_key(given, WHENS, path)
        place = checks.join(path, op)
        value: Anything
        match op:
            case "in_last_days" | "over_days_ago":
                value = checks.whole(given[op], place, 1, MAX_DAYS)
            case "between":
                value = checks.between_dates(given[op], place)
            case _:
                value = checks.moment(given[op], place)
        return Moment(which, self._events(given, "of", path), op, value)  # type: ignore[arg-type]

    def _changed(self, given: Given, path: str, depth: int) -> Changed:
        spans = [f"within_{unit}" for unit in UNITS]
        checks.only(given, {"changed", "of", "sum_of", "percent", *checks.CHOOSING, *spans}, path)
        direction = checks.one_of(given["changed"], ("fewer", "more"), checks.join(path, "changed"))
        if "of" not in given:
            raise RuleError(path, 'needs "of": the name of an event')
        within = checks.span(given, "within", path, MAX_DAYS // 2)
        if within is None:
            raise RuleError(path, "needs the length of the two periods, such as within_days")
        name = checks.name(given["sum_of"], checks.join(path, "sum_of")) if "sum_of" in given else ""
        percent = None
        if "percent" in given:
            percent = checks.positive(
                given["percent"], checks.join(path, "percent"), 100 if direction == "fewer" else 1_000_000
            )
        return Changed(direction, self._events(given, "of", path), within, name, percent)  # type: ignore[arg-type]

    def _sequence(self, given: Given, path: str, depth: int) -> Sequence:
        spans = [f"{name}_{unit}" for name in ("within", "in_last") for unit in UNITS]
        checks.only(given, {"sequence", "without", *spans}, path)
        listed, inner = given["sequence"], checks.join(path, "sequence")
        if not isinstance(listed, list) or not 2 <= len(listed) <= MAX_STEPS:
            raise RuleError(inner, f"must be a list of 2 to {MAX_STEPS} events")
        steps = tuple(self._anchor(one, f"{inner}[{number}]") for number, one in enumerate(listed))
        within = checks.span(given, "within", path)
        if within is None:
            raise RuleError(path, "needs the time from the first step to the last, such as within_days")
        without = self._anchor(given["without"], checks.join(path, "without")) if "without" in given else None
        last = checks.span(given, "in_last", path)
        return Sequence(steps, within, without, EVER if last is None else Last(last))

    def _trait(self, given: Given, path: str, depth: int) -> Trait:
        return Trait(*checks.comparison(given, "trait", OPS, path))

    def _has(self, given: Given, path: str, depth: int) -> Known:
        checks.only(given, {"has"}, path)
        kind = checks.name(given["has"], checks.join(path, "has"))
        if kind == "anonymous":
            raise RuleError(checks.join(path, "has"), 'is the name of a kind of identifiers; write {"anonymous": true}')
        return Known(kind)

    def _anonymous(self, given: Given, path: str, depth: int) -> Rule:
        checks.only(given, {"anonymous"}, path)
        if not isinstance(given["anonymous"], bool):
            raise RuleError(checks.join(path, "anonymous"), "must be true or false")
        return Known("anonymous") if given["anonymous"] else Not(Known("anonymous"))

    def _consent(self, given: Given, path: str, depth: int) -> Consent:
        checks.only(given, {"consent", "is"}, path)
        state = checks.one_of(given.get("is", "given"), CONSENTS, checks.join(path, "is"))
        return Consent(checks.name(given["consent"], checks.join(path, "consent")), state)  # type: ignore[arg-type]

    def _score(self, given: Given, path: str, depth: int) -> Score:
        name, op, value = checks.comparison(given, "score", SCORE_OPS, path)
        if op == "between" and isinstance(value, tuple) and isinstance(value[0], str):
            raise RuleError(checks.join(path, op), "must be a list of two numbers")
        return Score(name, op, value)

    def _records(self, given: Given, path: str, depth: int) -> Records:
        checks.only(given, {"records", "state", "where", *COMPARES}, path)
        kind = checks.name(given["records"], checks.join(path, "records"))
        state = checks.one_of(given.get("state", "open"), STATES, checks.join(path, "state"))
        compare, times = checks.times(given, path)
        return Records(kind, state, self._where(given, path, RECORD_OPS), compare, times)  # type: ignore[arg-type]

    def _segment(self, given: Given, path: str, depth: int) -> InSegment:
        checks.only(given, {"segment"}, path)
        return InSegment(checks.name(given["segment"], checks.join(path, "segment")))

    def _sample(self, given: Given, path: str, depth: int) -> Sample:
        checks.only(given, {"sample", "salt"}, path)
        salt = given.get("salt", "")
        return Sample(
            checks.positive(given["sample"], checks.join(path, "sample"), 100),
            checks.name(salt, checks.join(path, "salt")) if salt != "" else "",
        )

    def _top(self, given: Given, path: str, depth: int) -> Top:
        checks.only(given, {"top", "unit", "by"}, path)
        unit = checks.one_of(given.get("unit", "percent"), ("people", "percent"), checks.join(path, "unit"))
        place = checks.join(path, "top")
        number = (
            checks.positive(given["top"], place, 100)
            if unit == "percent"
            else checks.whole(given["top"], place, 1, 1_000_000_000)
        )
        by, inner = given.get("by"), checks.join(path, "by")
        if not isinstance(by, Mapping) or len({"trait", "score", "total"} & by.keys()) != 1:
            raise RuleError(inner, 'must be {"trait": …}, {"score": …} or {"total": …}')
        if "total" in by:
            checks.only(by, {*checks.TOTAL}, inner)
            return Top(number, unit, self._total(by, inner))  # type: ignore[arg-type]
        kind = "trait" if "trait" in by else "score"
        checks.only(by, {kind}, inner)
        # A score is the trait score_<name>, which must be no longer than a name may be.
        name = checks.text(by[kind], checks.join(inner, kind), MAX_NAME - len("score_"))
        return Top(number, unit, name if kind == "trait" else f"score_{name}")  # type: ignore[arg-type]

    def _events(self, given: Given, kind: str, path: str) -> Events:
        name = checks.name(given[kind], checks.join(path, kind))
        hours = checks.hours(given["on"], checks.join(path, "on")) if "on" in given else None
        return Events(name, self._where(given, path, PROPERTY_OPS), hours)

    def _anchor(self, given: Anything, path: str) -> Events:
        self._counted(path)
        if isinstance(given, str):
            return Events(checks.name(given, path))
        if not isinstance(given, Mapping) or "did" not in given:
            raise RuleError(path, 'must be the name of an event, or such as {"did": "Order Completed", "where": […]}')
        checks.only(given, {"did", *checks.CHOOSING}, path)
        return self._events(given, "did", path)

    def _where(self, given: Given, path: str, ops: tuple[Op, ...]) -> tuple[PropertyFilter, ...]:
        listed, inner = given.get("where", []), checks.join(path, "where")
        if not isinstance(listed, list):
            raise RuleError(inner, "must be a list of filters")
        return tuple(self._filter(one, f"{inner}[{number}]", ops) for number, one in enumerate(listed))

    def _filter(self, given: Anything, path: str, ops: tuple[Op, ...]) -> PropertyFilter:
        self._counted(path)
        if not isinstance(given, Mapping) or "property" not in given:
            raise RuleError(path, 'must be a filter such as {"property": "category", "is": "shoes"}')
        return PropertyFilter(*checks.comparison(given, "property", ops, path))

    def _window(self, given: Given, path: str) -> Window:
        within, first = checks.span(given, "within", path), checks.span(given, "first", path)
        said = [
            name
            for name, there in (
                ("a window in the past", within is not None),
                ("between", "between" in given),
                ("the first days after something", first is not None or "after_first" in given),
                ("since_last", "since_last" in given),
            )
            if there
        ]
        if len(said) > 1:
            raise RuleError(path, f"has {' and '.join(said)}; keep one")
        if within is not None:
            return Last(within)
        if "between" in given:
            return Between(*checks.between_dates(given["between"], checks.join(path, "between")))
        if first is not None and "after_first" in given:
            return FirstAfter(first, self._anchor(given["after_first"], checks.join(path, "after_first")))
        if first is not None or "after_first" in given:
            raise RuleError(path, "needs both: how long (first_days) and after the first of what (after_first)")
        if "since_last" in given:
            return SinceLast(self._anchor(given["since_last"], checks.join(path, "since_last")))
        return EVER

    def _counted(self, path: str) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            raise RuleError(path, f"is one condition too many: a rule has at most {MAX_NODES}")
