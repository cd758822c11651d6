"""Whose a message is: its links are kept, and people grow together or part as the evidence says.

People are the groups that `profiles.grouping` makes of all links; here their value is kept up batch by batch. Most of a
batch is quickly told: identifiers that are known, and whose links are, lead to their person. Where new links meet, the
people and newcomers that they touch are one person if together they keep all limits and none of their links was ever
refused: then every order of judging takes every link. Only the others are loaded with all that hangs together with them,
and judged anew (`profiles.component`): claims may be refused, or people part.

A message belongs to the person of its strongest identifier that isn't shared.
"""

import json
from collections.abc import Iterable, Mapping

from cdp_site import sql
from cdp_site.arrays import int8s
from profiles import freed
from profiles.claims import Slot, claims_of, write_claims
from profiles.gather import Batch
from profiles.identifiers import Because, Identifier, Kind
from profiles.settle import Placed, settle

_KINDS = """
SELECT id, name, priority, limit_per_profile, role, identifies, blocked, shared_above, yields_after, form, patterns, trusted
FROM identifier_kind
"""


def load_kinds() -> dict[int, Kind]:
    """The configuration, read afresh for each batch (some ten rows)."""
    found = {}
    for (
        id,
        name,
        priority,
        limit,
        role,
        identifies,
        blocked,
        shared_above,
        yields_after,
        form,
        patterns,
        trusted,
    ) in sql.rows(_KINDS):
        found[id] = Kind(
            id, name, priority, limit, role, identifies, frozenset(json.loads(blocked)), shared_above, yields_after, form,
            tuple(json.loads(patterns)), frozenset(json.loads(trusted)),
        )  # fmt: skip
    return found


def place(messages: Iterable[tuple[Slot, Because]], kinds: Mapping[int, Kind]) -> Placed:
    """Find or make the people of these messages, and keep their links. Its profiles are locked until the transaction ends.

    Raises `Again` when a concurrent change took a profile away between finding and locking it. Cost: six statements for
    a batch whose links are known; some more for each step outwards where people have to be judged anew.
    """
    slots, claims = claims_of(messages, kinds)
    batch = Batch(kinds, slots, claims)
    _take_turns()
    batch.look_up()
    batch.find_newcomers(write_claims(claims, kinds, batch.shared))
    batch.gather()
    return settle(batch)


def rejudge(
    identifiers: Iterable[Identifier], kinds: Mapping[int, Kind], profiles: Iterable[int] = (), *, afresh: bool = False
) -> Placed:
    """Judge anew all that hangs together with these: after a cut, a join by hand, or other rules.

    `afresh`: the messages of all who are met find their home anew, not only of those who fall apart.
    """
    _take_turns()
    chosen = set(identifiers)
    was_shared = freed.free(chosen, kinds) if chosen else set()
    batch = Batch(kinds, {}, {}, afresh=afresh, freed=was_shared)
    alive = {id for (id,) in sql.rows("SELECT id FROM profile WHERE id = ANY(%b::bigint[])", (int8s(list(profiles)),))}
    batch.judge(chosen, alive)
    placed = settle(batch)
    if was_shared:
        freed.settled(was_shared)
    return placed


def _take_turns() -> None:
    """Wait for whoever else decides who is who: what is decided depends on links and identifiers that must not change
    meanwhile, and many of them have no profile that could be locked. Until the transaction ends."""
    sql.rows("SELECT pg_advisory_xact_lock(hashtextextended('tributary identity', 0))")


__all__ = ["Placed", "load_kinds", "place", "rejudge"]
