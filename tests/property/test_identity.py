"""Whatever order messages come in, cut into whatever batches, the people are those that all the evidence makes."""

import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdp_site import sql
from connectors.models import Source
from profiles import component, identity
from profiles.doctor import events_are_at_home, identifiers_reach_people, nothing_is_orphaned, traits_are_decided
from profiles.identifiers import ANONYMOUS, EMAIL, PHONE, USER, Identifier
from profiles.models import IdentifierKind
from tests.factories import SourceFactory
from tests.stream import resolve_all, send

# More for a soak: CASES=1000.
CASES = int(os.environ.get("CASES", "80"))

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 1, tzinfo=UTC)
# Small limits, so that few identifiers reach them: (limit, shared above, yields after days).
RULES = {USER: (1, 3, 0), EMAIL: (2, 2, 0), PHONE: (2, 2, 60), ANONYMOUS: (1000, 2, 40)}
PHONES = {letter: f"+3460011122{number}" for number, letter in enumerate("abcd")}
Message = dict[str, Any]


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """What a sender might say about up to four identifiers, or an alias."""
    letter = st.sampled_from("abcd")
    day = draw(st.integers(0, 200))
    about = {"timestamp": (START + timedelta(days=day)).isoformat(), "messageId": f"m{draw(st.integers(0, 10**9))}"}
    if draw(st.integers(0, 9)) == 0:
        return {"type": "alias", "userId": draw(letter), "previousId": draw(letter | st.just("z")), **about}
    kinds = draw(st.sets(st.sampled_from("uepao"), min_size=1, max_size=4))
    said: Message = {"type": "track", "event": "Order Completed", **about}
    traits = {}
    for kind in sorted(kinds):
        one = draw(letter)
        match kind:
            case "u":
                said["userId"] = one
            case "a":
                said["anonymousId"] = one
            case "e":
                traits["email"] = f"{one}@example.com"
            case "p":
                traits["phone"] = PHONES[one]
            case "o":
                said["properties"] = {"order_id": one, "total": day}
    if traits:
        said["context"] = {"traits": traits}
    return said


@pytest.fixture
def source() -> Source:
    for kind, (limit, shared, yields) in RULES.items():
        IdentifierKind.objects.filter(id=kind).update(limit_per_profile=limit, shared_above=shared, yields_after=yields)
    return SourceFactory()


def arrive(source: Source, batches: Iterable[Sequence[Message]]) -> None:
    for batch in batches:
        if batch:
            send(source, *batch)
            resolve_all()


def people() -> set[frozenset[Identifier]]:
    """Who is one person by now: the identifiers that lead to each profile."""
    found: dict[int, set[Identifier]] = {}
    for kind, value, profile in sql.rows("SELECT kind_id, value, profile_id FROM identifier WHERE profile_id > 0"):
        found.setdefault(profile, set()).add((kind, value))
    return {frozenset(some) for some in found.values()}


def by_the_book() -> set[frozenset[Identifier]]:
    """What all the evidence makes, judged at once; only who was found by a message is somebody."""
    names: set[Identifier] = {(kind, value) for kind, value in sql.rows("SELECT kind_id, value FROM identifier")}
    rows = sql.rows("SELECT kind_id, value, other_kind_id, other_value, first, last, stated FROM identity_link")
    links = {((a, b), (c, d)): component.Said(*said, 0) for a, b, c, d, *said in rows}
    links = {pair: said for pair, said in links.items() if names.issuperset(pair)}
    judged = component.judge(component.Component(homes=dict.fromkeys(names), links=links), identity.load_kinds())
    first = set()
    for (text,) in sql.rows("SELECT DISTINCT identifiers::text FROM event"):
        said = [(kind, value) for kind, value in json.loads(text)]
        first.add(next((one for one in said if not judged.means_nobody(one)), said[0]))
    return {frozenset(some) for some in judged.groups if not first.isdisjoint(some)}


def whole() -> list[str]:
    checks = (events_are_at_home, identifiers_reach_people, nothing_is_orphaned, traits_are_decided)
    return [finding for check in checks for finding in check()]


@given(st.lists(messages(), min_size=1, max_size=12, unique_by=lambda one: one["messageId"]), st.data())
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_order_and_any_batches_make_the_same_people(source: Source, history: list[Message], draw: Any) -> None:
    with transaction.atomic():
        arrive(source, [history])
        expected = by_the_book()
        assert people() == expected
        assert whole() == []
        transaction.set_rollback(True)
    shuffled = draw.draw(st.permutations(history))
    size = draw.draw(st.integers(1, len(history)))
    again = draw.draw(st.lists(st.sampled_from(history), max_size=3))
    with transaction.atomic():
        arrive(source, [*(shuffled[start : start + size] for start in range(0, len(shuffled), size)), again])
        assert people() == expected
        assert whole() == []
        transaction.set_rollback(True)
