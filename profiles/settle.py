"""Who is who is written: newcomers, identifiers that lead elsewhere now, people born, parted and merged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from cdp_site import sql
from cdp_site.arrays import bools, int8s, times, uuids
from cdp_site.stages import Again
from profiles import component, merge, part
from profiles.claims import Slot
from profiles.component import columns
from profiles.gather import Batch
from profiles.hosts import Hosts
from profiles.identifiers import Because, Identifier


@dataclass
class Placed:
    """Whose the messages of a batch are, slot by slot.

    `born`: new profiles. `identified`: who got an identifier that makes people known; `given_more`: who got any.
    `regrouped`: who merged or parted, and lives; their traits are to be decided anew. `gone`: who merged into another.
    `parted`: from whom somebody else was parted.
    `home_of`: from this batch's identifiers to profiles.
    """

    homes: dict[Slot, int] = field(default_factory=dict)
    born: set[int] = field(default_factory=set)
    identified: set[int] = field(default_factory=set)
    contested: set[int] = field(default_factory=set)
    given_more: set[int] = field(default_factory=set)
    regrouped: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    parted: set[int] = field(default_factory=set)
    home_of: dict[Identifier, int | None] = field(default_factory=dict)


_ATTACH = """
INSERT INTO identifier (kind_id, value, profile_id, source_id, message_key, first_seen, shared, disputed, shared_since,
                        blocked)
SELECT *, CASE WHEN shared THEN %b::timestamptz END, false
FROM unnest(%b::smallint[], %b::text[], %b::bigint[], %b::bigint[], %b::uuid[], %b::timestamptz[], %b::boolean[],
            %b::boolean[])
    AS fresh (kind_id, value, profile_id, source_id, message_key, first_seen, shared, disputed)
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
_MOVE = """
UPDATE identifier SET profile_id = moved.profile_id
FROM unnest(%b::smallint[], %b::text[], %b::bigint[]) AS moved (kind_id, value, profile_id)
WHERE identifier.kind_id = moved.kind_id AND identifier.value = moved.value
"""
_CONTESTED = """
UPDATE profile SET contested = judged.contested FROM unnest(%b::bigint[], %b::boolean[]) AS judged (id, contested)
WHERE profile.id = judged.id AND profile.contested <> judged.contested
"""


def settle(batch: Batch) -> Placed:
    """Write who is who after this batch, and carry out merges and partings."""
    return _Settlement(batch).carry_out()


class _Settlement:
    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.placed = Placed()

    def carry_out(self) -> Placed:
        self.batch.find_homes()
        leaving = Hosts(self.batch).settle() | self.batch.moves()
        moves = {one: route for one, route in leaving.items() if route[0] not in self.batch.born}
        homes = {slot: self.batch.living(self.batch.home[self.batch.first(slot[0])] or 0) for slot in self.batch.slots}
        self.placed.homes = homes
        self.placed.born = self.batch.born & {*homes.values()}
        self._write_identifiers(moves)
        self._bear()
        if self.batch.judged:
            component.record(*self.batch.judged)
        parted: set[int] = set()
        if moves or self.batch.unsettled:
            unsettled, spans = set(self.batch.unsettled), self._spans()
            parted = part.part(moves, unsettled, self.batch.kinds, spans, self._reasons(moves))
        self.placed.parted = {left for one, (left, _) in moves.items() if self.batch.kinds[one[0]].merges}
        merge.merge([(one, self.batch.living(one.winner)) for one in self.batch.joined])
        self._see()
        self._write_contested()
        self.placed.gone = {one.loser for one in self.batch.joined}
        self.placed.regrouped = {self.batch.living(one.winner) for one in self.batch.joined} | (
            parted - self.placed.gone
        )
        return self.placed

    def _reasons(self, moves: Mapping[Identifier, tuple[int, int]]) -> dict[tuple[int, int], part.Reason]:
        """What this batch said that parts people: which identifier turned out to be shared or another's, by which message."""
        if not self.batch.judged:
            return {}
        found, judgement = self.batch.judged
        shared = judgement.shared - found.shared
        said = [
            (end, {end, other}, self.batch.claims[pair].because)
            for pair in self.batch.touched
            for end, other in (pair, pair[::-1])
        ]
        said.sort(key=lambda one: (one[0] not in shared, one[2].time, one[2].key))
        reasons: dict[tuple[int, int], part.Reason] = {}
        for one, route in moves.items():
            for end, ends, because in said if route not in reasons else ():
                if one in ends or any(found.homes.get(near) in route for near in ends):
                    reasons[route] = end, because
                    break
        return reasons

    def _write_identifiers(self, moves: Mapping[Identifier, tuple[int, int]]) -> None:
        """New identifiers, and those that lead to somebody else now. `Again` when another drain stored one first."""
        because: dict[Identifier, Because] = {}
        for (identifiers, _), (message, _) in self.batch.slots.items():
            for one in identifiers:
                if one not in self.batch.known:
                    before = because.get(one)
                    if before is None or (message.time, message.key) < (before.time, before.key):
                        because[one] = message
        fresh = sorted(because)
        homes = [self.batch.home.get(one) for one in fresh]
        if fresh:
            said = [because[one] for one in fresh]
            stored = sql.rows(
                _ATTACH,
                (timezone.now(), *columns(fresh), [None if home is None else self.batch.living(home) for home in homes],
                 int8s([one.source_id for one in said]), uuids([one.key for one in said]),
                 times([one.time for one in said]), bools([one in self.batch.shared for one in fresh]),
                 bools([one in self.batch.disputed for one in fresh])),
            )  # fmt: skip
            if len(stored) < len(fresh):
                raise Again
        released = {
            one: None
            for one, profile in self.batch.known.items()
            if profile is not None and self.batch.home.get(one, 0) is None
        }
        woken = {
            one: self.batch.home[one]
            for one, home in self.batch.known.items()
            if home is None and self.batch.home.get(one)
        }
        changed = {one: to for one, (_, to) in moves.items()} | woken | released
        if changed:
            with sql.cursor() as cursor:
                homes_now = [None if to is None else self.batch.living(to) for to in changed.values()]
                cursor.execute(_MOVE, (*columns(list(changed)), homes_now))
        for one, home in (*zip(fresh, homes, strict=True), *changed.items()):
            if home is not None:
                self.placed.given_more.add(self.batch.living(home))
                if self.batch.kinds[one[0]].identifies:
                    self.placed.identified.add(self.batch.living(home))
        names = {one for identifiers, _ in self.batch.slots for one in identifiers}
        found = {one: self.batch.home.get(one, self.batch.known.get(one)) for one in names}
        # A known identifier may lead to somebody who merges in this very batch.
        self.placed.home_of = {one: None if home is None else self.batch.living(home) for one, home in found.items()}

    def _spans(self) -> dict[int, tuple[datetime, datetime]]:
        """When each person of this batch was first and last seen in it."""
        spans: dict[int, tuple[datetime, datetime]] = {}
        for slot, (because, latest) in self.batch.slots.items():
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
        if not self.batch.judged:
            return
        found, judgement = self.batch.judged
        at = judgement.contested(self.batch.kinds) | found.at_cuts
        homes_of = {one: self.batch.living(home) for one in found.homes if (home := self.batch.home.get(one))}
        homes = {*homes_of.values()}
        self.placed.contested = {home for one, home in homes_of.items() if one in at}
        with sql.cursor() as cursor:
            columns = (int8s(sorted(homes)), bools([home in self.placed.contested for home in sorted(homes)]))
            cursor.execute(_CONTESTED, columns)
