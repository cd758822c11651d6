"""Who a person is at a glance: money that adds up, consent beyond doubt, who said what and when."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone

from connectors.models import Source
from profiles.models import Identifier, Profile
from profiles.summary import Summary, summarise
from tests.factories import ProfileFactory, SourceFactory
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    """Days are counted by the calendar: at noon, a change to summer time between then and now moves none of them."""
    with time_machine.travel(datetime(2026, 11, 20, 12, tzinfo=UTC)):
        yield


@pytest.fixture
def source() -> Source:
    return SourceFactory()


def order(what: str, days: float = 1, **properties: Any) -> dict[str, Any]:
    at = timezone.now() - timedelta(days=days)
    return {
        "type": "track",
        "event": f"Order {what}",
        "userId": "u1",
        "timestamp": at.isoformat(),
        "properties": properties,
    }


def after(source: Source, *messages: dict[str, Any]) -> Summary:
    """u1 as she is after these messages."""
    send(source, *({"userId": "u1", **message} for message in messages))
    resolve_all()
    return summarise(person(1, "u1"))


def said(source: Source, time: str = "2026-03-01T10:00:00Z", **traits: Any) -> Summary:
    return after(source, {"type": "identify", "traits": traits, "timestamp": time})


def test_what_was_spent_is_orders_less_refunds_whichever_sign_they_come_with(source: Source) -> None:
    value = after(
        source,
        order("Completed", order_id=1, total=100, currency="EUR"),
        order("Completed", order_id=2, total=50.25, currency="EUR"),
        order("Refunded", order_id=1, total=20, currency="EUR"),
        order("Refunded", order_id=2, total=-10.25, currency="EUR"),
    ).value
    assert (value.spent, value.orders, value.refunds, value.currency) == (Decimal(120), 2, 2, "EUR")
    assert value.average == Decimal(60)
    assert value.also == ()


def test_an_order_below_nothing_takes_away(source: Source) -> None:
    value = after(source, order("Completed", order_id=1, total=100), order("Completed", order_id=2, total=-30)).value
    assert value.spent == Decimal(70)


def test_a_cancelled_order_was_never_spent_nor_what_was_paid_back_for_it(source: Source) -> None:
    value = after(
        source,
        order("Completed", 3, order_id=1, total=100),
        order("Completed", 9, order_id=2, total=40),
        order("Refunded", 2, order_id=1, total=100),
        order("Cancelled", 2, order_id=1, total=100),
    ).value
    assert (value.spent, value.orders, value.refunds) == (Decimal(40), 1, 0)
    assert value.last_order is not None and (timezone.now() - value.last_order).days == 9
    assert sum(amount for _, amount in value.months) == 40


def test_a_cancellation_of_another_shops_order_with_the_same_number_changes_nothing(source: Source) -> None:
    after(source, order("Completed", order_id=1, total=100))
    assert after(SourceFactory(), order("Cancelled", order_id=1, total=100)).value.spent == 100


def test_orders_without_a_number_are_orders_of_their_own(source: Source) -> None:
    value = after(source, order("Completed", 1, total=10), order("Completed", 2, total=5), order("Cancelled", 3)).value
    assert (value.spent, value.orders) == (Decimal(15), 2)


def test_currencies_are_never_added_up_together(source: Source) -> None:
    value = after(
        source,
        order("Completed", 1, order_id=1, total=100, currency="USD"),
        order("Completed", 2, order_id=2, total=30, currency="EUR"),
        order("Completed", 3, order_id=3, total=20, currency="eur"),
        order("Completed", 4, order_id=4, total=9, currency="GBP"),
        order("Refunded", 4, order_id=4, total=9),
    ).value
    assert (value.spent, value.currency, value.orders) == (Decimal(50), "EUR", 4)
    assert value.also == (("USD", Decimal(100)),)
    assert value.average == Decimal(25)
    assert sum(amount for _, amount in value.months) == 50


def test_a_refund_is_in_its_orders_currency(source: Source) -> None:
    value = after(
        source, order("Completed", order_id=1, total=100, currency="SEK"), order("Refunded", order_id=1, total=30)
    ).value
    assert (value.spent, value.currency, value.also) == (Decimal(70), "SEK", ())


@pytest.mark.parametrize("odd", [None, "", "euros", 5, {"code": "USD"}, "€"])
@override_settings(CURRENCY="CHF")
def test_an_order_without_a_currency_is_in_the_companys(source: Source, odd: Any) -> None:
    value = after(source, order("Completed", order_id=1, total=5, currency=odd)).value
    assert (value.spent, value.currency) == (Decimal(5), "CHF")


def test_an_order_without_money_is_an_order(source: Source) -> None:
    value = after(source, order("Completed", order_id=1)).value
    assert (value.spent, value.orders, value.average) == (Decimal(0), 1, Decimal(0))


def test_an_order_that_was_wholly_paid_back_leaves_nothing(source: Source) -> None:
    value = after(source, order("Completed", order_id=1, total=5), order("Refunded", order_id=1, total=5)).value
    assert (value.spent, value.orders, value.average) == (Decimal(0), 1, Decimal(0))


def test_money_is_in_the_month_of_the_company_and_older_than_a_year_in_none(source: Source) -> None:
    value = after(source, order("Completed", 0, total=7), order("Completed", 800, total=5)).value
    assert value.spent == 12
    assert len(value.months) == 12
    assert value.months[-1] == (f"{timezone.localdate():%b %Y}", Decimal(7))
    assert value.month_values == [0.0] * 11 + [7.0]


def test_who_said_a_trait_and_when_and_what_others_say_beside(source: Source) -> None:
    crm = SourceFactory()
    said(source, "2026-01-01T10:00:00Z", city="Cadiz", plan="gold")
    [city, plan] = said(crm, "2026-02-01T10:00:00Z", city="Berlin").traits
    assert (city.name, city.value, city.source_id) == ("city", "Berlin", crm.pk)
    assert city.time == datetime(2026, 2, 1, 10, tzinfo=UTC)
    [other] = city.others
    assert (other.value, other.source_id, other.time) == ("Cadiz", source.pk, datetime(2026, 1, 1, 10, tzinfo=UTC))
    assert (plan.value, plan.source_id, plan.others) == ("gold", source.pk, ())


def test_an_older_word_that_comes_late_does_not_hold(source: Source) -> None:
    said(source, "2026-02-01T10:00:00Z", city="Berlin")
    summary = said(SourceFactory(), "2026-01-01T10:00:00Z", city="Cadiz")
    assert [(one.value, [other.value for other in one.others]) for one in summary.traits] == [("Berlin", ["Cadiz"])]
    assert summary.profile.traits["city"] == "Berlin"


def test_a_name_is_listed_among_the_traits_only_where_sources_differ(source: Source) -> None:
    assert said(source, name="Ana", email="ana@example.com").traits == []
    other = said(SourceFactory(), "2026-03-02T10:00:00Z", name="Ana Ferrer")
    assert [(one.name, one.value, one.others[0].value) for one in other.traits] == [("name", "Ana Ferrer", "Ana")]


@pytest.mark.parametrize(
    ("sent", "given"),
    [
        (True, True),
        (False, False),
        (None, None),
        ("true", True),
        ("False", False),
        ("no", False),
        (0, False),
        ("", None),
    ],
)
def test_consent_is_what_was_said_in_whatever_spelling(source: Source, sent: Any, given: bool | None) -> None:
    assert dict(said(source, consent_sms=sent).consents)["SMS"] is given


def test_each_channels_consent_is_its_own_and_the_last_word_holds(source: Source) -> None:
    said(source, "2026-01-01T10:00:00Z", consents={"email": True, "sms": True, "ads": False})
    summary = said(source, "2026-02-01T10:00:00Z", consents={"email": False, "ads": None})
    assert summary.consents == [("E-mail", False), ("SMS", True), ("Phone", None), ("Ads", None)]


def test_records_are_sorted_into_orders_tickets_and_others_open_ones_first(source: Source) -> None:
    ticket = {"type": "record", "kind": "ticket"}
    summary = after(
        source,
        {**ticket, "externalId": "1", "status": "solved", "openedAt": "2026-02-03T10:00:00Z"},
        {**ticket, "externalId": "2", "status": "open", "openedAt": "2026-02-01T10:00:00Z", "title": "Shoes"},
        {**ticket, "externalId": "3", "status": "open", "openedAt": "2026-02-02T10:00:00Z"},
        {"type": "record", "kind": "deal", "externalId": "7", "status": "open", "value": 84.5, "currency": "USD"},
        order("Completed", order_id=9, total=5),
    )
    assert [one.external_id for one in summary.tickets] == ["3", "2", "1"]
    assert [(one.external_id, one.title) for one in summary.open_tickets] == [("3", ""), ("2", "Shoes")]
    assert [(one.kind, one.value, one.currency) for one in summary.others] == [("deal", Decimal("84.5"), "USD")]
    assert [(one.external_id, one.status) for one in summary.orders] == [("9", "completed")]
    assert summary.sentence.endswith("2 open tickets")


def test_identifiers_are_shown_by_kind_without_the_numbers_of_records(source: Source) -> None:
    summary = after(
        source,
        {"type": "identify", "anonymousId": "a1", "traits": {"email": "ana@example.com"}},
        {"type": "page", "anonymousId": "a2"},
        order("Completed", order_id=9),
    )
    assert [(label, [one.value for one in known]) for label, known in summary.identifiers] == [
        ("User id", ["u1"]),
        ("E-mail", ["ana@example.com"]),
        ("Anonymous id", ["a1", "a2"]),
    ]
    assert {one.source_id for _, known in summary.identifiers for one in known} == {source.pk}
    assert Identifier.objects.filter(kind_id=8).count() == 1


def test_a_visitor_known_by_a_browser_alone_is_said_to_be_one(source: Source) -> None:
    send(source, {"type": "page", "anonymousId": "a1", "timestamp": timezone.now().isoformat()})
    resolve_all()
    summary = summarise(person(7, "a1"))
    assert summary.sentence == "Anonymous visitor, here today"
    assert (summary.value.spent, summary.value.orders, summary.value.average) == (Decimal(0), 0, None)
    assert summary.consents == [("E-mail", None), ("SMS", None), ("Phone", None), ("Ads", None)]


def test_a_person_of_whom_nothing_is_known_is_summed_up_all_the_same() -> None:
    known, stranger = summarise(ProfileFactory(identified=True)), summarise(ProfileFactory())
    assert (known.sentence, stranger.sentence) == ("Hasn't bought yet", "Anonymous visitor")
    assert known.rhythm is None
    assert (known.events, known.traits, known.identifiers, known.orders, known.tickets) == (0, [], [], [], [])
    assert (known.value.last_order, known.value.also) == (None, ())


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ([0], "Bought once, here today"),
        ([1], "Bought once, here yesterday"),
        ([5], "Bought once, last here 5 days ago"),
        ([5, 15, 25, 35], "Bought 4 times, last here 5 days ago (usually every 10)"),
        ([60, 70, 80, 90], "Slipping away, bought 4 times, no visit for 60 days (usually every 10)"),
    ],
)
def test_the_sentence_says_how_often_and_when(source: Source, days: list[int], sentence: str) -> None:
    assert after(source, *(order("Completed", day, total=5) for day in days)).sentence == sentence


def test_mail_that_arrives_and_tickets_are_no_visits(source: Source) -> None:
    mail = {**order("", 0), "event": "Email Delivered"}
    summary = after(source, order("Completed", 5, total=5), mail)
    assert summary.rhythm is not None and summary.rhythm.days_since == 5
    assert summary.events == 2


def test_nobody_is_slipping_away_within_two_weeks(source: Source) -> None:
    summary = after(source, *(order("Completed", day) for day in (13, 14, 15, 16)))
    assert summary.rhythm is not None and (summary.rhythm.usual, summary.rhythm.slipping) == (1, False)


def test_what_belongs_to_others_is_left_out(source: Source) -> None:
    after(source, {"type": "identify", "traits": {"city": "Cadiz"}}, order("Completed", order_id=1, total=5))
    send(source, {**order("Completed", order_id=2, total=900), "userId": "u2"})
    resolve_all()
    other = summarise(person(1, "u2"))
    assert (other.value.spent, other.events, other.traits) == (Decimal(900), 1, [])
    assert [one.external_id for one in other.orders] == ["2"]
    assert Profile.objects.count() == 2
