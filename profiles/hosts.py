"""Where identifiers belong that only attach to a person: an order's number, a ticket's.

They join nobody; each goes to the person of its first-judged link, as in `profiles.grouping`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from cdp_site import sql
from cdp_site.arrays import int2s, int8s
from cdp_site.ids import new_id
from profiles.component import columns
from profiles.gather import Batch
from profiles.identifiers import Identifier, Kind

_HOSTS = """
SELECT other_kind_id, other_value, kind_id, value, first, stated FROM identity_link
WHERE (other_kind_id, other_value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
  AND kind_id = ANY(%(merging)b::smallint[])
UNION ALL
SELECT kind_id, value, other_kind_id, other_value, first, stated FROM identity_link
WHERE (kind_id, value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
  AND other_kind_id = ANY(%(merging)b::smallint[])
"""
_ATTACHED_TO = """
SELECT kind_id, value, profile_id FROM identifier WHERE profile_id = ANY(%b::bigint[]) AND kind_id = ANY(%b::smallint[])
"""
_HAD = """
SELECT profile_id, count(*) FROM identifier WHERE profile_id = ANY(%b::bigint[]) GROUP BY profile_id
"""


# Where a link stands in the order of judging: those that were stated begin with False.
Order = tuple[bool, int, datetime, Identifier]


def hosts_of(
    leaves: Iterable[Identifier], kinds: Mapping[int, Kind]
) -> dict[Identifier, list[tuple[Order, Identifier]]]:
    """With whom each of these, which only attach, was named: the other ends of their links, as they are judged."""
    numbers, values = columns(sorted(leaves))
    merging = int2s([id for id, kind in kinds.items() if kind.merges])
    found: dict[Identifier, list[tuple[Order, Identifier]]] = {}
    for kind, value, host_kind, host_value, first, stated in sql.rows(
        _HOSTS, {"kinds": numbers, "values": values, "merging": merging}
    ):
        host = (host_kind, host_value)
        found.setdefault((kind, value), []).append(((not stated, kinds[host_kind].priority, first, host), host))
    return {leaf: sorted(hosts) for leaf, hosts in found.items()}


class Hosts:
    """Where identifiers belong that only attach to a person: an order's number, a ticket's."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def settle(self) -> dict[Identifier, tuple[int, int]]:
        """Set their homes; returns those that leave somebody: {identifier: (from, to)}."""
        batch = self.batch
        said: dict[Identifier, set[int | None]] = {}
        for pair in batch.attaching:
            leaf, host = pair if batch.kinds[pair[0][0]].role == "attach" else pair[::-1]
            if batch.kinds[host[0]].merges:
                dead = batch.means_nobody(host) and not batch.claims[pair].stated
                said.setdefault(leaf, set()).add(None if dead else self._home_of(host))
        # Whom everything in this batch leads to, and nothing before it elsewhere.
        easy = {
            leaf: home
            for leaf, homes in said.items()
            if len(homes) == 1 and (home := next(iter(homes))) is not None
            if leaf not in batch.home and batch.known.get(leaf) in (None, home)
        }
        batch.home.update({leaf: home for leaf, home in easy.items() if leaf not in batch.known})
        left = {profile for profile, _ in batch.moves().values()} | batch.unsettled.keys()
        asked = {leaf: batch.known.get(leaf) for leaf in said.keys() - easy.keys()}
        if left:
            attach = int2s([id for id, kind in batch.kinds.items() if kind.role == "attach"])
            for kind, value, home in sql.rows(_ATTACHED_TO, (int8s(sorted(left)), attach)):
                asked[kind, value] = batch.known[kind, value] = home
        # What was named with somebody who led to nobody until now went to another, who was named with it too.
        woken = {one for one, home in batch.known.items() if home is None and batch.home.get(one)}
        for leaf in batch.attached_to(woken) if woken else ():
            if batch.kinds[leaf[0]].role == "attach" and (home := batch.known.get(leaf)) is not None:
                batch.lock({home})
                asked[leaf] = home
        # Messages of whom all else is shared by now find somebody by what may not merge.
        finders = {
            one
            for some in batch.unsettled.values()
            for one in some
            if not batch.kinds[one[0]].merges and one not in batch.home
        }
        self._learn(finders)
        asked |= {one: batch.known[one] for one in finders}
        return self._move(asked, finders) if asked else {}

    def _home_of(self, host: Identifier) -> int | None:
        home = self.batch.home.get(host, self.batch.known.get(host))
        return None if home is None else self.batch.living(home)

    def _move(
        self, asked: Mapping[Identifier, int | None], finders: set[Identifier]
    ) -> dict[Identifier, tuple[int, int]]:
        """Look at all links of these. What no link leads to anybody is somebody of its own, for its messages."""
        batch = self.batch
        homes = {leaf: self._home_of(host) for leaf, host in self._hosts(asked).items()}
        peopled = {home for one, home in batch.home.items() if one not in asked}
        moves: dict[Identifier, tuple[int, int]] = {}
        for leaf, before in sorted(asked.items()):
            home = homes.get(leaf)
            if home is None:
                if before not in batch.unsettled and (before or leaf not in finders or batch.home.get(leaf)):
                    continue
                home = before if before and before not in peopled else new_id()
                peopled.add(home)
            batch.home[leaf] = home
            if before is not None and batch.living(before) != home:
                moves[leaf] = (before, home)
        return self._merge_emptied(moves)

    def _hosts(self, asked: Iterable[Identifier]) -> dict[Identifier, Identifier]:
        """The end of the first-judged link of each, as in `profiles.grouping`, where any joins."""
        batch = self.batch
        links = hosts_of((one for one in asked if batch.kinds[one[0]].role == "attach"), batch.kinds)
        self._learn({host for found in links.values() for _, host in found})
        hosts = {}
        for leaf, found in links.items():
            living = (host for order, host in found if not order[0] or not batch.means_nobody(host))
            if host := next(living, None):
                hosts[leaf] = host
        return hosts

    def _learn(self, hosts: set[Identifier]) -> None:
        unknown = sorted(hosts - self.batch.known.keys() - self.batch.home.keys())
        self.batch.learn(unknown)
        self.batch.lock({home for host in hosts if (home := self.batch.known.get(host)) is not None})

    def _merge_emptied(self, moves: dict[Identifier, tuple[int, int]]) -> dict[Identifier, tuple[int, int]]:
        """Whoever is left without any identifier merges into the person to whom they went; the oldest of several."""
        batch = self.batch
        heirs: dict[int, int] = {}
        for before, home in moves.values():
            heirs[before] = min(home, heirs.get(before, home))
        # Nothing may go that had an identifier only which means nobody any more: then it is the messages that go.
        for emptied, finders in batch.unsettled.items():
            found = {goes_to for one in finders if (goes_to := self._home_of(one)) is not None}
            if found and emptied not in found:
                heirs.setdefault(emptied, min(found))
        if not heirs:
            return moves
        leaving: dict[int, int] = {}
        for one, place in batch.home.items():
            profile = batch.known.get(one)
            if profile in heirs and place != profile:
                leaving[profile] = leaving.get(profile, 0) + 1
        had = dict(sql.rows(_HAD, (int8s(sorted(heirs)),)))
        peopled = {*batch.home.values(), *batch.winners.values()}
        for profile, heir in heirs.items():
            stays = profile in peopled or profile in batch.born or profile in batch.winners
            if not stays and had.get(profile) == leaving.get(profile):
                batch.join(heir, profile)
                batch.winners[profile] = heir
        return {leaf: route for leaf, route in moves.items() if route[1] != batch.winners.get(route[0])}
