"""Whom dates in traits and records move as time passes, and when the next of them will."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from django.conf import settings

from segments import calendar
from segments.edges import date_edges
from segments.load import NEVER, NO_MOMENT, Columns
from segments.require import Requirements, records_key
from segments.rules import CLOCK_OPS, Records, Rule, Trait, nodes

_SECOND = 1_000_000


@dataclass
class Dated:
    """The dates that rules go by: (trait, seconds after the date), (trait, days) for birthdays, and for records (their
    key, place of the date, -1 for when they close, seconds after it)."""

    traits: set[tuple[str, int]] = field(default_factory=set)
    birthdays: set[tuple[str, int]] = field(default_factory=set)
    records: set[tuple[str, int, int]] = field(default_factory=set)
    asked: dict[str, Records] = field(default_factory=dict)

    @property
    def needed(self) -> Requirements:
        return Requirements(
            moments={name for name, _ in self.traits},
            birthdays={name for name, _ in self.birthdays},
            records=dict(self.asked),
        )

    def as_json(self) -> list[list[object]]:
        return [list(one) for one in (*sorted(self.traits), *sorted(self.birthdays), *sorted(self.records))]


def dated(rules: Sequence[Rule]) -> Dated:
    found = Dated()
    for rule in rules:
        for _, node in nodes(rule):
            match node:
                case Trait(name, ("in_last_days" | "in_next_days") as op, int(days)):
                    found.traits |= {(name, seconds) for seconds in date_edges(op, days)}
                case Trait(name, "birthday_in", int(days)):
                    found.birthdays.add((name, days))
                case Records():
                    _add_records(found, node)
                case _:
                    pass
    return found


def _add_records(found: Dated, node: Records) -> None:
    slot = records_key(node)
    spans = {(slot, -1, 0)} if node.state != "any" else set()
    for place, one in enumerate(one for one in node.where if one.op in CLOCK_OPS):
        assert isinstance(one.value, int)
        spans |= {(slot, place, seconds) for seconds in date_edges(one.op, one.value)}
    if spans:
        found.records |= spans
        found.asked[slot] = node


def crossed(of: Dated, columns: Columns, last: int, now: int) -> tuple[np.ndarray, int]:
    """Whom a date moved in (last, now], as ids, and when the next of these people's dates will move anybody."""
    moved = np.zeros(len(columns.people), bool)
    due = NEVER
    everybody = np.arange(len(columns.people))
    columned = [(everybody, columns.moments[name], seconds) for name, seconds in of.traits if name in columns.moments]
    for slot, place, seconds in of.records:
        if slot in columns.records:
            held = columns.records[slot]
            columned.append((held.person, held.closed if place < 0 else held.dates[place], seconds))
    for person, dates, seconds in columned:
        known = (dates > NO_MOMENT) & (dates < NEVER)
        moment = dates[known] + seconds * _SECOND
        moved[person[known][(moment > last) & (moment <= now)]] = True
        due = min(due, int(moment[moment > now].min(initial=NEVER)))
    for name, days in of.birthdays:
        if name in columns.birthdays:
            due = min(due, _birthdays(columns.birthdays[name].astype(np.int64), days, moved, last, now))
    return columns.people[moved], due


def _birthdays(birthdays: np.ndarray, days: int, moved: np.ndarray, last: int, now: int) -> int:
    """Birthdays come nearer at midnight."""
    known = np.flatnonzero(birthdays)
    if not len(known):
        return NEVER
    zone = settings.TIME_ZONE
    before, today = calendar.local_days(np.array([last, now]), zone)
    if before != today:
        then, here = (
            calendar.days_to_birthday(np.full(len(known), day), birthdays[known]) <= days for day in (before, today)
        )
        moved[known[then != here]] = True
    begins = np.concatenate(calendar.beginnings(np.array([today + 1]), zone))
    return int(begins[begins > now].min(initial=NEVER))
