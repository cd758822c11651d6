"""What a draft comes to: the rule of all that is right in it, and what is wrong, by node. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, assert_never

from segments import typed
from segments.builder import words
from segments.builder.drafts import (
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
from segments.builder.form import is_whole
from segments.rules import Rule, RuleError, from_json

Json = dict[str, Any]


@dataclass(frozen=True)
class Checked:
    """The rule of all that is right (None: nothing is yet), and what is wrong by node. `gaps`: the nodes where nothing is
    wrong, but something still has to be said."""

    rule: Rule | None
    errors: dict[str, str] = field(default_factory=dict)
    gaps: frozenset[str] = frozenset()


class Gap(RuleError):
    """A control that nobody has filled in yet."""


def check(draft: GroupDraft) -> Checked:
    """The rule of everything in the draft that is right, and what is wrong, by the path of its node."""
    errors: dict[str, RuleError] = {}
    found = _checked(draft, "r", errors)
    said = {path: f"{_place(error.path)}{error.reason}" for path, error in errors.items()}
    gaps = frozenset(path for path, error in errors.items() if isinstance(error, Gap))
    if found is None:
        return Checked(None, said, gaps)
    try:
        return Checked(from_json(found), said, gaps)
    except RuleError as error:
        return Checked(None, {**said, "r": error.reason}, gaps - {"r"})


def _checked(draft: Draft, path: str, errors: dict[str, RuleError]) -> Json | None:
    if isinstance(draft, GroupDraft):
        inner = [_checked(item, f"{path}.{number}", errors) for number, item in enumerate(draft.items)]
        right = [one for one in inner if one is not None]
        if not right:
            return None
        if draft.how == "none":
            return {"not": right[0] if len(right) == 1 else {"any": right}}
        return {draft.how: right}
    try:
        found = _condition(draft)
        if draft.negated and not isinstance(draft, DidDraft):
            from_json(found)
            found = {"not": found}
        from_json(found)
    except RuleError as error:
        errors[path] = error
        return None
    return found


def _condition(draft: Condition) -> Json:
    match draft:
        case DidDraft(negated, events, compare, times, window):
            often = {"at_most": 0} if negated else _times(compare, times)
            return {"did": _name(events.name, "did"), **often, **_chosen(events), **_window(window)}
        case TotalDraft(compare=compare, number=number):
            compare = _one(compare, words.AGAINST, "more")
            return {**_total(draft), compare: _number(number, compare)}
        case MomentDraft(_, which, events, op, value, until):
            op = _one(op, words.WHENS, "in_last_days")
            asked: Any = _date(value, op)
            if op == "between":
                asked = [asked, _date(until, op)]
            elif op in ("in_last_days", "over_days_ago"):
                asked = _whole(value, op)
            which = _one(which, words.WHICH, "first")
            return {"moment": which, "of": _name(events.name, "of"), op: asked, **_chosen(events)}
        case ChangedDraft(_, direction, events, by, name, number, unit, percent):
            found: Json = {"changed": _one(direction, words.DIRECTIONS, "fewer"), "of": _name(events.name, "of")}
            found |= {**_chosen(events), **_span("within", number, unit)}
            found |= {"sum_of": _name(name, "sum_of")} if by == "sum" else {}
            return found | ({"percent": _number(percent, "percent")} if percent else {})
        case SequenceDraft(_, steps, number, unit, without, last, last_unit):
            found = {"sequence": [_anchor(step, f"sequence[{place}]") for place, step in enumerate(steps)]}
            found |= _span("within", number, unit)
            found |= {"without": _anchor(without[0], "without")} if without else {}
            return found | (_span("in_last", last, last_unit) if last else {})
        case TraitDraft(_, name, op, value):
            return {"trait": _name(name, "trait"), **_test(op, value)}
        case KnownDraft(_, "anonymous"):
            return {"anonymous": True}
        case KnownDraft(_, name):
            return {"has": _name(name, "has")}
        case ConsentDraft(_, channel, state):
            return {"consent": _name(channel, "consent"), "is": _one(state, words.CONSENT_STATES, "given")}
        case ScoreDraft(_, name, op, value):
            return {"score": _name(name, "score"), **_test(_one(op, words.SCORE_OPS, "greater"), value)}
        case RecordsDraft(_, compare, times, state, name, where):
            found = {"records": _name(name, "records"), "state": _one(state, words.STATES, "open")}
            found |= _times(compare, times)
            return found | _where(where)
        case SegmentDraft(_, name):
            return {"segment": _name(name, "segment")}
        case SampleDraft(_, percent, salt):
            return {"sample": _number(percent, "sample"), **({"salt": typed.text(salt)} if salt else {})}
        case TopDraft(number=number, unit=unit, by=by, name=name):
            unit = _one(unit, words.TOP_UNITS, "percent")
            kind = by if by in ("trait", "score") else ""
            of = {kind: _name(name, f"by.{kind}")} if kind else _total(draft)
            return {"top": _number(number, "top"), "unit": unit, "by": of}
        case _:
            assert_never(draft)


def _total(draft: TotalDraft | TopDraft) -> Json:
    aggregate = draft.aggregate if isinstance(draft, TotalDraft) else draft.by
    if aggregate != "count" or isinstance(draft, TotalDraft):
        aggregate = _one(aggregate, words.AGGREGATES, "sum")
    found = {"total": aggregate} | ({} if aggregate == "count" else {"property": _name(draft.property, "property")})
    return {**found, "of": _name(draft.events.name, "of"), **_chosen(draft.events), **_window(draft.window)}


def _anchor(events: EventsDraft, path: str) -> Json:
    return {"did": _name(events.name, path), **_chosen(events)}


def _chosen(events: EventsDraft) -> Json:
    found = _where(events.where)
    if events.timed:
        hours: Json = {"days": events.days.split()} if events.days else {}
        if events.start or events.end:
            hours |= {"from": typed.clock(events.start or "0:00"), "to": typed.clock(events.end or "24:00")}
        if not hours:
            raise Gap("on", "needs days or times of day")
        found["on"] = hours
    return found


def _where(where: Iterable[FilterDraft]) -> Json:
    found = []
    for number, one in enumerate(where):
        place = f"where[{number}]"
        if not one.property:
            raise Gap(place, "needs a property")
        try:
            found.append({"property": _name(one.property, place), **_test(one.op, one.value)})
        except RuleError as error:
            raise type(error)(place, error.reason) from None
    return {"where": found} if found else {}


def _window(window: WindowDraft) -> Json:
    match window.kind:
        case "last":
            return _span("within", window.number, window.unit)
        case "between":
            return {"between": [_date(window.start, "between"), _date(window.end, "between")]}
        case "first":
            span = _span("first", window.number, window.unit)
            return {**span, "after_first": _anchor(window.anchor, "after_first")}
        case "since":
            return {"since_last": _anchor(window.anchor, "since_last")}
        case _:
            return {}


def _span(name: str, number: str, unit: str) -> Json:
    name = f"{name}_{_one(unit, words.UNITS, 'days')}"
    return {name: _whole(number, name)}


def _times(compare: str, times: str) -> Json:
    compare = _one(compare, words.COMPARES, "at_least")
    return {compare: _whole(times, compare)}


def _test(op: str, text: str) -> Json:
    """A control's text as the value that its test takes."""
    op = _one(op, words.OPS, "is")
    if op in ("exists", "missing"):
        return {op: True}
    if not text:
        raise Gap("", f"needs a value after “{words.OPS[op]}”")
    match op:
        case "greater" | "less":
            return {op: _number(text, "")}
        case "between":
            return {op: [part if typed.is_date(part) else _number(part, "") for part in typed.ends(text)]}
        case "one_of":
            return {op: typed.choices(text)}
        case "in_last_days" | "in_next_days" | "birthday_in":
            return {op: _whole(text, "")}
        case "contains" | "starts_with" | "before" | "after":
            return {op: typed.text(text)}
        case _:
            return {op: typed.scalar(text)}


def _one(text: str, known: dict[str, str], default: str) -> str:
    return text if text in known else default


def _name(text: str, path: str) -> str:
    if not text:
        raise Gap(path, "is still to be said")
    return typed.text(text)


def _date(text: str, path: str) -> str:
    if not text:
        raise Gap(path, "needs a date")
    return text


def _whole(text: str, path: str) -> int:
    if not text:
        raise Gap(path, "needs a number")
    if not is_whole(text):
        raise RuleError(path, f"must be a whole number, not “{text[:20]}”")
    return int(text)


def _number(text: str, path: str) -> float:
    if not text:
        raise Gap(path, "needs a number")
    number = typed.number(text)
    if number is None:
        raise RuleError(path, f"must be a number, not “{text[:20]}”")
    return number


# Which control of a condition an error is about, where that isn't plain.
_PLACES = {
    "did": "the event", "of": "the event", "trait": "the trait", "property": "the property", "sum_of": "the property",
    "has": "the identifier", "consent": "the channel", "score": "the score", "records": "the kind of record",
    "segment": "the segment", "by.trait": "the trait", "by.score": "the score", "without": "what must not follow",
    "after_first": "the event after which it begins", "since_last": "the event since which it counts", "on": "the hours",
    "percent": "by how much", "sample": "the sample", "top": "the top", "salt": "the draw",
}  # fmt: skip


def _place(path: str) -> str:
    path = path.removeprefix("not.")
    if found := re.search(r"where\[(\d+)\]", path):
        return f"filter {int(found[1]) + 1} "
    if found := re.match(r"sequence\[(\d+)\]", path):
        return f"step {int(found[1]) + 1} "
    if re.match(r"(within|first|in_last)_|between", path):
        return "the window "
    for start in (path, path.partition(".")[0], path.removeprefix("by.")):
        if start in _PLACES:
            return f"{_PLACES[start]} "
    return ""
