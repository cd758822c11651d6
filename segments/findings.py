"""What was found of one person at each condition, in English with the actual values."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any as Anything
from typing import assert_never
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings

from segments import calendar
from segments.describe import AGAINST_WORDS, counted, day, filters, label, number, percent, shown, span
from segments.evaluate import NEVER, Found
from segments.load import Columns, micros, moment_of
from segments.require import stream_key
from segments.rules import (
    All,
    Any,
    Between,
    Changed,
    Compare,
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
    Path,
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
)

MOST_SHOWN = 120  # characters of a trait's value


@dataclass(frozen=True)
class Findings:
    """One person's columns and what the evaluator found in them at `now`."""

    columns: Columns
    nodes: Mapping[Path, Found]
    traits: Mapping[str, Anything]
    now: datetime

    def words(self, rule: Rule, path: Path) -> str:
        """'twice since 24 September 2026, needs 3'"""
        found = self.nodes[path]
        match rule:
            case Did():
                return self._did(rule, found)
            case Measure(total, compare, wanted):
                said = self._total(total, found)
                return said if found.holds[0] else f"{said}, needs {AGAINST_WORDS[compare]} {number(wanted)}"
            case Moment(which, events):
                if found.moment is None or found.moment[0] == NEVER:
                    return f"never{_that_match(events)}"
                return f"the {which} was on {self._day(int(found.moment[0]))}"
            case Changed():
                return self._changed(rule, found)
            case Sequence():
                return self._sequence(rule, holds=bool(found.holds[0]))
            case Trait(name, op, _):
                return self._trait(name) + (self._until_birthday(name) if op == "birthday_in" else "")
            case Score(name):
                return self._trait(f"score_{name}", f"{label(name)} score")
            case Consent(channel):
                consent = self.traits.get(f"consent_{channel}")
                return "said yes" if consent is True else "said no" if consent is False else "said neither"
            case Known("anonymous"):
                return "nothing makes them known" if found.holds[0] else "they are known"
            case Known():
                return "there is one" if found.holds[0] else "there is none"
            case Records(compare=compare, times=times):
                count = 0 if found.count is None else int(found.count[0])
                return f"{count or 'none'}{_needs(count, compare, times)}"
            case Sample():
                return "drawn" if found.holds[0] else "not drawn"
            case Top():
                return self._top(rule, found)
            case All() | Any() | Not() | InSegment():
                raise ValueError("groups and segments are explained by what is in them")
            case _:
                assert_never(rule)

    def _did(self, did: Did, found: Found) -> str:
        if found.there is not None and not found.there[0]:
            return self._no_window(did.window)
        times = 0 if found.count is None else int(found.count[0])
        done = f"{counted(times)}{_that_match(did.events)}" if times else "never"
        return f"{done}{self._in(did.window)}{_needs(times, did.compare, did.times)}"

    def _total(self, total: Total, found: Found) -> str:
        """'320.50 of revenue since 16 April 2026'"""
        if isinstance(total.window, FirstAfter | SinceLast) and self._anchored(total.window) is None:
            return self._no_window(total.window)
        value = float("nan") if found.total is None else float(found.total[0])
        if np.isnan(value):
            return f"no {label(total.property)}{self._in(total.window)}"
        match total.aggregate:
            case "count":
                said = counted(int(value)) if value else "never"
            case "sum":
                said = f"{_amount(value)} of {label(total.property)}"
            case "distinct":
                said = f"{_amount(value)} different values of {label(total.property)}"
            case _:
                said = f"{total.aggregate} {label(total.property)} {_amount(value)}"
        return f"{said}{self._in(total.window)}"

    def _changed(self, changed: Changed, found: Found) -> str:
        """'1 in the last 90 days, 4 in the 90 days before'"""
        latest, earlier = (0.0 if one is None else float(one[0]) for one in (found.total, found.before))
        what = f" of {label(changed.property)}" if changed.property else ""
        long = span(changed.within)
        said = f"{_amount(latest)}{what} in the last {long}, {_amount(earlier)} in the {long} before"
        if earlier <= 0 or latest == earlier:
            return said
        share = abs(latest - earlier) / earlier * 100
        return f"{said}: {percent(round(share, 1))} {'fewer' if latest < earlier else 'more'}"

    def _sequence(self, sequence: Sequence, *, holds: bool) -> str:
        """'“Product Viewed” on 3 May 2026, then nothing'"""
        best: list[tuple[str, int]] = []
        for chain in self._chains(sequence):
            whole = len(chain) == len(sequence.steps)
            if len(chain) >= len(best) or (holds and whole):
                best = chain
            if holds and whole:
                break
        if not best:
            return f"never “{sequence.steps[0].name}”{self._in(sequence.window)}"
        said = ", then ".join(f"“{name}” on {self._day(at)}" for name, at in best)
        return said if len(best) >= len(sequence.steps) else f"{said}, then nothing"

    def _chains(self, sequence: Sequence) -> Iterator[list[tuple[str, int]]]:
        """How far each first step led, oldest first; where something spoilt it, that comes last."""
        now, within = micros(self.now), sequence.within * 1_000_000
        since = now - sequence.window.seconds * 1_000_000 if isinstance(sequence.window, Last) else None
        times = [self._times(step) for step in sequence.steps]
        for begun in times[0]:
            if since is not None and begun <= since:
                continue
            until = min(now, begun + within)
            chain = [(sequence.steps[0].name, begun)]
            for step, happened in zip(sequence.steps[1:], times[1:], strict=True):
                reached = [at for at in happened if chain[-1][1] < at <= until]
                if not reached:
                    break
                last = len(chain) == len(sequence.steps) - 1
                chain.append((step.name, reached[-1] if last else reached[0]))
            if len(chain) == len(sequence.steps) and sequence.without is not None:
                chain += [
                    (sequence.without.name, at) for at in self._times(sequence.without) if chain[-1][1] < at <= until
                ][:1]
            yield chain

    def _times(self, events: Events) -> list[int]:
        """When these events happened, up to now."""
        happened: list[int] = self.columns.streams[stream_key(events)].time.tolist()
        return [at for at in happened if at <= micros(self.now)]

    def _trait(self, name: str, called: str = "") -> str:
        value = self.traits.get(name)
        if value is None and "." in name:
            value = self.traits
            for part in name.split("."):
                value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            return f"no {called or label(name)}"
        text = shown(value) if isinstance(value, str | int | float | bool) else json.dumps(value, ensure_ascii=False)
        return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"

    def _until_birthday(self, name: str) -> str:
        birthday = self.columns.birthdays[name].astype(np.int64)
        if not birthday[0]:
            return ""
        today = calendar.local_days(np.array([micros(self.now)]), settings.TIME_ZONE)
        ahead = int(calendar.days_to_birthday(today, birthday)[0])
        return ": today" if not ahead else f": in {ahead} day{'s' if ahead > 1 else ''}"

    def _top(self, top: Top, found: Found) -> str:
        value = float("nan") if found.total is None else float(found.total[0])
        threshold = self.columns.thresholds.get(key(top))
        said = "no value" if np.isnan(value) else _amount(value)
        if threshold is None:
            return f"{said}; nobody has been ranked yet"
        return f"{said}, the last of the top has {_amount(threshold)}" if threshold < float("inf") else said

    def _in(self, window: Window) -> str:
        """' since 16 April 2026'"""
        match window:
            case Ever():
                return ""
            case Last(seconds):
                return f" since {self._day(micros(self.now - timedelta(seconds=seconds)))}"
            case Between(start, end):
                return f" from {day(start)} to {day(end)}"
            case FirstAfter(seconds):
                return f" in the first {span(seconds)} after {self._day(self._anchored(window) or 0)}"
            case SinceLast():
                return f" since {self._day(self._anchored(window) or 0)}"
            case _:
                assert_never(window)

    def _anchored(self, window: FirstAfter | SinceLast) -> int | None:
        """The moment that a window hangs on."""
        times = self._times(window.anchor)
        return times[0 if isinstance(window, FirstAfter) else -1] if times else None

    def _no_window(self, window: Window) -> str:
        anchor = window.anchor.name if isinstance(window, FirstAfter | SinceLast) else ""
        return f"never “{anchor}”"

    def _day(self, at: int) -> str:
        local = moment_of(at).astimezone(ZoneInfo(settings.TIME_ZONE))
        return f"{local.day} {local:%B %Y}"


def _that_match(events: Events) -> str:
    return " that match" if filters(events.where) or events.hours else ""


def _needs(count: int, compare: Compare, times: int) -> str:
    """What is missing, or too much: nothing where it holds."""
    match compare:
        case "at_least":
            return "" if count >= times else f", needs {times:,}"
        case "at_most":
            return "" if count <= times else f", at most {times:,} allowed"
        case "exactly":
            return "" if count == times else f", needs exactly {times:,}"
        case _:
            assert_never(compare)


def _amount(value: float) -> str:
    """'1,250', '320.50', '0.1234'."""
    if value == round(value):
        return f"{round(value):,}"
    return f"{value:,.2f}" if round(value, 2) == round(value, 4) else f"{value:,.4f}"
