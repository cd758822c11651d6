"""A visit of the demo company's site: who sent it, what was looked at, whether it ends with an order; what follows that."""

from collections.abc import Iterator

from cdp_site.demo import arrivals, company, messages
from cdp_site.demo.arrivals import Arrival
from cdp_site.demo.month import Line, Month
from cdp_site.demo.people import Customer


class Visits(Month):
    """What happens on the site, and to what was ordered there."""

    def visit(
        self, one: Customer, moment: float, *, known: bool, way: Arrival | None = None, sure: bool = False
    ) -> Iterator[Line]:
        """One visit, led there by `way` (drawn where nobody says); `sure`: whoever comes buys."""
        rnd, clock = self.rnd, moment
        device = rnd.randrange(one.devices)
        web = f"w-{one.number}-{device}"
        signed_in = known and rnd.random() < 0.6
        user = one.user if signed_in else ""
        way = way or rnd.choices(arrivals.WAYS, cum_weights=arrivals.weights(members=known))[0]
        yield from self._lands(one, clock, web, device, user, way)
        basket: list[company.Product] = []
        for _ in range(rnd.choice((1, 1, 2, 2, 3, 3))):
            clock += rnd.uniform(10, 120)
            item = rnd.choice(company.PRODUCTS)
            if rnd.random() < 0.4:
                path = f"/{item.category}/"
                yield (
                    clock - 5,
                    "web",
                    messages.page(self.key(), self.iso(clock - 5), web, user, path, item.category.title()),
                )
            yield clock, "web", messages.product(self.key(), self.iso(clock), web, user, "Product Viewed", item)
            if rnd.random() < one.buys + 0.12 or (sure and not basket):
                clock += rnd.uniform(5, 60)
                basket.append(item)
                yield clock, "web", messages.product(self.key(), self.iso(clock), web, user, "Product Added", item)
        if basket and known and (sure or rnd.random() < one.buys * 2.4 * way.pull):
            total = sum(item.price for item in basket)
            yield clock + 30, "web", messages.checkout(self.key(), self.iso(clock + 30), web, one.user, total)
            yield from self.order(one, clock + 120, basket)
        elif rnd.random() < 0.24:
            # Who has looked and not bought is followed by banners for some days.
            for _ in range(rnd.choice((1, 1, 2, 3))):
                later = clock + rnd.uniform(0.1, 5) * 86_400
                ad = arrivals.BANNER if rnd.random() < 0.8 else arrivals.SOCIAL_AD
                yield later, "ads", messages.seen(self.key(), self.iso(later), web, ad)

    def _lands(self, one: Customer, clock: float, web: str, device: int, user: str, way: Arrival) -> Iterator[Line]:
        """The first page of a visit; before it the click that paid for it."""
        rnd, click = self.rnd, f"{way.click}.{self.rnd.getrandbits(48):012x}" if way.click else ""
        if way.medium in ("cpc", "paid-social", "display"):
            yield clock, "ads", messages.clicked(self.key(), self.iso(clock), web, way, click)
            clock += rnd.uniform(0.5, 3)
        more = messages.landing(arrivals.browser(one.number, device), way)
        query = messages.query(way, click)
        yield (
            clock,
            "web",
            messages.page(self.key(), self.iso(clock), web, user, "/", company.NAME, more, query, way.referrer),
        )

    def order(self, one: Customer, moment: float, basket: list[company.Product]) -> Iterator[Line]:
        rnd = self.rnd
        number = f"{26_000_000 + self.month * 100_000 + self.count}"
        yield (
            moment,
            "shop",
            messages.order(self.key(), self.iso(moment), messages.by_user(one), "Order Completed", number, basket),
        )
        sent = moment + rnd.uniform(0.3, 2) * 86_400
        if rnd.random() < 0.9:
            fulfilled = messages.order(self.key(), self.iso(sent), messages.by_user(one), "Order Fulfilled", number, [])
            yield sent, "shop", fulfilled.replace('"total":0.00,', "")
        if rnd.random() < 0.13:
            back = sent + rnd.uniform(3, 14) * 86_400
            items = basket[: rnd.randint(1, len(basket))]
            # The shop's refunds know the order's number only.
            yield back, "shop", messages.order(self.key(), self.iso(back), "", "Order Refunded", number, items)
            if rnd.random() < 0.3:
                yield from self.ticket(one, back - 86_400)

    def ticket(self, one: Customer, moment: float) -> Iterator[Line]:
        rnd = self.rnd
        number, title = 4_000 + self.month * 1_000 + self.count % 1_000, rnd.choice(company.TICKETS)
        yield moment, "help", messages.ticket(self.key(), self.iso(moment), one, "Ticket Opened", number, title)
        answered = moment + rnd.uniform(0.05, 2) * 86_400
        yield answered, "help", messages.ticket(self.key(), self.iso(answered), one, "Ticket Updated", number, title)
        if rnd.random() < 0.93:
            solved = answered + rnd.uniform(0.05, 4) * 86_400
            yield solved, "help", messages.ticket(self.key(), self.iso(solved), one, "Ticket Solved", number, title)
