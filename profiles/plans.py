"""What would be changed by hand about who is who: which cuts and statements, for each thing that somebody may want.

A plan changes evidence, never people: those follow from it (`profiles.grouping`), so what was decided holds whatever
arrives afterwards. `profiles.foresee` tells what a plan would make of people, `profiles.hand` carries it out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cdp_site import sql
from profiles import component
from profiles.component import Component, Said, columns
from profiles.gather import LOOK_UP
from profiles.identifiers import Identifier, Kind, Pair, pair_of, strength
from profiles.models import Act
from profiles.past import Past

# A link that no message has said yet: any message's time comes before its first, and after its last.
UNSAID_FIRST, UNSAID_LAST = datetime(9999, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)


class Refused(Exception):
    """Why it can't be done, in words for the person who asked."""


@dataclass(frozen=True)
class Plan:
    """Cuts and statements to add and to take back. `one` and `other` stand for the two sides."""

    kind: str
    one: Identifier
    other: Identifier
    cut: tuple[Pair, ...] = ()
    uncut: tuple[Pair, ...] = ()
    joined: tuple[Pair, ...] = ()
    unjoined: tuple[Pair, ...] = ()
    takes_back: int | None = None
    # On whose page, where neither side leads to anybody.
    page: int = 0

    @property
    def ends(self) -> set[Identifier]:
        pairs = (*self.cut, *self.uncut, *self.joined, *self.unjoined)
        return {end for pair in pairs for end in pair} | {self.one, self.other}

    def applied(self, found: Component) -> Component:
        """The evidence as it would be."""
        links = dict(found.links)
        for pair in self.joined:
            links[pair] = replace(links.get(pair, Said(UNSAID_FIRST, UNSAID_LAST, True, 0)), stated=True)
        for pair in self.unjoined:
            if pair in links and links[pair].first == UNSAID_FIRST:
                del links[pair]
            elif pair in links:
                links[pair] = replace(links[pair], stated=False)
        return replace(found, links=links, cuts=(found.cuts | {*self.cut}) - {*self.uncut})


def cut(one: Identifier, other: Identifier, kinds: Mapping[int, Kind]) -> Plan:
    """Two identifiers of one person aren't one person's. Where more evidence holds them together, the weakest gives way."""
    _require_merging((one, other), kinds)
    homes = homes_of((one, other))
    if one == other:
        raise Refused("An identifier can't be cut from itself.")
    if homes[one] is None or homes[one] != homes[other]:
        raise Refused("These two are two people already.")
    pair = pair_of(one, other)
    return Plan(Act.Kind.CUT, *pair, cut=(pair,))


def keep_apart(one: Identifier, other: Identifier, kinds: Mapping[int, Kind]) -> Plan:
    """Two people stay two, whatever is said of them later."""
    _require_merging((one, other), kinds)
    homes = homes_of((one, other))
    if homes[one] is not None and homes[one] == homes[other]:
        raise Refused("These two are one person by now.")
    pair = pair_of(one, other)
    return Plan(Act.Kind.CUT, *pair, cut=(pair,))


_IDS = "SELECT id FROM profile_redirect WHERE profile_id = %b"


def ids_of(profile_id: int) -> list[int]:
    """A person's id, and those of all who became part of them."""
    return [profile_id, *(id for (id,) in sql.rows(_IDS, (profile_id,)))]


def undo(profile_id: int, merge_id: int, kinds: Mapping[int, Kind]) -> Plan:
    """Two who became one are two again, each with what they had.

    What has come since goes where its evidence puts it. All links that lead from one side to the other are cut, those
    of other messages too, and the strongest identifiers of either side: no evidence of then joins them again.
    """
    past = Past(profile_id, ids_of(profile_id), kinds)
    if merge_id not in past.merges:
        raise Refused("This merge isn't one of this person's.")
    had, brought = past.sides(merge_id)
    if not had or not brought:
        raise Refused("What the two had then isn't this person's any more; cut a link instead.")
    one, other = (min(side, key=lambda end: strength(end, kinds)) for side in (had, brought))
    found = component.load({one, other}, (), kinds)
    mine, theirs = _grown(found, (one, had), (other, brought), kinds)
    crossing = {
        (a, b)
        for a, b in found.links
        if ((a in mine and b in theirs) or (a in theirs and b in mine)) and kinds[a[0]].merges and kinds[b[0]].merges
    }
    pairs = crossing | {pair_of(one, other)}
    return Plan(Act.Kind.UNDO, one, other, cut=tuple(sorted(pairs - found.cuts)))


def _grown(
    found: Component,
    mine: tuple[Identifier, set[Identifier]],
    theirs: tuple[Identifier, set[Identifier]],
    kinds: Mapping[int, Kind],
) -> tuple[set[Identifier], set[Identifier]]:
    """Both sides with what has come since, by its evidence: as if each side were one person beyond doubt."""
    (one, had), (other, brought) = mine, theirs
    links = {
        pair: said
        for pair, said in found.links.items()
        if not ((pair[0] in had and pair[1] in brought) or (pair[0] in brought and pair[1] in had))
    }
    beyond_doubt = Said(UNSAID_LAST, UNSAID_LAST, True, 0)
    for strongest, side in (mine, theirs):
        links |= {pair_of(strongest, end): beyond_doubt for end in side - {strongest}}
    apart = found.cuts | {pair_of(one, other)}
    groups = component.judge(replace(found, links=links, cuts=apart), kinds).groups
    around = {end: {*some} for some in groups for end in (one, other) if end in some}
    return (around[one] | had) - brought, (around[other] | brought) - had


_CUTS_OF = """
SELECT kind_id, value, other_kind_id, other_value FROM identity_cut
WHERE (kind_id, value) IN (SELECT * FROM unnest(%b::smallint[], %b::text[]))
   OR (other_kind_id, other_value) IN (SELECT * FROM unnest(%b::smallint[], %b::text[]))
"""
_OF_PROFILE = "SELECT kind_id, value, shared OR disputed FROM identifier WHERE profile_id = %b"


def join(one: Identifier, other: Identifier, kinds: Mapping[int, Kind]) -> Plan:
    """Two people are one, in spite of all limits; cuts between them are taken back."""
    _require_merging((one, other), kinds)
    homes = homes_of((one, other))
    if homes[one] is not None and homes[one] == homes[other]:
        raise Refused("These two are one person already.")
    if homes[one] is None and homes[other] is None:
        raise Refused("Neither of these leads to anybody yet, so there is nobody to join.")
    rows = sql.rows(LOOK_UP, columns(sorted({one, other})))
    if all(shared for _, _, _, shared, _ in rows):
        raise Refused("Both are known by nothing but what was seen with too many people to mean anybody.")
    sides = [{end} if (home := homes[end]) is None else _of(home, kinds) for end in (one, other)]
    everybody = columns(sorted(sides[0] | sides[1]))
    cuts = {((a, b), (c, d)) for a, b, c, d in sql.rows(_CUTS_OF, (*everybody, *everybody))}
    between = {
        (a, b) for a, b in cuts if (a in sides[0] and b in sides[1]) or (a in sides[1] and b in sides[0])
    }  # fmt: skip
    # With what several claim, nobody is joined: it is said whose it is.
    kind = Act.Kind.OWN if sum(disputed for *_, disputed in rows) == 1 else Act.Kind.JOIN
    plan = Plan(kind, one, other, uncut=tuple(sorted(between)), joined=(pair_of(one, other),))
    found = component.load({one, other}, (), kinds)
    while True:
        # A person that is full takes no more of a kind: whom that would leave out is said to be one with them, too.
        groups = component.judge(plan.applied(found), kinds).groups
        together = next({*some} for some in groups if one in some)
        out = sorted((sides[0] | sides[1]) - together, key=lambda end: strength(end, kinds))
        if not out:
            return plan
        more = pair_of(one if out[0] in sides[0] else other, out[0])
        if more in plan.joined:
            raise Refused("Something else that was decided by hand holds them apart; take that back first.")
        plan = replace(plan, joined=(*plan.joined, more))


def people(one: int, other: int, kinds: Mapping[int, Kind]) -> tuple[Identifier, Identifier]:
    """By which identifiers two people would be joined: the strongest of each that isn't shared."""
    found = [
        min(rows, key=lambda row: (row[2], strength((row[0], row[1]), kinds)), default=None)
        for rows in (
            [row for row in sql.rows(_OF_PROFILE, (id,)) if kinds[row[0]].merges] for id in (one, other)
        )
    ]  # fmt: skip
    if found[0] is None or found[1] is None:
        raise Refused("One of them has no identifier by which they could be joined.")
    return found[0][:2], found[1][:2]


_CUTS_THERE = """
SELECT kind_id, value, other_kind_id, other_value FROM identity_cut WHERE (kind_id, value, other_kind_id, other_value)
    IN (SELECT * FROM unnest(%b::smallint[], %b::text[], %b::smallint[], %b::text[]))
"""
_LINKS_THERE = """
SELECT kind_id, value, other_kind_id, other_value FROM identity_link WHERE by_hand
    AND (kind_id, value, other_kind_id, other_value)
        IN (SELECT * FROM unnest(%b::smallint[], %b::text[], %b::smallint[], %b::text[]))
"""


def take_back(act: Act) -> Plan:
    """The opposite of what an act did, as far as nothing later did it already."""
    if Act.objects.filter(takes_back=act.pk).exists():
        raise Refused("That was taken back already.")
    did_cut, did_uncut, did_join, did_unjoin = map(pairs_of, (act.cut, act.uncut, act.joined, act.unjoined))
    plan = Plan(
        Act.Kind.BACK,
        *next(pair for pairs in (did_join, did_cut, did_unjoin, did_uncut) for pair in pairs),
        cut=tuple(pair for pair in did_uncut if pair not in _there(_CUTS_THERE, did_uncut)),
        uncut=tuple(_there(_CUTS_THERE, did_cut)),
        joined=tuple(pair for pair in did_unjoin if pair not in _there(_LINKS_THERE, did_unjoin)),
        unjoined=tuple(_there(_LINKS_THERE, did_join)),
        takes_back=act.pk,
        page=act.profile_id,
    )
    if not (plan.cut or plan.uncut or plan.joined or plan.unjoined):
        raise Refused("What it did has been changed by hand since, so there is nothing left to take back.")
    return plan


def _there(query: str, pairs: Sequence[Pair]) -> list[Pair]:
    if not pairs:
        return []
    ends = (*columns([one for one, _ in pairs]), *columns([other for _, other in pairs]))
    return sorted(((a, b), (c, d)) for a, b, c, d in sql.rows(query, ends))  # type: ignore[arg-type]


def pairs_of(kept: list[list[list[object]]]) -> list[Pair]:
    """Pairs as an act keeps them."""
    return [((int(str(a)), str(b)), (int(str(c)), str(d))) for (a, b), (c, d) in kept]


def homes_of(identifiers: Iterable[Identifier]) -> dict[Identifier, int | None]:
    """Whom these lead to; `Refused` where one is unknown."""
    wanted = set(identifiers)
    found = known_homes(wanted)
    if found.keys() != wanted:
        raise Refused("This identifier isn't known.")
    return found


def known_homes(identifiers: Iterable[Identifier]) -> dict[Identifier, int | None]:
    return {(kind, value): home for kind, value, home, *_ in sql.rows(LOOK_UP, columns(sorted({*identifiers})))}


def _of(profile_id: int, kinds: Mapping[int, Kind]) -> set[Identifier]:
    rows = sql.rows(_OF_PROFILE, (profile_id,))
    return {(kind, value) for kind, value, _ in rows if kinds[kind].role != "attach"}


def _require_merging(identifiers: Iterable[Identifier], kinds: Mapping[int, Kind]) -> None:
    for kind, _ in identifiers:
        if kind not in kinds or not kinds[kind].merges:
            raise Refused("Identifiers of this kind join nobody, so there is nothing to cut or to join by them.")
