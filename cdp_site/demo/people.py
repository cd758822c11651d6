"""The demo's 20,000 customers: who each is and how each lives with the company. Drawn once from a seed; arrays and tuples."""

import random
import unicodedata
from dataclasses import dataclass

from cdp_site.demo import company

PEOPLE = 20_000


@dataclass(frozen=True, slots=True)
class Customer:
    """One person as the generator knows him (Tributary has to find that out).

    `joins`: the day of the history on which he signs up; `visits`: site visits a month; days and months count from the
    beginning of the history.
    """

    number: int
    first: str
    last: str
    email: str
    country: str
    city: str
    phone: str
    joins: int
    leaves: int
    visits: float
    buys: float
    store_buys: float
    card: str
    has_app: bool
    in_crm: bool
    reads: float
    agreed: tuple[bool, bool, bool]
    devices: int
    birthday: str

    @property
    def user(self) -> str:
        return f"hp-{self.number + 10_000}"

    def phone_as(self, style: int) -> str:
        """The same number as different systems write it."""
        national = self.phone[len(company.DIAL[self.country][0]) + 1 :]
        if style == 0:
            return self.phone
        if style == 1:
            return f"00{self.phone[1:]}"
        spaced = " ".join(national[place : place + 3] for place in range(0, len(national), 3))
        return f"+{company.DIAL[self.country][0]} {spaced}"


def customers(seed: int, days: int, count: int = PEOPLE) -> list[Customer]:
    """All customers of a history of `days` days. The same for the same seed."""
    rnd = random.Random(f"people {seed}")
    return [_customer(number, rnd, days) for number in range(count)]


def _customer(number: int, rnd: random.Random, days: int) -> Customer:
    country = rnd.choices(company.COUNTRIES, company.COUNTRY_WEIGHTS)[0]
    first, last = rnd.choice(company.FIRST[country]), rnd.choice(company.LAST[country])
    plain = unicodedata.normalize("NFKD", f"{first}.{last}".replace(" ", "")).encode("ascii", "ignore").decode().lower()
    dial, prefix = company.DIAL[country]
    rest = f"{rnd.randrange(10 ** company.DIGITS[country]):0{company.DIGITS[country]}}"
    # Many come now and then, some are there every week.
    visits = min(0.18 * rnd.paretovariate(1.35), 9.0)
    joins = int(days * rnd.random() ** 1.2) - (90 if rnd.random() < 0.35 else 0)
    stays = rnd.random() < 0.7
    carded = rnd.random() < 0.42
    agreed = (rnd.random() < 0.62, rnd.random() < 0.3, rnd.random() < 0.5)
    return Customer(
        number=number,
        first=first,
        last=last,
        email=f"{plain}{number}@{company.MAIL[number % 3]}",
        country=country,
        city=rnd.choice(company.CITIES[country]),
        phone=f"+{dial}{prefix}{rest}",
        joins=joins,
        leaves=10_000 if stays else joins + int(rnd.expovariate(1 / 200)) + 20,
        visits=visits,
        buys=rnd.betavariate(1.6, 7),
        store_buys=rnd.betavariate(1, 9) * (2.2 if carded else 0.5),
        card=f"HP{55_000_000 + number * 7:08}" if carded else "",
        has_app=rnd.random() < 0.18,
        in_crm=rnd.random() < 0.45,
        reads=rnd.betavariate(1.2, 2.4),
        agreed=agreed,
        devices=1 + (rnd.random() < 0.45) + (rnd.random() < 0.12),
        birthday=f"{rnd.randrange(1950, 2006)}-{rnd.randrange(1, 13):02}-{rnd.randrange(1, 29):02}",
    )
