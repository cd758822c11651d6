"""A small world for the segments' tests: people, events, records and the clock. `meaning` says what rules mean."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any as Anything
from uuid import uuid4

from django.db import connection

from cdp_site import sql
from cdp_site.ids import first_at, new_id, new_ids
from profiles.events import MonthsMissing, make_months, require_months
from profiles.models import IdentifierKind, Profile
from segments import changes, fill, live
from segments.models import Membership, MembershipChange, Segment
from segments.rules import EVER, Compare, Did, Events, Known, Last, PropertyFilter, Rule
from tests.segments.meaning import History, Person, Thing, holds

_numbers = count(1)
NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def did(
    name: str,
    compare: Compare = "at_least",
    times: int = 1,
    *,
    where: tuple[PropertyFilter, ...] = (),
    within: int | None = None,
) -> Did:
    """How often somebody did something, in a window in the past or ever."""
    return Did(Events(name, where), compare, times, EVER if within is None else Last(within))


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


def store(people: Sequence[Person], arrived: datetime | None = None) -> None:
    """Put people into the database, by COPY; they get their ids. Nobody is put among the changed ones."""
    for one, id in zip(people, new_ids(len(people)), strict=True):
        one.id = id
    Profile.objects.bulk_create(
        Profile(id=one.id, traits=one.traits, identified=not holds(Known("anonymous"), one, NOW)) for one in people
    )
    add_history({one.id: one.history for one in people}, arrived)
    add_records({one.id: one.records for one in people})
    add_identifiers({one.id: one.identifiers for one in people})


def add_records(records: Mapping[int, Sequence[Thing]]) -> None:
    sql.copy_rows(
        "record",
        ["profile_id", "source_id", "kind", "external_id", "status", "title", "value", "currency", "opened_at",
         "closed_at", "updated_at", "message_key", "properties"],
        [
            (profile, 1, one.kind, str(next(_numbers)), one.status, one.title, one.value, one.currency, one.opened_at,
             one.closed_at, one.updated_at or one.opened_at, uuid4(), json.dumps(one.properties))
            for profile, things in records.items()
            for one in things
        ],
    )  # fmt: skip


def add_identifiers(kinds: Mapping[int, Iterable[str]]) -> None:
    numbers = dict(IdentifierKind.objects.values_list("name", "id"))
    sql.copy_rows(
        "identifier",
        ["kind_id", "value", "profile_id", "shared", "blocked", "disputed", "first_seen"],
        [
            (numbers[kind], f"{kind} {next(_numbers)}", profile, False, False, False, NOW)
            for profile, mine in kinds.items()
            for kind in mine
        ],
    )


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
