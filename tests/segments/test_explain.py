"""Why a person is in or out, in words; and what the builder suggests."""

from datetime import timedelta

import pytest

from segments import catalog
from segments.explain import explain
from segments.rules import All, Any, Not, PropertyFilter, Trait, days
from tests.segments.world import NOW, did, happened, person

pytestmark = pytest.mark.django_db
BUYERS = did("Order Completed", "at_least", 3, within=days(60))


def test_each_node_says_what_it_found_and_when_it_turns() -> None:
    ana = person(country="FR", tags=["a"], address={"city": "Lyon"})
    for number in (10, 50):
        happened(ana, "Order Completed", NOW - timedelta(days=number), {"category": "Shoes"})
    shoes = did("Order Completed", "at_most", 1, where=(PropertyFilter("category", "is", "shoes"),), within=days(60))
    why = explain(
        All((BUYERS, Any((Trait("country", "is", "ES"), Trait("address.city", "is", "lyon"))), Not(shoes), Trait("x", "exists"))),
        ana,
        NOW,
    )  # fmt: skip
    assert why is not None
    assert (why.holds, why.asks, why.found, why.changes_at) == (False, "all of these", "2 of 4 hold", None)
    bought, either, negated, x = why.reasons
    assert bought.found == "twice since 16 April 2026, needs 3"
    assert bought.asks == "did “Order Completed” at least 3 times in the last 60 days"
    assert [one.found for one in either.reasons] == ["“FR”", "“Lyon”"]
    assert [one.holds for one in either.reasons] == [False, True]
    assert negated.reasons[0].found == "twice that match since 16 April 2026, at most 1 allowed"
    assert negated.reasons[0].changes_at == negated.changes_at == NOW + timedelta(days=10)
    assert (x.holds, x.found) == (False, "no x")
    assert x.path == (3,)


def test_nobody_is_explained_who_is_not_there() -> None:
    assert explain(BUYERS, 1, NOW) is None


def test_events_properties_and_traits_are_suggested_from_what_arrived() -> None:
    for number in range(3):
        ana = person(country="ES", email=f"{number}@example.org", vip=True, since="2026-01-01")
        happened(
            ana, "Order Completed", NOW, {"category": "shoes", "products": [{"sku": "A1"}, {"sku": "B"}], "gone": None}
        )
    happened(ana, "Page Viewed", NOW, {"title": "Home"})
    assert [(one.name, one.type, one.count) for one in catalog.events()] == [
        ("Order Completed", "track", 3), ("Page Viewed", "track", 1),
    ]  # fmt: skip
    assert [(one.name, one.kind, one.share, one.values) for one in catalog.properties("Order Completed")] == [
        ("products.sku", "text", 1.0, ("A1", "B")), ("category", "text", 1.0, ("shoes",)), ("products", "list", 1.0, ()),
    ]  # fmt: skip
    traits = {one.name: (one.kind, one.values) for one in catalog.traits()}
    assert traits == {
        "country": ("text", ("ES",)), "email": ("text", ()), "vip": ("truth", ("true",)), "since": ("date", ("2026-01-01",)),
    }  # fmt: skip


def test_nothing_is_suggested_when_nothing_has_arrived() -> None:
    assert (catalog.events(), catalog.properties("X"), catalog.traits()) == ([], [], [])
