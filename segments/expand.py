"""Rules that ask for other segments, made whole: those segments' rules in their place."""

import json
from collections.abc import Mapping

from cdp_site import sql
from segments.rules import (
    All,
    Cycle,
    InSegment,
    Rule,
    RuleError,
    UnknownSegment,
    expanded,
    from_json,
    nodes,
    replaced,
    segments_in,
)

# Conditions of a rule with all that it asks for: two segments that each ask twice for the next are soon thousands.
MOST = 2_000

_RULES = "SELECT name, rule FROM segment WHERE status <> 'archived' ORDER BY id"
_WITH_COMING = """
SELECT name, rule FROM segment WHERE status <> 'archived'
UNION ALL SELECT name, coming FROM segment WHERE status <> 'archived' AND coming IS NOT NULL
"""
# Two who save at once could each ask for the other.
_HOLD = "SELECT pg_advisory_xact_lock(hashtextextended('tributary segments asking for segments', 0))"


def hold_names() -> None:
    """Until the transaction ends nobody else changes which segment asks for which."""
    sql.rows(_HOLD)


def stored() -> dict[str, Rule]:
    """The rules of all segments by name; of archived ones, and of those whose rule can't be read, none."""
    found: dict[str, Rule] = {}
    for name, rule in sql.rows(_RULES):
        try:
            found[name] = from_json(json.loads(rule))
        except RuleError:
            continue
    return found


def stored_and_coming() -> dict[str, Rule]:
    """As `stored`, with the rules in it that are about to take the place of others: what asks for whom, now or soon."""
    found: dict[str, Rule] = {}
    for name, rule in sql.rows(_WITH_COMING):
        try:
            read = from_json(json.loads(rule))
        except RuleError:
            continue
        found[name] = All((found[name], read)) if name in found else read
    return found


def whole(rule: Rule, segments: Mapping[str, Rule] | None = None) -> Rule:
    """The rule with the segments' rules that it asks for, as they are stored now. Raises `Cycle` and `UnknownSegment`.

    Whoever evaluates, counts or explains a rule begins with this.
    """
    if not segments_in(rule):
        return rule
    return expanded(rule, stored() if segments is None else segments)


def check(rule: Rule, name: str = "") -> None:
    """Refuse a rule that can't be asked under this name: it asks for itself, for nobody, or for too much (or makes
    another one do so).

    `RuleError`, for whoever is writing the rule. An empty name: it is no segment's (yet).
    """
    known = stored_and_coming() | ({name: rule} if name else {})
    try:
        expanded(rule, known, (name,) if name else ())
    except Cycle as cycle:
        raise RuleError("", f"goes in a circle: {cycle}; a segment can't ask for itself") from None
    except UnknownSegment as unknown:
        raise RuleError("", f"asks for the segment {unknown.name!r}, which isn't there or is archived") from None
    sizes: dict[str, int] = {}
    if _size(rule, known, sizes) > MOST:
        raise RuleError("", f"has more than {MOST:,} conditions, with all segments that it asks for")
    for other in asking_for(name, known):
        if _size(known[other], known, sizes) > MOST:
            raise RuleError("", f"makes “{other}” one of more than {MOST:,} conditions: it asks for this segment")


def _size(rule: Rule, segments: Mapping[str, Rule], sizes: dict[str, int]) -> int:
    """The number of a rule's conditions with those of all segments that it asks for. `sizes` keeps theirs."""
    number = 0
    for _, node in nodes(rule):
        if isinstance(node, InSegment) and node.name in segments:
            if node.name not in sizes:
                sizes[node.name] = 0  # should stored rules go in a circle
                sizes[node.name] = _size(segments[node.name], segments, sizes)
            number += sizes[node.name]
        else:
            number += 1
    return number


def asking_for(name: str, segments: Mapping[str, Rule]) -> list[str]:
    """The segments that ask for this one, themselves or by way of others."""
    found: list[str] = []
    waiting = [name]
    while waiting:
        wanted = waiting.pop()
        for other, rule in segments.items():
            if other not in found and other != name and wanted in segments_in(rule):
                found.append(other)
                waiting.append(other)
    return found


def renamed(rule: Rule, old: str, new: str) -> Rule:
    return replaced(rule, lambda leaf: InSegment(new) if leaf == InSegment(old) else leaf)
