"""What somebody did, in a colleague's words; whatever a sender put into the properties."""

from typing import Any

import pytest

from profiles.sentences import CATEGORIES, amount, category, sentence


@pytest.mark.parametrize(
    ("name", "properties", "said"),
    [
        ("Order Completed", {"products": [{}, {}], "total": 84, "currency": "EUR"}, "bought 2 items, 84 €"),
        ("Order Completed", {"products": [{}], "total": 9.5}, "bought 1 item, 9.50 €"),
        ("Order Completed", {"total": 1240, "currency": "USD", "store": "Cadiz"}, "bought 1,240 USD, Cadiz"),
        ("Order Completed", {"order_id": "A1"}, "bought an order (order A1)"),
        ("Order Completed", {"orderId": 7, "products": []}, "bought an order (order 7)"),
        ("Order Completed", {}, "bought an order"),
        ("Order Refunded", {"total": -20, "order_id": 1}, "was refunded -20 € (order 1)"),
        ("Checkout Started", {"value": 12}, "went to the checkout 12 €"),
        ("Checkout Started", {}, "went to the checkout"),
        ("Page Viewed", {"title": "Linen shirt", "path": "/a"}, "looked at ‘Linen shirt’"),
        ("Page Viewed", {"title": "", "path": "/a"}, "looked at ‘/a’"),
        ("Page Viewed", {}, "looked at a page"),
        ("Ticket Opened", {"ticket_id": 4411, "title": "size"}, "opened ticket #4411 ‘size’"),
        ("Ticket Opened", {"subject": "size"}, "opened ticket ‘size’"),
        ("Ticket Opened", {}, "opened ticket"),
        ("Email Opened", {"subject": None, "campaign": "Spring"}, "opened the e-mail ‘Spring’"),
        ("Quiz Answered", {"score": 5}, "quiz Answered"),
        ("X", {}, "x"),
        ("", {}, "did something"),
    ],
)
def test_an_event_is_said_as_a_colleague_would(name: str, properties: dict[str, Any], said: str) -> None:
    assert sentence(name, properties) == said


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"revenue": 5, "total": 9, "value": 1}, "5 €"),
        ({"revenue": "", "total": None, "value": "39.90"}, "39.90 €"),
        ({"total": 0}, "0 €"),
        ({"total": 1e6}, "1,000,000 €"),
        ({"total": "nan"}, ""),
        ({"total": "Infinity"}, ""),
        ({"total": float("inf")}, ""),
        ({"total": "a lot"}, ""),
        ({"total": [1]}, ""),
        ({"total": {"amount": 5}}, ""),
        ({}, ""),
    ],
)
def test_money_is_said_where_there_is_any(properties: dict[str, Any], said: str) -> None:
    assert amount(properties) == said


ODD: list[Any] = [None, "", 0, -1, True, "nan", float("inf"), [], [None], {}, {"a": 1}, "x" * 5000, "\0", "<script>"]
NAMES = ("Order Completed", "Order Refunded", "Checkout Started", "Page Viewed", "Ticket Opened", "Email Clicked")
FIELDS = ("products", "order_id", "total", "revenue", "currency", "store", "title", "name", "ticket_id", "subject")


@pytest.mark.parametrize("odd", ODD, ids=lambda value: repr(value)[:12])
def test_whatever_a_property_holds_there_is_one_short_line(odd: Any) -> None:
    for name in NAMES:
        for properties in [dict.fromkeys(FIELDS, odd), *({field: odd} for field in FIELDS)]:
            said = sentence(name, properties)
            assert said.strip() and len(said) < 300, (name, properties)


@pytest.mark.parametrize(
    ("type", "name", "expected"),
    [
        ("track", "Order Completed", "orders"),
        ("track", "Coupon Applied", "orders"),
        ("track", "Email Opened", "messages"),
        ("track", "Unsubscribed", "messages"),
        ("track", "Ticket Opened", "tickets"),
        ("track", "Store Visited", "store"),
        ("track", "Loyalty Card Linked", "store"),
        ("page", "Page Viewed", "web"),
        ("track", "Product Viewed", "web"),
        ("screen", "Screen Viewed", "app"),
        ("track", "Application Opened", "app"),
        ("identify", "Identified", "other"),
        ("track", "Ordered", "other"),
        ("track", "", "other"),
    ],
)
def test_each_event_is_in_one_part_of_a_life(type: str, name: str, expected: str) -> None:
    assert category(type, name) == expected
    assert expected in CATEGORIES
