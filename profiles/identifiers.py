"""What identifiers are: their kinds' numbers and rules, and the evidence that a message is. Pure; no database."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from profiles import grouping
from profiles.grouping import Terms

USER, CARD, EMAIL, PHONE, EXTERNAL, DEVICE, ANONYMOUS, RECORD = range(1, 9)

# (kind's number, normalised value)
Identifier = tuple[int, str]
# In the order of (kind, value), which no change of the kinds' rules turns around.
Pair = tuple[Identifier, Identifier]

_ROLES = {"merge": grouping.MERGE, "attach": grouping.ATTACH, "suggest": grouping.SUGGEST}


class Kind(Struct, frozen=True):
    """How identifiers of a kind behave; see `profiles.models.IdentifierKind`."""

    id: int
    name: str
    priority: int
    limit: int
    role: str
    identifies: bool
    blocked: frozenset[str]
    shared_above: int = 0
    yields_after: int = 0

    @property
    def merges(self) -> bool:
        return self.role == "merge"


class Because(Struct, frozen=True):
    """The message that is the evidence."""

    source_id: int
    key: bytes
    time: datetime


def terms_of(kinds: Mapping[int, Kind]) -> dict[int, Terms]:
    """The kinds as grouping knows them."""
    return {
        id: Terms(kind.priority, kind.limit, _ROLES[kind.role], kind.identifies, kind.shared_above, kind.yields_after)
        for id, kind in kinds.items()
    }


def strength(identifier: Identifier, kinds: Mapping[int, Kind]) -> tuple[int, int, int, str]:
    """The smaller, the stronger. What may not merge is weaker than all that may: nobody is found by an order's number
    who is named otherwise."""
    kind = kinds[identifier[0]]
    return _ROLES[kind.role], kind.priority, *identifier


def counts_for(beside: Identifier, one: Identifier, kinds: Mapping[int, Kind]) -> bool:
    """Whether `one` may be shared for being seen with too many such as `beside`."""
    if kinds[beside[0]].identifies:
        return True
    return not kinds[one[0]].identifies and kinds[one[0]].priority < kinds[beside[0]].priority


def pair_of(one: Identifier, other: Identifier) -> Pair:
    return (one, other) if one <= other else (other, one)


def pairs_in(identifiers: tuple[Identifier, ...], kinds: Mapping[int, Kind]) -> list[Pair]:
    """The links that a message with these identifiers (strongest first) says: its strongest with each other one; each
    two that make a person known, and what only attaches with all, so that something is left where one is shared."""
    found = [pair_of(identifiers[0], other) for other in identifiers[1:]]
    for place, one in enumerate(identifiers[1:-1], 2):
        for other in identifiers[place:]:
            if kinds[other[0]].role == "attach" or (kinds[one[0]].identifies and kinds[other[0]].identifies):
                found.append(pair_of(one, other))
    return found
