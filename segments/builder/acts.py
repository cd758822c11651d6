"""What the builder's buttons do to a draft: 'remove r.0', 'up r.1', 'move r.0 r.2 1', 'filter r.0 window.anchor'. Pure.

A button that makes no sense (an old page, a made-up address) changes nothing.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from segments.builder.drafts import Draft, EventsDraft, FilterDraft, GroupDraft, RecordsDraft, SequenceDraft
from segments.builder.form import is_whole
from segments.rules import MAX_STEPS

Items = tuple[Draft, ...]
Places = tuple[int, ...]


def act(draft: GroupDraft, said: str) -> GroupDraft:
    verb, path, *rest = (*said.split(" "), "", "", "")
    places = _places(path)
    one, other = rest[0], rest[1]
    if places is None:
        return draft
    if verb == "group":
        return _inside(draft, places, lambda items: (*items, GroupDraft("any")))
    if verb in ("filter", "unfilter", "hours", "unhours", "step", "unstep", "without", "unwithout"):
        return _at(draft, places, lambda node: _part_act(node, verb, one, other))
    if not places or _node(draft, places) is None:
        return draft
    above, place = places[:-1], places[-1]
    match verb:
        case "remove":
            return _without(draft, places)
        case "copy":
            return _inside(draft, above, lambda items: items[: place + 1] + items[place:])
        case "up" | "down":
            return _inside(draft, above, lambda items: _stepped(items, place, -1 if verb == "up" else 1))
        case "wrap":
            return _at(draft, places, lambda node: GroupDraft("any", (node,)))
        case "out":
            return _moved(draft, places, above[:-1], above[-1] + 1) if above else draft
        case "into":
            return _into(draft, above, place)
        case "move" if (to := _places(one)) is not None and is_whole(other):
            return _moved(draft, places, to, int(other))
    return draft


def _places(path: str) -> Places | None:
    parts = path.split(".")
    return tuple(map(int, parts[1:])) if parts[0] == "r" and all(map(is_whole, parts[1:])) else None


def _node(draft: Draft, places: Places) -> Draft | None:
    for place in places:
        if not isinstance(draft, GroupDraft) or place >= len(draft.items):
            return None
        draft = draft.items[place]
    return draft


def _at(draft: Any, places: Places, change: Callable[[Any], Any]) -> Any:
    """The draft with the node at `places` changed; as it is where there is no such node."""
    if not places:
        return change(draft)
    if not isinstance(draft, GroupDraft) or places[0] >= len(draft.items):
        return draft
    items = list(draft.items)
    items[places[0]] = _at(items[places[0]], places[1:], change)
    return replace(draft, items=tuple(items))


def _inside(draft: GroupDraft, places: Places, change: Callable[[Items], Items]) -> GroupDraft:
    def changed(node: Draft) -> Draft:
        return replace(node, items=change(node.items)) if isinstance(node, GroupDraft) else node

    found: GroupDraft = _at(draft, places, changed)
    return found


def _without(draft: GroupDraft, places: Places) -> GroupDraft:
    return _inside(draft, places[:-1], lambda items: items[: places[-1]] + items[places[-1] + 1 :])


def _stepped(items: Items, place: int, by: int) -> Items:
    there = place + by
    if not 0 <= there < len(items):
        return items
    moved = list(items)
    moved[place], moved[there] = moved[there], moved[place]
    return tuple(moved)


def _into(draft: GroupDraft, above: Places, place: int) -> GroupDraft:
    """Into the nearest group beside it: the one before at its end, else the one after at its beginning."""
    before = _node(draft, (*above, place - 1)) if place else None
    if isinstance(before, GroupDraft):
        return _moved(draft, (*above, place), (*above, place - 1), len(before.items))
    if isinstance(_node(draft, (*above, place + 1)), GroupDraft):
        return _moved(draft, (*above, place), (*above, place + 1), 0)
    return draft


def _moved(draft: GroupDraft, places: Places, to: Places, place: int) -> GroupDraft:
    """The node at `places` taken to the group at `to`, before what is at `place` there now. Never into itself."""
    node = _node(draft, places)
    if node is None or not isinstance(_node(draft, to), GroupDraft) or to[: len(places)] == places:
        return draft
    # A group so long emptied is left empty: it is shown, and can be removed.
    left = _without(draft, places)
    above, gone = places[:-1], places[-1]
    if to == above and place > gone:
        place -= 1
    elif to[: len(above)] == above and len(to) > len(above) and to[len(above)] > gone:
        to = (*above, to[len(above)] - 1, *to[len(above) + 1 :])
    return _inside(left, to, lambda items: (*items[:place], node, *items[place:]))


def _part_act(node: Draft, verb: str, part: str, number: str) -> Draft:
    """A change within a condition: to the filters or hours of one of its parts, or to a sequence's steps."""
    match verb:
        case "step" if isinstance(node, SequenceDraft) and len(node.steps) < MAX_STEPS:
            return replace(node, steps=(*node.steps, EventsDraft()))
        case "unstep" if isinstance(node, SequenceDraft) and is_whole(part) and len(node.steps) > 2:
            return replace(node, steps=node.steps[: int(part)] + node.steps[int(part) + 1 :])
        case "without" if isinstance(node, SequenceDraft) and not node.without:
            return replace(node, without=(EventsDraft(),))
        case "unwithout" if isinstance(node, SequenceDraft):
            return replace(node, without=())
        case "filter" | "unfilter" if isinstance(node, RecordsDraft):
            changed: Draft = _part_changed(node, verb, part)
            return changed
        case "filter" | "unfilter" | "hours" | "unhours" if not isinstance(node, GroupDraft):
            inside: Draft = _in_part(node, part.split("."), lambda events: _part_changed(events, verb, number))
            return inside
    return node


def _in_part(node: Any, way: list[str], change: Callable[[Any], Any]) -> Any:
    """The condition with the events at 'events', 'window.anchor' or 'steps1' changed."""
    found = re.fullmatch(r"([a-z]+)(\d{0,3})", way[0])
    name, place = (found[1], found[2]) if found else ("", "")
    part = getattr(node, name, None) if found else None
    if isinstance(part, tuple) and place and int(place) < len(part) and isinstance(part[int(place)], EventsDraft):
        here = int(place)
        new: Any = (*part[:here], change(part[here]), *part[here + 1 :])
    elif isinstance(part, EventsDraft) and not place:
        new = change(part)
    elif name == "window" and way[1:] and part is not None:
        new = _in_part(part, way[1:], change)
    else:
        return node
    return replace(node, **{name: new})


def _part_changed(part: Any, verb: str, number: str) -> Any:
    match verb:
        case "filter":
            return replace(part, where=(*part.where, FilterDraft()))
        case "unfilter" if is_whole(number):
            return replace(part, where=part.where[: int(number)] + part.where[int(number) + 1 :])
        case "hours":
            return replace(part, timed="yes")
        case "unhours":
            return replace(part, timed="", days="", start="", end="")
    return part
