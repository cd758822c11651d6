"""A small made-up company for the matcher: customers of the shop, some of whom the CRM knows under a mistyped address."""

import random
import re
from typing import Any

from connectors.models import Source
from tests.stream import resolve_all, send

FIRST = (
    "Ana Bruno Carla Diego Elena Fermin Gloria Hugo Irene Jaime Kira Lucas Marta Nuria Oscar Paula Quique Rosa Sergio Tania"
    " Ulises Vera Walter Ximena Yago Zoe"
).split()
LAST = (
    "Ferrer Alonso Benitez Castro Dominguez Echevarria Fuentes Gallardo Herrero Ibarra Jimenez Kowalski Lozano Moreno Navarro"
    " Ortega Pascual Quintana Rivas Salinas Toledo Urbano Valverde Zamora Aguirre Barrios Cordero Delgado Esteban Figueroa"
).split()
STREETS = "Mayor Nueva Real Ancha Serrano Goya Colon Alameda Libertad Prado".split()
CITIES = "Madrid Valencia Sevilla Bilbao Malaga Murcia Vigo Granada".split()


def mistyped(text: str, rnd: random.Random) -> str:
    """One letter lost, doubled, or two changed places."""
    while True:
        place = rnd.randrange(1, max(2, len(text) - 2))
        lost, doubled = text[:place] + text[place + 1 :], text[:place] + text[place] + text[place:]
        changed = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        found = rnd.choice((lost, doubled, changed))
        if found != text:
            return found


def customers(number: int, seed: int = 3) -> list[dict[str, Any]]:
    """Traits of people who are all different."""
    rnd = random.Random(seed)
    found = []
    for place in range(number):
        first, last, city = rnd.choice(FIRST), rnd.choice(LAST), rnd.randrange(len(CITIES))
        local = f"{first}{rnd.choice('.-_')}{last}{rnd.randrange(1000)}.{place}".lower()
        address = {
            "street": f"Calle {rnd.choice(STREETS)} {rnd.randrange(1, 90)}",
            "city": CITIES[city],
            "postalCode": f"{28000 + city * 1000 + rnd.randrange(40)}",
        }
        traits = {
            "firstName": first,
            "lastName": last,
            "email": f"{local}@example.com",
            "phone": f"+346{rnd.randrange(10**8):08}",
            "birthday": f"{rnd.randrange(1950, 2005)}-{rnd.randrange(1, 13):02}-{rnd.randrange(1, 29):02}",
            "address": address,
        }
        found.append(traits)
    return found


def in_crm(traits: dict[str, Any], rnd: random.Random) -> dict[str, Any]:
    """The same person as the CRM has it: no phone, the address and one of the names mistyped."""
    word = re.match(r"[a-z]+.[a-z]+", traits["email"])
    assert word
    name = rnd.choice(("firstName", "lastName"))
    kept = {key: value for key, value in traits.items() if key != "phone"}
    return kept | {
        "email": mistyped(word.group(), rnd) + traits["email"][word.end() :],
        name: mistyped(traits[name], rnd),
    }


def company(shop: Source, crm: Source, number: int = 200, doubles: int = 40, seed: int = 3) -> None:
    """Customers u0, u1, … of the shop; the first `doubles` of them also as the CRM's contacts c0, c1, …."""
    rnd = random.Random(seed)
    everybody = customers(number, seed)
    send(shop, *({"type": "identify", "userId": f"u{place}", "traits": one} for place, one in enumerate(everybody)))
    send(crm, *(contact(place, in_crm(one, rnd)) for place, one in enumerate(everybody[:doubles])))
    resolve_all()


def contact(number: int, traits: dict[str, Any]) -> dict[str, Any]:
    return {"type": "identify", "context": {"externalIds": [{"type": "crm", "id": f"c{number}"}]}, "traits": traits}
