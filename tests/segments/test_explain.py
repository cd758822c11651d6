"""Why a person is in or out, in words; and what the builder suggests."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from segments import catalog
from segments.explain import explain
from segments.rules import (
    All,
    Any,
    Between,
    Changed,
    Consent,
    Did,
    Events,
    FirstAfter,
    InSegment,
    Last,
    Measure,
    Moment,
    Not,
    PropertyFilter,
    Records,
    Rule,
    Sample,
    Score,
    Sequence,
    SinceLast,
    Top,
    Total,
    Trait,
    days,
)
from segments.rules import Known as Has
from tests.segments.meaning import Thing
from tests.segments.world import NOW, add_identifiers, add_records, did, happened, person, segment

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


@dataclass
class Known:
    """A person of whom much is known, and what is asked of her."""

    id: int

    def found(self, rule: Rule) -> tuple[bool, str]:
        why = explain(rule, self.id, NOW)
        assert why is not None
        return why.holds, why.found


ORDERS = Events("Order Completed")
DAY = timedelta(days=1)


@pytest.fixture
def ana() -> Known:
    id = person(birthday="1990-06-20", consent_email=True, consent_sms=False, score_churn=0.25, points=7)
    for number, revenue, category in ((100, 20, "shoes"), (40, "10.25", "Hats"), (2, 5, "hats")):
        happened(id, "Order Completed", NOW - number * DAY, {"revenue": revenue, "category": category})
    happened(id, "Product Viewed", NOW - 41 * DAY)
    happened(id, "Product Viewed", NOW - DAY)
    happened(id, "Order Returned", NOW - 39 * DAY)
    add_records({id: [Thing("ticket", NOW), Thing("ticket", NOW, closed_at=NOW)]})
    add_identifiers({id: ["email"]})
    return Known(id)


@pytest.mark.parametrize(
    ("rule", "holds", "found"),
    [
        (Did(ORDERS, "at_least", 3, Last(days(60))), False, "twice since 16 April 2026, needs 3"),
        (Did(ORDERS, "at_most", 0), False, "3 times, at most 0 allowed"),
        (Did(Events("Order Completed", (PropertyFilter("category", "is", "hats"),))), True, "twice that match"),
        (
            Did(ORDERS, "exactly", 2, Between("2026-05-01", "2026-06-30")),
            True,
            "twice from 1 May 2026 to 30 June 2026",
        ),
        (
            Did(ORDERS, "at_least", 2, FirstAfter(days(7), Events("Product Viewed"))),
            False,
            "once in the first 7 days after 5 May 2026, needs 2",
        ),
        (Did(ORDERS, "at_most", 0, SinceLast(Events("Product Viewed"))), True, "never since 14 June 2026"),
        (Did(ORDERS, "at_most", 0, SinceLast(Events("Member Joined"))), False, "never “Member Joined”"),
        (Measure(Total("sum", "revenue", ORDERS), "more", 500), False, "35.25 of revenue, needs more than 500"),
        (
            Measure(Total("average", "revenue", ORDERS, Last(days(60))), "more", 7),
            True,
            "average revenue 7.6250 since 16 April 2026",
        ),
        (Measure(Total("highest", "revenue", ORDERS), "at_least", 20), True, "highest revenue 20"),
        (Measure(Total("lowest", "weight", ORDERS), "less", 5), False, "no weight, needs less than 5"),
        (Measure(Total("distinct", "category", ORDERS), "exactly", 2), True, "2 different values of category"),
        (
            Measure(Total("sum", "revenue", ORDERS, SinceLast(Events("Member Joined"))), "more", 1),
            False,
            "never “Member Joined”, needs more than 1",
        ),
        (Moment("last", ORDERS, "over_days_ago", 30), False, "the last was on 13 June 2026"),
        (Moment("first", Events("Nothing"), "in_last_days", 30), False, "never"),
        (
            Changed("fewer", ORDERS, days(90)),
            False,
            "2 in the last 90 days, 1 in the 90 days before: 100 % more",
        ),
        (
            Changed("fewer", ORDERS, days(90), "revenue"),
            True,
            "15.25 of revenue in the last 90 days, 20 in the 90 days before: 23.8 % fewer",
        ),
        (
            Sequence((Events("Product Viewed"), ORDERS), days(7)),
            True,
            "“Product Viewed” on 5 May 2026, then “Order Completed” on 6 May 2026",
        ),
        (
            Sequence((Events("Product Viewed"), ORDERS), days(7), window=Last(days(7))),
            False,
            "“Product Viewed” on 14 June 2026, then nothing",
        ),
        (
            Sequence((Events("Product Viewed"), ORDERS), days(7), Events("Order Returned")),
            False,
            "“Product Viewed” on 5 May 2026, then “Order Completed” on 6 May 2026, then “Order Returned” on 7 May 2026",
        ),
        (Sequence((Events("Nothing"), ORDERS), days(7)), False, "never “Nothing”"),
        (Trait("birthday", "birthday_in", 7), True, "“1990-06-20”: in 5 days"),
        (Trait("name", "exists"), False, "no name"),
        (Has("email"), True, "there is one"),
        (Has("phone"), False, "there is none"),
        (Has("anonymous"), True, "nothing makes them known"),
        (Consent("email"), True, "said yes"),
        (Consent("sms", "unknown"), False, "said no"),
        (Consent("ads", "unknown"), True, "said neither"),
        (Score("churn", "greater", 0.7), False, "0.25"),
        (Score("value", "exists"), False, "no value score"),
        (Records("ticket", "open", (), "at_least", 2), False, "1, needs 2"),
        (Records("deal"), False, "none, needs 1"),
        (Sample(100), True, "drawn"),
        (Top(10, "percent", "points"), False, "7; nobody has been ranked yet"),
    ],
)
def test_every_condition_says_the_actual_values(ana: Known, rule: Rule, holds: bool, found: str) -> None:
    assert ana.found(rule) == (holds, found)


def test_the_top_says_what_its_last_has(ana: Known) -> None:
    person(points=9.5)
    rule = Top(1, "people", "points")
    segment(rule, "Best")
    assert ana.found(rule) == (False, "7, the last of the top has 9.50")


def test_a_segment_is_explained_by_its_own_rule(ana: Known) -> None:
    segment(All((Trait("points", "greater", 5), Did(ORDERS, window=Last(days(7))))), "Good")
    why = explain(Any((InSegment("Good"), Trait("x", "exists"))), ana.id, NOW)
    assert why is not None
    good = why.reasons[0]
    assert (good.holds, good.asks, good.found) == (True, "are in the segment “Good”", "the rule of “Good” holds")
    assert [one.found for one in good.reasons[0].reasons] == ["7", "once since 8 June 2026"]
    assert good.changes_at == good.reasons[0].reasons[1].changes_at == why.changes_at == NOW + 5 * DAY


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
