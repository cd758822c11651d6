"""Drafts as the controls of a form and as JSON, and back. One walk over their fields serves every kind. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from segments.builder.drafts import CONDITIONS, EMPTY, Draft, GroupDraft

MOST_UNDO = 20
MOST_REMEMBERED = 300_000  # characters of the undo list: it goes along with every post
MOST_NODES = 1_000  # conditions and groups of one form
MOST_DEEP = 20  # a rule may be less deep: it is said where it goes too far
MOST_LISTED = 200
HOWS = ("all", "any", "none")
Said = Callable[[str], str | None]


@cache
def parts(made: type) -> dict[str, tuple[type, bool]]:
    """The fields of a draft that aren't texts: of which class they are, and whether there are several."""
    found = {}
    for name, hint in get_type_hints(made).items():
        several = get_origin(hint) is tuple
        inner = get_args(hint)[0] if several else hint
        if is_dataclass(inner) and isinstance(inner, type):
            found[name] = (inner, several)
    return found


def read(form: Mapping[str, str]) -> GroupDraft:
    """The draft that a form's controls say. Unknown or missing controls take their defaults; nothing raises."""
    draft = _read(form, "r", 0, [MOST_NODES])
    return draft if isinstance(draft, GroupDraft) else EMPTY


def _read(form: Mapping[str, str], path: str, depth: int, left: list[int]) -> Draft:
    """`left`: how many more nodes may be read, counted down for the whole form."""

    def said(name: str) -> str | None:
        text = form.get(f"{path}:{name}")
        return None if text is None else text.strip()

    made = CONDITIONS.get(said("node") or "")
    if made and depth:
        return _condition(made, said, "")  # type: ignore[no-any-return]
    number = min(count(said("items")), left[0]) if depth < MOST_DEEP else 0
    left[0] -= number
    items = tuple(_read(form, f"{path}.{place}", depth + 1, left) for place in range(number))
    how = said("how")
    return GroupDraft(how if how in HOWS else "all", items, said("add") or "")


def _condition(made: type, said: Said, at: str) -> Any:
    inner = parts(made)
    values: dict[str, Any] = {}
    for one in fields(made):
        name = f"{at}{one.name}"
        if one.name not in inner:
            text = said(name)
            if text is not None:
                values[one.name] = text
            continue
        part, several = inner[one.name]
        if not several:
            values[one.name] = _condition(part, said, f"{name}.")
        else:
            text = said(name)
            number = len(one.default) if text is None else count(text)  # type: ignore[arg-type]
            values[one.name] = tuple(_condition(part, said, f"{name}{place}.") for place in range(number))
    return made(**values)


def controls(draft: Draft, path: str = "r") -> dict[str, str]:
    """What a form says for a draft: `read` gives the same draft of it."""
    if isinstance(draft, GroupDraft):
        found = {f"{path}:node": "group", f"{path}:how": draft.how, f"{path}:items": str(len(draft.items))}
        for number, item in enumerate(draft.items):
            found |= controls(item, f"{path}.{number}")
        return found
    return {f"{path}:node": draft.kind} | {f"{path}:{name}": text for name, text in _controls(draft, "").items()}


def _controls(part: Any, at: str) -> dict[str, str]:
    made: type = type(part)
    inner = parts(made)
    found: dict[str, str] = {}
    for one in fields(part):
        name, value = f"{at}{one.name}", getattr(part, one.name)
        if one.name not in inner:
            found[name] = value
        elif not inner[one.name][1]:
            found |= _controls(value, f"{name}.")
        else:
            found[name] = str(len(value))
            for place, item in enumerate(value):
                found |= _controls(item, f"{name}{place}.")
    return found


def count(text: str | None) -> int:
    return min(int(text), MOST_LISTED) if text and is_whole(text) else 0


def is_whole(text: str) -> bool:
    """Digits that Python reads as a number: not ², and not thousands of them."""
    return text.isdecimal() and len(text) <= 9


def remember(history: str, draft: GroupDraft) -> str:
    """The undo list with `draft` as its newest state, as JSON for a hidden field."""
    states = _states(history)
    state = dump(draft)
    if not states or states[-1] != state:
        states.append(state)
    texts = [json.dumps(one, separators=(",", ":")) for one in states[-MOST_UNDO:]]
    while len(texts) > 1 and sum(map(len, texts)) > MOST_REMEMBERED:
        del texts[0]
    return f"[{','.join(texts)}]"


def undo(history: str) -> tuple[GroupDraft, str] | None:
    """The state before the newest one, and the list that is left; None where there is none."""
    states = _states(history)
    if len(states) < 2:
        return None
    return load(states[-2]), json.dumps(states[:-1], separators=(",", ":"))


def _states(history: str) -> list[Any]:
    try:
        states = json.loads(history or "[]")
    except (ValueError, RecursionError):
        return []
    return states[-MOST_UNDO:] if isinstance(states, list) else []


def dump(draft: Draft) -> dict[str, Any]:
    """A draft as JSON values: of its controls those that differ from what a new one says."""
    if isinstance(draft, GroupDraft):
        return {"how": draft.how, "items": [dump(item) for item in draft.items]}
    new = _controls(type(draft)(), "")
    return {"node": draft.kind, **{name: text for name, text in _controls(draft, "").items() if new.get(name) != text}}


def load(state: Any) -> GroupDraft:
    """The draft of `dump`'s JSON; what is tampered with comes out as an empty group."""
    try:
        draft = _load(state, 0)
    except (AttributeError, KeyError, TypeError, ValueError):
        return EMPTY
    return draft if isinstance(draft, GroupDraft) else EMPTY


def _load(state: dict[str, Any], depth: int) -> Draft:
    if depth > MOST_DEEP:
        raise ValueError
    if "node" not in state:
        how = str(state["how"])
        items = tuple(_load(item, depth + 1) for item in state["items"][:MOST_LISTED])
        return GroupDraft(how if how in HOWS else "all", items)
    said = {name: str(text) for name, text in state.items()}
    return _condition(CONDITIONS[said["node"]], said.get, "")  # type: ignore[no-any-return]
