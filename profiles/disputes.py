"""Who claims an identifier that is disputed, for the pages that say so."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from cdp_site import sql
from cdp_site.arrays import int2s
from profiles.component import columns
from profiles.identifiers import Identifier, Kind, strength

# More accounts than a page names.
MOST = 50

# What was cut is no claim any more.
_CLAIMS = """
SELECT thing.kind_id, thing.value, link.kind_id, link.value, link.last
FROM unnest(%(kinds)b::smallint[], %(values)b::text[]) AS thing (kind_id, value), LATERAL (
    (SELECT kind_id, value, last FROM identity_link
     WHERE other_kind_id = thing.kind_id AND other_value = thing.value AND kind_id = ANY(%(only)b::smallint[])
       AND NOT stated LIMIT %(most)b)
    UNION ALL
    (SELECT other_kind_id, other_value, last FROM identity_link
     WHERE kind_id = thing.kind_id AND value = thing.value AND other_kind_id = ANY(%(only)b::smallint[])
       AND NOT stated LIMIT %(most)b)
) AS link
WHERE NOT EXISTS (
    SELECT FROM identity_cut AS cut
    WHERE (cut.kind_id, cut.value, cut.other_kind_id, cut.other_value)
        IN ((link.kind_id, link.value, thing.kind_id, thing.value), (thing.kind_id, thing.value, link.kind_id, link.value))
)
"""


def claimants(things: Iterable[Identifier], kinds: Mapping[int, Kind]) -> dict[Identifier, list[Identifier]]:
    """The accounts that claim each of these now: identifiers of which a person has one (`grouping` judges likewise)."""
    wanted = sorted({*things})
    if not wanted:
        return {}
    places = columns(wanted)
    rows = sql.rows(_CLAIMS, {"kinds": places[0], "values": places[1], "only": int2s(_only(kinds)), "most": MOST})
    said: dict[Identifier, list[tuple[Identifier, datetime]]] = {}
    for kind, value, by_kind, by_value, last in rows:
        if kinds[by_kind].priority < kinds[kind].priority:
            said.setdefault((kind, value), []).append(((by_kind, by_value), last))
    found = {}
    for thing, claims in said.items():
        patience = timedelta(days=kinds[thing[0]].yields_after)
        latest = max(last for _, last in claims)
        current = {one for one, last in claims if not patience or last >= latest - patience}
        found[thing] = sorted(current, key=lambda one: strength(one, kinds))
    return found


_OWN = "SELECT kind_id, value FROM identifier WHERE profile_id = %b AND kind_id = ANY(%b::smallint[]) LIMIT 20"
_NEAR = """
SELECT kind_id, value FROM identifier WHERE disputed AND (kind_id, value) IN (
    SELECT other_kind_id, other_value FROM identity_link
    WHERE (kind_id, value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
    UNION ALL
    SELECT kind_id, value FROM identity_link
    WHERE (other_kind_id, other_value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
) ORDER BY kind_id, value LIMIT 20
"""


def claimed_by(profile_id: int, kinds: Mapping[int, Kind]) -> list[Identifier]:
    """What this person's accounts claim and others' do, too. Cost: two statements, mostly the first alone."""
    own = {(kind, value) for kind, value in sql.rows(_OWN, (profile_id, int2s(_only(kinds))))}
    if not own:
        return []
    places = columns(sorted(own))
    near = [(kind, value) for kind, value in sql.rows(_NEAR, {"kinds": places[0], "values": places[1]})]
    claims = claimants(near, kinds)
    return [one for one in near if not own.isdisjoint(claims.get(one, []))]


def _only(kinds: Mapping[int, Kind]) -> list[int]:
    return [id for id, kind in kinds.items() if kind.merges and kind.identifies and kind.limit == 1]
