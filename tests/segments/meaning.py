"""What rules mean, in plain Python: simple loops over one person's events, traits and records. No NumPy, no database."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil
from typing import Any as Anything
from zoneinfo import ZoneInfo

from django.conf import settings

from segments.rules import (
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
)
from tests.segments.comparing import Document, between, compares, items, member, moment_of, number_of, passes, text_of

History = list[tuple[str, datetime, Document]]
MOST = 10_000_000_000


@dataclass
class Thing:
    """A record."""

    kind: str
    opened_at: datetime
    status: str = ""
    title: str = ""
    value: Decimal | None = None
    currency: str = ""
    closed_at: datetime | None = None
    updated_at: datetime | None = None
    properties: Document = field(default_factory=dict)

    def fields(self) -> Document:
        def written(moment: datetime | None) -> str | None:
            return moment.isoformat() if moment else None

        return self.properties | {
            "status": self.status or None, "title": self.title or None, "value": self.value,
            "currency": self.currency or None, "opened_at": written(self.opened_at),
            "closed_at": written(self.closed_at), "updated_at": written(self.updated_at or self.opened_at),
        }  # fmt: skip


@dataclass
class Person:
    traits: Document = field(default_factory=dict)
    history: History = field(default_factory=list)
    records: list[Thing] = field(default_factory=list)
    identifiers: set[str] = field(default_factory=set)
    id: int = 0


# What the last of each top has.
Thresholds = Mapping[Top, Fraction | float | None]


def holds(rule: Rule, person: Person, now: datetime, thresholds: Thresholds | None = None) -> bool:
    """Whether a rule holds for a person at a moment."""
    match rule:
        case All(conditions):
            return all(holds(one, person, now, thresholds) for one in conditions)
        case Any(conditions):
            return any(holds(one, person, now, thresholds) for one in conditions)
        case Not(condition):
            return not holds(condition, person, now, thresholds)
        case Did(events, compare, times, window):
            found = chosen(events, window, person, now)
            return found is not None and _counts(len(found), compare, times)
        case Measure(total, compare, number):
            value = amount(total, person, now)
            wanted = Fraction(str(number))
            return value is not None and {
                "more": value > wanted, "less": value < wanted, "at_least": value >= wanted, "at_most": value <= wanted,
                "exactly": value == wanted,
            }[compare]  # fmt: skip
        case Moment():
            return _moment_holds(rule, person, now)
        case Changed():
            return _changed(rule, person, now)
        case Sequence():
            return any(_chain(rule, person, now, begun) for begun in _first_steps(rule, person, now))
        case Trait(name, op, value):
            return _trait(person.traits, name, op, value, now)
        case Score(name, op, value):
            return _trait(person.traits, f"score_{name}", op, value, now)
        case Consent(channel, state):
            given, denied = (passes(member(person.traits, f"consent_{channel}"), "is", said) for said in (True, False))
            return {"given": given, "denied": denied, "unknown": not given and not denied}[state]
        case Known("anonymous"):
            return not person.identifiers - {"anonymous_id", "device_id", "record", "fingerprint"}
        case Known(kind):
            return kind in person.identifiers
        case Records(kind, state, where, compare, times):
            found = [one for one in person.records if one.kind == kind.lower() and _is(one, state, now)]
            return _counts(
                sum(all(_filter(one, thing.fields(), now) for one in where) for thing in found), compare, times
            )
        case Sample(percent, salt):
            return _mixed(person.id, salt) < Fraction(str(percent)) / 100 * 2**64
        case Top(by=by):
            value = rank_of(by, person, now)
            threshold = (thresholds or {}).get(rule)
            return value is not None and value > 0 and threshold is not None and float(value) >= float(threshold)
    raise AssertionError(rule)


def threshold(top: Top, people: Iterable[Person], now: datetime) -> Fraction | None:
    """What the last of the top has, of those with a value above 0."""
    found = [rank_of(top.by, person, now) for person in people]
    values = sorted((value for value in found if value is not None and value > 0), reverse=True)
    number = ceil(Fraction(str(top.number)) / 100 * len(values)) if top.unit == "percent" else int(top.number)
    return values[min(number, len(values)) - 1] if values else None


def rank_of(by: Total | str, person: Person, now: datetime) -> Fraction | None:
    if isinstance(by, Total):
        return amount(by, person, now)
    number = number_of(member(person.traits, by))
    return Fraction(number) if number is not None and abs(number) <= MOST else None


def amount(total: Total, person: Person, now: datetime) -> Fraction | None:
    """A total; None where there is none."""
    found = chosen(total.events, total.window, person, now)
    if found is None:
        return None
    if total.aggregate == "count":
        return Fraction(len(found))
    said = [item for _, properties in found for item in items(member(properties, total.property))]
    if total.aggregate == "distinct":
        return Fraction(len({text_of(one) for one in said} - {None}))
    values = [number for one in said if (number := _amount(one)) is not None]
    match total.aggregate:
        case "sum":
            return sum(values, Fraction(0))
        case "average" if values:
            return sum(values) / Fraction(len(values))
        case "lowest" if values:
            return min(values)
        case "highest" if values:
            return max(values)
    return None


def _amount(value: Anything) -> Fraction | None:
    """A value in a total: to four decimals, halves away from zero."""
    number = number_of(value)
    if number is None or abs(number) > MOST:
        return None
    return Fraction(number.quantize(Decimal("0.0001"), ROUND_HALF_UP))


Happened = list[tuple[datetime, Document]]


def happened(events: Events, person: Person, now: datetime) -> Happened:
    """All of these events up to now, in order."""
    found = [
        (time, properties)
        for name, time, properties in person.history
        if name == events.name
        and time <= now
        and all(passes(member(properties, one.name), one.op, one.value) for one in events.where)
        and (events.hours is None or _within(events.hours, time))
    ]
    return sorted(found, key=lambda one: one[0])


def _within(hours: Hours, time: datetime) -> bool:
    local = time.astimezone(ZoneInfo(settings.TIME_ZONE))
    minute = local.hour * 60 + local.minute
    if hours.days and local.isoweekday() not in hours.days:
        return False
    if hours.start < hours.end:
        return hours.start <= minute < hours.end
    return minute >= hours.start or minute < hours.end


def chosen(events: Events, window: Window, person: Person, now: datetime) -> Happened | None:
    """The events in a window; None where the person has no such window."""
    found = happened(events, person, now)
    match window:
        case Ever():
            return found
        case Last(seconds):
            return [one for one in found if now - timedelta(seconds=seconds) < one[0]]
        case Between(start, end):
            return [one for one in found if between(one[0], start, end)]
        case FirstAfter(seconds, anchor):
            if not (anchors := happened(anchor, person, now)):
                return None
            first = anchors[0][0]
            return [one for one in found if first <= one[0] < first + timedelta(seconds=seconds)]
        case SinceLast(anchor):
            if not (anchors := happened(anchor, person, now)):
                return None
            return [one for one in found if anchors[-1][0] < one[0]]


def _counts(number: int, compare: str, times: int) -> bool:
    return {"at_least": number >= times, "at_most": number <= times, "exactly": number == times}[compare]


def _moment_holds(rule: Moment, person: Person, now: datetime) -> bool:
    found = happened(rule.events, person, now)
    if not found:
        return False
    at = found[0 if rule.which == "first" else -1][0]
    match rule.op, rule.value:
        case "in_last_days", int(days):
            return at > now - timedelta(days=days)
        case "over_days_ago", int(days):
            return at <= now - timedelta(days=days)
        case "between", (start, end):
            return between(at, str(start), str(end))
        case op, str(value):
            return compares(at.isoformat(), op, value)
    raise AssertionError(rule)


def _changed(rule: Changed, person: Person, now: datetime) -> bool:
    total = Total("sum" if rule.property else "count", rule.property, rule.events, Last(rule.within))
    latest, both = (
        amount(Total(total.aggregate, total.property, total.events, Last(seconds)), person, now) or Fraction(0)
        for seconds in (rule.within, 2 * rule.within)
    )
    earlier = both - latest
    if rule.percent is None:
        return latest < earlier if rule.direction == "fewer" else latest > earlier
    change = Fraction(str(rule.percent)) / 100 * earlier
    return earlier > 0 and (latest <= earlier - change if rule.direction == "fewer" else latest >= earlier + change)


def _first_steps(rule: Sequence, person: Person, now: datetime) -> list[datetime]:
    return [time for time, _ in chosen(rule.steps[0], rule.window, person, now) or []]


def _chain(rule: Sequence, person: Person, now: datetime, begun: datetime) -> bool:
    """Whether some chain from this first step is complete: every one is tried."""
    limit = min(now, begun + timedelta(seconds=rule.within))

    def follow(steps: tuple[Events, ...], after: datetime) -> bool:
        if not steps:
            spoilt = rule.without and any(after < time <= limit for time, _ in happened(rule.without, person, now))
            return not spoilt
        times = [time for time, _ in happened(steps[0], person, now) if after < time <= limit]
        return any(follow(steps[1:], time) for time in times)

    return follow(rule.steps[1:], begun)


def _trait(traits: Document, name: str, op: str, value: Anything, now: datetime) -> bool:
    if op == "birthday_in":
        return _birthday(_first(member(traits, name)), value, now)
    return _filter(PropertyFilter(name, op, value), traits, now)  # type: ignore[arg-type]


def _filter(one: PropertyFilter, document: Document, now: datetime) -> bool:
    """A comparison, with those that the clock turns."""
    found = member(document, one.name)
    if one.op not in ("in_last_days", "in_next_days"):
        return passes(found, one.op, one.value)
    moment, span = moment_of(_first(found)), timedelta(days=one.value)  # type: ignore[arg-type]
    if moment is None:
        return False
    return now - span < moment <= now if one.op == "in_last_days" else now < moment <= now + span


def _birthday(value: Anything, days: int, now: datetime) -> bool:
    if moment_of(value) is None:
        return False
    month, day = int(value[5:7]), int(value[8:10])
    today = now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    return any(_is_birthday(today + timedelta(days=ahead), month, day) for ahead in range(days + 1))


def _is_birthday(when: date, month: int, day: int) -> bool:
    leap = when.year % 4 == 0 and (when.year % 100 != 0 or when.year % 400 == 0)
    if (month, day) == (2, 29) and not leap:
        month, day = 3, 1
    return (when.month, when.day) == (month, day)


def _first(value: Anything) -> Anything:
    return value[0] if isinstance(value, list) and value else value


def _is(thing: Thing, state: str, now: datetime) -> bool:
    closed = thing.closed_at is not None and thing.closed_at <= now
    return state == "any" or closed == (state == "closed")


def _mixed(id: int, salt: str) -> int:
    """splitmix64 of the id and the salt's number."""
    whole = 2**64 - 1
    mixed = (id ^ int.from_bytes(hashlib.blake2b(salt.encode(), digest_size=8).digest(), "big")) & whole
    mixed = (mixed + 0x9E3779B97F4A7C15) & whole
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & whole
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & whole
    return mixed ^ (mixed >> 31)
