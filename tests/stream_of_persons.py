"""A seeded stream of messages of known persons, with all that makes identity hard; who is who is known for each.

Browsers that log in late, store tablets that hundreds log in on, families of whom one's e-mail address is given by all, a
call centre's phone, phones that were given anew, cashiers who type the store's address, phones in many formats, CRM records
and cards that share no identifier with the rest (but a name, an address, a birth date, with a typo at times), fillers; out
of order, and some twice.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2023, 1, 1, tzinfo=UTC)
DAYS = 1_000
STORES = 12
CALL_CENTRE = "+34910555000"
_FIRST = (
    "Ana Luis Marta Jorge Lucía Pablo Elena Javier Carmen Diego Laura Sergio Paula Andrés Sara Álvaro Irene Hugo Nuria Iván"
    " Rosa Óscar Clara Rubén Alba Víctor Julia Mario Eva Raúl Inés Adrián Noa Tomás Olga Bruno Vera Marcos Lola Gabriel"
).split()
_LAST = (
    "García Martínez López Sánchez Pérez Gómez Fernández Ruiz Díaz Moreno Álvarez Romero Navarro Torres Ramos Gil Serrano"
    " Molina Ortega Castro Rubio Marín Iglesias Medina Cortés Garrido Castillo Santos Lozano Guerrero Cano Prieto Vidal"
    " Ferrer Soler Herrera Peña Flores Cabrera Campos Vega Fuentes Carrasco Reyes Nieto Aguilar Pascual Crespo Bravo Rey"
).split()
_STREETS = "Mayor Real Sol Luna Mar Río Norte Sur Nueva Ancha Iglesia Fuente Molino Olmo Pino Rosa Palma Torre Arco Paz".split()
_CITIES = (
    ("Madrid", "28"),
    ("Valencia", "46"),
    ("Sevilla", "41"),
    ("Bilbao", "48"),
    ("Málaga", "29"),
    ("Zaragoza", "50"),
)
# What forms and systems send where they know nothing.
_FILLERS = ("undefined", "null", "0", "N/A", "anonymous")

# (kind, value in its normal form); known to the stream, not asked of the product.
Name = tuple[str, str]


@dataclass
class Person:
    """Somebody, with what is his; `family`: the address of somebody he lives with, which he gives at times, or ""."""

    number: int
    first: str
    last: str
    born: str
    address: dict[str, str]
    email: str
    phone: str
    family: str = ""
    account: str = ""
    card: str = ""
    browsers: list[str] = field(default_factory=list)
    device: str = ""
    # Days between which the phone is his.
    phone_from: int = 0
    phone_until: int = DAYS


@dataclass(frozen=True)
class Told:
    """A message as it is sent, the person whose it is, and the identifiers in it that are no fillers."""

    id: str
    person: int
    names: tuple[Name, ...]
    sent: dict[str, Any]


def stream(people: int = 5_000, seed: int = 1) -> list[Told]:
    """All messages in the order in which they arrive: mixed, a part of them much too late, one in twenty twice."""
    rnd = random.Random(seed)
    told = [message for person in _persons(people, rnd) for message in _Life(person, rnd).messages()]
    order = sorted(told, key=lambda one: (one.sent["timestamp"], one.id))
    late = [(place + (rnd.expovariate(1 / 4_000) if rnd.random() < 0.3 else 0), place) for place in range(len(order))]
    arriving = [order[place] for _, place in sorted(late)]
    for message in rnd.sample(arriving, len(arriving) // 20):
        arriving.insert(rnd.randrange(len(arriving)), message)
    return arriving


def _persons(count: int, rnd: random.Random) -> Iterator[Person]:
    number, given_up = 0, []
    while number < count:
        together = rnd.choices((1, 2, 3, 4), (85, 7, 5, 3))[0]
        last = f"{rnd.choice(_LAST)} {rnd.choice(_LAST)}"
        city, code = rnd.choice(_CITIES)
        address = {
            "street": f"Calle {rnd.choice(_STREETS)} {rnd.randrange(1, 180)}", "postal_code": f"{code}{rnd.randrange(1_000):03}",
            "city": city,
        }  # fmt: skip
        family = ""
        for _ in range(min(together, count - number)):
            person = _person(number, last, address, family, rnd)
            if together > 1:
                # Where nobody had an account, there would be nothing to tell them apart by.
                person.account, family = f"u{person.number:05}", family or person.email
            if rnd.random() < 0.04:
                if given_up and given_up[-1].last != last:
                    person.phone, person.phone_from = given_up.pop().phone, 750
                else:
                    person.phone_until = 250
                    given_up.append(person)
            yield person
            number += 1


def _person(number: int, last: str, address: dict[str, str], family: str, rnd: random.Random) -> Person:
    first = rnd.choice(_FIRST)
    born = datetime(1940, 1, 1) + timedelta(days=rnd.randrange(24_000))
    provider = rnd.choice(("example.com", "example.org", "mail.example.net"))
    person = Person(
        number, first, last, f"{born:%Y-%m-%d}", address, f"{_plain(first)}.{_plain(last.split()[0])}{number}@{provider}",
        f"+346{20_000_000 + number * 37}", family,
        browsers=[f"b-{number}-{place}-{rnd.getrandbits(32):08x}" for place in range(rnd.choice((1, 1, 2, 3)))],
    )  # fmt: skip
    if rnd.random() < 0.7:
        person.account = f"u{number:05}"
    if rnd.random() < 0.5:
        person.card = f"HP{number:06}"
    if person.account and rnd.random() < 0.3:
        person.device = f"device-{number}-{rnd.getrandbits(32):08x}"
    return person


def _plain(text: str) -> str:
    return text.lower().translate(str.maketrans("áéíóúüñ", "aeiouun"))


class _Life:
    """What one person does in the time of the stream."""

    def __init__(self, person: Person, rnd: random.Random) -> None:
        self.person, self.rnd, self.count = person, rnd, 0
        self.tells_birthday = rnd.random() < 0.7

    def messages(self) -> Iterator[Told]:
        person, rnd = self.person, self.rnd
        for browser in person.browsers:
            yield from self._visits(browser)
        if person.device:
            for _ in range(rnd.randrange(1, 5)):
                yield self._sent({"user": person.account, "device": person.device}, event="App Opened")
        if person.account and rnd.random() < 0.25:
            yield from self._on_the_store_tablet()
        for _ in range(rnd.choice((0, 0, 1, 2, 4))):
            # The family's letters are read by whose address it is, as a rule.
            address = person.family if person.family and rnd.random() < 0.1 else person.email
            yield self._sent({"email": address}, event="Email Clicked")
        if person.card and rnd.random() < 0.6:
            yield self._sent({"card": person.card}, day=rnd.randrange(DAYS), written=self._written_down())
        for _ in range(rnd.choice((0, 1, 2, 3))) if person.card or rnd.random() < 0.4 else ():
            yield self._at_the_till()
        if rnd.random() < 0.4:
            yield from self._in_the_crm()

    def _visits(self, browser: str) -> Iterator[Told]:
        person, rnd = self.person, self.rnd
        for visit in range(rnd.choice((1, 1, 2, 3, 5))):
            day = rnd.randrange(DAYS)
            for _ in range(rnd.randrange(1, 3)):
                yield self._sent({"anonymous": browser}, event="Product Viewed", day=day)
            if person.account and (visit == 0 or rnd.random() < 0.4):
                known = {"user": person.account, "anonymous": browser}
                yield self._sent({**known, "email": self._address()}, day=day, written=self._ordering())
                if phone := self._phone(day):
                    yield self._sent({"user": person.account, "phone": phone}, day=day)

    def _on_the_store_tablet(self) -> Iterator[Told]:
        store = self.rnd.randrange(STORES)
        tablet = {"device": f"tablet-{store}", "anonymous": f"tablet-browser-{store}"}
        for _ in range(self.rnd.randrange(1, 3)):
            yield self._sent({"user": self.person.account, **tablet}, event="Loyalty Balance Viewed")

    def _at_the_till(self) -> Told:
        person, rnd = self.person, self.rnd
        day = rnd.randrange(DAYS)
        names: dict[str, str] = {}
        if person.card:
            names["card"] = person.card
        if not person.card or rnd.random() < 0.3:
            names["email"] = f"store{rnd.randrange(STORES)}@harbour.example" if rnd.random() < 0.1 else person.email
        if (not person.card or rnd.random() < 0.2) and (phone := self._phone(day)):
            names["phone"] = phone
        return self._sent(names, event="Order Completed", day=day)

    def _in_the_crm(self) -> Iterator[Told]:
        person, rnd = self.person, self.rnd
        day = rnd.randrange(DAYS)
        record = {"crm": f"{person.number * 7 + 100_003}"}
        chance = rnd.random()
        contact: dict[str, str] = {}
        if chance < 0.55:
            contact["email"] = person.email
        elif chance < 0.7:
            contact["email"] = self._mistyped(person.email)
        if rnd.random() < 0.5 and (phone := self._phone(day)):
            contact["phone"] = phone if rnd.random() < 0.9 else CALL_CENTRE
        yield self._sent({**record, **contact}, day=day, written=self._written_down())
        for _ in range(rnd.randrange(0, 3)):
            yield self._sent(record, event="Call Logged")

    def _ordering(self) -> dict[str, Any]:
        """His name; where the parcel goes, if he orders; the birthday, if he wants the voucher. He knows how it is written."""
        person, rnd = self.person, self.rnd
        form: dict[str, Any] = {"first_name": person.first, "last_name": person.last}
        if rnd.random() < 0.6:
            form["address"] = person.address
            if self.tells_birthday:
                form["birth_date"] = person.born
        return form

    def _written_down(self) -> dict[str, Any]:
        """Name, birth date and address as a cashier (who asks for the card) or the call centre takes them down."""
        person, rnd = self.person, self.rnd
        first = self._letter_lost(person.first) if rnd.random() < 0.2 else person.first
        last = self._letter_lost(person.last) if rnd.random() < 0.05 else person.last
        street = self._letter_lost(person.address["street"]) if rnd.random() < 0.1 else person.address["street"]
        born = person.born
        if rnd.random() < 0.05:
            born = f"{born[:3]}{9 - int(born[3])}{born[4:]}"
        return {
            "first_name": first, "last_name": last, "birth_date": born, "address": {**person.address, "street": street}
        }  # fmt: skip

    def _address(self) -> str:
        """What he types into a form: his own, or the one that his family has."""
        return self.person.family if self.person.family and self.rnd.random() < 0.3 else self.person.email

    def _phone(self, day: int) -> str:
        person = self.person
        return person.phone if person.phone_from <= day < person.phone_until and self.rnd.random() < 0.6 else ""

    def _mistyped(self, text: str) -> str:
        place = self.rnd.randrange(1, text.index("@") - 1)
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]

    def _sent(
        self,
        names: dict[str, str],
        *,
        event: str = "",
        day: int | None = None,
        written: Mapping[str, Any] | None = None,
    ) -> Told:
        """A message with these identifiers, and what is `written` on a form, as somebody might send it; an identify where
        no event is named."""
        person, rnd = self.person, self.rnd
        moment = START + timedelta(days=rnd.randrange(DAYS) if day is None else day, seconds=rnd.randrange(86_400))
        self.count += 1
        id = f"{person.number}-{self.count}"
        traits: dict[str, Any] = {}
        sent: dict[str, Any] = {"messageId": id, "timestamp": moment.isoformat(), "context": {"traits": traits}}
        if "user" in names:
            sent["userId"] = names["user"]
        elif rnd.random() < 0.03:
            sent["userId"] = rnd.choice(_FILLERS)
        if "anonymous" in names:
            sent["anonymousId"] = names["anonymous"]
        if "email" in names:
            traits["email"] = self._as_typed(names["email"])
        elif rnd.random() < 0.02:
            traits["email"] = "test@test.com"
        if "phone" in names:
            traits["phone"] = self._as_dialled(names["phone"])
        elif rnd.random() < 0.02:
            traits["phone"] = rnd.choice(("000000000", "123456789"))
        if "card" in names:
            traits["loyalty_card"] = (
                names["card"] if rnd.random() < 0.7 else f"{names['card'][:2].lower()} {names['card'][2:]}"
            )
        if "device" in names:
            sent["context"]["device"] = {"id": names["device"]}
        if "crm" in names:
            sent["context"]["externalIds"] = [{"type": "crm", "id": names["crm"]}]
        traits |= written or {}
        found = tuple(sorted(names.items()))
        return Told(
            id,
            person.number,
            found,
            {**sent, "type": "track", "event": event} if event else {**sent, "type": "identify"},
        )

    def _as_typed(self, address: str) -> str:
        return self.rnd.choice((address, address, address.upper(), address.capitalize(), f"  {address} "))

    def _as_dialled(self, number: str) -> str:
        local = number.removeprefix("+34")
        return self.rnd.choice(
            (
                number,
                f"0034{local}",
                local,
                f"{local[:3]} {local[3:5]} {local[5:7]} {local[7:]}",
                f"(+34) {local[:3]}-{local[3:]}",
            )
        )

    def _letter_lost(self, text: str) -> str:
        place = self.rnd.randrange(1, len(text) - 1)
        return text[:place] + text[place + 1 :]
