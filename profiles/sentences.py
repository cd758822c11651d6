"""What somebody did, as a colleague would say it: an event's name and properties in one line. Pure."""

import math
from collections.abc import Callable, Mapping
from typing import Any

Properties = Mapping[str, Any]

# What a filter on the timeline shows; an event has one of these.
CATEGORIES = ("orders", "messages", "tickets", "web", "app", "store", "other")


def category(type: str, name: str) -> str:
    """Which part of a person's life an event belongs to."""
    first = name.split(" ", 1)[0]
    if first in ("Order", "Checkout", "Return", "Refund", "Subscription", "Payment", "Coupon"):
        return "orders"
    if first in ("Email", "SMS", "Push", "Newsletter", "Unsubscribed", "Subscribed", "Campaign"):
        return "messages"
    if first in ("Ticket", "Call", "Chat"):
        return "tickets"
    if first in ("Store", "Loyalty"):
        return "store"
    if type == "screen" or first in ("Screen", "App", "Application"):
        return "app"
    if type == "page" or first in ("Page", "Product", "Products", "Cart", "Ad", "Signed", "Search", "Wishlist"):
        return "web"
    return "other"


def sentence(name: str, properties: Properties) -> str:
    """'bought 2 items, 84 €'. An event that isn't known here says its own name."""
    say = _SENTENCES.get(name)
    return say(properties) if say else name[:1].lower() + name[1:] if name else "did something"


def _short(value: Any) -> str:
    return str(value)[:80] if value not in (None, "") else ""


def _shown(value: Any) -> str:
    return f"‘{_short(value)}’" if value not in (None, "") else ""


def _first(properties: Properties, *names: str) -> Any:
    return next((properties[name] for name in names if properties.get(name) not in (None, "")), None)


def _said(verb: str, *names: str, otherwise: str = "") -> Callable[[Properties], str]:
    def say(properties: Properties) -> str:
        found = _shown(_first(properties, *names))
        return f"{verb} {found}" if found else (otherwise or verb)

    return say


def amount(properties: Properties) -> str:
    """The money in it: '84 €'."""
    value = _first(properties, "revenue", "total", "value")
    try:
        number = float(value)
    except (TypeError, ValueError):
        return ""
    if not math.isfinite(number):
        return ""
    currency = str(properties.get("currency") or "EUR")[:3]
    text = f"{number:,.0f}" if number == int(number) else f"{number:,.2f}"
    return f"{text} {'€' if currency == 'EUR' else currency}"


def _order(verb: str) -> Callable[[Properties], str]:
    def say(properties: Properties) -> str:
        products = properties.get("products")
        items = (
            f"{len(products)} item{'s' if len(products) != 1 else ''}"
            if isinstance(products, list) and products
            else ""
        )
        number = _short(_first(properties, "order_id", "orderId"))
        parts = [
            part for part in (items, amount(properties), _short(_first(properties, "store", "store_name"))) if part
        ]
        return f"{verb} {', '.join(parts) or 'an order'}" + (f" (order {number})" if number else "")

    return say


def _ticket(verb: str) -> Callable[[Properties], str]:
    def say(properties: Properties) -> str:
        number, title = _short(_first(properties, "ticket_id")), _shown(_first(properties, "title", "subject"))
        return f"{verb} ticket {f'#{number}' if number else ''} {title}".strip().replace("  ", " ")

    return say


_SENTENCES: dict[str, Callable[[Properties], str]] = {
    "Page Viewed": _said("looked at", "title", "name", "path", otherwise="looked at a page"),
    "Screen Viewed": _said("opened", "name", "title", otherwise="opened the app"),
    "Product Viewed": _said("looked at", "name", "product_name", "product_id", otherwise="looked at a product"),
    "Product Added": _said(
        "put into the basket:", "name", "product_name", "product_id", otherwise="put something into the basket"
    ),
    "Product Removed": _said(
        "took out of the basket:", "name", "product_id", otherwise="took something out of the basket"
    ),
    "Cart Viewed": _said("looked at the basket"),
    "Checkout Started": lambda properties: f"went to the checkout {amount(properties)}".strip(),
    "Order Completed": _order("bought"),
    "Order Refunded": _order("was refunded"),
    "Order Cancelled": _order("cancelled"),
    "Order Fulfilled": _order("was sent"),
    "Order Updated": _order("changed"),
    "Signed Up": _said("signed up"),
    "Signed In": _said("signed in"),
    "Identified": _said("was identified"),
    "Email Delivered": _said(
        "was sent the e-mail", "subject", "campaign_name", "campaign", otherwise="was sent an e-mail"
    ),
    "Email Opened": _said("opened the e-mail", "subject", "campaign_name", "campaign", otherwise="opened an e-mail"),
    "Email Clicked": _said(
        "clicked in the e-mail", "subject", "campaign_name", "campaign", otherwise="clicked in an e-mail"
    ),
    "Email Bounced": _said("could not be reached: the e-mail came back"),
    "Unsubscribed": _said("unsubscribed from", "list", "list_name", otherwise="unsubscribed"),
    "Ad Clicked": _said(
        "came by the advertisement", "campaign", "campaign_name", "utm_campaign", otherwise="clicked an advertisement"
    ),
    "Ticket Opened": _ticket("opened"),
    "Ticket Updated": _ticket("wrote on"),
    "Ticket Solved": _ticket("saw solved"),
    "Ticket Closed": _ticket("saw closed"),
    "Ticket Reopened": _ticket("reopened"),
    "Loyalty Card Linked": _said("linked the loyalty card", "loyalty_card", otherwise="linked a loyalty card"),
    "Store Visited": _said("came to the store", "store", "store_name", otherwise="came to a store"),
    "Record Updated": _said("record changed:", "kind"),
    "Aliased": _said("was recognised as the same person"),
    "Group Joined": _said("joined the group", "groupId"),
}
