"""Which identifiers are one person: a pure function of all links, the kinds' configuration and the cuts made by hand.

The order in which links came plays no part, so the same messages give the same people however they arrive. Links are
judged in an order of their own, the strongest evidence first (`_order`), and each is taken unless taking it would put
more of a kind into one group than a person may have, or bring two sides together that somebody cut apart: Kruskal's
algorithm under constraints. Where a whole component keeps all limits, every order takes every link, so components are
found by SciPy first, and only those that break a limit are walked link by link.

An identifier that is seen with too many people identifies nobody (a kiosk's device, a call centre's phone): it is
*shared*, its links join nothing. So does one that two people claim at the same time who can't be one (a family's address,
given by two accounts): it is *disputed*, until their claims are settled.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

DAY = 86_400_000_000  # microseconds
MERGE, ATTACH, SUGGEST = range(3)
# Why a link joins nothing.
TAKEN, SHARED, LIMIT, CUT, WEAK = range(5)


@dataclass(frozen=True)
class Terms:
    """How identifiers of one kind behave.

    `rank`: 1 is the strongest. `limit`: the most that one person may have. `shared_above`: seen with more identifiers
    of one kind that names people than this, it is shared (0: never). `yields_after`: days after which a claim that
    nobody repeated gives way to a newer one (0: never). `names_people`: a kind that makes a person known.
    """

    rank: int
    limit: int
    role: int = MERGE
    names_people: bool = True
    shared_above: int = 0
    yields_after: int = 0


@dataclass(frozen=True)
class Evidence:
    """Identifiers and links as arrays. Identifiers stand in the order of (kind, value), whatever they are.

    `kinds[n]`: the kind of each identifier. `one[m]`, `other[m]`: the places of a link's two identifiers, each pair
    once. `first[m]`, `last[m]`: when it was first and last said, in microseconds. `stated[m]`: somebody said so in as
    many words (an alias, a join by hand), whatever the limits. `cuts[c, 2]`: identifiers that are not one person.
    `shared[n]`: known to be shared already (of these not all links need be given).
    """

    kinds: np.ndarray
    one: np.ndarray
    other: np.ndarray
    first: np.ndarray
    last: np.ndarray
    stated: np.ndarray
    cuts: np.ndarray
    shared: np.ndarray


@dataclass(frozen=True)
class Grouping:
    """`groups[n]`: the group of each identifier, named by its first member. `verdicts[m]`: TAKEN, or why a link joins
    nothing. `shared[n]`: whether the identifier is seen with too many people to mean anybody; `disputed[n]`: whether
    two claim it at the same time."""

    groups: np.ndarray
    verdicts: np.ndarray
    shared: np.ndarray
    disputed: np.ndarray


def group(evidence: Evidence, terms: Mapping[int, Terms]) -> Grouping:
    """The people that the evidence makes.

    Cost: sorting the links once and two passes over them; then, link by link in Python, the components that break a
    limit. Memory: some ten arrays as long as the links.
    """
    table = _Table(terms)
    roles = np.maximum(table.role[evidence.kinds[evidence.one]], table.role[evidence.kinds[evidence.other]])
    shared = _shared(evidence, roles == MERGE, table)
    outlived = _outlived(evidence, roles == MERGE, table)
    disputed = _disputed(evidence, (roles == MERGE) & ~outlived, shared, table)
    lost = shared | disputed
    dead = ~evidence.stated & (lost[evidence.one] | lost[evidence.other])
    joins = np.flatnonzero((roles == MERGE) & ~dead)
    groups = _components(len(evidence.kinds), evidence.one[joins], evidence.other[joins])
    broken = _breaking(groups, evidence, table)
    forbidden = np.zeros(len(evidence.one), bool)
    if len(broken):
        in_broken = np.isin(groups, broken)
        inside = joins[in_broken[evidence.one[joins]]]
        inside = inside[_order(evidence, inside, outlived, table)]
        members = np.flatnonzero(in_broken)
        groups[members], forbidden[inside] = _walk(evidence, inside, members, table)
    attaching = np.flatnonzero((roles == ATTACH) & ~dead)
    if len(attaching):
        _attach(groups, evidence, table, attaching)
    together = groups[evidence.one] == groups[evidence.other]
    verdicts = np.select([together, dead, roles == SUGGEST, forbidden], [TAKEN, SHARED, WEAK, CUT], LIMIT).astype(
        np.int8
    )
    return Grouping(groups, verdicts, shared, disputed)


class _Table:
    """The terms as arrays by kind."""

    def __init__(self, terms: Mapping[int, Terms]) -> None:
        size = max(terms, default=0) + 1
        self.rank, self.limit, self.role, self.shared_above, self.yields_after = np.zeros((5, size), np.int64)
        self.names_people = np.zeros(size, bool)
        for kind, one in terms.items():
            self.rank[kind], self.limit[kind], self.role[kind] = one.rank, one.limit, one.role
            self.shared_above[kind], self.yields_after[kind] = one.shared_above, one.yields_after * DAY
            self.names_people[kind] = one.names_people


def _shared(evidence: Evidence, merging: np.ndarray, table: _Table) -> np.ndarray:
    """Which identifiers are linked with more of one naming kind than theirs allows, or with more nameless ones than any
    person may have. Statements don't count, nor does what never joins."""
    said = merging & ~evidence.stated
    ends = np.concatenate([evidence.one[said], evidence.other[said]])
    beside = evidence.kinds[np.concatenate([evidence.other[said], evidence.one[said]])]
    above = table.shared_above[evidence.kinds]
    shared = evidence.shared.copy()
    for kind in np.flatnonzero(table.names_people).tolist():
        shared |= (above > 0) & (np.bincount(ends[beside == kind], minlength=len(shared)) > above)
    # What names nobody (a device) and was seen with more of a weaker such kind (browsers) than a person may have.
    unnamed = np.flatnonzero(~table.names_people & (table.role == MERGE)).tolist()
    for kind in unnamed:
        stronger = np.isin(evidence.kinds, [one for one in unnamed if table.rank[one] < table.rank[kind]])
        shared |= stronger & (np.bincount(ends[beside == kind], minlength=len(shared)) > table.limit[kind])
    return shared


def _disputed(evidence: Evidence, current: np.ndarray, shared: np.ndarray, table: _Table) -> np.ndarray:
    """Which identifiers are claimed by several of a kind that a person has one of (user ids), unless somebody stated
    that those are one, whose the identifier is, or that it isn't. `current`: the links that may join and are still said.
    """
    one, other, size = evidence.one, evidence.other, len(evidence.kinds)
    told = np.flatnonzero(evidence.stated)
    persons = _components(size, one[told], other[told])
    low, high = np.minimum(one, other), np.maximum(one, other)
    cut = np.isin(low * size + high, np.sort(evidence.cuts, axis=1) @ np.array([size, 1]))
    only = (table.limit == 1) & table.names_people & (table.role == MERGE)
    claims = []
    for person, claimed in ((one, other), (other, one)):
        kinds, theirs = evidence.kinds[person], evidence.kinds[claimed]
        counts = current & ~evidence.stated & ~cut & only[kinds] & (table.rank[kinds] < table.rank[theirs])
        counts &= ~shared[person]
        claims.append(claimed[counts] * size + persons[person[counts]])
    claimants = np.bincount(np.unique(np.concatenate(claims)) // max(size, 1), minlength=size)
    found = (claimants > 1) & ~shared
    found[one[told]] = found[other[told]] = False
    return found


def _components(size: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Connected components, each named by its first member."""
    links = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(size, size))
    labels = connected_components(links, directed=False)[1]
    return _named_by_first(labels, np.arange(size))


def _named_by_first(labels: np.ndarray, members: np.ndarray) -> np.ndarray:
    """The same groups, each named by its first member. `members` are in ascending order."""
    first = np.empty(labels.max(initial=-1) + 1, np.int64)
    first[labels[::-1]] = members[::-1]  # The last one written is the first.
    return first[labels]


def _breaking(groups: np.ndarray, evidence: Evidence, table: _Table) -> np.ndarray:
    """The groups that hold more of a kind than a person may have, or both sides of a cut."""
    over = [
        np.flatnonzero(np.bincount(groups[evidence.kinds == kind], minlength=0) > limit)
        for kind, limit in enumerate(table.limit.tolist())
        if table.role[kind] == MERGE
    ]
    cut = groups[evidence.cuts]
    return np.unique(np.concatenate([*over, cut[:, 0][cut[:, 0] == cut[:, 1]]]))


def _order(evidence: Evidence, links: np.ndarray, outlived: np.ndarray, table: _Table) -> np.ndarray:
    """In which order links are judged: statements; then by the weaker end's rank, the stronger end's; claims that are
    still repeated before those that others have outlived; the older; at last by the identifiers themselves."""
    one, other = evidence.one[links], evidence.other[links]
    ranks = np.sort(np.stack([table.rank[evidence.kinds[one]], table.rank[evidence.kinds[other]]]), axis=0)
    low, high = np.minimum(one, other), np.maximum(one, other)
    return np.lexsort((high, low, evidence.first[links], outlived[links], ranks[0], ranks[1], ~evidence.stated[links]))


def _outlived(evidence: Evidence, merging: np.ndarray, table: _Table) -> np.ndarray:
    """Which links are claims on an identifier that others went on claiming long after (a phone number given anew)."""
    low, high = np.minimum(evidence.one, evidence.other), np.maximum(evidence.one, evidence.other)
    weaker = np.where(table.rank[evidence.kinds[low]] > table.rank[evidence.kinds[high]], low, high)
    latest = np.full(len(evidence.kinds), np.iinfo(np.int64).min // 2)
    np.maximum.at(latest, weaker[merging], evidence.last[merging])
    patience = table.yields_after[evidence.kinds[weaker]]
    return (patience > 0) & (evidence.last < latest[weaker] - patience)


# A group's identifiers counted by kind in one whole number, a field of so many bits for each kind: adding two groups is
# one addition, and asking whether any kind is over its limit is one more (the limit's complement carries into the top bit).
_FIELD = 20
_MOST = 1 << (_FIELD - 2)


def _walk(evidence: Evidence, links: np.ndarray, members: np.ndarray, table: _Table) -> tuple[np.ndarray, np.ndarray]:
    """Take links one by one, in this order, where the two sides may be one. `members` (ascending) are all that occur.

    Returns the first member of each member's group, and which links only a cut forbade.
    """
    limits = np.minimum(table.limit, _MOST).tolist()
    spare = sum((_MOST * 2 - 1 - limit) << (_FIELD * kind) for kind, limit in enumerate(limits))
    over = sum((_MOST * 2) << (_FIELD * kind) for kind in range(len(limits)))
    counts = [1 << (_FIELD * kind) for kind in evidence.kinds[members].tolist()]
    parents = list(range(len(members)))
    foes = _foes(evidence, members)
    ends = (
        np.searchsorted(members, evidence.one[links]).tolist(),
        np.searchsorted(members, evidence.other[links]).tolist(),
    )
    forbidden = np.zeros(len(links), bool)

    def find(member: int) -> int:
        while (above := parents[member]) != member:
            parents[member] = member = parents[above]
        return member

    for place, (one, other, stated) in enumerate(zip(*ends, evidence.stated[links].tolist(), strict=True)):
        winner, loser = find(one), find(other)
        if winner == loser:
            continue
        if loser < winner:
            winner, loser = loser, winner
        both = counts[winner] + counts[loser]
        if (both + spare) & over and not stated:
            continue
        if foes and any(find(foe) == loser for foe in foes.get(winner, ())):
            forbidden[place] = True
            continue
        parents[loser] = winner
        counts[winner] = both if not stated else _capped(both, limits)
        if foes and loser in foes:
            foes.setdefault(winner, set()).update(foes.pop(loser))
    return members[[find(member) for member in range(len(members))]], forbidden


def _capped(counts: int, limits: list[int]) -> int:
    """Counts of a group that a statement made too large: full, so that it takes no more of those kinds, but of others."""
    fields = (
        min(counts >> (_FIELD * kind) & (_MOST * 4 - 1), limit) << (_FIELD * kind) for kind, limit in enumerate(limits)
    )
    return sum(fields)


def _foes(evidence: Evidence, members: np.ndarray) -> dict[int, set[int]]:
    """Whom each of these members must not meet, by their places among `members`."""
    cuts = evidence.cuts[np.isin(evidence.cuts, members).all(axis=1)]
    found: dict[int, set[int]] = {}
    for one, other in np.searchsorted(members, cuts).tolist():
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return found


def _attach(groups: np.ndarray, evidence: Evidence, table: _Table, links: np.ndarray) -> None:
    """Put identifiers that only attach (an order's number) into the group of their first-judged link."""
    links = links[_order(evidence, links, np.zeros(len(evidence.one), bool), table)]
    one, other = evidence.one[links], evidence.other[links]
    attached = table.role[evidence.kinds[one]] == ATTACH
    leaf, host = np.where(attached, one, other), np.where(attached, other, one)
    kept = table.role[evidence.kinds[host]] == MERGE
    leaves, first = np.unique(leaf[kept], return_index=True)
    groups[leaves] = groups[host[kept][first]]
    groups[:] = _named_by_first(groups, np.arange(len(groups)))
