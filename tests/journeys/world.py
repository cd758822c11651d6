"""A small company for the journeys: a dozen customers, one of them with an open ticket."""

from datetime import timedelta

from django.utils import timezone

from cdp_site import stages
from connectors import authenticate
from connectors.models import Source
from tests.factories import SourceFactory
from tests.stream import send


def small_company() -> dict[str, Source]:
    """Customers u0 to u11, the even ones in Spain; Ana (u0) has bought three times and waits for an answer."""
    authenticate.forget()
    shop = SourceFactory(name="Shop", category="shop", hue=160)
    help_desk = SourceFactory(name="Helpdesk", category="help", hue=20)
    recently = _days_ago(5)
    for number in range(12):
        traits = {
            "email": f"person{number}@example.com",
            "name": "Ana Ferrer" if number == 0 else f"Customer {number}",
            "country": "ES" if number % 2 == 0 else "DE",
            "phone": f"+3460011122{number}" if number < 10 else "",
            "consents": {"email": True, "sms": False},
        }
        user = f"u{number}"
        send(shop, {"type": "identify", "userId": user, "traits": traits, "timestamp": _days_ago(100)})
        for order in range(3 if number == 0 else number % 3):
            properties = {"order_id": f"o{number}-{order}", "total": 84.0, "currency": "EUR", "products": [{}, {}]}
            bought = {"type": "track", "event": "Order Completed", "userId": user, "properties": properties}
            send(shop, {**bought, "timestamp": recently})
        page = {"type": "page", "userId": user, "name": "Linen shirt", "timestamp": recently}
        send(shop, page, {**page, "name": "Shoes"})
    ticket = {"ticket_id": "4411", "title": "size exchange", "email": "person0@example.com"}
    send(help_desk, {"type": "track", "event": "Ticket Opened", "properties": ticket, "timestamp": _days_ago(2)})
    stages.drain_all()
    return {"shop": shop, "help": help_desk}


def _days_ago(days: int) -> str:
    """At this time of the company's day: pages count days by the calendar, and not each has 24 hours."""
    return (timezone.localtime() - timedelta(days=days)).isoformat()
