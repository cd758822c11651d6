"""Identifiers that were shared and may not be any more: what was done by hand took some of their links away.

Whatever is shared stays so while messages come, for they only add to what it is seen with; all of its links needn't be
looked at again. By hand, links can go.
"""

from collections.abc import Iterable, Mapping

from cdp_site import sql
from cdp_site.arrays import int2s
from profiles.component import columns
from profiles.identifiers import Identifier, Kind

_FREE = """
UPDATE identifier SET shared = false
WHERE shared AND NOT blocked AND (kind_id, value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
  AND (SELECT count(*) FROM (
        (SELECT FROM identity_link WHERE kind_id = identifier.kind_id AND identity_link.value = identifier.value
            AND other_kind_id = ANY(%(merging)b::smallint[]) LIMIT %(most)b)
        UNION ALL
        (SELECT FROM identity_link WHERE other_kind_id = identifier.kind_id AND other_value = identifier.value
            AND identity_link.kind_id = ANY(%(merging)b::smallint[]) LIMIT %(most)b)
      ) AS beside) <= %(most)b
RETURNING kind_id, value
"""
_FORGET = """
UPDATE identifier SET shared_since = NULL
WHERE NOT shared AND (kind_id, value) IN (SELECT * FROM unnest(%b::smallint[], %b::text[]))
"""


def free(identifiers: Iterable[Identifier], kinds: Mapping[int, Kind]) -> set[Identifier]:
    """Have those of these that are shared judged by all of their links, like any other; returns them.

    One with more links than all kinds together allow is left as it is: it is shared, whatever was done. Cost: one
    statement, and reading at most so many links of each that is shared.
    """
    chosen, values = columns(sorted(identifiers))
    merging = [kind for kind in kinds.values() if kind.merges]
    most = sum(kind.shared_above if kind.identifies else kind.limit for kind in merging)
    allowed = {"kinds": chosen, "values": values, "merging": int2s([kind.id for kind in merging]), "most": most}
    return {(kind, value) for kind, value in sql.rows(_FREE, allowed)}


def settled(freed: Iterable[Identifier]) -> None:
    """They were judged: those that mean somebody again were never shared."""
    with sql.cursor() as cursor:
        cursor.execute(_FORGET, columns(sorted(freed)))
