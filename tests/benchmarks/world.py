"""A seeded stream of messages for benchmarks: 20,000 people who visit, buy, read mail, and sometimes sign in.

Not the demo company: plainer, so that any number of messages can be had quickly, and a steady state lasts.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

PEOPLE = 20_000
# What one person does in a row, as a share of visits: an average visit has 6 messages.
PAGES = ("Home", "Shirts", "Shoes", "Linen shirt", "Basket")
CATEGORIES = ("shirts", "shoes", "coats", "bags")
COUNTRIES = ("ES", "DE", "FR", "GB")


def messages(count: int, *, seed: int, start: datetime, days: float, people: int = PEOPLE) -> Iterator[bytes]:
    """`count` messages as JSON, spread evenly over `days` from `start`, in rough order of time."""
    rnd = random.Random(seed)
    encode = msgspec.json.Encoder().encode
    step = timedelta(days=days) / max(count, 1)
    made = 0
    while made < count:
        # A few people are there often, most now and then.
        number = int(people * rnd.random() ** 2)
        moment = start + made * step
        for message in _visit(number, moment, rnd):
            yield encode(message)
            made += 1
            if made == count:
                return


def _visit(number: int, moment: datetime, rnd: random.Random) -> Iterator[dict[str, object]]:
    anonymous = f"anon-{number}-{rnd.randrange(2)}"
    signed_in = rnd.random() < 0.4
    context = {
        "ip": "203.0.113.7",
        "library": {"name": "analytics.js", "version": "4.1.2"},
        "page": {"path": "/shirts/linen", "title": "Linen shirt", "url": "https://shop.example.com/shirts/linen"},
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36",
    }

    def message(**said: object) -> dict[str, object]:
        nonlocal moment
        moment += timedelta(seconds=rnd.randrange(5, 60))
        who = {"anonymousId": anonymous, **({"userId": f"user-{number}"} if signed_in else {})}
        key = str(UUID(int=rnd.getrandbits(128), version=4))
        return {"messageId": key, "timestamp": moment.isoformat(), **who, "context": context, **said}

    if signed_in and rnd.random() < 0.3:
        traits = {
            "email": f"person{number}@example.com",
            "firstName": "Ana",
            "lastName": f"Ferrer {number}",
            "country": COUNTRIES[number % len(COUNTRIES)],
            "phone": f"+34600{number:06}",
        }
        yield message(type="identify", traits=traits)
    for _ in range(rnd.randrange(1, 6)):
        yield message(type="page", name=rnd.choice(PAGES), properties={"path": "/shirts", "referrer": "", "search": ""})
    for _ in range(rnd.randrange(0, 4)):
        product = {"product_id": f"sku-{rnd.randrange(400)}", "price": rnd.randrange(1000, 9000) / 100}
        yield message(type="track", event="Product Viewed", properties={**product, "category": rnd.choice(CATEGORIES)})
    if rnd.random() < 0.12:
        order = {"order_id": f"{rnd.getrandbits(48):x}", "total": rnd.randrange(1000, 20000) / 100, "currency": "EUR"}
        yield message(
            type="track", event="Order Completed", properties={**order, "products": [{"sku": "sku-1", "quantity": 1}]}
        )
    if rnd.random() < 0.3:
        yield message(
            type="track", event=rnd.choice(["Email Opened", "Email Clicked"]), properties={"campaign": "news"}
        )


def now() -> datetime:
    return datetime.now(UTC)
