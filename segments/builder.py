"""The form for a rule: what its controls say, what a button does to it, and the rule that comes out. Pure.

A draft is a rule as somebody is still writing it: every control's text as typed, right or wrong. Its nodes have paths,
'r' the root, 'r.0' its first condition; a control is named by its node and what it holds, 'r.0:times'.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any as Anything

from segments import typed
from segments.rules import All, Any, Did, Not, Rule, RuleError, Trait, from_json, in_units

MOST_UNDO = 20
MOST_DEEP = 20  # a rule may be less deep: it is said where it goes too far
GROUPS = {"all": "All of these", "any": "Any of these", "none": "None of these"}
COMPARES = {"at_least": "at least", "at_most": "at most", "exactly": "exactly", "never": "never"}
# Seconds are offered only where a rule has them already.
UNITS = {"days": "days", "hours": "hours", "minutes": "minutes", "seconds": "seconds"}
TRAIT_OPS = {
    "is": "is", "is_not": "is not", "contains": "contains", "starts_with": "starts with", "one_of": "is one of",
    "greater": "is more than", "less": "is less than", "between": "is between", "before": "is before",
    "after": "is after", "in_last_days": "was in the last … days", "exists": "is known", "missing": "is unknown",
}  # fmt: skip
PROPERTY_OPS = {op: words for op, words in TRAIT_OPS.items() if op != "in_last_days"}
# What the value's field should say where it is empty.
HINTS = {
    "one_of": "one, another",
    "between": "1, 10",
    "before": "2026-12-31",
    "after": "2026-01-01",
    "in_last_days": "30",
}


@dataclass(frozen=True)
class FilterDraft:
    property: str = ""
    op: str = "is"
    value: str = ""


@dataclass(frozen=True)
class DidDraft:
    event: str
    compare: str = "at_least"
    times: str = "1"
    within: str = ""
    unit: str = "days"
    where: tuple[FilterDraft, ...] = ()


@dataclass(frozen=True)
class TraitDraft:
    name: str
    op: str = "is"
    value: str = ""


@dataclass(frozen=True)
class GroupDraft:
    kind: str = "all"
    items: tuple["Draft", ...] = ()


Draft = GroupDraft | DidDraft | TraitDraft
EMPTY = GroupDraft()


@dataclass(frozen=True)
class Checked:
    """What a draft comes to: the rule of all that is right (None: nothing is yet), and what is wrong by node."""

    rule: Rule | None
    errors: dict[str, str] = field(default_factory=dict)


def draft_of(rule: Rule) -> GroupDraft:
    """A rule as a draft; the root is always a group, so that there is somewhere to add to."""
    draft = _draft_of(rule)
    return draft if isinstance(draft, GroupDraft) else GroupDraft("all", (draft,))


def _draft_of(rule: Rule) -> Draft:
    match rule:
        case All(conditions):
            return GroupDraft("all", tuple(map(_draft_of, conditions)))
        case Any(conditions):
            return GroupDraft("any", tuple(map(_draft_of, conditions)))
        case Not(Any(conditions)) if len(conditions) > 1:
            return GroupDraft("none", tuple(map(_draft_of, conditions)))
        case Not(condition):
            return GroupDraft("none", (_draft_of(condition),))
        case Trait(name, op, value):
            return TraitDraft(name, op, typed.write(op, value))
        case Did(event, compare, times, where, within):
            number, unit = in_units(within) if within is not None else (0, "days")
            never = (compare, times) == ("at_most", 0)
            filters = tuple(FilterDraft(one.name, one.op, typed.write(one.op, one.value)) for one in where)
            return DidDraft(
                event, "never" if never else compare, "1" if never else str(times), str(number or ""), unit, filters
            )


def read(form: Mapping[str, str]) -> GroupDraft:
    """The draft that a form's controls say. Unknown or missing controls take their defaults; nothing raises."""
    draft = _read(form, "r", 0)
    return draft if isinstance(draft, GroupDraft) else EMPTY


def _read(form: Mapping[str, str], path: str, depth: int) -> Draft:

    def said(name: str, default: str = "") -> str:
        return form.get(f"{path}:{name}", default).strip()

    kind = said("node", "group" if path == "r" else "")
    if kind == "did":
        number = _count(said("filters"))
        filters = tuple(
            FilterDraft(said(f"property{n}"), said(f"op{n}", "is"), said(f"value{n}")) for n in range(number)
        )
        return DidDraft(
            said("event"),
            said("compare", "at_least"),
            said("times", "1"),
            said("within"),
            said("unit", "days"),
            filters,
        )
    if kind == "trait":
        return TraitDraft(said("name"), said("op", "is"), said("value"))
    number = _count(said("items")) if depth < MOST_DEEP else 0
    items = tuple(_read(form, f"{path}.{place}", depth + 1) for place in range(number))
    group = said("group", "all")
    added = parse_addition(said("add"))
    if added is not None:
        items = (*items, added)
    return GroupDraft(group if group in GROUPS else "all", items)


def _count(text: str) -> int:
    return min(int(text), 200) if _is_whole(text) else 0


def _is_whole(text: str) -> bool:
    """Digits that Python reads as a number: not ², and not thousands of them."""
    return text.isdecimal() and len(text) <= 9


def parse_addition(text: str) -> Draft | None:
    """What the field for a new condition says: 'did Order Completed', 'did not Email Opened', 'trait country'."""
    word, _, rest = text.partition(" ")
    rest = rest.strip()
    if word.lower() == "did" and rest.lower().startswith("not "):
        return DidDraft(rest[4:].strip(), "never")
    if word.lower() == "did" and rest:
        return DidDraft(rest)
    if word.lower() == "trait" and rest:
        return TraitDraft(rest)
    if text.lower() in ("all of these", "any of these", "none of these"):
        return GroupDraft(word.lower())
    return DidDraft(text) if text else None


def act(draft: GroupDraft, act: str) -> GroupDraft:
    """What a button does: 'remove r.0', 'up r.1', 'down r.0', 'wrap r.0', 'filter r.0', 'unfilter r.0 2', 'group r'."""
    verb, _, rest = act.partition(" ")
    path, _, number = rest.partition(" ")
    places = _places(path)
    if places is None:
        return draft
    match verb:
        case "remove" if places:
            return _inside(draft, places[:-1], lambda items: items[: places[-1]] + items[places[-1] + 1 :])
        case "up" | "down" if places:
            return _inside(draft, places[:-1], lambda items: _moved(items, places[-1], -1 if verb == "up" else 1))
        case "wrap" if places:
            wrap = GroupDraft("any")
            return _at(draft, places, lambda node: replace(wrap, items=(node,)))
        case "group":
            return _inside(draft, places, lambda items: (*items, GroupDraft("any")))
        case "filter":
            return _at(draft, places, _with_filter)
        case "unfilter" if _is_whole(number):
            return _at(draft, places, lambda node: _without_filter(node, int(number)))
    return draft


def _places(path: str) -> list[int] | None:
    parts = path.split(".")
    return [int(part) for part in parts[1:]] if parts[0] == "r" and all(map(_is_whole, parts[1:])) else None


def _at(draft: Anything, places: list[int], change: Anything) -> Anything:
    """The draft with the node at `places` changed; as it is where there is no such node."""
    if not places:
        return change(draft)
    if not isinstance(draft, GroupDraft) or places[0] >= len(draft.items):
        return draft
    items = list(draft.items)
    items[places[0]] = _at(items[places[0]], places[1:], change)
    return replace(draft, items=tuple(items))


def _inside(draft: GroupDraft, places: list[int], change: Anything) -> GroupDraft:
    return _at(
        draft, places, lambda node: replace(node, items=change(node.items)) if isinstance(node, GroupDraft) else node
    )


def _moved(items: tuple[Draft, ...], place: int, by: int) -> tuple[Draft, ...]:
    there = place + by
    if not 0 <= there < len(items) or place >= len(items):
        return items
    moved = list(items)
    moved[place], moved[there] = moved[there], moved[place]
    return tuple(moved)


def _with_filter(node: Draft) -> Draft:
    return replace(node, where=(*node.where, FilterDraft())) if isinstance(node, DidDraft) else node


def _without_filter(node: Draft, number: int) -> Draft:
    if not isinstance(node, DidDraft):
        return node
    return replace(node, where=node.where[:number] + node.where[number + 1 :])


def check(draft: GroupDraft) -> Checked:
    """The rule of everything in the draft that is right, and what is wrong, by the path of its node."""
    errors: dict[str, str] = {}
    found = _checked(draft, "r", errors)
    if found is None:
        return Checked(None, errors)
    try:
        return Checked(from_json(found), errors)
    except RuleError as error:
        return Checked(None, {**errors, "r": error.reason})


def _checked(draft: Draft, path: str, errors: dict[str, str]) -> dict[str, Anything] | None:
    if isinstance(draft, GroupDraft):
        inner = [_checked(item, f"{path}.{number}", errors) for number, item in enumerate(draft.items)]
        right = [one for one in inner if one is not None]
        if not right:
            return None
        if draft.kind == "none":
            return {"not": right[0] if len(right) == 1 else {"any": right}}
        return {draft.kind: right}
    try:
        found = _did(draft) if isinstance(draft, DidDraft) else {"trait": draft.name, **_test(draft.op, draft.value)}
        from_json(found)
    except RuleError as error:
        errors[path] = f"{_place(error.path)}{error.reason}"
        return None
    return found


def _place(path: str) -> str:
    """Which control of a condition an error is about, where that isn't plain."""
    if path.startswith("where["):
        return f"filter {int(path[6 : path.index(']')]) + 1} "
    return {"did": "the event ", "trait": "the trait ", "within_days": "the window "}.get(path, "")


def _did(draft: DidDraft) -> dict[str, Anything]:
    found: dict[str, Anything] = {"did": draft.event}
    if draft.compare == "never":
        found["at_most"] = 0
    else:
        compare = draft.compare if draft.compare in COMPARES else "at_least"
        found[compare] = _whole(draft.times, compare)
    if draft.within:
        unit = draft.unit if draft.unit in UNITS else "days"
        found[f"within_{unit}"] = _whole(draft.within, f"within_{unit}")
    if draft.where:
        found["where"] = [{"property": one.property, **_test(one.op, one.value)} for one in draft.where]
    return found


def _whole(text: str, path: str) -> int:
    if not _is_whole(text):
        raise RuleError(path, f"must be a whole number, not “{text[:20]}”")
    return int(text)


def _test(op: str, text: str) -> dict[str, Anything]:
    """A control's text as the value that its test takes."""
    match op:
        case "exists" | "missing":
            return {op: True}
        case "greater" | "less":
            return {op: _number(text)}
        case "between":
            parts = [part.strip() for part in text.split(",")]
            return {op: [part if _is_date(part) else _number(part) for part in parts]}
        case "one_of":
            return {op: typed.choices(text)}
        case "in_last_days":
            return {op: _whole(text, op)}
        case "contains" | "starts_with" | "before" | "after":
            return {op: typed.text(text)}
        case _:
            return {op if op in TRAIT_OPS else "is": typed.scalar(text)}


def _is_date(text: str) -> bool:
    return len(text) >= 10 and text[4:5] == "-"


def _number(text: str) -> float:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        raise RuleError("", f"must be a number, not “{text[:20]}”") from None
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def remember(history: str, draft: GroupDraft) -> str:
    """The undo list with `draft` as its newest state, as JSON for a hidden field."""
    states = _states(history)
    state = dump(draft)
    if not states or states[-1] != state:
        states.append(state)
    return json.dumps(states[-MOST_UNDO:])


def undo(history: str) -> tuple[GroupDraft, str] | None:
    """The state before the newest one, and the list that is left; None where there is none."""
    states = _states(history)
    if len(states) < 2:
        return None
    return load(states[-2]), json.dumps(states[:-1])


def _states(history: str) -> list[Anything]:
    try:
        states = json.loads(history or "[]")
    except (ValueError, RecursionError):
        return []
    return states[-MOST_UNDO:] if isinstance(states, list) else []


def dump(draft: Draft) -> dict[str, Anything]:
    """A draft as JSON values."""
    match draft:
        case GroupDraft(kind, items):
            return {"group": kind, "items": [dump(item) for item in items]}
        case DidDraft(event, compare, times, within, unit, where):
            filters = [[one.property, one.op, one.value] for one in where]
            return {"did": event, "compare": compare, "times": times, "within": within, "unit": unit, "where": filters}
        case TraitDraft(name, op, value):
            return {"trait": name, "op": op, "value": value}


def load(state: Anything) -> GroupDraft:
    """The draft of `dump`'s JSON; what is tampered with comes out as an empty group."""
    try:
        draft = _load(state, 0)
    except (KeyError, TypeError, ValueError):
        return EMPTY
    return draft if isinstance(draft, GroupDraft) else EMPTY


def _load(state: dict[str, Anything], depth: int) -> Draft:
    if depth > MOST_DEEP:
        raise ValueError
    if "group" in state:
        return GroupDraft(str(state["group"]), tuple(_load(item, depth + 1) for item in state["items"]))
    if "did" in state:
        filters = tuple(FilterDraft(*map(str, one)) for one in state["where"])
        event, compare, times, within, unit = (
            str(state[name]) for name in ("did", "compare", "times", "within", "unit")
        )
        return DidDraft(event, compare, times, within, unit, filters)
    return TraitDraft(str(state["trait"]), str(state["op"]), str(state["value"]))
