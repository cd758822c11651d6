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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

DAY = 86_400_000_000  # microseconds
# From here on `first` is that of a link that no message has said: 1 January 9999.
UNSAID = (date(9999, 1, 1) - date(1970, 1, 1)).days * DAY
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
    `shared[n]`: known to be shared already (of these not all links need be given). `trusted[n]`: a person's, with
    however many others it is seen.
    """

    kinds: np.ndarray
    one: np.ndarray
    other: np.ndarray
    first: np.ndarray
    last: np.ndarray
    stated: np.ndarray
    cuts: np.ndarray
    shared: np.ndarray
    trusted: np.ndarray | None = None


@dataclass(frozen=True)
class Grouping:
    """`groups[n]`: the group of each identifier, named by its first member. `verdicts[m]`: TAKEN, or why a link joins
    nothing. `shared[n]`: whether the identifier is seen with too many people to mean anybody; `disputed[n]`: whether
    two claim it at the same time."""

    groups: np.ndarray
    verdicts: np.ndarray
    shared: np.ndarray
    disputed: np.ndarray

    @property
    def lost(self) -> np.ndarray:
        """Which identifiers mean nobody, for either reason."""
        return self.shared | self.disputed


def group(evidence: Evidence, terms: Mapping[int, Terms]) -> Grouping:
    """The people that the evidence makes.

    Cost: sorting the links once and two passes over them; then, link by link in Python, the components that break a
    limit. Memory: some ten arrays as long as the links.
    """
    table = _Table(terms)
    kinds = evidence.kinds.astype(np.int8)  # Small, so that looking up 3 million of them stays in the cache.
    ends = kinds[evidence.one], kinds[evidence.other]
    roles = np.maximum(table.role[ends[0]], table.role[ends[1]])
    claims = (roles == MERGE) & ~_cut_through(evidence)
    shared = _shared(evidence, ends, roles == MERGE, table)
    disputed = _disputed(evidence, ends, claims, shared, table)
    lost = shared | disputed
    dead = lost[evidence.one]
    dead |= lost[evidence.other]
    dead &= ~evidence.stated
    joins = np.flatnonzero((roles == MERGE) & ~dead)
    groups = _components(len(kinds), evidence.one[joins], evidence.other[joins])
    broken, scarce = _breaking(groups, kinds, evidence.cuts, table)
    forbidden = np.zeros(len(evidence.one), bool)
    if broken.any():
        in_broken = broken[groups]
        inside = joins[in_broken[evidence.one[joins]]]
        outlived = _outlived(evidence, inside, claims, table)
        inside = inside[_order(evidence, inside, outlived, table)]
        members = np.flatnonzero(in_broken)
        groups[members], forbidden[inside] = _walk(evidence, inside, members, scarce, table)
    attaching = np.flatnonzero((roles == ATTACH) & ~dead)
    if len(attaching):
        _attach(groups, evidence, table, attaching)
    verdicts = np.full(len(roles), TAKEN, np.int8)
    apart = np.flatnonzero(groups[evidence.one] != groups[evidence.other])
    verdicts[apart] = np.select(
        [dead[apart], roles[apart] == SUGGEST, forbidden[apart]], [SHARED, WEAK, CUT], LIMIT
    )  # fmt: skip
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


def _shared(evidence: Evidence, ends: tuple[np.ndarray, np.ndarray], merging: np.ndarray, table: _Table) -> np.ndarray:
    """Which identifiers are linked with more of one naming kind than theirs allows, or with more nameless ones than any
    person may have. What somebody only stated by hand doesn't count, nor an alias of two of one kind, nor what never
    joins."""
    above = table.shared_above[evidence.kinds]
    said = merging & ~(evidence.stated & ((ends[0] == ends[1]) | (evidence.first >= UNSAID)))
    sides = ((evidence.one, ends[1]), (evidence.other, ends[0]))
    # Few are seen with that many of all naming kinds together; only those are counted kind by kind.
    seen = np.zeros(len(above), np.int64)
    for mine, beside in sides:
        seen += np.bincount(mine[table.names_people[beside] & said], minlength=len(seen))
    many = (above > 0) & (seen > above)
    if evidence.trusted is not None:
        many &= ~evidence.trusted
    shared = evidence.shared | _of_too_many_nameless(evidence, sides, said, table)
    if not many.any():
        return shared
    near = [np.flatnonzero(many[mine] & said) for mine, _ in sides]
    for kind in np.flatnonzero(table.names_people).tolist():
        of_kind = np.concatenate(
            [mine[links][beside[links] == kind] for links, (mine, beside) in zip(near, sides, strict=True)]
        )
        shared |= many & (np.bincount(of_kind, minlength=len(shared)) > above)
    return shared


def _of_too_many_nameless(
    evidence: Evidence, sides: Sequence[tuple[np.ndarray, np.ndarray]], said: np.ndarray, table: _Table
) -> np.ndarray:
    """What names nobody (a device) and was seen with more of a weaker such kind (browsers) than a person may have."""
    found = np.zeros(len(evidence.kinds), bool)
    nameless = np.flatnonzero(~table.names_people & (table.role == MERGE) & (table.limit > 0))
    for kind in nameless.tolist():
        stronger = np.zeros(len(table.rank), bool)
        stronger[nameless[table.rank[nameless] < table.rank[kind]]] = True
        if stronger.any():
            seen = sum(np.bincount(mine[(beside == kind) & said], minlength=len(found)) for mine, beside in sides)
            found |= stronger[evidence.kinds] & (seen > table.limit[kind])
    return found if evidence.trusted is None else found & ~evidence.trusted


def _disputed(
    evidence: Evidence, ends: tuple[np.ndarray, np.ndarray], claims: np.ndarray, shared: np.ndarray, table: _Table
) -> np.ndarray:
    """Which identifiers are claimed by several of a kind that a person has one of (user ids), unless somebody stated
    that those are one, whose the identifier is, or that it isn't. `claims`: the links that may join and weren't cut;
    one that others have outlived doesn't count."""
    one, other, size = evidence.one, evidence.other, len(evidence.kinds)
    only = (table.limit == 1) & table.names_people & (table.role == MERGE)
    said = claims & ~evidence.stated
    links, persons, claimed = [], [], []
    for person, thing, its, theirs in ((one, other, *ends), (other, one, *ends[::-1])):
        some = np.flatnonzero(said & only[its] & (table.rank[its] < table.rank[theirs]))
        some = some[~shared[person[some]]]
        links.append(some)
        persons.append(person[some])
        claimed.append(thing[some])
    which, who, what = np.concatenate(links), np.concatenate(persons), np.concatenate(claimed)
    several = np.bincount(what, minlength=size)[what] > 1  # Few are: only those are looked at closely.
    which, who, what = which[several], who[several], what[several]
    current = ~_outlived(evidence, which, claims, table)
    who, what = who[current], what[current]
    told = np.flatnonzero(evidence.stated)
    persons = _components(size, one[told], other[told])[who] if len(told) else who
    found = np.zeros(size, bool)
    for kind in np.flatnonzero(only).tolist():
        of_kind = evidence.kinds[who] == kind
        claims_of = np.unique(what[of_kind] * size + persons[of_kind])
        found |= np.bincount(claims_of // max(size, 1), minlength=size) > 1
    found &= ~shared
    found[one[told]] = found[other[told]] = False
    return found


def _components(size: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Connected components, each named by its first member."""
    ends = one.astype(np.int32), other.astype(np.int32)  # What SciPy works in: it would copy them more than once.
    links = coo_array((np.ones(len(one), np.int8), ends), shape=(size, size))
    labels = connected_components(links, directed=False)[1]
    return _named_by_first(labels, np.arange(size))


def _named_by_first(labels: np.ndarray, members: np.ndarray) -> np.ndarray:
    """The same groups, each named by its first member. `members` are in ascending order."""
    first = np.empty(labels.max(initial=-1) + 1, np.int64)
    first[labels[::-1]] = members[::-1]  # The last one written is the first.
    return first[labels]


def _breaking(groups: np.ndarray, kinds: np.ndarray, cuts: np.ndarray, table: _Table) -> tuple[np.ndarray, list[int]]:
    """Which groups hold more of a kind than a person may have, or both sides of a cut; and the kinds of which any does."""
    broken = np.zeros(len(groups), bool)
    scarce = []
    for kind, limit in enumerate(table.limit.tolist()):
        if table.role[kind] == MERGE and limit < _MOST:
            over = np.flatnonzero(np.bincount(groups[kinds == kind]) > limit)
            if len(over):
                broken[over] = True
                scarce.append(kind)
    cut = groups[cuts]
    broken[cut[:, 0][cut[:, 0] == cut[:, 1]]] = True
    return broken, scarce


def _order(evidence: Evidence, links: np.ndarray, outlived: np.ndarray, table: _Table) -> np.ndarray:
    """In which order links are judged: statements; then by the weaker end's rank, the stronger end's; claims that are
    still repeated before those that others have outlived; the older; at last by the identifiers themselves."""
    one, other = evidence.one[links], evidence.other[links]
    ranks = np.sort(np.stack([table.rank[evidence.kinds[one]], table.rank[evidence.kinds[other]]]), axis=0)
    low, high = np.minimum(one, other), np.maximum(one, other)
    return np.lexsort((high, low, evidence.first[links], outlived, ranks[0], ranks[1], ~evidence.stated[links]))


def _weaker(evidence: Evidence, links: np.ndarray, table: _Table) -> np.ndarray:
    """The weaker end of each of these links."""
    one, other = evidence.one[links], evidence.other[links]
    low, high = np.minimum(one, other), np.maximum(one, other)
    return np.where(table.rank[evidence.kinds[low]] > table.rank[evidence.kinds[high]], low, high)


def _outlived(evidence: Evidence, links: np.ndarray, claims: np.ndarray, table: _Table) -> np.ndarray:
    """Which of these are claims on an identifier that others went on claiming long after (a phone number given anew).

    `claims`: the links that may join. One whose two ends somebody cut apart was no claim."""
    weaker = _weaker(evidence, links, table)
    patience = table.yields_after[evidence.kinds[weaker]]
    if not patience.any():
        return np.zeros(len(links), bool)
    asked = np.zeros(len(evidence.kinds), bool)
    asked[weaker[patience > 0]] = True
    near = np.flatnonzero(claims & (asked[evidence.one] | asked[evidence.other]))
    latest = np.full(len(evidence.kinds), np.iinfo(np.int64).min // 2)
    np.maximum.at(latest, _weaker(evidence, near, table), evidence.last[near])
    return (patience > 0) & (evidence.last[links] < latest[weaker] - patience)


def _cut_through(evidence: Evidence) -> np.ndarray:
    """The links whose own two ends somebody cut apart."""
    if not len(evidence.cuts):
        return np.zeros(len(evidence.one), bool)
    size = len(evidence.kinds)
    apart = evidence.cuts.min(axis=1) * size + evidence.cuts.max(axis=1)
    pairs = np.minimum(evidence.one, evidence.other) * size + np.maximum(evidence.one, evidence.other)
    return np.isin(pairs, apart)


# A group's identifiers counted by kind in one whole number, a field of so many bits for each kind of which any group has
# too many: adding two groups is one addition, and asking whether any kind is over its limit is one more (the limit's
# complement carries into the top bit).
_FIELD = 20
_MOST = 1 << (_FIELD - 2)


def _walk(
    evidence: Evidence, links: np.ndarray, members: np.ndarray, scarce: list[int], table: _Table
) -> tuple[np.ndarray, np.ndarray]:
    """Take links one by one, in this order, where the two sides may be one. `members` (ascending) are all that occur.

    Returns the first member of each member's group, and which links only a cut forbade.
    """
    limits = table.limit[scarce].tolist()
    spare = sum((_MOST * 2 - 1 - limit) << (_FIELD * place) for place, limit in enumerate(limits))
    over = sum((_MOST * 2) << (_FIELD * place) for place in range(len(limits)))
    ones = [0] * len(table.limit)
    for place, kind in enumerate(scarce):
        ones[kind] = 1 << (_FIELD * place)
    counts = [ones[kind] for kind in evidence.kinds[members].tolist()]
    parents = list(range(len(members)))
    foes = _foes(evidence, members)
    at = np.zeros(len(evidence.kinds), np.int32)
    at[members] = np.arange(len(members))
    ends = at[evidence.one[links]].tolist(), at[evidence.other[links]].tolist()
    forbidden = np.zeros(len(links), bool)

    def find(member: int) -> int:
        while (above := parents[member]) != member:
            parents[member] = member = parents[above]
        return member

    for place, (winner, loser, stated) in enumerate(zip(*ends, evidence.stated[links].tolist(), strict=True)):
        # `find`, twice, written out: this loop is most of what a broken component costs.
        while (above := parents[winner]) != winner:
            parents[winner] = winner = parents[above]
        while (above := parents[loser]) != loser:
            parents[loser] = loser = parents[above]
        if winner == loser:
            continue
        if loser < winner:
            winner, loser = loser, winner
        both = counts[winner] + counts[loser]
        if (both + spare) & over and not stated:
            continue
        if (mine := foes.get(winner)) and any(find(foe) == loser for foe in mine):
            forbidden[place] = True
            continue
        parents[loser] = winner
        counts[winner] = both if not stated else _capped(both, limits)
        if loser in foes:
            foes.setdefault(winner, set()).update(foes.pop(loser))
    roots = np.array(parents)
    while not np.array_equal(above_roots := roots[roots], roots):
        roots = above_roots
    return members[roots], forbidden


def _capped(counts: int, limits: list[int]) -> int:
    """Counts of a group that a statement made too large: full, so that it takes no more of those kinds, but of others."""
    fields = (
        min(counts >> (_FIELD * kind) & (_MOST * 4 - 1), limit) << (_FIELD * kind) for kind, limit in enumerate(limits)
    )
    return sum(fields)


def _foes(evidence: Evidence, members: np.ndarray) -> dict[int, set[int]]:
    """Whom each of these members must not meet, by their places among `members`."""
    at = np.full(len(evidence.kinds), -1)
    at[members] = np.arange(len(members))
    found: dict[int, set[int]] = {}
    for one, other in at[evidence.cuts].tolist():
        if one >= 0 and other >= 0:
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return found


def _attach(groups: np.ndarray, evidence: Evidence, table: _Table, links: np.ndarray) -> None:
    """Put identifiers that only attach (an order's number) into the group of their first-judged link."""
    links = links[_order(evidence, links, np.zeros(len(links), bool), table)]
    one, other = evidence.one[links], evidence.other[links]
    attached = table.role[evidence.kinds[one]] == ATTACH
    leaf, host = np.where(attached, one, other), np.where(attached, other, one)
    kept = table.role[evidence.kinds[host]] == MERGE
    leaves, first = np.unique(leaf[kept], return_index=True)
    groups[leaves] = groups[host[kept][first]]
    earlier = leaves[leaves < groups[leaves]]
    if len(earlier):  # Such a leaf is its group's first member now.
        names = np.arange(len(groups))
        np.minimum.at(names, groups[earlier], earlier)
        groups[:] = names[groups]
