"""Forming a delivery: which people it carries, and the body that says so, fixed from then on.

Everything happens in one transaction: the people are marked as being carried, the body is written. An audience has at
most one delivery that isn't settled (the database sees to it), so what a person's older delivery did is always known
before a newer one is formed.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import msgspec
from django.db import transaction
from django.utils import timezone

from cdp_site import sql
from cdp_site.arrays import int8s
from cdp_site.ids import new_id
from connectors.destinations.base import IDENTIFIERS, AudienceName, Changes, Destination, Member

# The audiences of destinations that are switched on, with people whose state differs and nothing under way.
_READY = """
SELECT audience.id, audience.name, destination.id
FROM audience JOIN destination ON destination.id = audience.destination_id
WHERE audience.enabled AND destination.enabled
  AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.audience_id = audience.id AND state IN ('pending', 'failed'))
  AND EXISTS (SELECT 1 FROM audience_member AS member WHERE member.audience_id = audience.id
              AND delivery_id IS NULL AND refused = '' AND wanted IS DISTINCT FROM held)
"""


@dataclass(frozen=True)
class Ready:
    """An audience of which a delivery can be formed."""

    audience_id: int
    name: str
    destination_id: int


def ready() -> list[Ready]:
    return [Ready(*row) for row in sql.rows(_READY)]


# Removals first: somebody who must leave never waits behind a first sync. Materialized, for a plan that runs the
# subquery more than once would take more people than the limit.
_TAKE = """
WITH due AS MATERIALIZED (
    SELECT profile_id FROM audience_member
    WHERE audience_id = %(audience)b AND delivery_id IS NULL AND refused = '' AND wanted IS DISTINCT FROM held
    ORDER BY wanted, changed_at LIMIT %(most)b FOR UPDATE SKIP LOCKED
)
UPDATE audience_member AS member SET delivery_id = %(delivery)b::bigint FROM due
WHERE member.profile_id = due.profile_id AND member.audience_id = %(audience)b
RETURNING member.profile_id, member.wanted, member.sent
"""

# Somebody who goes because they were merged into somebody who stays: the one who stays is said again in the same
# delivery, after the removal, for a receiver that goes by e-mail address has just taken that address out.
_TAKE_AGAIN = """
UPDATE audience_member AS member SET delivery_id = %(delivery)b::bigint
WHERE member.audience_id = %(audience)b AND member.profile_id = ANY(%(winners)b::bigint[])
  AND delivery_id IS NULL AND refused = '' AND wanted AND held
RETURNING member.profile_id, member.sent
"""

_OPEN = """
INSERT INTO delivery (id, audience_id, state, body, adds, removes, attempts, next_attempt_at, created_at, error)
VALUES (%b, %b, 'pending', '', 0, 0, 0, %b, %b, '')
ON CONFLICT (audience_id) WHERE state IN ('pending', 'failed') DO NOTHING RETURNING 1
"""
_FILL = "UPDATE delivery SET body = %b, adds = %b, removes = %b WHERE id = %b"


@transaction.atomic
def form(one: Ready, destination: Destination) -> int | None:
    """Form the next delivery of an audience; returns its id, None when somebody was quicker."""
    delivery, now = new_id(), timezone.now()
    if not sql.rows(_OPEN, (delivery, one.audience_id, now, now)):
        return None
    taken = sql.rows(_TAKE, {"delivery": delivery, "audience": one.audience_id, "most": destination.batch_size})
    if not taken:
        transaction.set_rollback(True)
        return None
    before = {profile: msgspec.json.decode(sent or "{}") for profile, _, sent in taken}
    added = describe(sorted(profile for profile, wanted, _ in taken if wanted), destination.config)
    gone = {profile for profile, wanted, _ in taken if not wanted}
    out = gone | _lost_something(added, before)
    winners = _winners(out)
    if winners:
        again = {"delivery": delivery, "audience": one.audience_id, "winners": int8s(sorted(set(winners.values())))}
        before |= {profile: msgspec.json.decode(sent or "{}") for profile, sent in sql.rows(_TAKE_AGAIN, again)}
        said = {int(member.profile_id) for member in added}
        staying = describe(sorted(before.keys() - gone - said), destination.config)
        out |= _lost_something(staying, before)
        added += staying
    changes = Changes(
        delivery_id=str(delivery),
        audience=AudienceName(str(one.audience_id), one.name),
        sent_at=now,
        removed=[
            Member(str(profile), before[profile], merged_into=str(winners[profile]) if profile in winners else "")
            for profile in sorted(out)
        ],
        added=added,
    )
    with sql.cursor() as cursor:
        cursor.execute(_FILL, (msgspec.json.encode(changes), len(added), len(gone), delivery))
    return delivery


def _lost_something(added: Sequence[Member], before: Mapping[int, dict[str, list[str]]]) -> set[int]:
    """Who of these the destination may know by an identifier that they don't have any more: it is to be taken out."""
    return {
        int(member.profile_id)
        for member in added
        if any(
            not set(values) <= set(member.identifiers.get(kind, []))
            for kind, values in before[int(member.profile_id)].items()
        )
    }


def _winners(gone: Collection[int]) -> dict[int, int]:
    """Of these profiles those that were merged: into whom."""
    found = sql.rows("SELECT id, profile_id FROM profile_redirect WHERE id = ANY(%b::bigint[])", (int8s(sorted(gone)),))
    return dict(found)


# Identifiers are never joined with people's tables (on a cluster they live elsewhere).
_IDENTIFIERS: LiteralString = """
SELECT identifier.profile_id, kind.name, identifier.value
FROM identifier JOIN identifier_kind AS kind ON kind.id = identifier.kind_id
WHERE identifier.profile_id = ANY(%b::bigint[]) AND kind.name = ANY(%b::text[])
ORDER BY identifier.profile_id, kind.id, identifier.value
"""
_TRAITS: LiteralString = """
SELECT profile.id, jsonb_object_agg(trait.key, trait.value ORDER BY trait.key)
FROM profile CROSS JOIN LATERAL jsonb_each(profile.traits) AS trait
WHERE profile.id = ANY(%b::bigint[]) AND trait.key = ANY(%b::text[])
GROUP BY profile.id
"""


def describe(profiles: Sequence[int], config: Mapping[str, Any]) -> list[Member]:
    """These people as a destination with this configuration is told of them. Two queries, however many people."""
    kinds = [kind for kind in config.get("identifiers", []) if kind in IDENTIFIERS]
    identifiers: dict[int, dict[str, list[str]]] = defaultdict(dict)
    for profile, kind, value in sql.rows(_IDENTIFIERS, (int8s(profiles), kinds)):
        identifiers[profile].setdefault(kind, []).append(value)
    traits = traits_of(profiles, config)
    return [Member(str(profile), identifiers.get(profile, {}), traits.get(profile, {})) for profile in profiles]


def traits_of(profiles: Sequence[int], config: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """The chosen traits of those of these people who have any."""
    names = config.get("traits", [])
    found = sql.rows(_TRAITS, (int8s(profiles), names)) if names else []
    return {profile: msgspec.json.decode(text) for profile, text in found}
