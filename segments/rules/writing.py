"""Rules to their JSON form. `segments.rules.reading` is the way back."""

from typing import Any as Anything
from typing import assert_never

from segments.rules.trees import in_units
from segments.rules.values import (
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
    Hours,
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
    Value,
    Window,
)

Json = dict[str, Anything]


def to_json(rule: Rule) -> Json:
    match rule:
        case All(conditions):
            return {"all": [to_json(condition) for condition in conditions]}
        case Any(conditions):
            return {"any": [to_json(condition) for condition in conditions]}
        case Not(condition):
            return {"not": to_json(condition)}
        case Did(events, compare, times, window):
            return {"did": events.name, compare: times, **_chosen(events), **window_to_json(window)}
        case Measure(total, compare, number):
            return {**total_to_json(total), compare: number}
        case Moment(which, events, op, value):
            return {"moment": which, "of": events.name, **_chosen(events), op: _plain(value)}
        case Changed(direction, events, within, name, percent):
            answer: Json = {"changed": direction, "of": events.name, **_chosen(events), **_span("within", within)}
            return answer | ({"sum_of": name} if name else {}) | ({"percent": percent} if percent is not None else {})
        case Sequence(steps, within, without, window):
            answer = {"sequence": [events_to_json(step) for step in steps], **_span("within", within)}
            answer |= {"without": events_to_json(without)} if without is not None else {}
            return answer | (_span("in_last", window.seconds) if isinstance(window, Last) else {})
        case Trait(name, op, value):
            return {"trait": name, op: _plain(value)}
        case Known("anonymous"):
            return {"anonymous": True}
        case Known(kind):
            return {"has": kind}
        case Consent(channel, state):
            return {"consent": channel, "is": state}
        case Score(name, op, value):
            return {"score": name, op: _plain(value)}
        case Records(kind, state, where, compare, times):
            answer = {"records": kind, "state": state, compare: times}
            return answer | ({"where": list(map(filter_to_json, where))} if where else {})
        case InSegment(name):
            return {"segment": name}
        case Sample(percent, salt):
            return {"sample": percent, **({"salt": salt} if salt else {})}
        case Top(number, unit, by):
            return {"top": number, "unit": unit, "by": {"trait": by} if isinstance(by, str) else total_to_json(by)}
        case _:
            assert_never(rule)


def total_to_json(total: Total) -> Json:
    """A total without what it is compared with."""
    answer: Json = {"total": total.aggregate}
    if total.property:
        answer["property"] = total.property
    return {**answer, "of": total.events.name, **_chosen(total.events), **window_to_json(total.window)}


def events_to_json(events: Events) -> str | Json:
    """Events where they stand alone: their name, or with what chooses among them."""
    chosen = _chosen(events)
    return {"did": events.name, **chosen} if chosen else events.name


def filter_to_json(one: PropertyFilter) -> Json:
    return {"property": one.name, one.op: _plain(one.value)}


def window_to_json(window: Window) -> Json:
    match window:
        case Ever():
            return {}
        case Last(seconds):
            return _span("within", seconds)
        case Between(start, end):
            return {"between": [start, end]}
        case FirstAfter(seconds, anchor):
            return {**_span("first", seconds), "after_first": events_to_json(anchor)}
        case SinceLast(anchor):
            return {"since_last": events_to_json(anchor)}
        case _:
            assert_never(window)


def hours_to_json(hours: Hours) -> Json:
    answer: Json = {}
    if hours.days:
        answer["days"] = [WEEK[day - 1] for day in hours.days]
    if (hours.start, hours.end) != (0, 1_440):
        answer |= {"from": clock(hours.start), "to": clock(hours.end)}
    return answer


def clock(minutes: int) -> str:
    """Minutes since midnight as '18:30'; the end of the day is '24:00'."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _chosen(events: Events) -> Json:
    answer: Json = {"where": list(map(filter_to_json, events.where))} if events.where else {}
    return answer | ({"on": hours_to_json(events.hours)} if events.hours is not None else {})


def _span(name: str, seconds: int) -> Json:
    number, unit = in_units(seconds)
    return {f"{name}_{unit}": number}


def _plain(value: Value) -> Anything:
    return list(value) if isinstance(value, tuple) else value
