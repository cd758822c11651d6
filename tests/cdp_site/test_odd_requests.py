"""Whatever stands in an address or a form, nothing is a fault of ours: no answer is a 5xx, whoever asks."""

import os

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from cdp_site.roles import ADMIN, AGENT, MARKETER
from tests.factories import AudienceFactory, ProfileFactory, SegmentFactory, SourceFactory, account

pytestmark = pytest.mark.django_db

# The suite asks each address a third of the texts; `WHOLE=1` all of them.
EVERY = 1 if os.environ.get("WHOLE") else 3
NUMBERS = ["0", "1", "9223372036854775807", "9223372036854775808", "9" * 30]
TEXTS = [
    "",
    "²",
    "①",
    "-1",
    "1e9",
    "\0",
    "%",
    "'",
    '"><script>',
    "\ud7ff",
    "x" * 10_000,
    "9" * 30,
    "٣",
    "%00",
    "a,b",
    ",",
    "9" * 5_000,
    f"2026-01-01T00:00:00+00:00,{'9' * 30}",
    f"2026-01-01T00:00:00+00:00,-{'9' * 30}",
    "0001-01-01T00:00:00+14:00,1",
    "9999-12-31T23:59:59-14:00,1",
]
# Every name that a view reads from the query or a form.
NAMES = [
    "q",
    "after",
    "before",
    "source",
    "name",
    "show",
    "id",
    "from",
    "act",
    "next",
    "kind",
    "ruling",
    "value",
    "page",
    "only",
    "r.0:times",
    "r:add",
    "r:items",
    "shown",
    "description",
    "history",
    "rule",
    "place_1",
    "with",
    "reason",
    "status",
    "sort",
    "column",
    "days",
    "number",
]
OURS = ("", "people/", "segments/", "connectors/", "admin/connectors/", "admin/profiles/")


def addresses() -> list[str]:
    """Each address of the product, with odd numbers where it has one; the admin's of our own models."""
    found: list[str] = []

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> None:
        for one in patterns:
            route = before + str(one.pattern).lstrip("^").rstrip("$")
            if isinstance(one, URLResolver):
                walk(one.url_patterns, route)
            elif not (before.startswith("admin/") and not before.startswith(OURS[4:])):
                found.append(route)

    walk(get_resolver().url_patterns, "")
    numbered = []
    for route in found:
        if "(?P" in route or "\\" in route:
            continue
        parts = [part.split(">") for part in route.split("<")]
        for number in NUMBERS if len(parts) > 1 else [""]:
            numbered.append("/" + parts[0][0] + "".join(number + part[1] for part in parts[1:]))
    return sorted({*numbered} - {"/sign-out/", "/readyz"})  # which ends the session, and says 503 while no worker runs


@pytest.fixture
def world() -> None:
    SegmentFactory(id=1)
    SourceFactory(id=1)
    AudienceFactory(id=1)
    ProfileFactory(id=1)


def client_of(role: str) -> Client:
    client = Client(raise_request_exception=False)
    somebody = account(role, name=f"odd {role}")
    somebody.is_staff = somebody.is_superuser = role == ADMIN
    somebody.save()
    client.force_login(somebody)
    return client


@pytest.mark.parametrize("role", [ADMIN, MARKETER, AGENT, ""])
def test_every_address_answers_with_odd_numbers(world: None, role: str) -> None:
    client = client_of(role)
    found = addresses()
    assert len(found) > 60
    for address in found:
        if "sign-out" not in address:
            answers = [client.get(address), client.post(address)]
            if role == ADMIN or EVERY == 1:  # an admin sees every page
                answers.append(client.get(address, headers={"HX-Request": "true"}))
            for answer in answers:
                assert answer.status_code < 500, (address, answer.status_code)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_every_page_answers_odd_texts(world: None, text: str) -> None:
    client = client_of(ADMIN)
    asked = dict.fromkeys(NAMES, text)
    for place, address in enumerate(addresses()):
        if (place + TEXTS.index(text)) % EVERY == 0 and not any(number in address for number in NUMBERS[2:]):
            assert client.get(address, asked).status_code < 500, address
            assert client.post(address, asked).status_code < 500, address


@pytest.mark.parametrize("page", ["/people/?q=ana", "/segments/1/"])
def test_a_page_whose_session_has_ended_goes_to_sign_in_and_back(client: Client, page: str) -> None:
    asks = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}"}
    answer = client.get("/home/live/", headers=asks)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["HX-Redirect"] == "/sign-in/?next=" + page.replace("/", "%2F").replace("?", "%3F").replace("=", "%3D")


def test_going_back_to_a_page_that_was_reached_by_a_fragment_gives_the_whole_page(admin_client: Client) -> None:
    asked = {"HX-Request": "true", "HX-Current-URL": "http://testserver/people/?q=ana"}
    for page in ("/people/?q=ana", "/people/matches/", "/connectors/stream/"):
        assert "<main" not in admin_client.get(page, headers=asked).content.decode()
        again = admin_client.get(page, headers={**asked, "HX-History-Restore-Request": "true"})
        assert "<main" in again.content.decode()


def test_a_form_of_before_signing_in_anew_says_so_and_is_no_missing_role() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/sign-in/", {"username": "ana", "password": "x"})
    assert (answer.status_code, answer["X-Stale-Form"]) == (403, "1")
    assert "This page is too old" in answer.content.decode()
