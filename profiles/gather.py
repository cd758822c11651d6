"""One batch's identifiers on the way to their people: what is known of them, and which sets new links bring together.

A set of people and newcomers that keeps all limits, and of which no link was ever refused, is one person in whatever
order its links are judged. The others are loaded with all that hangs together with them, and judged anew.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from cdp_site import sql
from cdp_site.arrays import int2s, int8s
from cdp_site.ids import new_id
from cdp_site.stages import Again
from profiles import component, merge
from profiles.claims import Claim, Slot
from profiles.component import Component, Judgement, columns
from profiles.identifiers import USER, Because, Identifier, Kind, Pair, counts_for, strength, usable

# The identifiers are found by their primary key and not joined with anything: on a cluster they live elsewhere.
LOOK_UP = """
SELECT kind_id, value, profile_id, shared, disputed FROM identifier
WHERE (kind_id, value) IN (SELECT * FROM unnest(%b::smallint[], %b::text[]))
"""
_LOCK = "SELECT id, contested FROM profile WHERE id = ANY(%b::bigint[]) ORDER BY id FOR UPDATE"
_COUNT = """
SELECT profile_id, kind_id, count(*) FROM identifier WHERE profile_id = ANY(%b::bigint[]) GROUP BY profile_id, kind_id
"""
_STATED = """
SELECT other_kind_id, other_value FROM identity_link
WHERE stated AND (other_kind_id, other_value) IN (SELECT * FROM unnest(%b::smallint[], %b::text[]))
UNION SELECT kind_id, value FROM identity_link
WHERE stated AND (kind_id, value) IN (SELECT * FROM unnest(%b::smallint[], %b::text[]))
"""
# What only attaches or suggests, beside these.
_ATTACHED = """
SELECT other_kind_id, other_value FROM identity_link
WHERE (kind_id, value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
  AND other_kind_id <> ALL(%(merging)b::smallint[])
UNION SELECT kind_id, value FROM identity_link
WHERE (other_kind_id, other_value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
  AND kind_id <> ALL(%(merging)b::smallint[])
"""
_TOLD = """
SELECT DISTINCT profile_id, identifiers::text FROM event WHERE profile_id = ANY(%b::bigint[]) AND identifiers IS NOT NULL
"""
# A profile, or an identifier that leads to none yet.
_Node = int | Identifier


class Batch:
    """One batch on its way: what is known of its identifiers, which sets of people and newcomers new links bring
    together, and what is to be written."""

    def __init__(
        self, kinds: Mapping[int, Kind], slots: Mapping[Slot, tuple[Because, datetime]], claims: Mapping[Pair, Claim],
        *, afresh: bool = False, freed: Collection[Identifier] = (),
    ) -> None:  # fmt: skip
        self.kinds, self.slots, self.claims, self.afresh = kinds, slots, claims, afresh
        # Shared until now, and judged with all of their links.
        self.freed = {*freed}
        self.known: dict[Identifier, int | None] = {}
        self.shared: set[Identifier] = set()
        self.disputed: set[Identifier] = set()
        self.contested: dict[int, bool] = {}
        self.sets: dict[_Node, _Node] = {}
        self.doubtful: set[_Node] = set()
        self.reordered: set[_Node] = set()
        self.touched: list[Pair] = []
        self.attaching: list[Pair] = []
        self.home: dict[Identifier, int | None] = {}
        self.joined: list[merge.Joined] = []
        self.winners: dict[int, int] = {}
        self._joining: dict[_Node, Pair] | None = None
        self._new = 0
        self.born: set[int] = set()
        self.judged: tuple[Component, Judgement] | None = None
        # Profiles that fall apart, with the identifiers by which their messages find somebody now.
        self.unsettled: dict[int, set[Identifier]] = {}

    def look_up(self) -> None:
        """What the identifiers lead to, with the profiles locked."""
        wanted = {one for identifiers, _ in self.slots for one in identifiers}
        wanted |= {alias_of for _, alias_of in self.slots if alias_of is not None}
        self.learn(list(wanted))
        self.lock({profile for profile in self.known.values() if profile is not None})

    def learn(self, identifiers: Sequence[Identifier]) -> None:
        for kind, value, profile, shared, disputed in sql.rows(LOOK_UP, columns(identifiers)) if identifiers else []:
            self.known[kind, value] = profile
            if shared:
                self.shared.add((kind, value))
            if disputed:
                self.disputed.add((kind, value))

    def means_nobody(self, one: Identifier) -> bool:
        """Whether nobody is found by it: too many are seen with it, or two claim it."""
        return one in self.shared or one in self.disputed

    def lock(self, profiles: set[int]) -> None:
        more = sorted(profiles - self.contested.keys())
        if more:
            self.contested.update(sql.rows(_LOCK, (int8s(more),)))
        if not profiles <= self.contested.keys():
            raise Again

    def _node(self, identifier: Identifier) -> _Node:
        profile = self.known.get(identifier)
        return identifier if profile is None else profile

    def _find(self, node: _Node) -> _Node:
        root = node
        while (above := self.sets.setdefault(root, root)) != root:
            root = above
        while node != root:
            self.sets[node], node = root, self.sets[node]
        return root

    def find_newcomers(self, touched: Iterable[Pair]) -> None:
        """Bring together what links join that are new or say more than was known."""
        named = {one for identifiers, _ in self.slots for one in identifiers}
        for pair in touched:
            one, other = pair
            roles = {self.kinds[one[0]].role, self.kinds[other[0]].role}
            if "suggest" in roles or not all(end in named or end in self.known for end in pair):
                continue
            if "attach" in roles:
                self.attaching.append(pair)
                continue
            if self.claims[pair].stated:
                self.doubtful |= {self._node(one), self._node(other)}
            elif one in self.shared or other in self.shared:
                self._seen_with_many(one, other)
                continue
            elif one in self.disputed or other in self.disputed:
                self.doubtful |= {self._node(one), self._node(other)}
            self.touched.append(pair)
            self.sets[self._find(self._node(one))] = self._find(self._node(other))
            weaker = max(pair, key=lambda end: strength(end, self.kinds))
            stronger = one if weaker == other else other
            if not self.kinds[stronger[0]].identifies and stronger in self.known:
                self.reordered.add(self._node(stronger))  # It may be seen with too many by now.
            if weaker in self.known:
                # Claims on what was known may outlive older ones, so that what was refused is taken, and the reverse.
                self.reordered.add(self._node(weaker))
        # An identifier that nobody's message was found by so far, and now one is.
        for identifiers, _ in self.slots:
            first = self.first(identifiers)
            if self.known.get(first, 0) is None:
                self._find(first)
        # An alias may have named somebody before that user id was ever used.
        users = columns(sorted(one for one in named if one[0] == USER and one not in self.known))
        if any(one[0] == USER and one not in self.known for one in named):
            for kind, value in sql.rows(_STATED, (*users, *users)):
                self._find((kind, value))
                self.doubtful.add((kind, value))
        new = named - self.known.keys()
        for one in {one for pair in component.cuts_at(new) for one in pair} & new:
            self._find(one)
            self.doubtful.add(one)

    def _seen_with_many(self, one: Identifier, other: Identifier) -> None:
        """A family's address joins nobody, but counts: whoever is seen with too many of them may be shared as well."""
        for end, beside in ((one, other), (other, one)):
            if beside in self.shared and end not in self.shared and counts_for(beside, end, self.kinds):
                self._find(self._node(end))
                self.doubtful.add(self._node(end))

    def gather(self) -> None:
        """Make one person of each set that keeps all limits; judge the others anew, with all that hangs together."""
        sets: dict[_Node, list[_Node]] = {}
        for node in list(self.sets):
            sets.setdefault(self._find(node), []).append(node)
        counts = self._counts({node for node in self.sets if isinstance(node, int)})
        identifiers: set[Identifier] = set()
        profiles: set[int] = set()
        fitting: dict[int, list[Identifier]] = {}
        for nodes in sets.values():
            people = sorted(node for node in nodes if isinstance(node, int))
            newcomers = [node for node in nodes if not isinstance(node, int)]
            if self._in_doubt(people, newcomers) or not self._fit(people, newcomers, counts):
                identifiers.update(newcomers)
                profiles.update(people)
            elif len(people) == 1:
                fitting[people[0]] = newcomers
            else:
                self._unite(people, newcomers)
        if identifiers or profiles:
            self.judge(identifiers, profiles, fitting)
        for person, newcomers in fitting.items():
            self._unite([person], newcomers)

    def _counts(self, profiles: set[int]) -> dict[int, dict[int, int]]:
        counts: dict[int, dict[int, int]] = {profile: {} for profile in profiles}
        for profile, kind, number in sql.rows(_COUNT, (int8s(sorted(profiles)),)) if profiles else []:
            counts[profile][kind] = number
        return counts

    def _in_doubt(self, people: Sequence[int], newcomers: Sequence[Identifier]) -> bool:
        """Whether more must be known of these than how many identifiers they have."""
        if any(one in self.known for one in newcomers) or not self.doubtful.isdisjoint([*people, *newcomers]):
            return True
        if not any(self.contested[person] for person in people):
            return False
        # Who has a claim refused takes what fits all the same, if it is new and can't stand in any other's way.
        return (
            len(people) > 1
            or not self.reordered.isdisjoint(people)
            or any(self.kinds[kind].identifies for kind, _ in newcomers)
        )

    def _fit(
        self, people: Sequence[int], newcomers: Sequence[Identifier], counts: Mapping[int, Mapping[int, int]]
    ) -> bool:
        """Whether together they keep every limit, and nobody can be seen with too many."""
        total: dict[int, int] = {}
        for person in people:
            for kind, number in counts[person].items():
                total[kind] = total.get(kind, 0) + number
        for kind, _ in newcomers:
            total[kind] = total.get(kind, 0) + 1
        shared_above = min((self.kinds[kind].shared_above or 1_000_000 for kind in total), default=0)
        return all(
            number <= self.kinds[kind].limit and (number <= shared_above or not self.kinds[kind].identifies)
            for kind, number in total.items()
            if self.kinds[kind].merges
        )

    def _unite(self, people: Sequence[int], newcomers: Iterable[Identifier]) -> None:
        winner = people[0] if people else self._somebody_new()
        self.home.update(dict.fromkeys(newcomers, winner))
        for loser in people[1:]:
            self.join(winner, loser)

    def _somebody_new(self) -> int:
        """Stands for a profile that gets its id in the order of the messages: below zero."""
        self._new -= 1
        return self._new

    def join(self, winner: int, loser: int) -> None:
        """Note that `loser` becomes part of `winner`, with the link of this batch that joins it, if it is one."""
        if self._joining is None:
            self._joining = {self._node(one): pair for pair in reversed(self.touched) for one in pair}
        pair = self._joining.get(loser)
        weaker = max(pair, key=lambda end: strength(end, self.kinds)) if pair else None
        because = self.claims[pair].because if pair else None
        self.joined.append(merge.Joined(winner, loser, weaker, because))

    def judge(
        self, identifiers: set[Identifier], profiles: set[int], fitting: dict[int, list[Identifier]] | None = None
    ) -> None:
        """Judge anew all that hangs together with these, and note who goes where. `fitting`: people who get newcomers
        by this batch; whom this meets is judged with them, and taken out."""
        fitting = fitting if fitting is not None else {}
        while True:
            found = component.load(identifiers, profiles, self.kinds)
            homes = {home for home in found.homes.values() if home is not None}
            self.lock(homes | profiles)
            if met := homes & fitting.keys():
                identifiers = identifiers.union(*(fitting.pop(person) for person in met))
                continue
            judgement = component.judge(found, self.kinds)
            self.shared = (self.shared - found.homes.keys()) | judgement.shared
            self.disputed = (self.disputed - found.homes.keys()) | judgement.disputed
            firsts = self._firsts_of_unsettled(found, judgement, profiles)
            outside = {
                one for some in firsts.values() for one in some if one not in found.homes and self.kinds[one[0]].merges
            }
            if not outside:
                break
            identifiers = identifiers | outside
        self.judged, self.unsettled = (found, judgement), firsts
        for one in found.stored:
            self.known[one] = found.homes[one]
        self._give_homes(found, judgement, firsts)

    def _firsts_of_unsettled(
        self, found: Component, judgement: Judgement, profiles: set[int]
    ) -> dict[int, set[Identifier]]:
        """By which identifiers the messages of those profiles find somebody now that fall apart, or lose an identifier
        that turned out to be shared."""
        spread: dict[int, set[int]] = {}
        for number, group in enumerate(judgement.groups):
            for one in group:
                if (home := found.homes[one]) is not None:
                    spread.setdefault(home, set()).add(number)
        unsettled = {profile for profile, groups in spread.items() if len(groups) > 1}
        lost = (judgement.shared | judgement.disputed) - found.shared - found.disputed
        unsettled |= {home for one in lost if (home := found.homes[one]) is not None}
        if settled := (found.disputed | self.freed) - judgement.disputed - judgement.shared:
            unsettled |= self._beside(settled, found)
        if self.afresh:
            unsettled |= profiles | {home for home in found.homes.values() if home is not None}
        firsts: dict[int, set[Identifier]] = {profile: set() for profile in unsettled}
        if unsettled:
            told = [
                (profile, [(kind, value) for kind, value in json.loads(text)])
                for profile, text in sql.rows(_TOLD, (int8s(sorted(unsettled)),))
            ]
            # Whether the others of a message mean anybody, too.
            self.learn(sorted({one for _, named in told for one in named} - self.known.keys() - found.homes.keys()))
            for profile, named in told:
                firsts[profile].add(self.first(usable(named, self.kinds) or named))
        return firsts

    def _beside(self, settled: set[Identifier], found: Component) -> set[int]:
        """Who was seen with identifiers that mean somebody again: their messages may be his."""
        ends = {end for pair in found.links if not settled.isdisjoint(pair) for end in pair}
        homes = {found.homes[one] for one in ends} | {self.known.get(one) for one in self.attached_to(settled)}
        beside = {home for home in homes if home is not None}
        self.lock(beside)
        return beside

    def attached_to(self, hosts: Collection[Identifier]) -> set[Identifier]:
        """What only attaches or suggests and was named with these, looked up."""
        kinds, values = columns(sorted(hosts))
        merging = int2s([id for id, kind in self.kinds.items() if kind.merges])
        places = {"kinds": kinds, "values": values, "merging": merging}
        attached = {(kind, value) for kind, value in sql.rows(_ATTACHED, places)}
        self.learn(sorted(attached - self.known.keys()))
        return attached

    def _give_homes(self, found: Component, judgement: Judgement, firsts: Mapping[int, set[Identifier]]) -> None:
        """A group is the profile that all of one was, or the strongest of whose messages' finders it has; the oldest of
        several. A new one, if any message finds it; else nobody yet."""
        claims = {home: one for one, home in found.homes.items() if home is not None}
        for profile, some in firsts.items():
            claims.pop(profile, None)  # Whose messages find only what attaches stays with that: `profiles.hosts`.
            if finders := [one for one in some if one in found.homes]:
                claims[profile] = min(finders, key=lambda one: strength(one, self.kinds))
        heirs: dict[Identifier, list[int]] = {}
        for profile, one in claims.items():
            heirs.setdefault(one, []).append(profile)
        needed = {self.first(identifiers) for identifiers, _ in self.slots}.union(*firsts.values())
        for group in judgement.groups:
            claimants = sorted(profile for one in group for profile in heirs.get(one, ()))
            home: int | None = None
            if claimants:
                home = claimants[0]
                for loser in claimants[1:]:
                    self.join(home, loser)
            elif not needed.isdisjoint(group):
                home = self._somebody_new()
            self.home.update(dict.fromkeys(group, home))

    def first(self, identifiers: Sequence[Identifier]) -> Identifier:
        """The identifier by which a message finds its person: the strongest that means one."""
        return next((one for one in identifiers if not self.means_nobody(one)), identifiers[0])

    def living(self, profile: int) -> int:
        return self.winners.get(profile, profile)

    def find_homes(self) -> None:
        """The person of each slot; whom nobody knew is born."""
        self.winners = {one.loser: one.winner for one in self.joined}
        names: dict[int, int] = {}
        for slot in self.slots:
            first = self.first(slot[0])
            home = self.home.get(first)
            if home is None:
                home = self.known.get(first)
            if home is None:
                home = self._somebody_new()
            self.home[first] = names.setdefault(home, new_id()) if home < 0 else self.living(home)
        for one, home in self.home.items():
            if home is not None and home < 0:
                self.home[one] = names.setdefault(home, new_id())
        parted = {self.home[one] for one, profile in self.known.items() if profile is not None and one in self.home}
        self.born = {*names.values()} - parted

    def moves(self) -> dict[Identifier, tuple[int, int]]:
        """Identifiers that leave a profile for another without it merging into that: {identifier: (from, to)}."""
        return {
            one: (profile, home)
            for one, home in self.home.items()
            if home is not None and (profile := self.known.get(one)) is not None and self.living(profile) != home
        }
