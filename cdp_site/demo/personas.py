"""People that the documentation points at, each with a story that ends on the day when the demo is made."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

_encode = msgspec.json.Encoder().encode

VISITOR = "visitor-on-the-doorstep"
SOFIA = {"userId": "hp-sofia", "email": "sofia.lindgren@example.com"}


def stories(ending: datetime) -> Iterator[tuple[str, bytes]]:
    """(system key, message) of all personas; ids are fixed, so telling them twice changes nothing."""
    for name, story in (("elena", _elena), ("jonas", _jonas), ("visitor", _visitor), ("family", _family)):
        for number, (system, ago, message) in enumerate(story()):
            at = _by_day(ending, ago).isoformat(timespec="milliseconds")
            yield system, _encode({"messageId": f"persona-{name}-{number}", "timestamp": at, **message})


def _by_day(ending: datetime, ago: timedelta) -> datetime:
    """That long ago; days ago in opening hours, whenever the demo is made."""
    if not ago.days:
        return ending - ago
    opened = (ending - timedelta(days=ago.days)).replace(hour=9, minute=0, second=0, microsecond=0)
    return opened + timedelta(minutes=ago.days * 37 % 500) - ago % timedelta(days=1)


Line = tuple[str, timedelta, dict[str, object]]


def _order(who: dict[str, object], number: str, total: float, items: int, **more: object) -> dict[str, object]:
    lines = [{"name": "Wool overcoat, navy", "category": "coats", "price": round(total / items, 2)}] * items
    properties = {"order_id": number, "total": total, "currency": "EUR", "products": lines, **more}
    return {"type": "track", "event": "Order Completed", "properties": properties, **who}


def _elena() -> Iterator[Line]:
    """A customer of the first rank who is slipping away, with a ticket that nobody has answered."""
    who: dict[str, object] = {"userId": "hp-elena"}
    traits = {
        "email": "elena.marchetti@example.com", "firstName": "Elena", "lastName": "Marchetti", "city": "Milano",
        "country": "IT", "phone": "+39 333 555 0142", "loyaltyCard": "HP90000001", "birthday": "1984-05-12",
        "consents": {"email": True, "sms": False, "ads": True},
    }  # fmt: skip
    yield "web", timedelta(days=520), {"type": "identify", "anonymousId": "w-elena-0", "traits": traits, **who}
    for number, days in enumerate((510, 480, 452, 421, 395, 362, 330, 301, 270, 244, 211, 180, 152, 121, 96, 75, 58)):
        store = {"store": "Brera, Milano"} if number % 3 == 0 else {}
        by: dict[str, object] = {} if store else who
        card = {"loyalty_card": "HP90000001"} if store else {}
        bought = _order(by, f"E{number + 1:03}", 89.0 + 23 * (number % 6), 1 + number % 3, **store, **card)
        yield "till" if store else "shop", timedelta(days=days), bought
        yield "web", timedelta(days=days, minutes=20), {
            "type": "page", "anonymousId": "w-elena-0", "properties": {"path": "/coats/", "title": "Coats"}, **who,
        }  # fmt: skip
    ticket = {
        "ticket_id": "4411",
        "title": "Size exchange",
        "email": "elena.marchetti@example.com",
        "channel": "e-mail",
    }
    yield "help", timedelta(days=2), {"type": "track", "event": "Ticket Opened", "properties": ticket}


def _jonas() -> Iterator[Line]:
    """He came by an advertisement last week, before he said who he was, and looked at shoes; he bought them in the store
    today. The advertisement is part of what led there, and further ones must leave him alone."""
    who: dict[str, object] = {"userId": "hp-jonas"}
    traits = {
        "email": "jonas.weber@example.net", "firstName": "Jonas", "lastName": "Weber", "city": "Berlin", "country": "DE",
        "phone": "+49 151 5550 0199", "loyaltyCard": "HP90000002", "consents": {"email": True, "sms": True, "ads": True},
    }  # fmt: skip
    yield "web", timedelta(days=40), {"type": "identify", "anonymousId": "w-jonas-0", "traits": traits, **who}
    yield "ads", timedelta(days=7, minutes=2), {
        "type": "track", "event": "Ad Clicked", "anonymousId": "w-jonas-1",
        "properties": {"network": "instagram", "medium": "paid-social", "campaign": "linen-summer"},
    }  # fmt: skip
    yield "web", timedelta(days=7, minutes=1), {
        "type": "page", "anonymousId": "w-jonas-1", "properties": {"path": "/shoes/", "title": "Shoes"},
        "context": {"campaign": {"source": "instagram", "medium": "paid-social", "name": "linen-summer"}},
    }  # fmt: skip
    yield "web", timedelta(days=7), {"type": "identify", "anonymousId": "w-jonas-1", **who}
    for day in (7, 5, 3):
        viewed = {"product_id": "HP-SH02-RU", "name": "Desert boots, rust", "category": "shoes", "price": 129.0}
        yield "web", timedelta(days=day), {
            "type": "track", "event": "Product Viewed", "anonymousId": "w-jonas-0", "properties": viewed, **who,
        }  # fmt: skip
    bought = _order({}, "T-JONAS-1", 129.0, 1, store="Mitte, Berlin", loyalty_card="HP90000002")
    yield "till", timedelta(hours=3), bought


def _visitor() -> Iterator[Line]:
    """Three days of looking around, and no name yet; the ticker lets her sign in some minutes after the start."""
    for day, title in (
        (3, "Harbour & Pine"),
        (3, "Knitwear"),
        (2, "Knitwear"),
        (1, "Merino cardigan, ecru"),
        (0, "Basket"),
    ):
        yield "web", timedelta(days=day, minutes=25), {
            "type": "page", "anonymousId": VISITOR, "properties": {"path": "/", "title": title},
        }  # fmt: skip


def _family() -> Iterator[Line]:
    """Two accounts, one e-mail address: a family. They stay two people."""
    for name, user in (("Marta", "hp-marta"), ("Luis", "hp-luis")):
        traits = {
            "email": "familia.ortega@example.org",
            "firstName": name,
            "lastName": "Ortega",
            "city": "Valencia",
            "country": "ES",
        }
        yield (
            "web",
            timedelta(days=200),
            {"type": "identify", "userId": user, "anonymousId": f"w-{name}", "traits": traits},
        )
