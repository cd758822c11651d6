"""From rules to the columns that they need; the same column for many rules is needed once."""

import hashlib
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, assert_never

from segments.rules import (
    All,
    Any,
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
    Records,
    Rule,
    Sample,
    Score,
    Sequence,
    SinceLast,
    Top,
    Total,
    Trait,
    Window,
    key,
    nodes,
)

Kind: TypeAlias = Literal["", "number", "text"]
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Stream:
    """Events, with the values of one of their properties as numbers or as texts, or with none.

    `within`: the longest look-back from now that is asked (seconds), None for ever.
    """

    events: Events
    value: str = ""
    kind: Kind = ""
    within: int | None = None


@dataclass
class Requirements:
    """What to load: streams by `stream_key`, trait conditions by `rules.key`, records by `records_key`, tops by
    `rules.key`; dates, birthdays and numbers in traits by the trait's name; identifiers by their kind's name."""

    streams: dict[str, Stream] = field(default_factory=dict)
    passed: dict[str, Trait] = field(default_factory=dict)
    moments: set[str] = field(default_factory=set)
    birthdays: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    records: dict[str, Records] = field(default_factory=dict)
    tops: dict[str, Top] = field(default_factory=dict)


def require(*rules: Rule) -> Requirements:
    """The union of what these rules need. They ask for no other segments any more (`rules.expanded`)."""
    needed = Requirements()
    for rule in rules:
        for _, node in nodes(rule):
            _add(needed, node)
    return needed


def stream_key(events: Events, value: str = "", kind: Kind = "") -> str:
    return key((events, value, kind))


def records_key(records: Records) -> str:
    return key((records.kind.lower(), records.where))


def property_of(total: Total) -> tuple[Events, str, Kind]:
    """The stream that a total is made of."""
    if total.aggregate == "count":
        return total.events, "", ""
    return total.events, total.property, "text" if total.aggregate == "distinct" else "number"


def events_changed(changed: Changed) -> tuple[Events, str, Kind]:
    """The stream that two periods are compared by."""
    return changed.events, changed.property, "number" if changed.property else ""


def trait_of(node: Consent | Score) -> Trait:
    """A score is a trait, and consent one that is true or false."""
    match node:
        case Consent(channel, state):
            return Trait(f"consent_{channel}", "is", state == "given")
        case Score(name, op, value):
            return Trait(f"score_{name}", op, value)
        case _:
            assert_never(node)


def digest(slot: str) -> str:
    """What the ranking of a top is kept by: its key may be longer than an index takes."""
    return hashlib.sha256(slot.encode()).hexdigest()


def _add(needed: Requirements, node: Rule) -> None:
    match node:
        case Did(events, window=window):
            _add_windowed(needed, (events, "", ""), window)
        case Measure(total):
            _add_windowed(needed, property_of(total), total.window)
        case Moment(events=events):
            _add_stream(needed, (events, "", ""), None)
        case Changed():
            _add_stream(needed, events_changed(node), 2 * node.within)
        case Sequence(steps, without=without, window=window):
            for events in (*steps, without) if without is not None else steps:
                _add_windowed(needed, (events, "", ""), window)
        case Trait(name, "in_last_days" | "in_next_days", _):
            needed.moments.add(name)
        case Trait(name, "birthday_in", _):
            needed.birthdays.add(name)
        case Trait():
            needed.passed[key(node)] = node
        case Score():
            _add(needed, trait_of(node))
        case Consent(channel):
            _add(needed, trait_of(Consent(channel, "given")))
            _add(needed, trait_of(Consent(channel, "denied")))
        case Known(kind):
            needed.known.add(kind)
        case Records():
            needed.records[records_key(node)] = node
        case Top(by=by):
            needed.tops[key(node)] = node
            if isinstance(by, str):
                needed.numbers.add(by)
            else:
                _add_windowed(needed, property_of(by), by.window)
        case InSegment(name):
            raise ValueError(f"the segment {name!r} must be expanded to its rule first")
        case All() | Any() | Not() | Sample():
            pass
        case _:
            assert_never(node)


def _add_windowed(needed: Requirements, what: tuple[Events, str, Kind], window: Window) -> None:
    _add_stream(needed, what, window.seconds if isinstance(window, Last) else None)
    if isinstance(window, FirstAfter | SinceLast):
        _add_stream(needed, (window.anchor, "", ""), None)


def _add_stream(needed: Requirements, what: tuple[Events, str, Kind], within: int | None) -> None:
    slot = stream_key(*what)
    if slot in needed.streams:
        before = needed.streams[slot].within
        within = None if before is None or within is None else max(before, within)
    needed.streams[slot] = Stream(*what, within)
