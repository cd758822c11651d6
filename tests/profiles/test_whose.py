"""The e-mail and phone at the top of a person's page: whatever isn't theirs any more says whose it is."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cdp_site.roles import AGENT
from connectors.models import Source
from profiles import search
from profiles.identifiers import ANONYMOUS, PHONE, USER
from profiles.summary import summarise
from tests.factories import SourceFactory, account
from tests.profiles.test_hand import called, send_and_drain
from tests.stream import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Source:
    return SourceFactory(name="Shop")


@pytest.fixture
def agent() -> Client:
    client = Client()
    client.force_login(account(AGENT), backend="django.contrib.auth.backends.ModelBackend")
    return client


def given_anew(shop: Source, old: str, new: str) -> tuple[int, int]:
    """Vera Before had a number that is Nico After's now; as each said it. Their ids."""
    vera: dict[str, Any] = called("Vera Before", 1, userId="u1", traits={"phone": old, "email": "vera@example.com"})
    send_and_drain(shop, vera | {"timestamp": "2024-02-01T09:00:00Z"})
    send_and_drain(shop, called("Nico After", 1, userId="u2", traits={"phone": new}))
    assert person(PHONE, "+34622333444") == person(USER, "u2")
    return person(USER, "u1").pk, person(USER, "u2").pk


@pytest.mark.parametrize("said", ["+34622333444", "622 333 444", "0034622333444"])
def test_a_number_given_anew_says_on_its_former_owners_page_whose_it_is(shop: Source, agent: Client, said: str) -> None:
    vera, nico = given_anew(shop, said, "+34622333444")
    page = agent.get(f"/people/{vera}/").content.decode()
    head, identity = page[: page.index('<div class="person">')], page[page.index('id="identity-head"') :]
    for part in (head, identity):
        assert "now Nico After’s" in part and f'href="/people/{nico}/"' in part
    assert "now " not in agent.get(f"/people/{nico}/").content.decode().split('<div class="person">')[0]


@pytest.mark.parametrize("address", ["/people/", "/people/?q=vera", "/people/?q=622333444"])
def test_lists_mark_what_is_not_that_persons_any_more(shop: Source, agent: Client, address: str) -> None:
    given_anew(shop, "+34622333444", "+34622333444")
    page = agent.get(address).content.decode()
    rows = re.split(r"<tr>|<a href", page)
    marked = [row for row in rows if "now Nico After’s" in row]
    assert len(marked) == 1 and "Vera Before</a>" in re.sub("</?mark>", "", marked[0])


def test_a_page_of_the_list_costs_three_look_ups_more_however_many_rows(shop: Source, agent: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as found:
            search.recent()
        return len(found)

    given_anew(shop, "+34622333444", "+34622333444")
    few = asked()
    for number in range(3, 9):
        traits = {"phone": "+34622333444" if number % 2 else f"+3460011122{number}", "email": f"{number}@example.com"}
        send_and_drain(shop, called(f"Person {number}", number, userId=f"u{number}", traits=traits))
    assert asked() <= few and few <= 4


def test_somebody_with_nothing_but_a_disputed_address_is_not_headed_with_it_and_it_says_so(
    shop: Source, agent: Client
) -> None:
    home = {"traits": {"email": "home@example.com"}}
    send_and_drain(shop, called("Marta", 1, userId="u1", **home), called("Luis", 2, userId="u2", **home))
    letter = {"type": "identify", "anonymousId": "a1", "messageId": "m1", "traits": {"email": "home@example.com"}}
    send_and_drain(shop, letter)
    visitor = person(ANONYMOUS, "a1")
    page = agent.get(f"/people/{visitor.pk}/").content.decode()
    assert f"<h1>Visitor {str(visitor.pk)[-6:]}</h1>" in page
    head = page[: page.index('<div class="person">')]
    assert "home@example.com" in head and '<span class="badge warn">disputed</span>' in head
    assert '<span class="badge warn">disputed</span>' in page[page.index('id="identity-head"') :]


def test_what_is_the_persons_own_is_not_marked(shop: Source) -> None:
    send_and_drain(shop, called("Ana", 1, userId="u1", traits={"email": "Ana@Example.com", "phone": "600 11 22 33"}))
    assert summarise(person(USER, "u1")).astray == {}
    assert [(one.email_is, one.phone_is) for one in search.recent().people] == [("", "")]


def test_a_name_is_shown_without_what_turns_the_text_around_and_not_without_end(shop: Source, agent: Client) -> None:
    turned = "Eva \u202egnp.exe\u202c \u2066Ruiz\u2069"
    send_and_drain(shop, called(turned, 1, userId="u1", traits={"nick": "\u202enick"}))
    send_and_drain(shop, called("W" * 2_000, 2, userId="u2") | {"messageId": "w"})
    eva = person(USER, "u1")
    assert eva.name == "Eva gnp.exe Ruiz" and eva.traits["name"] == turned
    assert len(person(USER, "u2").name) == 120
    for address in ("/people/", "/people/?q=ruiz", f"/people/{eva.pk}/", f"/people/{eva.pk}/identity/"):
        page = agent.get(address).content.decode()
        assert "Eva" in page and not {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"} & {*page}, address


def test_an_agent_is_told_whom_to_ask_for_a_source(agent: Client) -> None:
    page = agent.get("/people/").content.decode()
    assert "Nobody yet" in page and "Ask an admin" in page and "/connectors/" not in page
