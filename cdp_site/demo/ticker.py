"""The demo company goes on living: a few messages a second, sent over HTTP as its systems would."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import httpx

from cdp_site.demo import arrivals, company, messages, people, personas, seeding, setting
from cdp_site.demo.history import DAYS
from connectors.models import Source

PER_SECOND = 3.0
# The anonymous visitor of the personas signs in after this long.
RECOGNISED_AFTER = 240.0  # seconds


class Ticker:
    """Draws what happens next and sends it. `post` takes (write key, message text)."""

    def __init__(self, post: Callable[[str, str], None], seed: int | None = None) -> None:
        self.post = post
        self.rnd = random.Random(seed)
        self.everybody = people.customers(seeding.SEED, DAYS)
        names = {system.key: system.name for system in company.SYSTEMS}
        keys = dict(Source.objects.values_list("name", "write_key"))
        self.keys = {key: keys[name] for key, name in names.items() if name in keys}

    def tick(self) -> None:
        """One thing that happens."""
        rnd, now = self.rnd, datetime.now(UTC).isoformat(timespec="milliseconds")
        one = self.everybody[int(len(self.everybody) * rnd.random() ** 1.5)]
        web, item, key = f"w-{one.number}-0", rnd.choice(company.PRODUCTS), str(uuid4())
        user = one.user if rnd.random() < 0.4 else ""
        what = rnd.random()
        if what < 0.12:
            self._lands(key, now, web, user, one.number)
        elif what < 0.42:
            self._send("web", messages.page(key, now, web, user, f"/{item.category}/", item.category.title()))
        elif what < 0.74:
            self._send("web", messages.product(key, now, web, user, "Product Viewed", item))
        elif what < 0.82:
            self._send("web", messages.product(key, now, web, user, "Product Added", item))
        elif what < 0.88:
            self._send("app", messages.screen(key, now, f"ios-{one.number}", one.user, "New in"))
        elif what < 0.92:
            number = f"L{int(time.time() * 10)}"
            self._send("shop", messages.order(key, now, messages.by_user(one), "Order Completed", number, [item]))
        elif what < 0.95:
            extra = f',"loyalty_card":"{one.card}"' if one.card else f',"phone":"{one.phone}"'
            store = rnd.choice(company.STORES[one.country])
            number = f"LT{int(time.time() * 10)}"
            self._send("till", messages.order(key, now, "", "Order Completed", number, [item], store, extra))
        elif what < 0.98:
            subject = rnd.choice(company.NEWSLETTERS)
            self._send("mail", messages.mail(key, now, one, "Email Opened", subject, arrivals.slug(subject)))
        elif what < 0.99:
            self._send("ads", messages.seen(key, now, web, arrivals.BANNER))
        else:
            self._send("web", messages.page(key, now, f"new-{uuid4().hex[:12]}", "", "/", company.NAME))

    def _lands(self, key: str, now: str, web: str, user: str, number: int) -> None:
        """Somebody comes to the site: by an advertisement, a search, or of his own accord."""
        way = self.rnd.choices(arrivals.WAYS, cum_weights=arrivals.weights(members=bool(user)))[0]
        click = f"{way.click}.{self.rnd.getrandbits(48):012x}" if way.click else ""
        more = messages.landing(arrivals.browser(number, 0), way)
        led = messages.query(way, click), way.referrer
        self._send("web", messages.page(key, now, web, user, "/", company.NAME, more, *led))

    def recognise(self) -> None:
        """The visitor signs in: her anonymous days become Sofia's."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._send(
            "web",
            f'{{"type":"identify","messageId":"persona-visitor-recognised","timestamp":"{now}",'
            f'"anonymousId":"{personas.VISITOR}","userId":"{personas.SOFIA["userId"]}",'
            f'"traits":{{"email":"{personas.SOFIA["email"]}","firstName":"Sofia","lastName":"Lindgren","city":"Malmö"}}}}',
        )

    def _send(self, system: str, text: str) -> None:
        if system in self.keys:
            self.post(self.keys[system], text)


def run(stopped: Callable[[], bool]) -> None:
    """Tick until `stopped`. A server that is away is waited for."""
    # No proxy of the environment's is in between: it is our own server.
    with httpx.Client(base_url=setting.address(), timeout=10, trust_env=False) as client:

        def post(write_key: str, text: str) -> None:
            client.post("/v1/batch", content=f'{{"batch":[{text}]}}'.encode(), auth=(write_key, ""))

        ticker: Ticker | None = None
        started, recognised = time.monotonic(), False
        while not stopped():
            try:
                ticker = ticker or Ticker(post)
                if not ticker.keys:  # the history hasn't begun yet
                    ticker = None
                    time.sleep(2)
                    continue
                ticker.tick()
                if not recognised and time.monotonic() - started > RECOGNISED_AFTER:
                    ticker.recognise()
                    recognised = True
            except httpx.TransportError:
                time.sleep(2)
            time.sleep(random.expovariate(PER_SECOND))
