"""The dashboards' numbers reckoned from rows, one by one, in dictionaries: what the product is held against."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings

from campaigns.attribution.directory import UNASSIGNED
from campaigns.attribution.filters import Buyers, Filters
from campaigns.attribution.values import Touch
from campaigns.models import Channel
from tests import paths
from tests.campaigns.rows import DAY, DIRECT, ORIGINS, Row, Step
from tests.paths import Path


def unassigned() -> int:
    return UNASSIGNED if Channel.objects.filter(pk=UNASSIGNED).exists() else 0


def channel(step: Step) -> int:
    return ORIGINS[step.origin][0] or unassigned()


def campaign(step: Step) -> int:
    return ORIGINS[step.origin][1] or 0


def passing(rows: Sequence[Row], filters: Filters, members: set[int]) -> list[Row]:
    return [
        row
        for row in rows
        if filters.since <= row.day <= filters.until
        and (filters.segment is None or row.profile in members)
        and (not filters.devices or row.device in filters.devices)
        and (filters.buyers is Buyers.ALL or not row.converted or row.new == (filters.buyers is Buyers.NEW))
    ]


def counting(row: Row, filters: Filters) -> list[Step]:
    return [step for step in row.steps if filters.views or step.kind != Touch.VIEW]


def as_paths(rows: Sequence[Row], filters: Filters, of: object) -> list[Path]:
    found = []
    for row in rows:
        steps = counting(row, filters)
        found.append(
            Path(
                tuple(of(step) for step in steps), int(row.converted), float(row.value) * row.converted,  # type: ignore[operator]
                int(not row.converted), tuple(step.age / DAY for step in steps),
            )
        )  # fmt: skip
    return found


def last_non_direct(rows: Sequence[Row], filters: Filters, of: object) -> dict[object, float]:
    """What is direct is read from the channel, whatever the touches are put down to."""
    found: Counter[object] = Counter()
    for row in rows:
        if row.converted and (steps := counting(row, filters)):
            sent = [step for step in steps if channel(step) != DIRECT]
            found[of((sent or steps)[-1])] += 1  # type: ignore[operator]
    return dict(found)


def presence(rows: Sequence[Row], filters: Filters, of: object) -> dict[int, tuple[int, int, Decimal, int, int]]:
    """By place: journeys, conversions, their value, conversions alone, conversions in which it was only seen."""
    found: dict[int, list] = defaultdict(lambda: [0, 0, Decimal(0), 0, 0])
    for row in rows:
        there = {of(step) for step in counting(row, filters)}  # type: ignore[operator]
        for place in there:
            found[place][0] += 1
            if row.converted:
                found[place][1] += 1
                found[place][2] += row.value
                found[place][3] += len(there) == 1
        if row.converted:
            seen = {of(step) for step in row.steps if step.kind == Touch.VIEW}  # type: ignore[operator]
            followed = {of(step) for step in row.steps if step.kind != Touch.VIEW}  # type: ignore[operator]
            for place in seen - followed:
                found[place][4] += 1
    return {place: tuple(told) for place, told in found.items()}  # type: ignore[misc]


def shares(rows: Sequence[Row], filters: Filters, of: object) -> dict[str, dict[object, tuple[float, float]]]:
    """By model's key, those that are rules."""
    them = as_paths(rows, filters, of)
    rules = {
        "first": paths.first, "last": paths.last, "linear": paths.linear, "position": paths.position,
        "time_decay": paths.time_decay,
    }  # fmt: skip
    return {key: paths.shared(them, rule) for key, rule in rules.items()}


def without(rows: Sequence[Row], filters: Filters, of: object) -> dict[object, float]:
    them = [path for path in as_paths(rows, filters, of) if path.touches]
    effects = paths.Walk(them).removal_effects() if them else {}
    # Of all conversions, also those that no touchpoint is known of.
    known = sum(path.conversions for path in them) / max(sum(row.converted for row in rows), 1)
    return {place: lost[0] * known for place, lost in effects.items()}


def told_once(row: Row, filters: Filters) -> tuple[int, ...]:
    found: list[int] = []
    for step in counting(row, filters):
        if not found or found[-1] != channel(step):
            found.append(channel(step))
    return tuple(found)


def month_of(day: date) -> int:
    return day.year * 12 + day.month


def cohorts(rows: Sequence[Row], filters: Filters, members: set[int], today: date) -> dict:
    """By (channel or None, first of the month): people, buyers, orders, value, and the value per person by month."""
    zone = ZoneInfo(settings.TIME_ZONE)
    firsts: dict[int, tuple[int | None, date]] = {}
    for row in sorted(rows, key=lambda row: row.at):
        if row.profile in firsts or (filters.segment is not None and row.profile not in members):
            continue
        steps = counting(row, filters)
        if steps:
            moment = row.at - timedelta(seconds=steps[0].age)
            day, place = moment.astimezone(zone).date(), channel(steps[0])
        elif row.converted:
            day, place = row.day, None
        else:
            continue
        asked = not filters.devices or row.device in filters.devices
        firsts[row.profile] = (place, day) if asked and filters.since <= day <= filters.until else (None, date.min)
    found: dict = defaultdict(lambda: {"people": 0, "buyers": set(), "orders": 0, "value": Decimal(0), "by": Counter()})
    for profile, (place, day) in firsts.items():
        if day != date.min:
            one = found[place, day.replace(day=1)]
            one["people"] += 1
            for row in rows:
                if row.profile == profile and row.converted:
                    one["buyers"].add(profile)
                    one["orders"] += 1
                    one["value"] += row.value
                    one["by"][max(month_of(row.day) - month_of(day), 0)] += row.value
    return found
