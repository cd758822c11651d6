"""Which person a message belongs to: links between identifiers, walked from the strongest under limits and priorities.

The core (`Graph`) is a function of values: the identifiers that are known, what they lead to, how many each profile has.
The edge (`look_up`, `write`) reads and writes that for one batch, in a handful of statements however large the batch.

The rules, for the identifiers of one message, strongest first:
1. The first that is known gives the profile, unless that profile has no room for the stronger, unknown ones before it
   (a second user id on a shared computer): then those make a profile of their own.
2. Unknown ones are attached, while the kind's limit on a profile allows.
3. A known one of another profile merges that profile in, if its kind merges and the two together keep all limits
   (so two user ids never merge). The older profile's id survives. Otherwise the link is kept as refused.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from cdp_site import sql
from cdp_site.arrays import Column, bools, int2s, int8s, texts, times, uuids
from cdp_site.ids import new_ids
from cdp_site.stages import Again

USER, CARD, EMAIL, PHONE, EXTERNAL, DEVICE, ANONYMOUS, RECORD = range(1, 9)

Identifier = tuple[int, str]


class Kind(Struct, frozen=True):
    """How identifiers of a kind behave; see `profiles.models.IdentifierKind`."""

    id: int
    name: str
    priority: int
    limit: int
    merges: bool
    identifies: bool
    blocked: frozenset[str]


class Because(Struct, frozen=True):
    """The message that is the evidence."""

    source_id: int
    key: bytes
    time: datetime


class Joined(Struct, frozen=True):
    """That `loser` became part of `winner`, through `identifier`."""

    winner: int
    loser: int
    identifier: Identifier
    because: Because


class Graph:
    """The part of the identity graph that one batch touches.

    `home` leads from each known identifier to its profile, `counts` says how many identifiers of each kind a profile
    has (only for profiles that may get more). `assign` changes both as it goes, and notes what is to be written.
    """

    def __init__(
        self,
        kinds: Mapping[int, Kind],
        home: dict[Identifier, int],
        counts: dict[int, dict[int, int]],
        fresh: Iterable[int],
    ) -> None:
        self.kinds = kinds
        self.home = home
        self.counts = counts
        self._fresh = iter(fresh)
        self._merged_into: dict[int, int] = {}
        self.born: set[int] = set()
        self.attached: dict[Identifier, Because] = {}
        self.links: dict[tuple[Identifier, Identifier], tuple[bool, Because]] = {}
        self.joined: list[Joined] = []

    def living(self, profile: int) -> int:
        """Where `profile` is now, after the merges of this batch."""
        while profile in self._merged_into:
            profile = self._merged_into[profile]
        return profile

    def find(self, identifier: Identifier) -> int | None:
        """The living profile of an identifier, None for an unknown one."""
        profile = self.home.get(identifier)
        return None if profile is None else self.living(profile)

    def assign(self, identifiers: Sequence[Identifier], because: Because, alias_of: Identifier | None = None) -> int:
        """The profile of a message with these identifiers (strongest first, at least one)."""
        target: int | None = None
        waiting: list[Identifier] = []
        refused: set[Identifier] = set()
        for identifier in identifiers:
            profile = self.find(identifier)
            if profile is None:
                waiting.append(identifier)
            elif target is None:
                if self._has_room(profile, waiting):
                    target = profile
                else:
                    target = self._bear()
                    refused.add(identifier)
                self._attach(target, waiting, because, refused)
                waiting = []
            elif profile != target:
                if self.kinds[identifier[0]].merges and self._fit_together(target, profile):
                    target = self._merge(target, profile, identifier, because)
                else:
                    refused.add(identifier)
        if target is None:
            target = self._bear()
        self._attach(target, waiting, because, refused)
        if alias_of is not None:
            before = self.find(alias_of)
            if before is not None and before != target:
                target = self._merge(target, before, alias_of, because)
                refused.discard((ANONYMOUS, alias_of[1]))
        strongest = identifiers[0]
        for other in identifiers[1:]:
            self.links.setdefault((strongest, other), (other not in refused, because))
        return target

    def _bear(self) -> int:
        profile = next(self._fresh)
        self.born.add(profile)
        self.counts[profile] = {}
        return profile

    def _has_room(self, profile: int, more: Sequence[Identifier]) -> bool:
        if not more:
            return True
        wanted = dict(self.counts[profile])
        for kind, _ in more:
            wanted[kind] = wanted.get(kind, 0) + 1
        return all(wanted[kind] <= self.kinds[kind].limit for kind, _ in more)

    def _attach(self, profile: int, more: Sequence[Identifier], because: Because, refused: set[Identifier]) -> None:
        """Add unknown identifiers to `profile` as far as there is room; one that has none stays unknown."""
        for identifier in more:
            if self._has_room(profile, [identifier]):
                kind = identifier[0]
                self.home[identifier] = profile
                self.counts[profile][kind] = self.counts[profile].get(kind, 0) + 1
                self.attached[identifier] = because
            else:
                refused.add(identifier)

    def _fit_together(self, one: int, other: int) -> bool:
        mine, theirs = self.counts[one], self.counts[other]
        return all(
            number + theirs.get(kind, 0) <= self.kinds[kind].limit for kind, number in mine.items() if kind in theirs
        )

    def _merge(self, one: int, other: int, identifier: Identifier, because: Because) -> int:
        winner, loser = min(one, other), max(one, other)
        self._merged_into[loser] = winner
        kept = self.counts.setdefault(winner, {})
        for kind, number in self.counts.get(loser, {}).items():
            kept[kind] = kept.get(kind, 0) + number
        if loser in self.born:
            self.born.discard(loser)  # Nobody has heard of it: it never was.
        else:
            self.joined.append(Joined(winner, loser, identifier, because))
        return winner


_KINDS = "SELECT id, name, priority, limit_per_profile, role, identifies, blocked FROM identifier_kind"


def load_kinds() -> dict[int, Kind]:
    """The configuration, read afresh for each batch (eight rows)."""
    return {
        id: Kind(id, name, priority, limit, role == "merge", identifies, frozenset(json.loads(blocked)))
        for id, name, priority, limit, role, identifies, blocked in sql.rows(_KINDS)
    }


# The identifiers are found by their primary key and not joined with anything: on a cluster they live elsewhere.
_LOOK_UP = """
SELECT kind_id, value, profile_id FROM identifier
WHERE (kind_id, value) IN (SELECT * FROM unnest(%b::smallint[], %b::text[]))
"""
_LOCK = "SELECT id FROM profile WHERE id = ANY(%b::bigint[]) ORDER BY id FOR UPDATE"
_COUNT = """
SELECT profile_id, kind_id, count(*) FROM identifier WHERE profile_id = ANY(%b::bigint[]) GROUP BY profile_id, kind_id
"""


def look_up(messages: Iterable[tuple[Sequence[Identifier], Identifier | None]], kinds: Mapping[int, Kind]) -> Graph:
    """The graph around these messages' identifiers, its profiles locked until the transaction ends.

    Raises `Again` when a concurrent merge took a profile away between finding and locking it. Cost: three statements.
    """
    tuples = set(messages)
    wanted = {identifier for identifiers, _ in tuples for identifier in identifiers}
    wanted |= {alias_of for _, alias_of in tuples if alias_of is not None}
    home = {(kind, value): profile for kind, value, profile in sql.rows(_LOOK_UP, _columns(list(wanted)))}
    known = set(home.values())
    locked = {row[0] for row in sql.rows(_LOCK, (int8s(sorted(known)),))} if known else set()
    if locked != known:
        raise Again
    counts: dict[int, dict[int, int]] = {profile: {} for profile in _may_change(tuples, home)}
    for profile, kind, number in sql.rows(_COUNT, (int8s(list(counts)),)) if counts else []:
        counts[profile][kind] = number
    # At most one new profile a message; unused keys are no loss.
    return Graph(kinds, home, counts, new_ids(len(tuples)))


def _may_change(
    tuples: Iterable[tuple[Sequence[Identifier], Identifier | None]], home: Mapping[Identifier, int]
) -> set[int]:
    """Known profiles that may get identifiers or merge: those of a message whose identifiers don't all lead to one."""
    found: set[int] = set()
    for identifiers, alias_of in tuples:
        profiles = {home.get(identifier) for identifier in (*identifiers, *([alias_of] if alias_of else []))}
        if len(profiles) > 1:
            found |= {profile for profile in profiles if profile is not None}
    return found


_ATTACH = """
INSERT INTO identifier (kind_id, value, profile_id, source_id, message_key, first_seen)
SELECT * FROM unnest(%b::smallint[], %b::text[], %b::bigint[], %b::bigint[], %b::uuid[], %b::timestamptz[])
ON CONFLICT DO NOTHING RETURNING 1
"""
_LINK = """
INSERT INTO identity_link (kind_id, value, other_kind_id, other_value, source_id, message_key, time, accepted)
SELECT * FROM unnest(%b::smallint[], %b::text[], %b::smallint[], %b::text[], %b::bigint[], %b::uuid[],
                     %b::timestamptz[], %b::boolean[])
ON CONFLICT DO NOTHING
"""


def write(graph: Graph) -> None:
    """Store the new identifiers and links; `Again` when another drain stored one of the identifiers first.

    Rows go in sorted, so that two drains wait for each other in one order only.
    """
    if graph.attached:
        attached = sorted(graph.attached)
        because = [graph.attached[identifier] for identifier in attached]
        stored = sql.rows(
            _ATTACH,
            (*_columns(attached), int8s([graph.living(graph.home[identifier]) for identifier in attached]),
             *_evidence(because)),
        )  # fmt: skip
        if len(stored) < len(attached):
            raise Again
    if graph.links:
        pairs = sorted(graph.links)
        accepted = [graph.links[pair][0] for pair in pairs]
        because = [graph.links[pair][1] for pair in pairs]
        one, other = zip(*pairs, strict=True)
        with sql.cursor() as cursor:
            columns = (*_columns(one), *_columns(other), *_evidence(because), bools(accepted))
            cursor.execute(_LINK, columns, prepare=True)


def _columns(identifiers: Sequence[Identifier]) -> tuple[Column, Column]:
    return int2s([kind for kind, _ in identifiers]), texts(value for _, value in identifiers)


def _evidence(because: Sequence[Because]) -> tuple[Column, Column, Column]:
    return (
        int8s([one.source_id for one in because]),
        uuids([one.key for one in because]),
        times([one.time for one in because]),
    )
