"""Identifiers that turned out to be nobody's in particular: which, since when, seen with how many people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from cdp_site import sql
from profiles import rebuild
from profiles.component import columns
from profiles.identifiers import Identifier
from profiles.kinds import MOST_VALUES
from profiles.models import IdentifierKind, Rebuild

WEEK = timedelta(days=7)
PAGE = 50


class Full(Exception):
    """Why nothing more can be said of a kind's values, in words for who asked."""


@dataclass(frozen=True)
class Shared:
    """`seen_with`: the most identifiers of one kind that makes people known that came with it, of the kind `of`."""

    kind_id: int
    kind: str
    value: str
    since: datetime | None
    seen_with: int = 0
    of: str = ""


_LIST = """
SELECT identifier.kind_id, identifier_kind.label, identifier.value, identifier.shared_since
FROM identifier JOIN identifier_kind ON identifier_kind.id = identifier.kind_id
WHERE identifier.shared AND NOT identifier.blocked AND (%(asked)b = '' OR position(%(asked)b IN lower(identifier.value)) > 0)
ORDER BY identifier.shared_since DESC NULLS LAST, identifier.kind_id, identifier.value LIMIT %(most)b OFFSET %(from)b
"""
_SEEN = """
SELECT kind_id, value, beside_kind, count(*) FROM (
    SELECT kind_id, value, other_kind_id AS beside_kind, other_value AS beside FROM identity_link
    WHERE NOT (stated AND (kind_id = other_kind_id OR message_key IS NULL))
      AND (kind_id, value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
    UNION
    SELECT other_kind_id, other_value, kind_id, value FROM identity_link
    WHERE NOT (stated AND (kind_id = other_kind_id OR message_key IS NULL))
      AND (other_kind_id, other_value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
) AS beside GROUP BY kind_id, value, beside_kind
"""


def page(asked: str = "", start: int = 0) -> list[Shared]:
    """The shared identifiers whose value holds `asked`, the newest first. Cost: an index, and the links of one page."""
    wanted = {"asked": asked.lower(), "most": PAGE, "from": start}
    found = [Shared(*row) for row in sql.rows(_LIST, wanted)]
    return _with_people(found) if found else []


def _with_people(found: Sequence[Shared]) -> list[Shared]:
    naming = dict(IdentifierKind.objects.filter(identifies=True).values_list("id", "label"))
    kinds, values = columns([(one.kind_id, one.value) for one in found])
    most: dict[Identifier, tuple[int, str]] = {}
    for kind, value, beside, number in sql.rows(_SEEN, {"kinds": kinds, "values": values}):
        if beside in naming:
            most[kind, value] = max(most.get((kind, value), (0, "")), (number, naming[beside]))
    return [
        Shared(one.kind_id, one.kind, one.value, one.since, *most.get((one.kind_id, one.value), (0, "")))
        for one in found
    ]


def fresh() -> int:
    """How many were found out in the last week."""
    return int(
        sql.rows(
            "SELECT count(*) FROM identifier WHERE shared AND NOT blocked AND shared_since > %b",
            (timezone.now() - WEEK,),
        )[0][0]
    )


def state(kind_id: int, value: str, ruling: str, by: str) -> Rebuild:
    """Say of an identifier that it is a person's all the same ('trusted'), or nobody's ('blocked'); then it is judged anew.

    Whatever was said of it before, no longer holds. Raises `Full` where the kind lists as many as it may.
    """
    with transaction.atomic():
        kind = IdentifierKind.objects.select_for_update().get(id=kind_id)
        kind.trusted = [one for one in kind.trusted if one != value]
        kind.blocked = [one for one in kind.blocked if one != value.lower()]
        if ruling == "trusted":
            kind.trusted.append(value)
        else:
            kind.blocked.append(value.lower())
        if max(len(kind.trusted), len(kind.blocked)) > MOST_VALUES:
            raise Full(
                f"{kind.label} lists {MOST_VALUES:,} values already, the most. A pattern may say some of them shorter."
            )
        kind.save(update_fields=["trusted", "blocked"])
    said = "a person's all the same" if ruling == "trusted" else "blocked"
    return rebuild.ask(f"{kind.label}: a value is {said}", by)
