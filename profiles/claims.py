"""What a batch of messages says of who belongs together: links, each with the message that said so first.

A link that is known and says nothing new is neither written nor looked at again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cdp_site import sql
from cdp_site.arrays import bools, int2s, int8s, times, uuids
from profiles.component import columns
from profiles.grouping import SHARED, TAKEN, WEAK
from profiles.identifiers import Because, Identifier, Kind, Pair, pair_of, pairs_in

# Which identifiers a message names, strongest first, and whose alias it says the strongest is.
Slot = tuple[tuple[Identifier, ...], Identifier | None]


@dataclass
class Claim:
    """A link as this batch says it: by which message first, when last (to the month), whether in as many words."""

    because: Because
    last: datetime
    stated: bool


def claims_of(
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
        # Whatever the priorities, an alias speaks of the user id beside it.
        if alias_of is not None and (named := min(identifiers)) != alias_of:
            pairs.append((pair_of(named, alias_of), True))
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


# A link that says nothing new isn't written, and doesn't come back. It is left out before it is tried: a row in conflict
# is locked, and so written, even where nothing of it changes.
# One that no message has said yet (by hand, or by the matching) gets the first that does, with its times, so that it stays
# when that is taken back.
_LINK = """
INSERT INTO identity_link AS kept (kind_id, value, other_kind_id, other_value, source_id, message_key, first, last, stated,
                                   verdict, by_hand)
SELECT said.*, false
FROM unnest(%b::smallint[], %b::text[], %b::smallint[], %b::text[], %b::bigint[], %b::uuid[],
            %b::timestamptz[], %b::timestamptz[], %b::boolean[], %b::smallint[])
     AS said (kind_id, value, other_kind_id, other_value, source_id, message_key, first, last, stated, verdict)
WHERE NOT EXISTS (
    SELECT FROM identity_link AS there
    WHERE there.kind_id = said.kind_id AND there.value = said.value
      AND there.other_kind_id = said.other_kind_id AND there.other_value = said.other_value
      AND there.message_key IS NOT NULL
      AND (there.first, there.message_key) <= (said.first, said.message_key) AND there.last >= said.last
      AND (there.stated OR NOT said.stated))
ON CONFLICT (kind_id, value, other_kind_id, other_value) DO UPDATE SET
    source_id = CASE WHEN kept.message_key IS NULL OR (excluded.first, excluded.message_key) < (kept.first, kept.message_key)
                     THEN excluded.source_id ELSE kept.source_id END,
    message_key = CASE WHEN kept.message_key IS NULL OR (excluded.first, excluded.message_key) < (kept.first, kept.message_key)
                       THEN excluded.message_key ELSE kept.message_key END,
    first = CASE WHEN kept.message_key IS NULL THEN excluded.first ELSE least(kept.first, excluded.first) END,
    last = CASE WHEN kept.message_key IS NULL THEN excluded.last ELSE greatest(kept.last, excluded.last) END,
    stated = kept.stated OR excluded.stated, by_hand = kept.by_hand AND NOT excluded.stated
WHERE (excluded.first, excluded.message_key) < (kept.first, kept.message_key) OR excluded.last > kept.last
   OR excluded.stated AND (kept.by_hand OR NOT kept.stated) OR kept.message_key IS NULL
RETURNING kind_id, value, other_kind_id, other_value
"""


def write_claims(claims: Mapping[Pair, Claim], kinds: Mapping[int, Kind], shared: set[Identifier]) -> list[Pair]:
    """Keep links; returns those that are new or say more than was known. Sorted, so that two drains don't deadlock.

    What a new link is worth is told at once where an end only suggests, or is shared; else if it is judged.
    """
    if not claims:
        return []
    pairs = sorted(claims)
    said = [claims[pair] for pair in pairs]
    rows = sql.rows(
        _LINK,
        (*columns([one for one, _ in pairs]), *columns([other for _, other in pairs]),
         int8s([one.because.source_id for one in said]), uuids([one.because.key for one in said]),
         times([one.because.time for one in said]), times([one.last for one in said]),
         bools([one.stated for one in said]), int2s([_verdict(pair, claims[pair], kinds, shared) for pair in pairs])),
    )  # fmt: skip
    return [((kind, value), (other_kind, other_value)) for kind, value, other_kind, other_value in rows]


def _verdict(pair: Pair, claim: Claim, kinds: Mapping[int, Kind], shared: set[Identifier]) -> int:
    if any(kinds[kind].role == "suggest" for kind, _ in pair):
        return WEAK
    return SHARED if not claim.stated and (pair[0] in shared or pair[1] in shared) else TAKEN
