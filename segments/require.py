"""From rules to the columns that they need; the same column for many rules is needed once."""

from dataclasses import dataclass, field
from typing import assert_never

from segments.rules import All, Any, Did, Not, PropertyFilter, Rule, Trait, key, nodes


@dataclass(frozen=True, slots=True)
class Stream:
    """The events of one name that pass some filters. `within`: the longest window that is asked (seconds), None for ever."""

    event: str
    where: tuple[PropertyFilter, ...]
    within: int | None


@dataclass
class Requirements:
    """What to load: streams by `stream_key`, trait conditions by `rules.key`, dates in traits by their name."""

    streams: dict[str, Stream] = field(default_factory=dict)
    passed: dict[str, Trait] = field(default_factory=dict)
    moments: set[str] = field(default_factory=set)


def require(*rules: Rule) -> Requirements:
    """The union of what these rules need."""
    needed = Requirements()
    for rule in rules:
        for _, node in nodes(rule):
            match node:
                case Did():
                    _add_stream(needed, node)
                case Trait(name, "in_last_days", _):
                    needed.moments.add(name)
                case Trait():
                    needed.passed[key(node)] = node
                case All() | Any() | Not():
                    pass
                case _:
                    assert_never(node)
    return needed


def stream_key(did: Did) -> str:
    return key(Did(did.event, where=did.where))


def _add_stream(needed: Requirements, did: Did) -> None:
    slot = stream_key(did)
    within = did.within
    if slot in needed.streams:
        before = needed.streams[slot].within
        within = None if before is None or within is None else max(before, within)
    needed.streams[slot] = Stream(did.event, did.where, within)
