"""What a plan would make of people, before anything is done: who would keep which identifiers, and how many events."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cdp_site import sql
from cdp_site.arrays import int8s
from profiles import component
from profiles.component import Component, Judgement
from profiles.hosts import hosts_of
from profiles.identifiers import Identifier, Kind, strength
from profiles.plans import Plan


@dataclass
class Side:
    """Somebody that a plan would leave. `keeps`: whose page stays theirs, None for somebody new; `was`: who is in them;
    `nobody`: no message is found by these identifiers alone, so they would lead to nobody yet."""

    identifiers: list[Identifier]
    keeps: int | None = None
    was: list[int] = field(default_factory=list)
    events: int = 0
    nobody: bool = False


_TOLD = """
SELECT profile_id, identifiers::text, count(*) FROM event WHERE profile_id = ANY(%b::bigint[]) GROUP BY 1, 2
"""


def foresee(plan: Plan, kinds: Mapping[int, Kind]) -> list[Side]:
    """Everybody whom the plan concerns, as they would be: the one who has `plan.one` first, then `plan.other`.

    Cost: what hangs together with them, and one pass over the events of those concerned.
    """
    found = component.load(plan.ends, (), kinds)
    judgement = component.judge(plan.applied(found), kinds)
    concerned = {home for one in plan.ends if (home := found.homes[one]) is not None}
    groups = [some for some in judgement.groups if any(found.homes[one] in concerned for one in some)]
    groups += [some for some in judgement.groups if some not in groups and not plan.ends.isdisjoint(some)]
    groups.sort(key=lambda some: (plan.one not in some, plan.other not in some, -len(some), some))
    sides = [Side(sorted(some, key=lambda one: strength(one, kinds))) for some in groups]
    for side in sides:
        side.was = sorted({home for one in side.identifiers if (home := found.homes[one]) is not None})
    _share_out(sides, found, judgement, kinds)
    return sides


def _share_out(sides: list[Side], found: Component, judgement: Judgement, kinds: Mapping[int, Kind]) -> None:
    """Whose the events would be, and who keeps which page: the side of the strongest identifier that finds any."""
    people = sorted({home for side in sides for home in side.was})
    told = [(home, _identifiers(text), number) for home, text, number in sql.rows(_TOLD, (int8s(people),))]
    firsts = [
        (home, next((one for one in said if not judgement.means_nobody(one)), said[0]), number)
        for home, said, number in told
        if said
    ]
    side_of = {one: side for side in sides for one in side.identifiers}
    side_of |= _hosted({one for _, one, _ in firsts if one not in found.homes}, side_of, judgement, kinds)
    finders: dict[int, set[Identifier]] = {}
    for home, first, number in firsts:
        if first in side_of:
            side_of[first].events += number
        if first in found.homes:
            finders.setdefault(home, set()).add(first)
    for home, some in sorted(finders.items()):
        keeper = side_of.get(min(some, key=lambda one: strength(one, kinds)))
        if keeper is not None and keeper.keeps is None:
            keeper.keeps = home
    for home in people:
        if home not in finders and (whole := [side for side in sides if home in side.was]) and len(whole) == 1:
            whole[0].keeps = min(whole[0].keeps or home, home)
    # What is found by nothing else than a record's number, of which nobody is a host, stays where it is.
    for home, first, number in firsts:
        stays = [side for side in sides if side.keeps == home] if first not in side_of else []
        for side in stays:
            side.events += number
    every = {first for _, first, _ in firsts}
    for side in sides:
        side.nobody = side.keeps is None and every.isdisjoint(side.identifiers)


def _hosted(
    records: Iterable[Identifier], side_of: Mapping[Identifier, Side], judgement: Judgement, kinds: Mapping[int, Kind]
) -> dict[Identifier, Side]:
    """With whom the numbers of records go that are all that a message names."""
    found = {}
    for leaf, hosts in hosts_of(records, kinds).items():
        host = next((one for order, one in hosts if not order[0] or not judgement.means_nobody(one)), None)
        if host is not None and host in side_of:
            found[leaf] = side_of[host]
    return found


def _identifiers(text: str | None) -> list[Identifier]:
    return [(kind, value) for kind, value in json.loads(text or "[]")]
