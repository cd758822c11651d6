"""Where identifiers belong that only attach to a person: an order's number, a ticket's.

They join nobody; each goes to the person of its first-judged link, as in `profiles.grouping`.
"""

from collections.abc import Mapping

from cdp_site import sql
from cdp_site.arrays import int8s
from profiles.component import columns
from profiles.gather import LOOK_UP, Batch
from profiles.identifiers import Identifier

HOSTS = """
SELECT other_kind_id, other_value, kind_id, value, first, stated FROM identity_link
WHERE (other_kind_id, other_value) IN (SELECT * FROM unnest(%b::smallint[], %b::text[]))
"""
_ATTACHED_TO = """
SELECT kind_id, value, profile_id FROM identifier WHERE profile_id = ANY(%b::bigint[]) AND kind_id = ANY(%b::smallint[])
"""
_REST = """
SELECT profile_id, count(*) FROM identifier WHERE profile_id = ANY(%b::bigint[]) GROUP BY profile_id
"""


class Hosts:
    """Where identifiers belong that only attach to a person: an order's number, a ticket's."""

    def __init__(self, batch: Batch) -> None:
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
        left = {profile for profile, _ in batch.moves().values()} | batch.unsettled
        asked = {leaf: batch.known.get(leaf) for leaf in said.keys() - easy.keys()}
        if left:
            attach = [id for id, kind in batch.kinds.items() if kind.role == "attach"]
            for kind, value, home in sql.rows(_ATTACHED_TO, (int8s(sorted(left)), attach)):
                asked[kind, value] = batch.known[kind, value] = home
        return self._move(asked) if asked else {}

    def _home_of(self, host: Identifier) -> int | None:
        home = self.batch.home.get(host, self.batch.known.get(host))
        return None if home is None else self.batch.living(home)

    def _move(self, asked: Mapping[Identifier, int | None]) -> dict[Identifier, tuple[int, int]]:
        """Look at all links of these; a profile that is left without anything merges into where all of it goes."""
        batch = self.batch
        links: dict[Identifier, list[tuple[tuple[object, ...], Identifier]]] = {}
        for kind, value, host_kind, host_value, first, stated in sql.rows(HOSTS, columns(sorted(asked))):
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
            if before is not None and batch.living(before) != home:
                moves[leaf] = (before, home)
        return self._merge_emptied(moves)

    def _learn(self, hosts: set[Identifier]) -> None:
        unknown = sorted(hosts - self.batch.known.keys() - self.batch.home.keys())
        for kind, value, profile, shared in sql.rows(LOOK_UP, columns(unknown)) if unknown else []:
            self.batch.known[kind, value] = profile
            if shared:
                self.batch.shared.add((kind, value))
        self.batch.lock({home for host in hosts if (home := self.batch.known.get(host)) is not None})

    def _merge_emptied(self, moves: dict[Identifier, tuple[int, int]]) -> dict[Identifier, tuple[int, int]]:
        """Instead of moving everything that somebody had to one other, merge the two."""
        if not moves:
            return moves
        leaving: dict[int, list[int]] = {}
        for before, home in moves.values():
            leaving.setdefault(before, []).append(home)
        had = dict(sql.rows(_REST, (int8s(sorted(leaving)),)))
        for profile, homes in leaving.items():
            if had.get(profile) == len(homes) and len(set(homes)) == 1 and profile not in self.batch.born:
                self.batch.join(homes[0], profile)
                self.batch.winners[profile] = homes[0]
        return {leaf: route for leaf, route in moves.items() if route[0] not in self.batch.winners}
