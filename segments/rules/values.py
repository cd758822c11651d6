"""The algebra of rules: a small closed set of frozen values, and what each of them means.

A rule is asked of a person at a moment, `now`. Events count that happened at `now` or before.

**Groups.** A person is in `All` when every condition holds, in `Any` when one does, in `Not` when it doesn't.

**Which events.** `Events` are those of one name whose properties pass every filter, within the hours of the week of
`Hours` if it is given (days and times of day in the company's time zone). A window chooses among them:
- `Ever`: all of them;
- `Last`: now - seconds < time <= now, to the microsecond; a day is 24 hours;
- `Between`: start <= time <= end; a date without a time is its whole day (no zone: UTC);
- `FirstAfter`: first <= time < first + seconds, with `first` the time of the person's first event of `anchor`;
- `SinceLast`: last < time, with `last` the time of the person's last event of `anchor`.
Who has no event of `anchor` has no such window: the condition doesn't hold, whatever it asks ('did not' as well).

**Questions about events.**
- `Did`: how many there are, compared with `times`. 'Did not' is at most 0 times; that is its one form.
- `Measure`: a `Total` of them compared with a number. A total is their number ('count'), or of a property's values the sum,
  the average, the lowest, the highest, or how many distinct ones. Values are numbers, and text that is written as one, up
  to 10,000,000,000 either way, taken to four decimals; 'distinct' takes any text, number or truth value as it is written,
  ignoring case. A list gives each of its items. Of no values the sum and the numbers are 0, and there is no average,
  lowest or highest: what compares them doesn't hold.
- `Moment`: when the first, or the last, of them was: in the last N days (now - N days < it), more than N days ago (from
  that moment on: it <= now - N days), before, after, between. Who has none has no such moment, and none of these holds.
- `Changed`: a total ('count' or 'sum') in the last `within` seconds against the same in as many seconds before those:
  fewer or more; with `percent` at least so much fewer or more, and only where what was before is above 0.
- `Sequence`: the steps happened one after the other (each later than the one before), the last at most `within` seconds
  after the first; with `window` all of them in it ('Ever' or 'Last'). With `without`, no such event came after the last
  step and at most `within` seconds after the first. It holds when it does for any choice of such steps, and as soon as
  the last of them has happened: a later `without` ends it.

**Questions about the person.**
- `Trait` compares a winning trait, `PropertyFilter` a property of an event or record, by the type of the value in the rule:
  - a number compares with numbers and with text that is written as one (`"84.50"`), as exact decimals;
  - text compares with text, ignoring case, and with the way that a number or truth value is written;
  - true and false compare with truth values and with the text `true` or `false`;
  - dates compare with text in ISO 8601 (no zone: UTC). A date without a time is its whole day: after it means from the
    next day on, before it means until the day before, between two of them has both;
  - in the last N days: now - N days < date <= now; in the next N days: now < date <= now + N days (a list: its first);
  - `birthday_in`: the next day of that month and day, today included, is at most N days ahead (0: it is today), by the
    calendar of the company's time zone; 29 February is kept on 1 March where the year has none. Month and day are those
    that the date or time is written with (a list: of its first);
  - a list passes when one of its items does; a name with dots (`products.category`) looks inside;
  - a value that is absent, null or of another type passes no comparison. `is_not` is the opposite of `is`, so it holds
    for absent values too.
- `Known`: the person has an identifier of a kind (`email`, `phone`, `user_id` …), or is `anonymous`: has none that makes
  somebody known. Nobody has one of a kind that isn't there.
- `Consent`: what the person said of a channel: given (`consent_<channel>` is true), denied (it is false), unknown.
- `Score`: a number between 0 and 1, or any other, that something computed for the person: the trait `score_<name>`.
- `Records`: how many tickets, deals, orders or subscriptions the person has that are open, closed or either, and pass every
  filter, compared with `times`. The kind is compared ignoring case. A record is closed from its `closed_at` on; until
  then, and without one, it is open. A filter's name is `status`, `title`, `value`, `currency`, `opened_at`, `closed_at`,
  `updated_at` (these are absent where they are empty), or that of a property.
- `InSegment`: the person is in another segment, that is, its rule holds (`expanded`).
- `Sample`: a share of all people, the same ones each time, and others for another `salt`; a larger share of the same salt
  has the smaller one in it. (A person is who they are by the profile's id, which a merge keeps for the older one.)
- `Top`: the person's value is among the highest of all people's, as they were last ranked (`segments.ranking`, once an
  hour): so many people, or so many per cent of people (rounded up to whole ones); of those who have a value above 0, both.
  Who has the same value as the last of them is in as well, and so is whoever gets it until they are ranked again. A value
  of a trait is a number, or text that is written as one, within the same bounds as in totals.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any as Anything
from typing import Literal, TypeAlias, assert_never

MAX_DEPTH = 8
MAX_NODES = 200  # conditions and filters
MAX_CHOICES = 1_000
MAX_TEXT = 1_000
MAX_NAME = 200
MAX_TIMES = 1_000_000
MAX_DAYS = 36_500
MAX_NUMBER = 10**15
MAX_STEPS = 5
DAY = 86_400
UNITS = {"days": DAY, "hours": 3_600, "minutes": 60, "seconds": 1}

Scalar: TypeAlias = str | int | float | bool
Value: TypeAlias = Scalar | tuple[Scalar, ...]
Compare: TypeAlias = Literal["at_least", "at_most", "exactly"]
# How a number is compared with another.
Against: TypeAlias = Literal["more", "less", "at_least", "at_most", "exactly"]
Aggregate: TypeAlias = Literal["count", "sum", "average", "lowest", "highest", "distinct"]
State: TypeAlias = Literal["open", "closed", "any"]
Op: TypeAlias = Literal[
    "is", "is_not", "contains", "starts_with", "one_of", "exists", "missing",
    "greater", "less", "between", "before", "after", "in_last_days", "in_next_days", "birthday_in",
]  # fmt: skip
When: TypeAlias = Literal["in_last_days", "over_days_ago", "before", "after", "between"]
COMPARES: tuple[Compare, ...] = ("at_least", "at_most", "exactly")
AGAINST: tuple[Against, ...] = ("more", "less", "at_least", "at_most", "exactly")
AGGREGATES: tuple[Aggregate, ...] = ("count", "sum", "average", "lowest", "highest", "distinct")
STATES: tuple[State, ...] = ("open", "closed", "any")
OPS: tuple[Op, ...] = (
    "is", "is_not", "contains", "starts_with", "one_of", "exists", "missing",
    "greater", "less", "between", "before", "after", "in_last_days", "in_next_days", "birthday_in",
)  # fmt: skip
# Comparisons that the clock turns.
CLOCK_OPS: tuple[Op, ...] = ("in_last_days", "in_next_days", "birthday_in")
# A filter on events has no clock of its own: the window has it.
PROPERTY_OPS: tuple[Op, ...] = tuple(op for op in OPS if op not in CLOCK_OPS)
RECORD_OPS: tuple[Op, ...] = tuple(op for op in OPS if op != "birthday_in")
SCORE_OPS: tuple[Op, ...] = ("greater", "less", "between", "exists", "missing")
WHENS: tuple[When, ...] = ("in_last_days", "over_days_ago", "before", "after", "between")
CONSENTS = ("given", "denied", "unknown")
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class PropertyFilter:
    """A condition on a property of an event, or on a field of a record."""

    name: str
    op: Op
    value: Value = True


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of the week in the company's time zone. `days`: 1 Monday to 7 Sunday, none for all; `start` and `end` in
    minutes since midnight, start <= time of day < end; over midnight where the end comes first (the day is that of the
    event itself)."""

    days: tuple[int, ...] = ()
    start: int = 0
    end: int = 1_440


@dataclass(frozen=True, slots=True)
class Events:
    """The events of one name that pass every filter, in these hours of the week."""

    name: str
    where: tuple[PropertyFilter, ...] = ()
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class Ever:
    pass


@dataclass(frozen=True, slots=True)
class Last:
    seconds: int


@dataclass(frozen=True, slots=True)
class Between:
    """`start` and `end` as written: dates (whole days) or times, both included."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class FirstAfter:
    seconds: int
    anchor: Events


@dataclass(frozen=True, slots=True)
class SinceLast:
    anchor: Events


Window: TypeAlias = Ever | Last | Between | FirstAfter | SinceLast
EVER = Ever()


@dataclass(frozen=True, slots=True)
class Total:
    """A number of some events. `property` is '' for 'count'."""

    aggregate: Aggregate
    property: str
    events: Events
    window: Window = EVER


@dataclass(frozen=True, slots=True)
class Did:
    """How often the person did something."""

    events: Events
    compare: Compare = "at_least"
    times: int = 1
    window: Window = EVER


@dataclass(frozen=True, slots=True)
class Measure:
    """A total compared with a number. (A count is compared by `Did`.)"""

    total: Total
    compare: Against
    number: float


@dataclass(frozen=True, slots=True)
class Moment:
    """When the first or the last of some events was. `value`: days, a date or time, or two of them."""

    which: Literal["first", "last"]
    events: Events
    op: When
    value: int | str | tuple[str, str]


@dataclass(frozen=True, slots=True)
class Changed:
    """A period against the one before it. `property` is '' where events are counted, else its values are summed."""

    direction: Literal["fewer", "more"]
    events: Events
    within: int
    property: str = ""
    percent: float | None = None


@dataclass(frozen=True, slots=True)
class Sequence:
    steps: tuple[Events, ...]
    within: int
    without: Events | None = None
    window: Ever | Last = EVER


@dataclass(frozen=True, slots=True)
class Trait:
    """A condition on a trait of the person. `exists` and `missing` have the value True."""

    name: str
    op: Op
    value: Value = True


@dataclass(frozen=True, slots=True)
class Known:
    """The person has an identifier of this kind; 'anonymous': none that makes somebody known."""

    kind: str


@dataclass(frozen=True, slots=True)
class Consent:
    channel: str
    state: Literal["given", "denied", "unknown"] = "given"


@dataclass(frozen=True, slots=True)
class Score:
    name: str
    op: Op
    value: Value = True


@dataclass(frozen=True, slots=True)
class Records:
    kind: str
    state: State = "open"
    where: tuple[PropertyFilter, ...] = ()
    compare: Compare = "at_least"
    times: int = 1


@dataclass(frozen=True, slots=True)
class InSegment:
    """By the segment's name: renaming a segment renames it in the rules that ask for it."""

    name: str


@dataclass(frozen=True, slots=True)
class Sample:
    percent: float
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Top:
    """`number` of people, or per cent of those with a value. `by`: a total of events, or a trait's number (a score is the
    trait `score_<name>`)."""

    number: float
    unit: Literal["people", "percent"]
    by: Total | str


@dataclass(frozen=True, slots=True)
class All:
    conditions: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Any:
    conditions: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: "Rule"


Leaf: TypeAlias = (
    Did | Measure | Moment | Changed | Sequence | Trait | Known | Consent | Score | Records | InSegment | Sample | Top
)
Rule: TypeAlias = All | Any | Not | Leaf
Path: TypeAlias = tuple[int, ...]


class RuleError(ValueError):
    """What is wrong with a rule and where: `path` names the node as in `all[1].where[0].greater`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path or 'rule'}: {reason}")
        self.path = path
        self.reason = reason


def days(number: int) -> int:
    return number * DAY


def children(rule: Rule) -> tuple[Rule, ...]:
    match rule:
        case All(conditions) | Any(conditions):
            return conditions
        case Not(condition):
            return (condition,)
        case _:
            return ()


def nodes(rule: Rule, path: Path = ()) -> Iterator[tuple[Path, Rule]]:
    """The rule and all conditions in it, outermost first, each with the positions that lead to it."""
    yield path, rule
    for number, condition in enumerate(children(rule)):
        yield from nodes(condition, (*path, number))


def replaced(rule: Rule, change: Callable[[Leaf], Rule]) -> Rule:
    """The rule with every leaf changed."""
    match rule:
        case All(conditions):
            return All(tuple(replaced(one, change) for one in conditions))
        case Any(conditions):
            return Any(tuple(replaced(one, change) for one in conditions))
        case Not(condition):
            return Not(replaced(condition, change))
        case _:
            return change(rule)


def canonical(rule: Rule) -> Rule:
    """The one form of 'did not': at most 0 times."""
    match rule:
        case Not(condition):
            inner = canonical(condition)
            # Who never did the anchor of a window has none: neither did nor didn't.
            at_least_once = isinstance(inner, Did) and (inner.compare, inner.times) == ("at_least", 1)
            if isinstance(inner, Did) and at_least_once and not isinstance(inner.window, FirstAfter | SinceLast):
                return Did(inner.events, "at_most", 0, inner.window)
            return Not(inner)
        case Did(events, "exactly", 0, window):
            return Did(events, "at_most", 0, window)
        case All(conditions):
            return All(tuple(map(canonical, conditions)))
        case Any(conditions):
            return Any(tuple(map(canonical, conditions)))
        case _:
            return rule


class Cycle(ValueError):
    """Segments that ask for each other. `names`: the way round, its first name again at the end."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(" → ".join(names))
        self.names = names


class UnknownSegment(ValueError):
    """A rule asks for a segment that isn't there."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no segment “{name}”.")
        self.name = name


def expanded(rule: Rule, segments: Mapping[str, Rule], above: tuple[str, ...] = ()) -> Rule:
    """The rule with every segment that it asks for replaced by that one's rule. Raises `Cycle` and `UnknownSegment`.

    `above`: the names of the segments whose rules this is part of, outermost first.
    """

    def change(leaf: Leaf) -> Rule:
        if not isinstance(leaf, InSegment):
            return leaf
        if leaf.name in above:
            raise Cycle((*above[above.index(leaf.name) :], leaf.name))
        if leaf.name not in segments:
            raise UnknownSegment(leaf.name)
        return expanded(segments[leaf.name], segments, (*above, leaf.name))

    return replaced(rule, change)


def segments_in(rule: Rule) -> set[str]:
    """The names of the segments that a rule asks for itself."""
    return {node.name for _, node in nodes(rule) if isinstance(node, InSegment)}


def events_in(rule: Rule) -> Iterator[Events]:
    """All events that a rule looks at, those of anchors too."""
    for _, node in nodes(rule):
        yield from _events_of(node)


def _events_of(node: Rule) -> Iterator[Events]:
    match node:
        case Did(events, window=window):
            yield events
            yield from _anchor(window)
        case Measure(total) | Top(by=Total() as total):
            yield total.events
            yield from _anchor(total.window)
        case Moment(events=events) | Changed(events=events):
            yield events
        case Sequence(steps, without=without):
            yield from steps
            if without is not None:
                yield without
        case (
            All() | Any() | Not() | Trait() | Known() | Consent() | Score() | Records() | InSegment() | Sample() | Top()
        ):
            return
        case _:
            assert_never(node)


def _anchor(window: Window) -> Iterator[Events]:
    if isinstance(window, FirstAfter | SinceLast):
        yield window.anchor


def in_units(seconds: int) -> tuple[int, str]:
    """A window in the largest unit that says it in whole numbers: (60, 'days')."""
    return next((seconds // size, unit) for unit, size in UNITS.items() if seconds % size == 0)


def instants(value: str, *, end: bool = False) -> datetime:
    """A date or time in a rule as a moment; a date without a time is its start, or with `end` the start of the next day."""
    moment = datetime.fromisoformat(value)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment + timedelta(days=1) if end and is_date(value) else moment


def is_date(value: str) -> bool:
    return len(value) == 10


def key(part: Anything) -> str:
    """A text that is the same for equal parts of rules only. (As Python values, True and 1 would be equal.)"""

    def plain(value: Anything) -> Anything:
        if isinstance(value, tuple):
            return [plain(one) for one in value]
        if hasattr(value, "__dataclass_fields__"):
            return [type(value).__name__, *(plain(getattr(value, name)) for name in value.__dataclass_fields__)]
        return value

    return json.dumps(plain(part))
