"""What is different between two rules, as people read it: node by node, each as its English clause.

Pure. The order of conditions means nothing, so one that only moved is the same; conditions that ask about the same thing
(the same event, the same trait) are one that was changed.
"""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from segments.describe import clause
from segments.rules import (
    All,
    Any,
    Changed,
    Consent,
    Did,
    InSegment,
    Known,
    Measure,
    Moment,
    Not,
    Records,
    Rule,
    Sample,
    Score,
    Top,
    Total,
    Trait,
    key,
    nodes,
)
from segments.rules import Sequence as Steps

Change: TypeAlias = Literal["same", "added", "gone", "changed"]


@dataclass(frozen=True)
class Part:
    """Some words of a line: in both rules, only in the one before (`gone`), only in the one after (`added`)."""

    change: Literal["same", "added", "gone"]
    words: str


@dataclass(frozen=True)
class Line:
    """One node, as deep as it stands in the tree."""

    depth: int
    change: Change
    parts: tuple[Part, ...]

    @property
    def says(self) -> str:
        """The node in the rule after; in the one before where it is gone."""
        return " ".join(part.words for part in self.parts if part.change != "gone" or self.change == "gone")

    @property
    def said(self) -> str:
        """The node in the rule before."""
        return " ".join(part.words for part in self.parts if part.change != "added")


def difference(before: Rule, after: Rule) -> list[Line]:
    """Both rules as one tree, outermost first. Cost: the product of the conditions of groups that differ."""
    return list(_lines(before, after, 0))


def changed(lines: Sequence[Line]) -> bool:
    return any(line.change != "same" for line in lines)


def told(lines: Sequence[Line]) -> str:
    """'1 condition added, 2 taken away', without what groups have in them."""
    counts = [
        (sum(line.change == change for line in lines), words)
        for change, words in (("added", "added"), ("gone", "taken away"), ("changed", "changed"))
    ]
    said = [f"{number} {words}" for number, words in counts if number]
    return ", ".join(said) if said else "No difference"


def _lines(before: Rule, after: Rule, depth: int) -> Iterator[Line]:
    was, now = _opened(before), _opened(after)
    if key(before) == key(after):
        yield from _whole(after, "same", depth)
    elif was or now:
        yield from _groups(was or _alone(before), now or _alone(after), depth)
    else:
        yield Line(depth, "changed", _words(clause(before), clause(after)))


@dataclass(frozen=True)
class _Group:
    head: str
    conditions: tuple[Rule, ...]
    excludes: bool = False

    def like(self, other: "_Group") -> bool:
        """Of one condition alone all is the same as any."""
        few = len(self.conditions) < 2 or len(other.conditions) < 2
        return self.head == other.head or (few and self.excludes == other.excludes)


def _opened(rule: Rule) -> _Group | None:
    """A rule with others in it; None for one that is a clause of its own ('are not in the segment “VIP”' too)."""
    match rule:
        case All(conditions):
            return _Group("all of these", conditions)
        case Any(conditions):
            return _Group("any of these", conditions)
        case Not(All(conditions)):
            return _Group("not all of these", conditions, excludes=True)
        case Not(Any(conditions)):
            return _Group("none of these", conditions, excludes=True)
        case Not(Not() as condition):
            return _Group("not this", (condition,), excludes=True)
        case _:
            return None


def _alone(rule: Rule) -> _Group:
    """A condition alone is as good as a group of one."""
    return _Group("all of these", (rule,))


def _groups(was: _Group, now: _Group, depth: int) -> Iterator[Line]:
    old, new = was.conditions, now.conditions
    if was.like(now):
        head = now.head if len(new) > 1 else was.head
        yield Line(depth, "same", (Part("same", head),))
    else:
        yield Line(depth, "changed", _words(was.head, now.head))
    pairs, sent = _pairs(old, new), 0
    gone = [place for place in range(len(old)) if place not in pairs.values()]
    for place, condition in enumerate(new):
        if place not in pairs:
            yield from _whole(condition, "added", depth + 1)
            continue
        # What is gone stands where it stood.
        while sent < len(gone) and gone[sent] < pairs[place]:
            yield from _whole(old[gone[sent]], "gone", depth + 1)
            sent += 1
        yield from _lines(old[pairs[place]], condition, depth + 1)
    for place in gone[sent:]:
        yield from _whole(old[place], "gone", depth + 1)


def _pairs(old: Sequence[Rule], new: Sequence[Rule]) -> dict[int, int]:
    """Which new condition stands for which old one: first those that are equal, then the most alike."""
    pairs: dict[int, int] = {}

    def pair(place: int, of: int) -> None:
        if place not in pairs and of not in pairs.values():
            pairs[place] = of

    for place, condition in enumerate(new):
        for of, other in enumerate(old):
            if key(condition) == key(other):
                pair(place, of)
    likeness = [
        (-_likeness(other, condition), place, of)
        for place, condition in enumerate(new)
        for of, other in enumerate(old)
        if place not in pairs and of not in pairs.values()
    ]
    for minus, place, of in sorted(likeness):
        if minus < 0:
            pair(place, of)
    return pairs


def _likeness(one: Rule, other: Rule) -> float:
    """How far two conditions ask about the same thing, from 0 to 1."""
    mine, theirs = _subjects(one), _subjects(other)
    shared = len(mine & theirs) / len(mine | theirs) if mine | theirs else 0.0
    return shared if type(one) is type(other) else shared / 2


def _subjects(rule: Rule) -> set[tuple[str, str]]:
    return {subject for _, node in nodes(rule) if (subject := _subject(node)) is not None}


def _subject(node: Rule) -> tuple[str, str] | None:
    match node:
        case Did(events) | Moment(events=events) | Changed(events=events) | Measure(Total(events=events)):
            return "event", events.name
        case Top(by=Total(events=events)):
            return "event", events.name
        case Steps(steps):
            return "steps", steps[0].name
        case Trait(name):
            return "trait", name
        case Top(by=str(name)):
            return "trait", name
        case Score(name):
            return "score", name
        case Records(kind):
            return "records", kind
        case Consent(channel):
            return "consent", channel
        case Known(kind):
            return "known", kind
        case InSegment(name):
            return "segment", name
        case Sample():
            return "sample", ""
        case _:
            return None


def _whole(rule: Rule, change: Literal["same", "added", "gone"], depth: int) -> Iterator[Line]:
    """A node with all that is in it."""
    group = _opened(rule)
    yield Line(depth, change, (Part(change, group.head if group else clause(rule)),))
    for condition in group.conditions if group else ():
        yield from _whole(condition, change, depth + 1)


def _words(before: str, after: str) -> tuple[Part, ...]:
    """Word by word what is gone and what was added."""
    old, new = before.split(" "), after.split(" ")
    parts: list[Part] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            parts.append(Part("same", " ".join(old[i:j])))
            continue
        if j > i:
            parts.append(Part("gone", " ".join(old[i:j])))
        if m > k:
            parts.append(Part("added", " ".join(new[k:m])))
    return tuple(parts)
