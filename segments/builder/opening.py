"""A rule as a draft: `checking` gives the same rule back. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from segments import typed
from segments.builder.drafts import (
    EVER,
    ChangedDraft,
    Condition,
    ConsentDraft,
    DidDraft,
    Draft,
    EventsDraft,
    FilterDraft,
    GroupDraft,
    KnownDraft,
    MomentDraft,
    RecordsDraft,
    SampleDraft,
    ScoreDraft,
    SegmentDraft,
    SequenceDraft,
    TopDraft,
    TotalDraft,
    TraitDraft,
    WindowDraft,
)
from segments.rules import (
    WEEK,
    All,
    Any,
    Between,
    Changed,
    Consent,
    Did,
    Events,
    Ever,
    FirstAfter,
    InSegment,
    Known,
    Last,
    Measure,
    Moment,
    Not,
    PropertyFilter,
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
    clock,
    in_units,
)


def draft_of(rule: Rule) -> GroupDraft:
    """A rule as a draft; the root is always a group, so that there is somewhere to add to."""
    draft = part_of(rule)
    return draft if isinstance(draft, GroupDraft) else GroupDraft("all", (draft,))


def part_of(rule: Rule) -> Draft:
    match rule:
        case All(conditions):
            return GroupDraft("all", tuple(map(part_of, conditions)))
        case Any(conditions):
            return GroupDraft("any", tuple(map(part_of, conditions)))
        case Not(Any(conditions)) if len(conditions) > 1:
            return GroupDraft("none", tuple(map(part_of, conditions)))
        # 'Did not' is a count of its own; denying a count of another kind needs a group.
        case Not((All() | Any() | Not() | Did()) as condition):
            return GroupDraft("none", (part_of(condition),))
        case Not(condition):
            return replace(_condition(condition), negated="not")
        case _:
            return _condition(rule)


def _condition(rule: Rule) -> Condition:
    match rule:
        case Did(events, "at_most", 0, window):
            return DidDraft("not", _events(events), window=_window(window))
        case Did(events, compare, times, window):
            return DidDraft("", _events(events), compare, str(times), _window(window))
        case Measure(Total(aggregate, name, events, window), compare, number):
            return TotalDraft(
                "", aggregate, typed.name(name), _events(events), _window(window), compare, typed.one(number)
            )
        case Moment(which, events, op, value):
            first, until = value if isinstance(value, tuple) else (str(value), "")
            return MomentDraft("", which, _events(events), op, first, until)
        case Changed(direction, events, within, name, percent):
            number, unit = in_units(within)
            least = "" if percent is None else typed.one(percent)
            by = "sum" if name else "count"
            return ChangedDraft("", direction, _events(events), by, typed.name(name), str(number), unit, least)
        case Sequence(steps, within, without, window):
            number, unit = in_units(within)
            last, last_unit = in_units(window.seconds) if isinstance(window, Last) else ("", "days")
            none = () if without is None else (_events(without),)
            return SequenceDraft("", tuple(map(_events, steps)), str(number), unit, none, str(last), last_unit)
        case Trait(name, op, value):
            return TraitDraft("", typed.name(name), op, typed.write(op, value))
        case Known(kind):
            return KnownDraft("", typed.name(kind))
        case Consent(channel, state):
            return ConsentDraft("", typed.name(channel), state)
        case Score(name, op, value):
            return ScoreDraft("", typed.name(name), op, typed.write(op, value))
        case Records(kind, state, where, compare, times):
            return RecordsDraft("", compare, str(times), state, typed.name(kind), _filters(where))
        case InSegment(name):
            return SegmentDraft("", typed.name(name))
        case Sample(percent, salt):
            return SampleDraft("", typed.one(percent), typed.name(salt))
        case Top(number, unit, str() as name):
            score = name.removeprefix("score_")
            by, name = ("score", score) if name.startswith("score_") and score else ("trait", name)
            return TopDraft("", typed.one(number), unit, by, typed.name(name))
        case Top(number, unit, Total(aggregate, name, events, window)):
            return TopDraft(
                "", typed.one(number), unit, aggregate, "", typed.name(name), _events(events), _window(window)
            )
        case All() | Any() | Not() | Top():
            raise TypeError("is no condition")
        case _:
            assert_never(rule)


def _events(events: Events) -> EventsDraft:
    draft = EventsDraft(typed.name(events.name), _filters(events.where))
    if events.hours is None:
        return draft
    hours = events.hours
    days = " ".join(WEEK[day - 1] for day in hours.days)
    start, end = ("", "") if (hours.start, hours.end) == (0, 1_440) else (clock(hours.start), clock(hours.end))
    return replace(draft, timed="yes", days=days, start=start, end=end)


def _filters(where: Iterable[PropertyFilter]) -> tuple[FilterDraft, ...]:
    return tuple(FilterDraft(typed.name(one.name), one.op, typed.write(one.op, one.value)) for one in where)


def _window(window: Window) -> WindowDraft:
    match window:
        case Ever():
            return EVER
        case Last(seconds):
            number, unit = in_units(seconds)
            return WindowDraft("last", str(number), unit)
        case Between(start, end):
            return WindowDraft("between", start=start, end=end)
        case FirstAfter(seconds, anchor):
            number, unit = in_units(seconds)
            return WindowDraft("first", str(number), unit, anchor=_events(anchor))
        case SinceLast(anchor):
            return WindowDraft("since", anchor=_events(anchor))
        case _:
            assert_never(window)
