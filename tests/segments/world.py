"""A small world for the segments' tests: people, events, the clock, and a plain-Python reference of what rules mean."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any as Anything
from uuid import uuid4

from django.db import connection

from cdp_site import sql
from cdp_site.ids import first_at, new_id
from profiles.events import MonthsMissing, make_months, require_months
from profiles.models import Profile
from segments import changes, fill, live
from segments.models import Membership, MembershipChange, Segment
from segments.rules import All, Any, Did, Not, PropertyFilter, Rule, Trait, instants, is_date

_numbers = count(1)
NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def name_id(name: str, type: str = "track") -> int:
    found = sql.rows("SELECT id FROM event_name WHERE name = %s AND type = %s", (name, type))
    if found:
        return int(found[0][0])
    return int(
        sql.rows(
            "INSERT INTO event_name (id, type, name, first_seen)"
            " SELECT coalesce(max(id), 0) + 1, %s::text, %s::text, now() FROM event_name RETURNING id",
            (type, name),
        )[0][0]
    )


def person(**traits: Anything) -> int:
    return Profile.objects.create(traits=traits).id


def happened(
    profile: int, name: str, at: datetime, properties: dict[str, Anything] | None = None,
    *, queued: bool = True, arrived: datetime | None = None,
) -> None:  # fmt: skip
    """An event, and the person among the changed ones. `arrived`: when it was stored (else in `at`'s past never)."""
    try:
        require_months([at])
    except MonthsMissing as missing:
        make_months(missing.months)
    number = name_id(name)
    key = _key(arrived)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO event (profile_id, time, id, source_id, name_id, message_key, properties)"
            " VALUES (%s, %s, %s, 1, %s, %s, %s)",
            [profile, at, key, number, uuid4(), None if properties is None else json.dumps(properties)],
        )
    if queued:
        changed(profile, number)


def _key(arrived: datetime | None) -> int:
    """An event's key as if it had been stored at `arrived`."""
    return new_id() if arrived is None else first_at(arrived) + next(_numbers)


def changed(profile: int, *names: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO changed_profile (id, profile_id, name_ids, at) VALUES (%s, %s, %s::smallint[], now())",
            [new_id(), profile, list(names)],
        )


History = list[tuple[str, datetime, dict[str, Anything]]]


def make_all_months() -> None:
    """Partitions for every month around `NOW` that a random history may touch."""
    try:
        require_months(NOW + timedelta(days=days) for days in range(-100, 101))
    except MonthsMissing as missing:
        make_months(missing.months)


def add_history(histories: dict[int, History], arrived: datetime | None = None) -> None:
    """Events of several people, by COPY; nobody is put among the changed ones. `arrived`: when they were stored."""
    names = {name: name_id(name) for history in histories.values() for name, _, _ in history}
    sql.copy_rows(
        "event",
        ["profile_id", "time", "id", "source_id", "name_id", "message_key", "properties"],
        [
            (profile, time, _key(arrived), 1, names[name], uuid4(), json.dumps(properties))
            for profile, history in histories.items()
            for name, time, properties in history
        ],
    )


def holds(rule: Rule, traits: dict[str, Anything], history: History, now: datetime) -> bool:
    """The reference: what a rule means for one person, in plain Python."""
    match rule:
        case All(conditions):
            return all(holds(one, traits, history, now) for one in conditions)
        case Any(conditions):
            return any(holds(one, traits, history, now) for one in conditions)
        case Not(condition):
            return not holds(condition, traits, history, now)
        case Trait(name, "in_last_days", int(days)):
            value = _member(traits, name)
            moment = _moment(value[0] if isinstance(value, list) and value else value)
            return moment is not None and now - timedelta(days=days) < moment <= now
        case Trait(name, op, value):
            return _passes(_member(traits, name), op, value)
        case Did(event, compare, times, where, within):
            count = sum(
                name == event
                and time <= now
                and (within is None or time > now - timedelta(seconds=within))
                and all(_filtered(one, properties) for one in where)
                for name, time, properties in history
            )
            return {"at_least": count >= times, "at_most": count <= times, "exactly": count == times}[compare]


def _filtered(one: PropertyFilter, properties: dict[str, Anything]) -> bool:
    return _passes(_member(properties, one.name), one.op, one.value)


def _member(document: dict[str, Anything], name: str) -> Anything:
    if name in document or "." not in name:
        return document.get(name)
    found: list[Anything] = [document]
    for part in name.split("."):
        items = [item for one in found for item in (one if isinstance(one, list) else [one])]
        found = [one[part] for one in items if isinstance(one, dict) and part in one]
    return found or None


def _passes(value: Anything, op: str, wanted: Anything) -> bool:
    if op == "is_not":
        return not _passes(value, "is", wanted)
    if op == "missing":
        return not _passes(value, "exists", True)
    items = value if isinstance(value, list) else [value]
    return any(_compares(item, op, wanted) for item in items)


def _compares(value: Anything, op: str, wanted: Anything) -> bool:
    text, number, moment = _text(value), _number(value), _moment(value)
    match op:
        case "exists":
            return value is not None
        case "is":
            return _equal(value, wanted)
        case "one_of":
            return any(_equal(value, one) for one in wanted)
        case "contains":
            return text is not None and wanted.lower() in text
        case "starts_with":
            return text is not None and text.startswith(wanted.lower())
        case "greater":
            return number is not None and number > Decimal(str(wanted))
        case "less":
            return number is not None and number < Decimal(str(wanted))
        case "between" if isinstance(wanted[0], str):
            end = instants(wanted[1], end=True)
            return (
                moment is not None
                and instants(wanted[0]) <= moment
                and (moment < end if is_date(wanted[1]) else moment <= end)
            )
        case "between":
            return number is not None and Decimal(str(wanted[0])) <= number <= Decimal(str(wanted[1]))
        case "before":
            return moment is not None and moment < instants(wanted)
        case "after":
            end = instants(wanted, end=True)
            return moment is not None and (moment >= end if is_date(wanted) else moment > end)
    raise AssertionError(op)


def _equal(value: Anything, wanted: Anything) -> bool:
    if isinstance(wanted, bool):
        return isinstance(value, bool | str) and _text(value) == str(wanted).lower()
    if isinstance(wanted, str):
        return _text(value) == wanted.lower()
    return _number(value) == Decimal(str(wanted))


def _text(value: Anything) -> str | None:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value.lower()
        case int() | float():
            return format(Decimal(str(value)), "f")
    return None


def _number(value: Anything) -> Decimal | None:
    match value:
        case bool():
            return None
        case int() | float():
            return Decimal(str(value))
        case str() if re.fullmatch(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?", value):
            return Decimal(value)
    return None


def _moment(value: Anything) -> datetime | None:
    if not isinstance(value, str) or not re.match(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}($|[T ])", value):
        return None
    try:
        return instants(value)
    except ValueError:
        return None


def follow(now: datetime = NOW) -> None:
    while live.follow(now):
        pass


def filled(now: datetime = NOW) -> None:
    while fill.go_on(now):
        pass


def segment(rule: Rule, name: str = "Buyers", now: datetime = NOW) -> Segment:
    made = changes.create(name, rule)
    filled(now)
    return made


def inside(one: Segment) -> set[int]:
    return set(Membership.objects.filter(segment_id=one.id).values_list("profile_id", flat=True))


def flips(one: Segment) -> list[tuple[int, bool]]:
    return list(MembershipChange.objects.filter(segment_id=one.id).order_by("id").values_list("profile_id", "entered"))
