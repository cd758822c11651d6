"""All evidence as arrays, and where the stored people differ from what it makes.

Identifiers are known by a hash of 64 bits: a difference that is found here is only a place to look at, and what is
written there is judged by the identifiers themselves (`profiles.identity.rejudge`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from cdp_site import sql
from profiles.grouping import CUT, LIMIT, MERGE, Evidence, Grouping, group
from profiles.identifiers import Identifier, Kind, terms_of

# Sorting some million identifiers in memory takes a second or two, on disk three times as long.
_MEMORY = "SELECT set_config('work_mem', '256MB', true)"
_IDENTIFIERS = """
SELECT hashtextextended(value, kind_id), kind_id, coalesce(profile_id, 0), shared::int, blocked::int,
       disputed::int
FROM identifier ORDER BY kind_id, value COLLATE "C"
"""
_LINKS = """
SELECT hashtextextended(value, kind_id), hashtextextended(other_value, other_kind_id), first, last, stated::int, verdict
FROM identity_link
"""
_CUTS = """
SELECT hashtextextended(value, kind_id), hashtextextended(other_value, other_kind_id) FROM identity_cut
"""
_HASHES = "SELECT hashtextextended(value, kind_id) FROM unnest(%(kinds)s::smallint[], %(values)s::text[]) AS one (kind_id, value)"


@dataclass(frozen=True)
class Picture:
    """The evidence, and what is stored of its answer: `homes[n]` the profile that an identifier leads to (0: nobody
    yet), `shared[n]`, `disputed[n]`, `verdicts[m]`. `hashes[n]` says which identifier is which, `order` sorts them by that."""

    evidence: Evidence
    hashes: np.ndarray
    order: np.ndarray
    homes: np.ndarray
    shared: np.ndarray
    disputed: np.ndarray
    verdicts: np.ndarray

    def places(self, hashes: np.ndarray) -> np.ndarray:
        """Where these identifiers stand; -1 for one that isn't there."""
        return _places(hashes, self.hashes, self.order)


def take(kinds: Mapping[int, Kind], newly_blocked: Iterable[Identifier] = ()) -> Picture:
    """Read it all, inside the caller's transaction, whose statements must see one moment.

    Cost: one pass over identifiers and links, some 4 s for 4 million and 3 million. Memory: some 300 bytes a link.
    """
    with sql.cursor() as cursor:
        cursor.execute(_MEMORY)
    names = sql.packed(
        _IDENTIFIERS,
        (),
        [("hash", "i8"), ("kind", "i2"), ("home", "i8"), ("shared", "i2"), ("blocked", "i2"), ("disputed", "i2")],
    )
    hashes = np.ascontiguousarray(names["hash"])
    order = np.argsort(hashes)
    columns = [("one", "i8"), ("other", "i8"), ("first", "time"), ("last", "time"), ("stated", "i2"), ("verdict", "i2")]
    links = sql.packed(_LINKS, (), columns)
    one, other = _places(links["one"], hashes, order), _places(links["other"], hashes, order)
    blocked = names["blocked"] > 0
    more = _hashes_of(newly_blocked)
    if len(more):
        found = _places(more, hashes, order)
        blocked[found[found >= 0]] = True
    there = (one >= 0) & (other >= 0)
    if len(more):
        there &= ~(blocked[one] | blocked[other])
    if not there.all():
        links, one, other = links[there], one[there], other[there]
    cuts = sql.packed(_CUTS, (), [("one", "i8"), ("other", "i8")])
    apart = np.stack([_places(cuts["one"], hashes, order), _places(cuts["other"], hashes, order)], axis=1)
    trusted = np.zeros(len(hashes), bool)
    some = _places(_hashes_of((id, value) for id, kind in kinds.items() for value in kind.trusted), hashes, order)
    trusted[some[some >= 0]] = True
    evidence = Evidence(
        names["kind"].astype(np.int64), one, other, links["first"], links["last"], links["stated"] > 0,
        apart[(apart >= 0).all(axis=1)], blocked, trusted,
    )  # fmt: skip
    return Picture(
        evidence, hashes, order, np.ascontiguousarray(names["home"]), names["shared"] > 0,
        names["disputed"] > 0,
        links["verdict"].astype(np.int8),
    )  # fmt: skip


def _hashes_of(identifiers: Iterable[Identifier]) -> np.ndarray:
    named = list(identifiers)
    if not named:
        return np.empty(0, np.int64)
    asked = {"kinds": [kind for kind, _ in named], "values": [value for _, value in named]}
    return np.ascontiguousarray(sql.packed(_HASHES, asked, [("hash", "i8")])["hash"])


def _places(wanted: np.ndarray, hashes: np.ndarray, order: np.ndarray) -> np.ndarray:
    if not len(hashes):
        return np.full(len(wanted), -1, np.int64)
    # Looked up in their order, neighbours are found in the cache: several times quicker.
    line = np.argsort(wanted)
    ranked = wanted[line]
    ascending = hashes[order]
    at = np.minimum(np.searchsorted(ascending, ranked), len(order) - 1)
    found = np.empty(len(wanted), np.int64)
    found[line] = np.where(ascending[at] == ranked, order[at], -1)
    return found


@dataclass(frozen=True)
class Differences:
    """Whom to look at: `profiles` that aren't what the evidence makes; `afresh`: those of whom every message is to find
    its home anew. `freed`, `settled`: identifiers (by hash) that were shared, or disputed, and aren't any more."""

    profiles: np.ndarray
    afresh: np.ndarray
    freed: np.ndarray
    settled: np.ndarray
    found: Grouping

    def __bool__(self) -> bool:
        return bool(len(self.profiles) or len(self.afresh) or len(self.freed) or len(self.settled))


def differences(picture: Picture, kinds: Mapping[int, Kind]) -> Differences:
    """Where the stored people differ. Cost: `grouping.group` and some passes over the arrays."""
    evidence, homes = picture.evidence, picture.homes
    found = group(evidence, terms_of(kinds))
    merges = np.zeros(max(kinds, default=0) + 1, bool)
    merges[[id for id, kind in kinds.items() if kind.merges]] = True
    joins = merges[evidence.kinds]
    attaches = np.isin(evidence.kinds, [id for id, kind in kinds.items() if kind.role == "attach"])
    astray = _astray(found.groups, _without_hosts(found.groups, homes, attaches))
    other_verdict = (found.verdicts != picture.verdicts) & joins[evidence.one] & joins[evidence.other]
    settled = picture.disputed & ~found.disputed
    flipped = (found.shared != picture.shared) | (found.disputed != picture.disputed)
    freed = picture.shared & ~found.shared
    near = _beside(evidence, flipped)
    touched = astray & joins | flipped | near
    for ends in (evidence.one, evidence.other):
        touched[ends[other_verdict]] = True
    afresh = (astray & ~joins) | freed | settled | _beside(evidence, freed | settled)
    profiles, anew = np.unique(homes[touched]), np.unique(homes[afresh])
    return Differences(profiles[profiles > 0], anew[anew > 0], picture.hashes[freed], picture.hashes[settled], found)


def _without_hosts(groups: np.ndarray, homes: np.ndarray, attaches: np.ndarray) -> np.ndarray:
    """The same homes, but none for what only attaches where its hosts lead to nobody: it stays wherever it is."""
    alone = np.bincount(groups, minlength=len(groups))[groups] == 1
    led = np.zeros(len(groups), np.int64)  # To whom any of a group leads: its first member may be new.
    np.maximum.at(led, groups[~attaches], homes[~attaches])
    return np.where(attaches & (alone | (led[groups] == 0)), 0, homes)


def _astray(groups: np.ndarray, homes: np.ndarray) -> np.ndarray:
    """Which identifiers are of a group that leads to several profiles, or of a profile that is several groups."""
    others = homes != homes[groups]
    astray = others.copy()
    astray[groups[others]] = True
    firsts = np.flatnonzero(groups == np.arange(len(groups)))
    led = homes[firsts]
    order = np.argsort(led, kind="stable")
    led = led[order]
    again = np.zeros(len(led), bool)
    again[1:] |= (led[1:] == led[:-1]) & (led[1:] > 0)
    again[:-1] |= again[1:]
    astray[firsts[order[again]]] = True
    return astray


def _beside(evidence: Evidence, chosen: np.ndarray) -> np.ndarray:
    """The identifiers that are linked with these."""
    beside = np.zeros(len(chosen), bool)
    if chosen.any():
        beside[evidence.other[chosen[evidence.one]]] = True
        beside[evidence.one[chosen[evidence.other]]] = True
    return beside


def contested(evidence: Evidence, found: Grouping) -> np.ndarray:
    """The identifiers at whose links a limit or a cut stands."""
    stands = np.zeros(len(evidence.kinds), bool)
    stopped = (found.verdicts == LIMIT) | (found.verdicts == CUT)
    stands[evidence.one[stopped]] = stands[evidence.other[stopped]] = True
    return stands


__all__ = ["MERGE", "Differences", "Picture", "contested", "differences", "take"]
