"""Eighteen months of the demo company, month by month: who came, looked, bought, was written to, asked for help.

Deterministic: the same seed and end give the same messages in the same order, with the same ids; so a generator that was
killed goes on where it was. Memory: one month's messages (some 30 MB).
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cdp_site.demo import company, messages, people
from cdp_site.demo.people import Customer

MONTHS = 18
DAYS = 30 * MONTHS
# About what it comes to: for the progress bar.
MESSAGES = 1_200_000
Line = tuple[float, str, str]  # seconds since 1970, system, message


def stream(seed: int, ending: datetime, count: int = people.PEOPLE) -> Iterator[tuple[str, bytes]]:
    """(system key, message) of all that happened until `ending`, a month at a time in order of time."""
    everybody = people.customers(seed, DAYS, count)
    begins = ending - timedelta(days=DAYS)
    for month in range(MONTHS):
        lines = list(_Month(seed, month, begins, ending).lines(everybody))
        lines.sort(key=lambda line: line[0])
        for _, system, text in lines:
            yield system, text.encode()


class _Month:
    """One month's happenings. Every customer is drawn on his own, so that months don't depend on each other."""

    def __init__(self, seed: int, month: int, begins: datetime, ending: datetime) -> None:
        self.seed, self.month = seed, month
        self.start = begins.timestamp() + month * 30 * 86_400
        self.ending = ending.timestamp()
        middle = datetime.fromtimestamp(self.start, UTC) + timedelta(days=15)
        self.season = company.SEASON[middle.month - 1]
        self.rnd = random.Random(f"history {seed} {month}")
        self.count = 0
        self.hours = [hour for hour, weight in enumerate(company.HOURS) for _ in range(weight)]

    def key(self) -> str:
        """A message id in the form of a UUID; those of a month follow each other."""
        self.count += 1
        return f"{self.seed & 0xFFFFFFFF:08x}-{self.month:04x}-4000-8000-{self.count:012x}"

    def moment(self, day: float) -> float:
        """A time on that day of the month, when people are awake."""
        rnd = self.rnd
        return self.start + int(day) * 86_400 + rnd.choice(self.hours) * 3600 + rnd.random() * 3600

    @staticmethod
    def iso(moment: float) -> str:
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")

    def lines(self, everybody: list[Customer]) -> Iterator[Line]:
        for one in everybody:
            for line in self._life(one):
                if line[0] < self.ending:
                    yield line

    def _times(self, rate: float) -> int:
        """How often in a month something happens that happens `rate` times on average."""
        whole = int(rate)
        return whole + (self.rnd.random() < rate - whole)

    def _life(self, one: Customer) -> Iterator[Line]:
        first = one.joins - self.month * 30  # the day of this month on which he signs up
        if one.leaves < self.month * 30:
            return
        rnd = self.rnd
        # Some look around for weeks before they sign up; nobody earlier.
        if first > 45:
            return
        for _ in range(self._times(one.visits * self.season * rnd.uniform(0.5, 1.6))):
            day = rnd.uniform(0, 30)
            if day >= first - 25:
                yield from self._visit(one, self.moment(day), known=day > first)
        if 0 <= first < 30:
            yield from self._joins(one, self.moment(first))
        if first < 30:
            yield from self._as_member(one, max(first, 0))

    def _joins(self, one: Customer, moment: float) -> Iterator[Line]:
        web = f"w-{one.number}-0"
        yield moment, "web", messages.page(self.key(), self.iso(moment), web, "", "/join", "Join us")
        yield moment + 40, "web", messages.signed_up(self.key(), self.iso(moment + 40), web, one)
        if one.agreed[0]:
            yield moment + 90, "mail", messages.subscriber(self.key(), self.iso(moment + 90), one)
        if one.card:
            later = moment + self.rnd.uniform(1, 20) * 86_400
            yield later, "shop", messages.card_linked(self.key(), self.iso(later), one)
        if one.in_crm:
            later = moment + self.rnd.uniform(0.1, 10) * 86_400
            yield later, "crm", self._contact(one, later)

    def _contact(self, one: Customer, moment: float) -> str:
        """Typed by hand: sometimes the address or the name is wrong, and the number is written any way."""
        rnd, email, name = self.rnd, one.email, f"{one.first} {one.last}"
        if rnd.random() < 0.08:
            place = rnd.randrange(1, email.index("@"))
            email = email[: place - 1] + email[place] + email[place - 1] + email[place + 1 :]
        if rnd.random() < 0.1:
            name = name.upper() if rnd.random() < 0.5 else f"{one.last}, {one.first}"
        phone = one.phone_as(rnd.randrange(3)) if one.card else ""
        return messages.contact(self.key(), self.iso(moment), one, name, email, phone)

    def _visit(self, one: Customer, moment: float, *, known: bool) -> Iterator[Line]:
        rnd, clock = self.rnd, moment
        web = f"w-{one.number}-{rnd.randrange(one.devices)}"
        signed_in = known and rnd.random() < 0.6
        user = one.user if signed_in else ""
        if rnd.random() < 0.14:
            source, medium, name, parameter = rnd.choice(company.CAMPAIGNS)
            click = f"{parameter}.{rnd.getrandbits(48):012x}"
            yield clock, "ads", messages.clicked(self.key(), self.iso(clock), web, source, name, click)
            came = messages.campaign(source, medium, name)
            query = f"?utm_source={source}&utm_medium={medium}&utm_campaign={name}&{parameter}={click}"
            yield (
                clock + 1,
                "web",
                messages.page(self.key(), self.iso(clock + 1), web, user, "/", "Harbour & Pine", came, query),
            )
        else:
            yield clock, "web", messages.page(self.key(), self.iso(clock), web, user, "/", "Harbour & Pine")
        basket = []
        for _ in range(rnd.choice((1, 1, 2, 2, 3, 4))):
            clock += rnd.uniform(10, 120)
            item = rnd.choice(company.PRODUCTS)
            if rnd.random() < 0.45:
                path = f"/{item.category}/"
                yield (
                    clock - 5,
                    "web",
                    messages.page(self.key(), self.iso(clock - 5), web, user, path, item.category.title()),
                )
            yield clock, "web", messages.product(self.key(), self.iso(clock), web, user, "Product Viewed", item)
            if rnd.random() < one.buys + 0.12:
                clock += rnd.uniform(5, 60)
                basket.append(item)
                yield clock, "web", messages.product(self.key(), self.iso(clock), web, user, "Product Added", item)
        if basket and known and rnd.random() < one.buys * 2.4:
            total = sum(item.price for item in basket)
            yield clock + 30, "web", messages.checkout(self.key(), self.iso(clock + 30), web, one.user, total)
            yield from self._order(one, clock + 120, basket)

    def _order(self, one: Customer, moment: float, basket: list[company.Product]) -> Iterator[Line]:
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
                yield from self._ticket(one, back - 86_400)

    def _as_member(self, one: Customer, first: float) -> Iterator[Line]:
        rnd = self.rnd
        if one.agreed[0]:
            for week in range(4):
                day = week * 7 + 3
                if day >= first and rnd.random() < 0.5:
                    yield from self._mail(one, self.moment(day), company.NEWSLETTERS[(self.month * 4 + week) % 7])
        for _ in range(self._times(one.store_buys * self.season)):
            yield from self._store(one, self.moment(rnd.uniform(first, 30)))
        if one.has_app:
            for _ in range(self._times(one.visits * 1.6)):
                yield from self._app(one, self.moment(rnd.uniform(first, 30)))
        if rnd.random() < 0.006:
            yield from self._ticket(one, self.moment(rnd.uniform(first, 30)))

    def _mail(self, one: Customer, moment: float, subject: str) -> Iterator[Line]:
        rnd = self.rnd
        if rnd.random() < 0.004:
            yield moment, "mail", messages.mail(self.key(), self.iso(moment), one, "Email Bounced", subject)
            return
        yield moment, "mail", messages.mail(self.key(), self.iso(moment), one, "Email Delivered", subject)
        if rnd.random() < one.reads:
            opened = moment + rnd.expovariate(1 / 15_000)
            yield opened, "mail", messages.mail(self.key(), self.iso(opened), one, "Email Opened", subject)
            if rnd.random() < 0.16:
                yield (
                    opened + 30,
                    "mail",
                    messages.mail(self.key(), self.iso(opened + 30), one, "Email Clicked", subject),
                )
            elif rnd.random() < 0.004:
                yield (
                    opened + 60,
                    "mail",
                    messages.mail(self.key(), self.iso(opened + 60), one, "Unsubscribed", subject),
                )

    def _store(self, one: Customer, moment: float) -> Iterator[Line]:
        """A purchase at a till: known by the card, or by the phone number that was asked for."""
        rnd = self.rnd
        items = rnd.choices(company.PRODUCTS, k=rnd.choice((1, 1, 2, 3)))
        extra = f',"loyalty_card":"{one.card}"' if one.card else f',"phone":"{one.phone_as(2)}"'
        number = f"T{self.month:02}{self.count:06}"
        store = rnd.choice(company.STORES[one.country])
        yield (
            moment,
            "till",
            messages.order(self.key(), self.iso(moment), "", "Order Completed", number, items, store, extra),
        )
        if rnd.random() < 0.05:
            back = moment + rnd.uniform(1, 20) * 86_400
            yield (
                back,
                "till",
                messages.order(self.key(), self.iso(back), "", "Order Refunded", number, items[:1], store),
            )

    def _app(self, one: Customer, moment: float) -> Iterator[Line]:
        rnd, device = self.rnd, f"ios-{one.number}"
        for name in rnd.sample(("Home", "New in", "Lookbook", "My card", "Stores", "Basket"), rnd.randint(2, 5)):
            yield moment, "app", messages.screen(self.key(), self.iso(moment), device, one.user, name)
            moment += rnd.uniform(5, 90)

    def _ticket(self, one: Customer, moment: float) -> Iterator[Line]:
        rnd = self.rnd
        number, title = 4_000 + self.month * 1_000 + self.count % 1_000, rnd.choice(company.TICKETS)
        yield moment, "help", messages.ticket(self.key(), self.iso(moment), one, "Ticket Opened", number, title)
        answered = moment + rnd.uniform(0.05, 2) * 86_400
        yield answered, "help", messages.ticket(self.key(), self.iso(answered), one, "Ticket Updated", number, title)
        if rnd.random() < 0.93:
            solved = answered + rnd.uniform(0.05, 4) * 86_400
            yield solved, "help", messages.ticket(self.key(), self.iso(solved), one, "Ticket Solved", number, title)
