"""What a change of the channels' rule table would move, told before it is made; and what no line of it knows yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.db import transaction
from django.utils import timezone

from campaigns.attribution import channels
from campaigns.attribution.channels import UNASSIGNED, assign, channels_of, every_origin, said_now, table
from campaigns.attribution.rules import (
    DIRECT_SOURCE,
    FIELDS,
    NONE,
    NOT_SET,
    Condition,
    Origins,
    Rule,
    first_lines,
    written,
)
from campaigns.models import Channel, ChannelRule, Goal
from cdp_site import sql

DAYS = 30
MOST_EXAMPLES = 3
_SHOWN = ("said", "event", "source", "medium", "campaign_name", "referrer", "click", "ad")


@dataclass(frozen=True)
class Move:
    """Origins that would change their channel; `touches`: touchpoints from them in the last `DAYS` days."""

    before: int
    after: int
    origins: int
    touches: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """A line of the table as it is; `caught`: touchpoints of the last `DAYS` days that it decides."""

    id: int
    number: int
    rule: Rule
    caught: int


@dataclass(frozen=True)
class Unknown:
    """An origin that no line knows."""

    told: str
    touches: int


# One goal's journeys have every touchpoint once. Cost at 1 M journeys in 18 months: some 60,000 rows by an index.
_TOUCHES = """
SELECT origin, count(*)::int FROM journey, unnest(origins) AS origin
WHERE goal_id = %(goal)s AND day >= %(since)s GROUP BY origin
"""


def touches() -> dict[int, int]:
    """Touchpoints of the last `DAYS` days by origin."""
    goal = Goal.objects.filter(enabled=True).first()
    if goal is None:
        return {}
    since = timezone.localdate() - timedelta(days=DAYS - 1)
    return dict(sql.rows(_TOUCHES, {"goal": goal.pk, "since": since}))


def moves(rules: Sequence[Rule]) -> list[Move]:
    """What this table would move against the one that holds, the most touchpoints first. Changes nothing."""
    asked, said, counted = every_origin(), said_now(), touches()
    before, after = channels_of(asked, table(), said), channels_of(asked, rules, said)
    found: dict[tuple[int, int], list[int]] = {}
    for place in np.flatnonzero(before != after).tolist():
        found.setdefault((int(before[place]), int(after[place])), []).append(place)
    ids = asked.ids.tolist()
    answer = []
    for (old, new), places in found.items():
        places.sort(key=lambda place: -counted.get(ids[place], 0))
        number = sum(counted.get(ids[place], 0) for place in places)
        examples = tuple(told(asked, place) for place in places[:MOST_EXAMPLES])
        answer.append(Move(old, new, len(places), number, examples))
    return sorted(answer, key=lambda one: (-one.touches, -one.origins))


def told(asked: Origins, place: int) -> str:
    """An origin in words: 'source google, medium cpc'."""
    said = [(FIELDS[field], asked.texts[field][place]) for field in _SHOWN]
    words = [f"{name} {text}" for name, text in said if text not in ("", NOT_SET, NONE, DIRECT_SOURCE)]
    return ", ".join(words) or "nothing said"


def lines() -> tuple[list[Line], list[Unknown]]:
    """The table with what each line decides, and the origins that none does, the most frequent first."""
    asked, counted = every_origin(), touches()
    stored = list(ChannelRule.objects.order_by("position", "id").values_list("id", flat=True))
    rules = table()
    places = first_lines(asked, rules)
    weights = np.fromiter((counted.get(id, 0) for id in asked.ids.tolist()), np.int64, len(asked))
    caught = np.bincount(places + 1, weights=weights, minlength=len(rules) + 1).astype(np.int64)
    shown = [
        Line(id, number, rule, int(caught[number]))
        for number, (id, rule) in enumerate(zip(stored, rules, strict=True), 1)
    ]
    unknown = channels_of(asked, rules, said_now()) == UNASSIGNED
    strays = [Unknown(told(asked, place), int(weights[place])) for place in np.flatnonzero(unknown).tolist()]
    return shown, sorted(strays, key=lambda one: -one.touches)


def with_line(id: int | None, channel: int, conditions: tuple[Condition, ...], number: int) -> list[Rule]:
    """The table with one line changed (or a new one, id None), standing at `number` (from 1). Nothing is kept."""
    rest = [rule for one, rule in _kept() if one != id]
    rest.insert(max(0, min(number - 1, len(rest))), Rule(channel, conditions))
    return rest


def without_line(id: int) -> list[Rule]:
    return [rule for one, rule in _kept() if one != id]


def _kept() -> list[tuple[int, Rule]]:
    stored = ChannelRule.objects.order_by("position", "id").values_list("id", flat=True)
    return list(zip(stored, table(), strict=True))


def keep_line(id: int | None, channel: Channel, conditions: tuple[Condition, ...], number: int) -> None:
    """Change a line, or add one; from then on every page reads journeys through it."""
    with transaction.atomic():
        rest = [one for one in ChannelRule.objects.select_for_update().order_by("position", "id") if one.pk != id]
        line = ChannelRule.objects.filter(pk=id).first() if id else None
        line = line or ChannelRule()
        line.channel, line.conditions = channel, written(conditions)
        rest.insert(max(0, min(number - 1, len(rest))), line)
        for place, one in enumerate(rest):
            one.position = place
            one.save()
        assign()


def remove_line(id: int) -> None:
    with transaction.atomic():
        ChannelRule.objects.filter(pk=id).delete()
        assign()


def remove_channel(channel: Channel) -> str:
    """Remove a channel that nothing stands on; says why not where it can't be, '' when it is gone."""
    if channel.pk in channels.BUILT_IN:
        return f"{channel.name} is always needed; it can be renamed."
    if channel.rules.exists():
        return f"Lines of the table lead to {channel.name}: change or remove them first."
    if channel.cost_set.exists():
        return f"{channel.name} has costs: remove them first."
    with transaction.atomic():
        channel.delete()
        assign()
    return ""
