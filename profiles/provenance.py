"""Who said what of a person: for each trait the word that holds and why, and the words that don't."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from cdp_site import sql
from cdp_site.arrays import int8s, texts
from profiles import policies
from profiles.counts import key_of
from profiles.policies import UNNAMED, Policy, Rule
from profiles.winners import winners

# Somebody may have made up any number of traits.
MOST = 1_000
# Traits that the head of the page shows already.
IN_HEAD = frozenset({"name", "first_name", "last_name", "email", "phone"})


@dataclass(frozen=True)
class TraitLine:
    """A word on a trait: its value, who said so (last) and when. `times`: how often it was said, where that is counted.

    For the word that holds: `others` are those that don't, `why` says why in words, and `place` that of its source in
    the order of sources, where there is one.
    """

    name: str
    value: Any
    source_id: int
    time: datetime
    times: int = 0
    others: tuple["TraitLine", ...] = ()
    why: str = ""
    place: int | None = None

    @property
    def comes_first(self) -> str:
        """To be read after the source's name."""
        if self.place is None or not self.others:
            return ""
        return "comes first" if self.place == 0 else "comes first of those who say it"


@dataclass
class _Trait:
    """All words on one trait: each source's last, and what was counted of each value."""

    words: list[TraitLine] = field(default_factory=list)
    counted: dict[str, list[TraitLine]] = field(default_factory=dict)


_WORDS = """
SELECT name, value, source_id, time, NULL, 0 FROM trait_value WHERE profile_id = %b
ORDER BY name, time DESC, message_key DESC LIMIT %b
"""
_COUNTS = """
SELECT name, value, source_id, time, value_key::text, times FROM trait_count
WHERE profile_id = %b AND name = ANY(%b::text[]) ORDER BY name, time DESC, message_key DESC LIMIT %b
"""


def trait_lines(profile_id: int) -> list[TraitLine]:
    """What is known of one person, by trait. Cost: four statements at most, each a range of an index."""
    rules = policies.read()
    traits: dict[str, _Trait] = {}
    rows = sql.rows(_WORDS, (profile_id, MOST))
    if rules.frequent:
        rows += sql.rows(_COUNTS, (profile_id, texts(sorted(rules.frequent)), MOST))
    for name, value, source, time, key, times in rows:
        trait = traits.setdefault(name, _Trait())
        line = TraitLine(name, json.loads(value), source, time, times)
        (trait.words if key is None else trait.counted.setdefault(key, [])).append(line)
    lines = []
    for _, name, value, source, time, _, rank, times in sql.rows(
        winners(rules), {**rules.columns, "profiles": int8s([profile_id])}
    ):
        if known := traits.get(name):
            line = _explained(TraitLine(name, json.loads(value), source, time, times), rank, known, rules[name])
            if line.others or name not in IN_HEAD:
                lines.append(line)
    return lines


def _explained(held: TraitLine, rank: int, trait: _Trait, policy: Policy) -> TraitLine:
    """The word that holds with why it does, and with the others."""
    place, why = None, ""
    others = [one for one in trait.words if one.source_id != held.source_id]
    if held.times:
        others, why = _counted(held, trait)
    elif policy.rule == Rule.FREQUENT:
        why = "newest, until it is counted how often each was said" if held.value is not None else "taken back"
    elif policy.rule == Rule.FIRST and rank < UNNAMED:
        place = rank
    elif others and all(one.value == held.value for one in others):
        why = "all say the same"
    elif others:
        why = "newest" if policy.rule == Rule.NEWEST else "newest of the sources outside the order"
    return TraitLine(held.name, held.value, held.source_id, held.time, held.times, tuple(others), why, place)


def _counted(held: TraitLine, trait: _Trait) -> tuple[list[TraitLine], str]:
    """The other values by how often they were said, whoever took his word back, and why this one holds."""
    silent = {one.source_id: one for one in trait.words if one.value is None}
    values: dict[str, TraitLine] = {}
    for key, lines in trait.counted.items():
        if spoken := [one for one in lines if one.source_id not in silent and one.value is not None]:
            last, times = spoken[0], sum(one.times for one in spoken)
            values[key] = TraitLine(held.name, last.value, last.source_id, last.time, times)
    total = sum(one.times for one in values.values())
    values.pop(str(UUID(bytes=key_of(held.value))), None)
    others = sorted(values.values(), key=lambda one: (one.times, one.time), reverse=True)
    said = "once" if held.times == 1 else f"{held.times} times"
    if total == held.times:
        why = f"said {said}"
    else:
        why = f"said {said} of {total}"
        if others[0].times == held.times:
            why += ", last of those said as often"
    return [*others, *silent.values()], why
