"""Whose a message is: its links are kept, and people grow together or part as the evidence says.

People are the groups that `profiles.grouping` makes of all links; here their value is kept up batch by batch. Most of a
batch is quickly told: identifiers that are known, and whose links are, lead to their person. Where new links meet, the
people and newcomers that they touch are one person if together they keep all limits and none of their links was ever
refused: then every order of judging takes every link. Only the others are loaded with all that hangs together with them,
and judged anew (`profiles.component`): claims may be refused, or people part.

A message belongs to the person of its strongest identifier that isn't shared.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cdp_site import sql
from cdp_site.arrays import bools, int8s, times, uuids
from cdp_site.ids import new_id
from cdp_site.stages import Again
from profiles import component, merge, part
from profiles.component import Component, Judgement, columns
from profiles.identifiers import USER, Because, Identifier, Kind, Pair, pair_of, pairs_in, strength

# Which identifiers a message names, strongest first, and whose alias it says the strongest is.
Slot = tuple[tuple[Identifier, ...], Identifier | None]


@dataclass
class Claim:
    """A link as this batch says it: by which message first, when last (to the month), whether in as many words."""

    because: Because
    last: datetime
    stated: bool


@dataclass
class Placed:
    """Whose the messages of a batch are, slot by slot.

    `born`: new profiles. `identified`: who got an identifier that makes people known; `given_more`: who got any.
    `regrouped`: who merged or parted, and lives; their traits are to be decided anew. `gone`: who merged into another.
    `home_of`: from this batch's identifiers to profiles.
    """

    homes: dict[Slot, int] = field(default_factory=dict)
    born: set[int] = field(default_factory=set)
    identified: set[int] = field(default_factory=set)
    contested: set[int] = field(default_factory=set)
    given_more: set[int] = field(default_factory=set)
    regrouped: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    home_of: dict[Identifier, int | None] = field(default_factory=dict)


_KINDS = """
SELECT id, name, priority, limit_per_profile, role, identifies, blocked, shared_above, yields_after FROM identifier_kind
"""


def load_kinds() -> dict[int, Kind]:
    """The configuration, read afresh for each batch (eight rows)."""
    return {
        id: Kind(
            id, name, priority, limit, role, identifies, frozenset(json.loads(blocked)), shared_above, yields_after
        )
        for id, name, priority, limit, role, identifies, blocked, shared_above, yields_after in sql.rows(_KINDS)
    }


def place(messages: Iterable[tuple[Slot, Because]], kinds: Mapping[int, Kind]) -> Placed:
    """Find or make the people of these messages, and keep their links. Its profiles are locked until the transaction ends.

    Raises `Again` when a concurrent change took a profile away between finding and locking it. Cost: six statements for
    a batch whose links are known; some more for each step outwards where people have to be judged anew.
    """
    slots, claims = _claims(messages, kinds)
    batch = _Batch(kinds, slots, claims)
    batch.look_up()
    batch.find_newcomers(_write_claims(claims))
    batch.gather()
    return batch.settle()


def rejudge(identifiers: Iterable[Identifier], kinds: Mapping[int, Kind]) -> Placed:
    """Judge anew all that hangs together with these: after a cut, a join by hand, or other rules."""
    batch = _Batch(kinds, {}, {})
    batch.judge(set(identifiers), set())
    return batch.settle()


def _claims(
    messages: Iterable[tuple[Slot, Because]], kinds: Mapping[int, Kind]
) -> tuple[dict[Slot, tuple[Because, datetime]], dict[Pair, Claim]]:
    """The distinct slots with the earliest message and the latest time of each, and the links that they say."""
    slots: dict[Slot, tuple[Because, datetime]] = {}
    for slot, because in messages:
        before = slots.get(slot)
        if before is None:
            slots[slot] = because, because.time
        else:
            earliest, latest = before
            sooner = (because.time, because.key) < (earliest.time, earliest.key)
            if sooner or because.time > latest:
                slots[slot] = because if sooner else earliest, max(latest, because.time)
    claims: dict[Pair, Claim] = {}
    for (identifiers, alias_of), (because, latest) in slots.items():
        month = datetime(latest.year, latest.month, 1, tzinfo=UTC)
        pairs = [(pair, False) for pair in pairs_in(identifiers, kinds)]
        if alias_of is not None and identifiers[0] != alias_of:
            pairs.append((pair_of(identifiers[0], alias_of, kinds), True))
        for pair, stated in pairs:
            claim = claims.get(pair)
            if claim is None:
                claims[pair] = Claim(because, month, stated)
                continue
            if (because.time, because.key) < (claim.because.time, claim.because.key):
                claim.because = because
            claim.last = max(claim.last, month)
            claim.stated |= stated
    return slots, claims


# A link that says nothing new isn't written, and doesn't come back.
_LINK = """
INSERT INTO identity_link AS kept (kind_id, value, other_kind_id, other_value, source_id, message_key, first, last, stated,
                                   verdict)
SELECT *, 0 FROM unnest(%b::smallint[], %b::text[], %b::smallint[], %b::text[], %b::bigint[], %b::uuid[],
                        %b::timestamptz[], %b::timestamptz[], %b::boolean[])
ON CONFLICT (kind_id, value, other_kind_id, other_value) DO UPDATE SET
    source_id = CASE WHEN (excluded.first, excluded.message_key) < (kept.first, kept.message_key)
                     THEN excluded.source_id ELSE kept.source_id END,
    message_key = CASE WHEN (excluded.first, excluded.message_key) < (kept.first, kept.message_key)
                       THEN excluded.message_key ELSE kept.message_key END,
    first = least(kept.first, excluded.first), last = greatest(kept.last, excluded.last),
    stated = kept.stated OR excluded.stated
WHERE (excluded.first, excluded.message_key) < (kept.first, kept.message_key) OR excluded.last > kept.last
   OR excluded.stated AND NOT kept.stated
RETURNING kind_id, value, other_kind_id, other_value
"""


def _write_claims(claims: Mapping[Pair, Claim]) -> list[Pair]:
    """Keep links; returns those that are new or say more than was known. Sorted, so that two drains don't deadlock."""
    if not claims:
        return []
    pairs = sorted(claims)
    said = [claims[pair] for pair in pairs]
    rows = sql.rows(
        _LINK,
        (*columns([one for one, _ in pairs]), *columns([other for _, other in pairs]),
         int8s([one.because.source_id for one in said]), uuids([one.because.key for one in said]),
         times([one.because.time for one in said]), times([one.last for one in said]),
         bools([one.stated for one in said])),
    )  # fmt: skip
    return [((kind, value), (other_kind, other_value)) for kind, value, other_kind, other_value in rows]


# The identifiers are found by their primary key and not joined with anything: on a cluster they live elsewhere.
_LOOK_UP = """
SELECT kind_id, value, profile_id, shared FROM identifier
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
_ATTACH = """
INSERT INTO identifier (kind_id, value, profile_id, source_id, message_key, first_seen, shared)
SELECT * FROM unnest(%b::smallint[], %b::text[], %b::bigint[], %b::bigint[], %b::uuid[], %b::timestamptz[], %b::boolean[])
ON CONFLICT DO NOTHING RETURNING 1
"""

_BEAR = """
INSERT INTO profile (id, first_seen, last_seen, identified, contested, name, email, phone, traits)
SELECT id, first_seen, last_seen, false, false, '', '', '', '{}'
FROM unnest(%b::bigint[], %b::timestamptz[], %b::timestamptz[]) AS born (id, first_seen, last_seen)
"""
_SEEN = """
UPDATE profile SET first_seen = least(profile.first_seen, seen.first_seen),
                   last_seen = greatest(profile.last_seen, seen.last_seen),
                   identified = profile.identified OR seen.identified
FROM unnest(%b::bigint[], %b::timestamptz[], %b::timestamptz[], %b::boolean[]) AS seen (id, first_seen, last_seen, identified)
WHERE profile.id = seen.id
  AND (seen.first_seen < profile.first_seen OR seen.last_seen > profile.last_seen
       OR seen.identified AND NOT profile.identified)
"""
_TOLD = """
SELECT DISTINCT profile_id, identifiers::text FROM event WHERE profile_id = ANY(%b::bigint[]) AND identifiers IS NOT NULL
"""
_MOVE = """
UPDATE identifier SET profile_id = moved.profile_id
FROM unnest(%b::smallint[], %b::text[], %b::bigint[]) AS moved (kind_id, value, profile_id)
WHERE identifier.kind_id = moved.kind_id AND identifier.value = moved.value
"""
_CONTESTED = """
UPDATE profile SET contested = judged.contested FROM unnest(%b::bigint[], %b::boolean[]) AS judged (id, contested)
WHERE profile.id = judged.id AND profile.contested <> judged.contested
"""

# A profile, or an identifier that leads to none yet.
_Node = int | Identifier


class _Batch:
    """One batch on its way: what is known of its identifiers, which sets of people and newcomers new links bring
    together, and what is to be written."""

    def __init__(
        self, kinds: Mapping[int, Kind], slots: Mapping[Slot, tuple[Because, datetime]], claims: Mapping[Pair, Claim]
    ) -> None:
        self.kinds, self.slots, self.claims = kinds, slots, claims
        self.known: dict[Identifier, int | None] = {}
        self.shared: set[Identifier] = set()
        self.contested: dict[int, bool] = {}
        self.sets: dict[_Node, _Node] = {}
        self.doubtful: set[_Node] = set()
        self.touched: list[Pair] = []
        self.attaching: list[Pair] = []
        self.home: dict[Identifier, int | None] = {}
        self.joined: list[merge.Joined] = []
        self.winners: dict[int, int] = {}
        self._new = 0
        self.placed = Placed()
        self.judged: tuple[Component, Judgement] | None = None
        self.unsettled: set[int] = set()

    def look_up(self) -> None:
        """What the identifiers lead to, with the profiles locked."""
        wanted = {one for identifiers, _ in self.slots for one in identifiers}
        wanted |= {alias_of for _, alias_of in self.slots if alias_of is not None}
        for kind, value, profile, shared in sql.rows(_LOOK_UP, columns(list(wanted))):
            self.known[kind, value] = profile
            if shared:
                self.shared.add((kind, value))
        self._lock({profile for profile in self.known.values() if profile is not None})

    def _lock(self, profiles: set[int]) -> None:
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
                continue
            self.touched.append(pair)
            self.sets[self._find(self._node(one))] = self._find(self._node(other))
        # An identifier that nobody's message was found by so far, and now one is.
        for identifiers, _ in self.slots:
            first = self._first(identifiers)
            if self.known.get(first, 0) is None:
                self._find(first)
        # An alias may have named somebody before that user id was ever used.
        users = columns(sorted(one for one in named if one[0] == USER and one not in self.known))
        if any(one[0] == USER and one not in self.known for one in named):
            for kind, value in sql.rows(_STATED, (*users, *users)):
                self._find((kind, value))
                self.doubtful.add((kind, value))

    def gather(self) -> None:
        """Make one person of each set that keeps all limits; judge the others anew, with all that hangs together."""
        sets: dict[_Node, list[_Node]] = {}
        for node in list(self.sets):
            sets.setdefault(self._find(node), []).append(node)
        counts = self._counts({node for node in self.sets if isinstance(node, int)})
        identifiers: set[Identifier] = set()
        profiles: set[int] = set()
        for nodes in sets.values():
            people = sorted(node for node in nodes if isinstance(node, int))
            newcomers = [node for node in nodes if not isinstance(node, int)]
            if self._in_doubt(people, newcomers) or not self._fit(people, newcomers, counts):
                identifiers.update(newcomers)
                profiles.update(people)
            else:
                self._unite(people, newcomers)
        if identifiers or profiles:
            self.judge(identifiers, profiles)

    def _counts(self, profiles: set[int]) -> dict[int, dict[int, int]]:
        counts: dict[int, dict[int, int]] = {profile: {} for profile in profiles}
        for profile, kind, number in sql.rows(_COUNT, (int8s(sorted(profiles)),)) if profiles else []:
            counts[profile][kind] = number
        return counts

    def _in_doubt(self, people: Sequence[int], newcomers: Sequence[Identifier]) -> bool:
        return (
            any(self.contested[person] for person in people)
            or any(one in self.known for one in newcomers)
            or not self.doubtful.isdisjoint([*people, *newcomers])
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
            self._join(winner, loser)

    def _somebody_new(self) -> int:
        """Stands for a profile that gets its id in the order of the messages: below zero."""
        self._new -= 1
        return self._new

    def _join(self, winner: int, loser: int) -> None:
        """Note that `loser` becomes part of `winner`, with the link of this batch that joins it, if it is one."""
        pair = next((pair for pair in self.touched if loser in (self._node(pair[0]), self._node(pair[1]))), None)
        through = (pair[1], self.claims[pair].because) if pair else (None, None)
        self.joined.append(merge.Joined(winner, loser, *through))

    def judge(self, identifiers: set[Identifier], profiles: set[int]) -> None:
        """Judge anew all that hangs together with these, and note who goes where."""
        while True:
            found = component.load(identifiers, profiles, self.kinds)
            self._lock({home for home in found.homes.values() if home is not None})
            judgement = component.judge(found, self.kinds)
            self.shared = (self.shared - found.homes.keys()) | judgement.shared
            firsts = self._firsts_of_unsettled(found, judgement)
            outside = {
                one
                for some in firsts.values()
                for one in some
                if one not in found.homes and self.kinds[one[0]].role != "attach"
            }
            if not outside:
                break
            identifiers = identifiers | outside
        self.judged, self.unsettled = (found, judgement), set(firsts)
        for one in found.stored:
            self.known[one] = found.homes[one]
        self._give_homes(found, judgement, firsts)

    def _firsts_of_unsettled(self, found: Component, judgement: Judgement) -> dict[int, set[Identifier]]:
        """By which identifiers the messages of those profiles find somebody now that fall apart, or lose an identifier
        that turned out to be shared."""
        spread: dict[int, set[int]] = {}
        for number, group in enumerate(judgement.groups):
            for one in group:
                if (home := found.homes[one]) is not None:
                    spread.setdefault(home, set()).add(number)
        unsettled = {profile for profile, groups in spread.items() if len(groups) > 1}
        unsettled |= {home for one in judgement.shared - found.shared if (home := found.homes[one]) is not None}
        firsts: dict[int, set[Identifier]] = {profile: set() for profile in unsettled}
        if unsettled:
            for profile, text in sql.rows(_TOLD, (int8s(sorted(unsettled)),)):
                firsts[profile].add(self._first([(kind, value) for kind, value in json.loads(text)]))
        return firsts

    def _give_homes(self, found: Component, judgement: Judgement, firsts: Mapping[int, set[Identifier]]) -> None:
        """A group is the profile that all of one was, or the strongest of whose messages' finders it has; the oldest of
        several. A new one, if any message finds it; else nobody yet."""
        claims = {home: one for one, home in found.homes.items() if home is not None}
        for profile, some in firsts.items():
            if finders := [one for one in some if one in found.homes]:
                claims[profile] = min(finders, key=lambda one: strength(one, self.kinds))
        heirs: dict[Identifier, list[int]] = {}
        for profile, one in claims.items():
            heirs.setdefault(one, []).append(profile)
        needed = {self._first(identifiers) for identifiers, _ in self.slots}.union(*firsts.values())
        for group in judgement.groups:
            claimants = sorted(profile for one in group for profile in heirs.get(one, ()))
            home: int | None = None
            if claimants:
                home = claimants[0]
                for loser in claimants[1:]:
                    self._join(home, loser)
            elif not needed.isdisjoint(group):
                home = self._somebody_new()
            self.home.update(dict.fromkeys(group, home))

    def _first(self, identifiers: Sequence[Identifier]) -> Identifier:
        """The identifier by which a message finds its person."""
        return next((one for one in identifiers if one not in self.shared), identifiers[0])

    def settle(self) -> Placed:
        """Write who is who now, and carry out merges and partings."""
        self._find_homes()
        moves = {
            one: route for one, route in (self._host() | self._moves()).items() if route[0] not in self.placed.born
        }
        homes = {slot: self._living(self.home[self._first(slot[0])] or 0) for slot in self.slots}
        self.placed.homes = homes
        self.placed.born &= {*homes.values()}
        self._write_identifiers(moves)
        self._bear()
        if self.judged:
            component.record(*self.judged)
        parted = part.part(moves, self.unsettled, self.kinds) if moves or self.unsettled else set()
        merge.merge([(one, self._living(one.winner)) for one in self.joined])
        self._see()
        self._write_contested()
        self.placed.gone = {one.loser for one in self.joined}
        self.placed.regrouped = {self._living(one.winner) for one in self.joined} | (parted - self.placed.gone)
        return self.placed

    def _living(self, profile: int) -> int:
        return self.winners.get(profile, profile)

    def _find_homes(self) -> None:
        """The person of each slot; whom nobody knew is born."""
        self.winners = {one.loser: one.winner for one in self.joined}
        names: dict[int, int] = {}
        for slot in self.slots:
            first = self._first(slot[0])
            home = self.home.get(first)
            if home is None:
                home = self.known.get(first)
            if home is None:
                home = self._somebody_new()
            self.home[first] = names.setdefault(home, new_id()) if home < 0 else self._living(home)
        for one, home in self.home.items():
            if home is not None and home < 0:
                self.home[one] = names.setdefault(home, new_id())
        parted = {self.home[one] for one, profile in self.known.items() if profile is not None and one in self.home}
        self.placed.born = {*names.values()} - parted

    def _host(self) -> dict[Identifier, tuple[int, int]]:
        """Put what only attaches (an order's number) to the person of its first-judged link; returns who moves."""
        return _Hosts(self).settle()

    def _moves(self) -> dict[Identifier, tuple[int, int]]:
        """Identifiers that leave a profile for another without it merging into that: {identifier: (from, to)}."""
        return {
            one: (profile, home)
            for one, home in self.home.items()
            if home is not None and (profile := self.known.get(one)) is not None and self._living(profile) != home
        }

    def _write_identifiers(self, moves: Mapping[Identifier, tuple[int, int]]) -> None:
        """New identifiers, and those that lead to somebody else now. `Again` when another drain stored one first."""
        because: dict[Identifier, Because] = {}
        for (identifiers, _), (message, _) in self.slots.items():
            for one in identifiers:
                if one not in self.known:
                    before = because.get(one)
                    if before is None or (message.time, message.key) < (before.time, before.key):
                        because[one] = message
        fresh = sorted(because)
        homes = [self.home.get(one) for one in fresh]
        if fresh:
            said = [because[one] for one in fresh]
            stored = sql.rows(
                _ATTACH,
                (*columns(fresh), [None if home is None else self._living(home) for home in homes],
                 int8s([one.source_id for one in said]), uuids([one.key for one in said]),
                 times([one.time for one in said]), bools([one in self.shared for one in fresh])),
            )  # fmt: skip
            if len(stored) < len(fresh):
                raise Again
        released = {
            one: None for one, profile in self.known.items() if profile is not None and self.home.get(one, 0) is None
        }
        woken = {one: self.home[one] for one, home in self.known.items() if home is None and self.home.get(one)}
        changed = {one: to for one, (_, to) in moves.items()} | woken | released
        if changed:
            with sql.cursor() as cursor:
                homes_now = [None if to is None else self._living(to) for to in changed.values()]
                cursor.execute(_MOVE, (*columns(list(changed)), homes_now))
        for one, home in (*zip(fresh, homes, strict=True), *changed.items()):
            if home is not None:
                self.placed.given_more.add(self._living(home))
                if self.kinds[one[0]].identifies:
                    self.placed.identified.add(self._living(home))
        names = {one for identifiers, _ in self.slots for one in identifiers}
        self.placed.home_of = {one: self.home.get(one, self.known.get(one)) for one in names}

    def _spans(self) -> dict[int, tuple[datetime, datetime]]:
        """When each person of this batch was first and last seen in it."""
        spans: dict[int, tuple[datetime, datetime]] = {}
        for slot, (because, latest) in self.slots.items():
            home = self.placed.homes[slot]
            first, last = spans.get(home, (because.time, latest))
            spans[home] = min(first, because.time), max(last, latest)
        return spans

    def _bear(self) -> None:
        """Store the people who are born."""
        born = sorted(self.placed.born)
        if born:
            spans = self._spans()
            first, last = zip(*(spans[profile] for profile in born), strict=True)
            with sql.cursor() as cursor:
                cursor.execute(_BEAR, (int8s(born), times(first), times(last)), prepare=True)

    def _see(self) -> None:
        """Keep when people were first and last seen, and whether they are known."""
        spans = sorted(self._spans().items())
        if spans:
            profiles = [profile for profile, _ in spans]
            identified = bools([profile in self.placed.identified for profile in profiles])
            columns = (
                int8s(profiles),
                times([first for _, (first, _) in spans]),
                times([last for _, (_, last) in spans]),
            )
            with sql.cursor() as cursor:
                cursor.execute(_SEEN, (*columns, identified), prepare=True)

    def _write_contested(self) -> None:
        """Whose links a limit or a cut stands at: they are judged again when something about them changes."""
        if not self.judged:
            return
        found, judgement = self.judged
        at = judgement.contested()
        self.placed.contested = {home for one in at if (home := self.home.get(one)) is not None}
        homes = {self.home[one] for one in found.homes if self.home.get(one) is not None}
        with sql.cursor() as cursor:
            columns = (int8s(sorted(homes)), bools([home in self.placed.contested for home in sorted(homes)]))
            cursor.execute(_CONTESTED, columns)


_HOSTS = """
SELECT other_kind_id, other_value, kind_id, value, first, stated FROM identity_link
WHERE (other_kind_id, other_value) IN (SELECT * FROM unnest(%b::smallint[], %b::text[]))
"""
_ATTACHED_TO = """
SELECT kind_id, value, profile_id FROM identifier WHERE profile_id = ANY(%b::bigint[]) AND kind_id = ANY(%b::smallint[])
"""
_REST = """
SELECT profile_id, count(*) FROM identifier WHERE profile_id = ANY(%b::bigint[]) GROUP BY profile_id
"""


class _Hosts:
    """Where identifiers belong that only attach to a person: an order's number, a ticket's."""

    def __init__(self, batch: _Batch) -> None:
        self.batch = batch

    def settle(self) -> dict[Identifier, tuple[int, int]]:
        """Set their homes; returns those that leave somebody: {identifier: (from, to)}."""
        batch = self.batch
        said: dict[Identifier, set[int | None]] = {}
        for host, leaf in batch.attaching:
            said.setdefault(leaf, set()).add(self._home_of(host))
        easy = {
            leaf: next(iter(homes))
            for leaf, homes in said.items()
            if len(homes) == 1 and leaf not in batch.home and batch.known.get(leaf) in (None, *homes)
        }
        batch.home.update({leaf: home for leaf, home in easy.items() if home is not None and leaf not in batch.known})
        left = {profile for profile, _ in batch._moves().values()} | batch.unsettled
        asked = {leaf: batch.known.get(leaf) for leaf in said.keys() - easy.keys()}
        if left:
            attach = [id for id, kind in batch.kinds.items() if kind.role == "attach"]
            for kind, value, home in sql.rows(_ATTACHED_TO, (int8s(sorted(left)), attach)):
                asked[kind, value] = batch.known[kind, value] = home
        return self._move(asked) if asked else {}

    def _home_of(self, host: Identifier) -> int | None:
        home = self.batch.home.get(host, self.batch.known.get(host))
        return None if home is None else self.batch._living(home)

    def _move(self, asked: Mapping[Identifier, int | None]) -> dict[Identifier, tuple[int, int]]:
        """Look at all links of these; a profile that is left without anything merges into where all of it goes."""
        batch = self.batch
        links: dict[Identifier, list[tuple[tuple[object, ...], Identifier]]] = {}
        for kind, value, host_kind, host_value, first, stated in sql.rows(_HOSTS, columns(sorted(asked))):
            host = (host_kind, host_value)
            order = (not stated, batch.kinds[host_kind].priority, first, host)
            links.setdefault((kind, value), []).append((order, host))
        self._learn({host for found in links.values() for _, host in found})
        moves: dict[Identifier, tuple[int, int]] = {}
        for leaf, before in asked.items():
            hosts = (host for order, host in sorted(links.get(leaf, ())) if not order[0] or host not in batch.shared)
            home = next((home for host in hosts if (home := self._home_of(host)) is not None), None)
            before = batch.home.get(leaf, before)
            if home is None:
                continue
            batch.home[leaf] = home
            if before is not None and batch._living(before) != home:
                moves[leaf] = (before, home)
        return self._merge_emptied(moves)

    def _learn(self, hosts: set[Identifier]) -> None:
        unknown = sorted(hosts - self.batch.known.keys() - self.batch.home.keys())
        for kind, value, profile, shared in sql.rows(_LOOK_UP, columns(unknown)) if unknown else []:
            self.batch.known[kind, value] = profile
            if shared:
                self.batch.shared.add((kind, value))
        self.batch._lock({home for host in hosts if (home := self.batch.known.get(host)) is not None})

    def _merge_emptied(self, moves: dict[Identifier, tuple[int, int]]) -> dict[Identifier, tuple[int, int]]:
        """Instead of moving everything that somebody had to one other, merge the two."""
        if not moves:
            return moves
        leaving: dict[int, list[int]] = {}
        for before, home in moves.values():
            leaving.setdefault(before, []).append(home)
        had = dict(sql.rows(_REST, (int8s(sorted(leaving)),)))
        for profile, homes in leaving.items():
            if had.get(profile) == len(homes) and len(set(homes)) == 1 and profile not in self.batch.placed.born:
                self.batch._join(homes[0], profile)
                self.batch.winners[profile] = homes[0]
        return {leaf: route for leaf, route in moves.items() if route[0] not in self.batch.winners}
