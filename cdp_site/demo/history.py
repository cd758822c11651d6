"""Eighteen months of the demo company, month by month: who came, looked, bought, was written to, asked for help.

Deterministic: the same seed and end give the same messages in the same order, with the same ids; so a generator that was
killed goes on where it was. Memory: one month's messages (some 30 MB).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from cdp_site.demo import arrivals, company, messages, people
from cdp_site.demo.month import Line
from cdp_site.demo.people import Customer
from cdp_site.demo.visits import Visits

MONTHS = 18
DAYS = 30 * MONTHS
# About what it comes to: for the progress bar.
MESSAGES = 1_240_000
# A test of the newsletter in the last month but one: half of its readers get none for a fortnight.
TEST_MONTH, TEST_DAYS = MONTHS - 2, 14
TEST = ("newsletter-holdout", "A fortnight without newsletters")
WITH_MAIL, WITHOUT_MAIL = ("mail", "Newsletters as always"), ("none", "No newsletter")


def stream(seed: int, ending: datetime, count: int = people.PEOPLE) -> Iterator[tuple[str, bytes]]:
    """(system key, message) of all that happened until `ending`, a month at a time in order of time."""
    everybody = people.customers(seed, DAYS, count)
    begins = ending - timedelta(days=DAYS)
    for month in range(MONTHS):
        lines = list(_Month(seed, month, begins, ending).lines(everybody))
        lines.sort(key=lambda line: line[0])
        for _, system, text in lines:
            yield system, text.encode()


class _Month(Visits):
    """One month's happenings. Every customer is drawn on his own, so that months don't depend on each other."""

    def lines(self, everybody: list[Customer]) -> Iterator[Line]:
        for one in everybody:
            for line in self._life(one):
                if line[0] < self.ending:
                    yield line

    def _life(self, one: Customer) -> Iterator[Line]:
        first = one.joins - self.month * 30  # the day of this month on which he signs up
        if one.leaves < self.month * 30:
            return
        rnd = self.rnd
        # Some look around for weeks before they sign up; nobody earlier.
        if first > 45:
            return
        for _ in range(self.times(one.visits * self.season * rnd.uniform(0.5, 1.6))):
            day = rnd.uniform(0, 30)
            if day >= first - 25:
                yield from self.visit(one, self.moment(day), known=day > first)
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

    def _as_member(self, one: Customer, first: float) -> Iterator[Line]:
        rnd = self.rnd
        if one.agreed[0]:
            yield from self._newsletters(one, first)
        if one.agreed[1] and self.season == company.SEASON[0] and rnd.random() < 0.09:
            yield from self._text(one, self.moment(rnd.uniform(first, 30)))
        for _ in range(self.times(one.store_buys * self.season)):
            yield from self._store(one, self.moment(rnd.uniform(first, 30)))
        if one.has_app:
            for _ in range(self.times(one.visits * 1.6)):
                yield from self._app(one, self.moment(rnd.uniform(first, 30)))
            for _ in range(self.times(one.store_buys * 0.8)):
                came, store = self.moment(rnd.uniform(first, 30)), rnd.choice(company.STORES[one.country])
                yield came, "app", messages.in_store(self.key(), self.iso(came), f"ios-{one.number}", one, store)
        if rnd.random() < 0.006:
            yield from self.ticket(one, self.moment(rnd.uniform(first, 30)))
        if rnd.random() < 0.008:
            yield from self._call(one, self.moment(rnd.uniform(first, 30)))

    def _newsletters(self, one: Customer, first: float) -> Iterator[Line]:
        """Four a month, for half of the readers each. In the test's month some get none for a fortnight; of those who do,
        some buy for that reason."""
        rnd = self.rnd
        tested = self.month == TEST_MONTH and one.joins < self.month * 30
        arm = rnd.choice((WITH_MAIL, WITHOUT_MAIL))
        if tested:
            drawn = self.start + 2 * 86_400 + rnd.random() * 3600
            held = arm == WITHOUT_MAIL
            yield drawn, "mail", messages.enrolled(self.key(), self.iso(drawn), one, TEST, arm, held)
        for week in range(4):
            day = week * 7 + 3
            held = tested and arm == WITHOUT_MAIL and day < 2 + TEST_DAYS
            if day >= first and rnd.random() < 0.45 and not held:
                subject = company.NEWSLETTERS[(self.month * 4 + week) % 7]
                persuaded = tested and day < 2 + TEST_DAYS and rnd.random() < 0.02
                yield from self._mail(one, self.moment(day), subject, persuaded)

    def _mail(self, one: Customer, moment: float, subject: str, persuaded: bool) -> Iterator[Line]:
        rnd, way = self.rnd, arrivals.NEWSLETTER[subject]

        def line(at: float, event: str) -> Line:
            return at, "mail", messages.mail(self.key(), self.iso(at), one, event, subject, way.campaign)

        if rnd.random() < 0.004:
            yield line(moment, "Email Bounced")
            return
        yield line(moment, "Email Delivered")
        if rnd.random() < one.reads or persuaded:
            opened = moment + rnd.expovariate(1 / 15_000)
            yield line(opened, "Email Opened")
            if rnd.random() < 0.16 or persuaded:
                yield line(opened + 30, "Email Clicked")
                yield from self.visit(one, opened + 33, known=True, way=way, sure=persuaded)
            elif rnd.random() < 0.004:
                yield line(opened + 60, "Unsubscribed")

    def _text(self, one: Customer, moment: float) -> Iterator[Line]:
        """In the months of the sales some follow the link in a text message."""
        way = arrivals.TEXT_SALE
        yield moment, "mail", messages.text_clicked(self.key(), self.iso(moment), one, way)
        yield from self.visit(one, moment + 3, known=True, way=way)

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
        if rnd.random() < 0.2:
            yield moment, "app", messages.tapped(self.key(), self.iso(moment), device, one)
            moment += 2
        for name in rnd.sample(("Home", "New in", "Lookbook", "My card", "Stores", "Basket"), rnd.randint(1, 3)):
            yield moment, "app", messages.screen(self.key(), self.iso(moment), device, one.user, name)
            moment += rnd.uniform(5, 90)

    def _call(self, one: Customer, moment: float) -> Iterator[Line]:
        """Somebody asks on the phone, and sometimes orders when that is answered."""
        rnd = self.rnd
        about, seconds = rnd.choice(company.CALLS), rnd.randrange(60, 900)
        yield moment, "help", messages.called(self.key(), self.iso(moment), one, about, seconds)
        if rnd.random() < 0.35:
            yield from self.order(one, moment + seconds + 300, rnd.choices(company.PRODUCTS, k=2))
