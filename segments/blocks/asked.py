"""What rules ask of blocks: which names have many events, and which of their properties segments look at."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from cdp_site import sql
from segments.compare import Parameters, member
from segments.library import READY
from segments.load import name_ids
from segments.require import require
from segments.rules import All, InSegment, Leaf, Rule, RuleError, from_json, replaced

# Each takes 4 bytes an event, and its time to read. The rarest asked are left to the table.
MOST_PROPERTIES = 12

_RULES = "SELECT rule FROM segment WHERE status <> 'archived'"
# Counted up to the bound only, along the index.
_MANY = """
SELECT id FROM event_name WHERE id <> ALL(%(sealed)s::smallint[])
  AND EXISTS (SELECT FROM event WHERE event.name_id = event_name.id OFFSET %(least)s)
"""


def many(sealed: set[int], least: int) -> list[int]:
    """Names that have more than `least` events, besides those that are sealed. Cost: a look at each other name."""
    return [id for (id,) in sql.rows(_MANY, {"sealed": sorted(sealed), "least": least})]


def properties() -> dict[int, list[str]]:
    """For each name's number the properties that segments' rules and the ready-made ones look at."""
    asked: dict[str, Counter[str]] = {}
    for rule in _rules():
        for stream in require(rule).streams.values():
            named = [one.name for one in stream.events.where] + ([stream.value] if stream.value else [])
            asked.setdefault(stream.events.name, Counter()).update(named)
    ids = name_ids({name for name, found in asked.items() if found})
    return {
        id: sorted(property for property, _ in asked[name].most_common(MOST_PROPERTIES))
        for name, numbers in ids.items()
        for id in numbers
    }


def _rules() -> Iterator[Rule]:
    stored: list[Any] = [json.loads(rule) for (rule,) in sql.rows(_RULES)]
    for rule in [*stored, *(one.rule for one in READY)]:
        try:
            yield replaced(from_json(rule), _without_segments)
        except RuleError:
            continue  # the doctor speaks of rules that can't be read


def _without_segments(leaf: Leaf) -> Rule:
    """Another segment's rule is asked for by itself."""
    return All(()) if isinstance(leaf, InSegment) else leaf


def text(property: str, names: Sequence[int], everywhere: bool, parameters: Parameters) -> str:
    """An expression for what an event says of a property, as JSON text; NULL for nothing, and for other names."""
    said = f"({member('properties', property, parameters)})::text"
    return said if everywhere else f"CASE WHEN name_id = ANY({parameters.add(list(names))}::smallint[]) THEN {said} END"
