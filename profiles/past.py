"""What two people had when they became one, as far as it is that one person's still: what an undoing would part."""

import json
from collections.abc import Mapping, Sequence

from cdp_site import sql
from cdp_site.arrays import int8s, uuids
from profiles.identifiers import Identifier, Kind

_MERGES = """
SELECT id, profile_id, loser_id, message_key::text, identifiers FROM profile_merge WHERE profile_id = ANY(%b::bigint[])
"""
_CAME_BY_PARTING = "SELECT id, identifiers FROM profile_part WHERE parted_id = ANY(%b::bigint[])"
_ALL = "SELECT kind_id, value, message_key FROM identifier WHERE profile_id = %b"
_ARRIVED = "SELECT key, event_id FROM message WHERE key = ANY(%b::uuid[])"


class Past:
    """A person's merges by their number. Cost: four statements over that person's own rows, for however many merges."""

    def __init__(self, profile_id: int, ids: Sequence[int], kinds: Mapping[int, Kind]) -> None:
        """`ids`: the person's id, and those of all who became part of them."""
        everybody = int8s(ids)
        self.profile_id = profile_id
        self.merges = {
            id: (winner, loser, key, _identifiers(text))
            for id, winner, loser, key, text in sql.rows(_MERGES, (everybody,))
        }
        self._parted = [(id, _identifiers(text)) for id, text in sql.rows(_CAME_BY_PARTING, (everybody,))]
        rows = sql.rows(_ALL, (profile_id,)) if self.merges else []
        self._now = {(kind, value): key for kind, value, key in rows if kinds[kind].role != "attach"}
        keys = sorted({key.bytes for key in self._now.values() if key is not None})
        self._arrived = dict(sql.rows(_ARRIVED, (uuids(keys),))) if keys else {}

    def sides(self, merge_id: int) -> tuple[set[Identifier], set[Identifier]]:
        """What the surviving one had then, and what the other brought. Where either is empty, nothing is left to part."""
        winner, _, because, brought = self.merges[merge_id]
        # Where each identifier was at the time: with the first later loser that brought it, else with this person.
        since: dict[Identifier, int] = {}
        for id, (_, loser, _, those) in sorted(self.merges.items()):
            if id > merge_id:
                for one in those:
                    since.setdefault(one, loser)
        moved = {one for id, those in self._parted if id > merge_id for one in those}
        had = {
            one
            for one, key in self._now.items()
            if one not in brought and one not in moved and since.get(one, self.profile_id) == winner
            and str(key) != because and self._arrived.get(key, 0) < merge_id
        }  # fmt: skip
        return had, brought & self._now.keys()


def _identifiers(text: str) -> set[Identifier]:
    return {(kind, value) for kind, value in json.loads(text)}
