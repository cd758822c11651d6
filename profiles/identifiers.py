"""What identifiers are: their kinds' numbers and rules, and the evidence that a message is. Pure; no database."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from profiles import grouping, normalise
from profiles.grouping import Terms

USER, CARD, EMAIL, PHONE, EXTERNAL, DEVICE, ANONYMOUS, RECORD, FINGERPRINT = range(1, 10)
# Kinds that an admin adds: external ids of their name's type.
FIRST_OWN, LAST_OWN = 20, 60

# (kind's number, normalised value)
Identifier = tuple[int, str]
# In the order of (kind, value), which no change of the kinds' rules turns around.
Pair = tuple[Identifier, Identifier]

# Strongest first.
ROLES = {"merge": grouping.MERGE, "attach": grouping.ATTACH, "suggest": grouping.SUGGEST}


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
    form: str = "trimmed"
    patterns: tuple[str, ...] = ()
    trusted: frozenset[str] = frozenset()

    @property
    def merges(self) -> bool:
        return self.role == "merge"

    def blocks(self, value: str) -> bool:
        """Whether a value identifies nobody, as its kind's rules say."""
        return value.lower() in self.blocked or any(re.fullmatch(pattern, value, re.I) for pattern in self.patterns)


class Because(Struct, frozen=True):
    """The message that is the evidence."""

    source_id: int
    key: bytes
    time: datetime


def terms_of(kinds: Mapping[int, Kind]) -> dict[int, Terms]:
    """The kinds as grouping knows them."""
    return {
        id: Terms(kind.priority, kind.limit, ROLES[kind.role], kind.identifies, kind.shared_above, kind.yields_after)
        for id, kind in kinds.items()
    }


def strength(identifier: Identifier, kinds: Mapping[int, Kind]) -> tuple[int, int, int, str]:
    """The smaller, the stronger. What merges comes first, whatever the priorities; what only suggests last: a message is
    found by it where there is nothing else."""
    kind = kinds[identifier[0]]
    return ROLES[kind.role], kind.priority, *identifier


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


def usable(identifiers: Iterable[Identifier], kinds: Mapping[int, Kind]) -> list[Identifier]:
    """Those that no rule blocks, strongest first, each once."""
    left = {one for one in identifiers if not kinds[one[0]].blocks(one[1])}
    return sorted(left, key=lambda one: strength(one, kinds))


def as_kept(identifiers: Iterable[Identifier], kinds: Mapping[int, Kind]) -> tuple[list[Identifier], list[Identifier]]:
    """As an event keeps them: those by which it may find its person, strongest first; and what is blocked, should that
    ever be lifted."""
    own = {kind.name: kind for id, kind in kinds.items() if id >= FIRST_OWN}
    named = [_of_own_kind(one, own) for one in identifiers] if own else list(identifiers)
    found = usable(named, kinds)
    return found, sorted({*named} - {*found})


def _of_own_kind(one: Identifier, own: Mapping[str, Kind]) -> Identifier:
    """An external id under the kind that was made for its type."""
    kind, value = one
    type, _, number = value.partition(":")
    if kind != EXTERNAL or type not in own:
        return one
    mine = own[type]
    return mine.id, normalise.in_form(mine.form, number) or number
