"""The part of the evidence that hangs together with some identifiers, loaded and judged as `profiles.grouping` says.

Only people of whom a claim was refused need it (`Profile.contested`), and newcomers that don't fit: whoever keeps all
limits is one person whatever the order, and `profiles.identity` sees that without looking at old links.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from django.utils import timezone

from cdp_site import sql
from cdp_site.arrays import Column, bools, int2s, int8s, texts, times
from profiles.grouping import CUT, LIMIT, SHARED, Evidence, group
from profiles.identifiers import Identifier, Kind, Pair, counts_for, terms_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    """When two identifiers were first and last said to be one person's; `stated`: in as many words."""

    first: datetime
    last: datetime
    stated: bool
    verdict: int


@dataclass
class Component:
    """Identifiers with the profiles that they lead to (None: to nobody yet), their links and the cuts between them.

    `stored`: those that have a row; the others are new. `at_cuts`: those that somebody cut from anything, here or not.
    """

    homes: dict[Identifier, int | None] = field(default_factory=dict)
    stored: set[Identifier] = field(default_factory=set)
    shared: set[Identifier] = field(default_factory=set)
    disputed: set[Identifier] = field(default_factory=set)
    links: dict[Pair, Said] = field(default_factory=dict)
    cuts: set[Pair] = field(default_factory=set)
    at_cuts: set[Identifier] = field(default_factory=set)


@dataclass(frozen=True)
class Judgement:
    """Groups of identifiers, each one person; which are shared or disputed now; and what became of each link."""

    groups: list[list[Identifier]]
    shared: set[Identifier]
    disputed: set[Identifier]
    verdicts: dict[Pair, int]

    def contested(self, kinds: Mapping[int, Kind]) -> set[Identifier]:
        """The identifiers at whose links a limit or a cut stands, or that were seen with somebody's shared address:
        what more comes to them can't be told from them alone."""
        refused = {end for pair, verdict in self.verdicts.items() if verdict in (LIMIT, CUT) for end in pair}
        beside = {
            end
            for pair, verdict in self.verdicts.items()
            if verdict == SHARED
            for end, other in (pair, pair[::-1])
            if self.means_nobody(other) and counts_for(other, end, kinds)
        }
        return refused | (beside - self.shared) | self.disputed

    def means_nobody(self, one: Identifier) -> bool:
        return one in self.shared or one in self.disputed


_OF_PROFILES = """
SELECT kind_id, value, profile_id, shared, disputed FROM identifier
WHERE profile_id = ANY(%b::bigint[]) AND kind_id = ANY(%b::smallint[])
"""
_OF_IDENTIFIERS = """
SELECT kind_id, value, profile_id, shared, disputed FROM identifier
WHERE (kind_id, value) IN (SELECT * FROM unnest(%b::smallint[], %b::text[]))
"""
# Two index lookups rather than one OR over both ends.
_LINKS = """
SELECT kind_id, value, other_kind_id, other_value, first, last, stated, verdict FROM identity_link
WHERE (kind_id, value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
  AND other_kind_id = ANY(%(merging)b::smallint[])
UNION
SELECT kind_id, value, other_kind_id, other_value, first, last, stated, verdict FROM identity_link
WHERE (other_kind_id, other_value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
  AND kind_id = ANY(%(merging)b::smallint[])
"""
_CUTS = """
SELECT kind_id, value, other_kind_id, other_value FROM identity_cut
WHERE (kind_id, value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
UNION
SELECT kind_id, value, other_kind_id, other_value FROM identity_cut
WHERE (other_kind_id, other_value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
"""


def load(identifiers: Iterable[Identifier], profiles: Iterable[int], kinds: Mapping[int, Kind]) -> Component:
    """All that hangs together with these by links that may join. A few statements for each step outwards.

    A shared identifier is an end: nothing is loaded from it on, nor from one that only suggests. An alias's end that
    nobody has used isn't there.
    """
    found = Component()
    merging = int2s([id for id, kind in kinds.items() if kind.merges])
    judged = int2s([id for id, kind in kinds.items() if kind.role != "attach"])
    waiting = {one for one in identifiers if kinds[one[0]].role != "attach"}
    homes = set(profiles)
    known: set[int] = set()
    fresh = set(waiting)
    found.homes.update(dict.fromkeys(waiting))
    while waiting or homes:
        rows = sql.rows(_OF_PROFILES, (int8s(sorted(homes)), judged)) if homes else []
        known |= homes
        rows += sql.rows(_OF_IDENTIFIERS, columns(sorted(waiting))) if waiting else []
        for kind, value, profile, shared, disputed in rows:
            if (kind, value) not in found.homes or (kind, value) in waiting:
                fresh.add((kind, value))
            found.homes[kind, value] = profile
            found.stored.add((kind, value))
            if shared:
                found.shared.add((kind, value))
            if disputed:
                found.disputed.add((kind, value))
        homes = {home for home in found.homes.values() if home is not None} - known
        waiting = _follow({one for one in fresh - found.shared if kinds[one[0]].merges}, found, merging)
        fresh = set()
    found.links = {
        pair: said for pair, said in found.links.items() if pair[0] in found.homes and pair[1] in found.homes
    }
    for pair in cuts_at(found.homes):
        found.at_cuts |= found.homes.keys() & {*pair}
        if pair[0] in found.homes and pair[1] in found.homes:
            found.cuts.add(pair)
    return found


def cuts_at(identifiers: Iterable[Identifier]) -> list[Pair]:
    """What somebody said of these: with whom they are not one person."""
    if not sql.rows("SELECT EXISTS (SELECT FROM identity_cut)")[0][0]:
        return []
    kinds, values = columns(sorted(identifiers))
    return [((a, b), (c, d)) for a, b, c, d in sql.rows(_CUTS, {"kinds": kinds, "values": values})]


def _follow(fresh: set[Identifier], found: Component, merging: Column) -> set[Identifier]:
    """Add the links at these identifiers; returns the other ends that aren't known yet."""
    if not fresh:
        return set()
    kinds, values = columns(sorted(fresh))
    ends: set[Identifier] = set()
    for kind, value, other_kind, other_value, first, last, stated, verdict in sql.rows(
        _LINKS, {"kinds": kinds, "values": values, "merging": merging}, binary=True
    ):
        pair = ((kind, value), (other_kind, other_value))
        found.links[pair] = Said(first, last, stated, verdict)
        ends.update(pair)
    return ends - found.homes.keys()


def judge(component: Component, kinds: Mapping[int, Kind]) -> Judgement:
    """Who is one person, by the evidence of this component alone. What was shared stays so."""
    names = sorted(component.homes)
    place = {name: number for number, name in enumerate(names)}
    pairs = sorted(component.links)
    said = [component.links[pair] for pair in pairs]
    evidence = Evidence(
        kinds=np.array([kind for kind, _ in names], np.int64),
        one=np.array([place[one] for one, _ in pairs], np.int64),
        other=np.array([place[other] for _, other in pairs], np.int64),
        first=np.array([_micros(one.first) for one in said], np.int64),
        last=np.array([_micros(one.last) for one in said], np.int64),
        stated=np.array([one.stated for one in said], bool),
        cuts=np.array([(place[one], place[other]) for one, other in sorted(component.cuts)], np.int64).reshape(-1, 2),
        shared=np.array([name in component.shared for name in names], bool),
        trusted=np.array([value in kinds[kind].trusted for kind, value in names], bool),
    )
    found = group(evidence, terms_of(kinds))
    groups: dict[int, list[Identifier]] = {}
    for name, number in zip(names, found.groups.tolist(), strict=True):
        groups.setdefault(number, []).append(name)
    shared, disputed = ({names[at] for at in np.flatnonzero(flags)} for flags in (found.shared, found.disputed))
    return Judgement(list(groups.values()), shared, disputed, dict(zip(pairs, found.verdicts.tolist(), strict=True)))


_VERDICTS = """
UPDATE identity_link SET verdict = judged.verdict
FROM unnest(%b::smallint[], %b::text[], %b::smallint[], %b::text[], %b::smallint[])
     AS judged (kind_id, value, other_kind_id, other_value, verdict)
WHERE identity_link.kind_id = judged.kind_id AND identity_link.value = judged.value
  AND identity_link.other_kind_id = judged.other_kind_id AND identity_link.other_value = judged.other_value
"""
_SHARED = """
UPDATE identifier SET shared = judged.shared, disputed = judged.disputed,
    shared_since = CASE WHEN judged.shared THEN coalesce(identifier.shared_since, judged.at) END
FROM unnest(%b::smallint[], %b::text[], %b::boolean[], %b::boolean[], %b::timestamptz[])
     AS judged (kind_id, value, shared, disputed, at)
WHERE identifier.kind_id = judged.kind_id AND identifier.value = judged.value
"""


def record(component: Component, judgement: Judgement) -> None:
    """Keep what was judged of links and identifiers, where it is new."""
    changed = [pair for pair, verdict in judgement.verdicts.items() if component.links[pair].verdict != verdict]
    turned = sorted((judgement.shared ^ component.shared) | (judgement.disputed ^ component.disputed))
    with sql.cursor() as cursor:
        if changed:
            ends = (*columns([one for one, _ in changed]), *columns([other for _, other in changed]))
            cursor.execute(_VERDICTS, (*ends, int2s([judgement.verdicts[pair] for pair in changed])), prepare=True)
        if turned:
            flags = [bools([one in some for one in turned]) for some in (judgement.shared, judgement.disputed)]
            cursor.execute(_SHARED, (*columns(turned), *flags, times([timezone.now()] * len(turned))), prepare=True)


def columns(identifiers: Sequence[Identifier]) -> tuple[Column, Column]:
    """Identifiers as two array parameters."""
    return int2s([kind for kind, _ in identifiers]), texts(value for _, value in identifiers)


def _micros(moment: datetime) -> int:
    span = moment - _EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


__all__ = ["Component", "Judgement", "columns", "cuts_at", "judge", "load", "record"]
