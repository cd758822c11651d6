"""Why somebody is one person, in data and in words: whatever joins or doesn't, with its reason, in few statements."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cdp_site.roles import ADMIN, AGENT, MARKETER
from connectors.models import Source
from profiles import graph, hand, identity
from profiles.explain import MOST_OF_WEAK, Explained, explain
from profiles.history import history
from profiles.identifiers import ANONYMOUS, EMAIL, PHONE, USER
from profiles.models import Act, Cut, Identifier, Merge
from tests.everybody import people
from tests.factories import SourceFactory, account
from tests.profiles.test_hand import ANA, BEN, WRONG, bought, called, meet, send_and_drain
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Source:
    return SourceFactory(name="Shop")


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(account(role, name=f"the {role}"), backend="django.contrib.auth.backends.ModelBackend")
    return client


def explained(kind: int, value: str) -> Explained:
    return explain(person(kind, value).pk, identity.load_kinds())


def test_each_link_has_its_message_its_source_and_its_times(shop: Source) -> None:
    send_and_drain(shop, *ANA)
    tie = explained(USER, "u1").ties[0]
    assert tie.pair == ((USER, "u1"), (EMAIL, "ana@example.com"))
    assert (tie.source_id, tie.first, tie.stated) == (shop.pk, datetime(2026, 3, 1, 9, tzinfo=UTC), False)
    assert tie.event is not None and tie.event[0] == person(USER, "u1").pk
    assert tie.last == datetime(2026, 3, 1, tzinfo=UTC)


def words(found: Explained) -> str:
    return " | ".join(tie.why for tie in found.refused)


def family(shop: Source, *more: dict[str, Any]) -> tuple[int, int]:
    """Marta and Luis, who both give one address; their ids."""
    home = {"traits": {"email": "home@example.com"}}
    send_and_drain(shop, called("Marta", 1, userId="u1", **home), called("Luis", 2, userId="u2", **home), *more)
    return person(USER, "u1").pk, person(USER, "u2").pk


def test_a_familys_address_is_disputed_and_each_page_says_who_claims_it(shop: Source) -> None:
    marta, luis = family(shop)
    found = explained(USER, "u2")
    assert words(found) == (
        "This person and Marta claim this e-mail at the same time and are different accounts, so it is disputed: it is"
        " neither’s and says nothing about who somebody is. That ends when an account is said to be the other’s (an alias),"
        " or when somebody says whose it is."
    )
    assert [(tie.claimants, tie.is_claim, tie.of) for tie in found.refused] == [((marta,), True, luis)]
    assert "This person and Luis claim" in words(explained(USER, "u1"))


def test_what_is_disputed_stands_on_both_pages_as_nobodys_and_on_its_own(shop: Source) -> None:
    letter = {
        "type": "track",
        "event": "Letter Opened",
        "messageId": "letter",
        "properties": {"email": "home@example.com"},
    }
    marta, luis = family(shop, letter)
    agent = signed_in(AGENT)
    for id in (marta, luis):
        assert "so nobody’s for now" in agent.get(f"/people/{id}/").content.decode()
    found = agent.get("/people/?q=home@example.com").content.decode()
    assert "Marta" in found and "Luis" in found, "whoever gave an address is found by it"
    reader = person(EMAIL, "home@example.com").pk
    assert reader not in (marta, luis)
    own = agent.get(f"/people/{reader}/").content.decode()
    assert '<span class="badge warn">disputed</span>' in own and "Nobody’s page in particular" in own
    page = agent.get(f"/people/{reader}/identity/").content.decode()
    assert "Luis and Marta claim this e-mail at the same time" in page and "/identity/settle/" not in page


@pytest.mark.parametrize(("act", "whose"), [("join", "u2"), ("apart", "u1")])
def test_an_agent_settles_whose_it_is_and_may_take_it_back(shop: Source, act: str, whose: str) -> None:
    _, luis = family(shop)
    agent = signed_in(AGENT)
    key = explained(USER, "u2").refused[0].key
    settle = f"/people/{luis}/identity/settle/{key}/"
    assert "Nothing has happened yet" in agent.get(f"{settle}?act={act}").content.decode()
    assert disputed() and "Say why" in agent.post(settle, {"act": act, "reason": ""}).content.decode()
    agent.post(settle, {"act": act, "reason": "he called"})
    assert person(EMAIL, "home@example.com") == person(USER, whose) and not disputed()
    assert person(USER, "u1") != person(USER, "u2")
    kept = Act.objects.get()
    assert kept.by == "the Support agent"
    agent.post(f"/people/{luis}/identity/take-back/{kept.pk}/", {"reason": "it was she"})
    assert disputed()


def disputed() -> bool:
    return Identifier.objects.get(kind_id=EMAIL).disputed


def test_a_fingerprint_that_two_browsers_have_is_said_to_suggest_at_most(shop: Source) -> None:
    alike = {"context": {"fingerprint": "chrome-on-linux"}}
    send_and_drain(shop, called("Marta", 1, userId="u1", **alike), called("Luis", 2, userId="u2", **alike))
    assert (
        words(explained(USER, "u1"))
        == words(explained(USER, "u2"))
        == ("This kind of identifier (browser fingerprint) may suggest that two are one, and never joins by itself.")
    )


def test_a_number_given_anew_is_with_its_new_owner(shop: Source) -> None:
    old = called("Old", 1, userId="u1", traits={"phone": "600111222"}) | {"timestamp": "2024-02-01T09:00:00Z"}
    send_and_drain(shop, old, called("New", 1, userId="u2", traits={"phone": "600111222"}))
    assert "last said of this person in Feb 2024, and of New until Mar 2026" in words(explained(USER, "u1"))
    assert "After 365 days the newer claim holds." in words(explained(USER, "u1"))


def test_a_shared_device_says_with_how_many_it_was_seen(shop: Source) -> None:
    for number in range(6):
        who = {"context": {"device": {"id": "till"}, "traits": {"email": f"{number}@example.com"}}}
        send(shop, bought(f"o{number}", 1 + number, **who))
    resolve_all()
    assert words(explained(EMAIL, "2@example.com")) == (
        "This device is shared: it was seen with 6 e-mail addresses, and more than 4 can't be one person's."
        " It says nothing about anybody."
    )


def test_a_cut_says_who_cut_and_why(shop: Source) -> None:
    meet(shop)
    hand.undo(person(USER, "u1").pk, Merge.objects.get().id, "ines", "Ben's computer")
    assert "ines cut this link on" in words(explained(USER, "u1"))
    assert "“Ben's computer”" in words(explained(USER, "u1"))
    steps = history(person(EMAIL, "ben@example.com").pk, identity.load_kinds()).steps
    assert [(step.kind, step.act and step.act.by, step.who and step.who[1]) for step in steps] == [
        ("act", "ines", "Ana")
    ]


def test_the_history_has_merges_in_order_with_their_causes(shop: Source) -> None:
    meet(shop)
    (step,) = history(person(USER, "u1").pk, identity.load_kinds()).steps
    assert (step.kind, step.cause, step.source_id, step.open) == ("merge", ("Anonymous id", "ben-home"), shop.pk, True)
    assert step.event is not None
    assert step.brought[0] == ("E-mail", "ben@example.com")


def test_somebody_with_a_thousand_browsers_is_a_short_page_of_few_statements(shop: Source) -> None:
    many: list[dict[str, Any]] = [
        {"type": "page", "userId": "u1", "anonymousId": f"browser-{number:04}", "messageId": f"m{number}"}
        for number in range(999)
    ]
    send_and_drain(shop, *ANA, *many)
    id = person(USER, "u1").pk
    found = explain(id, identity.load_kinds())
    assert found.more == [("Anonymous id", 1000 - MOST_OF_WEAK)]
    assert len(found.nodes) == 2 + MOST_OF_WEAK and len(graph.draw(found, id).boxes) == len(found.nodes)
    client = signed_in(AGENT)
    client.get("/people/")
    with CaptureQueriesContext(connection) as asked:
        page = client.get(f"/people/{id}/identity/").content.decode()
    assert len(asked) < 30 and len(page) < 60_000
    assert "994 more of the kind" in page


def test_an_agent_sees_what_would_happen_then_parts_two_and_takes_it_back(shop: Source) -> None:
    meet(shop)
    id = person(USER, "u1").pk
    agent = signed_in(AGENT)
    undo = f"/people/{id}/identity/undo/{Merge.objects.get().id}/"
    page = agent.get(undo).content.decode()
    assert "It would be 2 people" in page and "gets a page of their own" in page
    assert len(people()) == 1, "looking changes nothing"
    assert "Say why" in agent.post(undo, {"reason": "  "}).content.decode() and len(people()) == 1
    answer = agent.post(undo, {"reason": "Ben's computer"}, follow=True)
    assert len(people()) == 2 and "Ben&#x27;s computer" in answer.content.decode()
    act = Act.objects.get()
    assert act.by == "the Support agent"
    agent.post(f"/people/{id}/identity/take-back/{act.pk}/", {"reason": "hers"})
    assert len(people()) == 1 and not Cut.objects.exists()


def test_two_are_joined_after_both_were_seen_side_by_side(shop: Source) -> None:
    send_and_drain(shop, *ANA, *BEN)
    ana, ben = person(USER, "u1").pk, person(EMAIL, "ben@example.com").pk
    agent = signed_in(AGENT)
    found = agent.get(f"/people/{ana}/identity/join/?q=ben").content.decode()
    assert f"?with={ben}" in found and f"?with={ana}" not in found
    page = agent.get(f"/people/{ana}/identity/join/?with={ben}").content.decode()
    assert "It would be one person" in page and "Vic" in page and "Bern" in page
    agent.post(f"/people/{ana}/identity/join/", {"with": ben, "reason": "his wife's account"})
    assert person(USER, "u1") == person(EMAIL, "ben@example.com")


@pytest.mark.parametrize("role", [MARKETER, ""])
def test_who_may_not_decide_changes_nothing_and_is_offered_nothing(shop: Source, role: str) -> None:
    meet(shop)
    id = person(USER, "u1").pk
    client = signed_in(role)
    tie = explained(USER, "u1").ties[0]
    for path in (f"cut/{tie.key}/", f"settle/{tie.key}/", f"undo/{Merge.objects.get().id}/", "join/", "take-back/1/"):
        assert client.post(f"/people/{id}/identity/{path}", {"reason": "x", "with": "1"}).status_code == 403
    page = client.get(f"/people/{id}/identity/")
    assert page.status_code == (200 if role else 403)
    assert "/identity/undo/" not in page.content.decode() and "/identity/cut/" not in page.content.decode()
    assert not Act.objects.exists() and len(people()) == 1


def test_odd_requests_are_answered_in_words(shop: Source) -> None:
    send_and_drain(shop, *ANA, *BEN)
    ana = person(USER, "u1").pk
    agent = signed_in(AGENT)
    for path in ("cut/nothing/", "settle/nothing/", "undo/12/", f"undo/{2**63 - 1}/"):
        answer = agent.post(f"/people/{ana}/identity/{path}", {"reason": "odd"}, follow=True)
        assert answer.status_code == 200 and 'class="note error bad"' in answer.content.decode(), path
    for path in ("", "cut/x/", "join/", f"join/?with={ana}"):
        assert agent.get(f"/people/{2**63 - 1}/identity/{path}").status_code in (302, 404)
    assert agent.get(f"/people/{ana}/identity/join/?with={ana}").status_code == 200
    assert agent.get(f"/people/{ana}/identity/take-back/99/").status_code == 404
    done = hand.join((USER, "u1"), (EMAIL, "ben@example.com"), "ines", "one")
    send_and_drain(shop, bought("x", 9, anonymousId="else"))
    other = person(ANONYMOUS, "else").pk
    assert agent.get(f"/people/{other}/identity/take-back/{done.act_id}/").status_code == 404


def test_admins_read_what_was_done_by_hand_and_change_none_of_it(shop: Source) -> None:
    meet(shop)
    done = hand.undo(person(USER, "u1").pk, Merge.objects.get().id, "ines", "Ben's computer")
    admin = account(ADMIN, name="root")
    admin.is_staff = admin.is_superuser = True
    admin.save()
    client = Client()
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    assert "Ben&#x27;s computer" in client.get("/admin/profiles/act/").content.decode()
    page = f"/admin/profiles/act/{done.act_id}/change/"
    assert 'name="_save"' not in client.get(page).content.decode()
    assert client.post(page, {"reason": "else"}).status_code == 403
    assert client.post(f"/admin/profiles/act/{done.act_id}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/profiles/act/add/").status_code == 403


def test_a_message_opens_as_a_page_of_its_own(shop: Source) -> None:
    send_and_drain(shop, *ANA, WRONG)
    tie = explained(USER, "u1").ties[0]
    assert tie.event is not None
    page = signed_in(AGENT).get(f"/people/{tie.event[0]}/events/{tie.event[1]}/").content.decode()
    assert "<!doctype html>" in page and "Identified" in page


def settled(shop: Source, act: str) -> tuple[Client, int, Act]:
    """Luis' page after an agent, Aiden Okafor, has said whether the family's address is his."""
    _, luis = family(shop)
    agent = signed_in(AGENT)
    User.objects.filter(username="the Support agent").update(first_name="Aiden", last_name="Okafor")
    key = explained(USER, "u2").refused[0].key
    agent.post(f"/people/{luis}/identity/settle/{key}/", {"act": act, "reason": "he called"})
    return agent, luis, Act.objects.get()


@pytest.mark.parametrize(
    ("act", "history_says", "elsewhere"),
    [
        ("join", "said that E-mail home@example.com is this person’s", "said that E-mail home@example.com is Luis’s"),
        ("apart", *["said that User id u2 and E-mail home@example.com are not the same person’s"] * 2),
    ],
)
def test_the_history_says_what_was_said_and_by_whom_by_full_name(
    shop: Source, act: str, history_says: str, elsewhere: str
) -> None:
    agent, luis, done = settled(shop, act)
    page = agent.get(f"/people/{luis}/identity/").content.decode()
    assert f"<strong>Aiden Okafor</strong> {history_says}" in page and "the Support agent" not in said_on(page)
    back = f"/people/{luis}/identity/take-back/{done.pk}/"
    form = agent.get(back).content.decode()
    assert f"<h1>Take back that Aiden Okafor {elsewhere}?</h1>" in form
    assert "can be taken back" not in form and "can’t be taken back" in form
    agent.post(back, {"reason": "it was she"})
    page = agent.get(f"/people/{luis}/identity/").content.decode()
    assert f"<strong>Aiden Okafor</strong> took back that Aiden Okafor {history_says}" in page


def said_on(page: str) -> str:
    return page[page.index('id="main"') :]


def test_where_letters_to_the_address_had_a_page_it_is_still_said_whose_it_is(shop: Source) -> None:
    letter = {
        "type": "track",
        "event": "Letter Opened",
        "messageId": "letter",
        "properties": {"email": "home@example.com"},
    }
    family(shop, letter)
    hand.join((USER, "u2"), (EMAIL, "home@example.com"), "ines", "his")
    (step,) = [step for step in history(person(USER, "u2").pk, identity.load_kinds()).steps if step.act]
    assert step.did == "said that E-mail home@example.com is this person’s"


def test_a_cut_elsewhere_that_holds_two_apart_says_between_what_it_is(shop: Source) -> None:
    both = {"traits": {"email": "ana@example.com", "phone": "600111222"}}
    send_and_drain(shop, called("Ana", 1, userId="u1", **both), called("Ana", 2, anonymousId="a1", **both))
    hand.cut((USER, "u1"), (PHONE, "+34600111222"), "ines", "not hers")
    said = words(explained(USER, "u1"))
    assert "ines cut this link on" in said and "two people apart" not in said
    assert "ines cut user id u1 and phone +34600111222 apart on" in said


def test_what_is_parted_already_is_not_offered_to_be_parted_once_more(shop: Source) -> None:
    """Ben is the older one, so his page survived; when they part it stays with Ana, whose user id is the stronger."""
    send_and_drain(shop, *BEN)
    send_and_drain(shop, *ANA)
    send_and_drain(shop, WRONG | {"anonymousId": "ben-home"})
    id = person(USER, "u1").pk
    agent = signed_in(AGENT)
    undo = f"/people/{id}/identity/undo/{Merge.objects.get().id}/"
    assert undo in agent.get(f"/people/{id}/identity/").content.decode()
    assert "<h1>Undo this merge?</h1>" in agent.get(undo).content.decode()
    agent.post(undo, {"reason": "Ben's computer"})
    for one in (person(USER, "u1").pk, person(EMAIL, "ben@example.com").pk):
        page = agent.get(f"/people/{one}/identity/").content.decode()
        assert "/identity/undo/" not in page and "Take back" in page


@pytest.mark.parametrize("on", ["the one that stays", "the one that goes"])
def test_a_second_tab_that_joins_what_is_joined_is_told_so(shop: Source, on: str) -> None:
    send_and_drain(shop, *ANA)
    send_and_drain(shop, *BEN)
    ids = person(USER, "u1").pk, person(EMAIL, "ben@example.com").pk
    here, other = ids if on == "the one that stays" else ids[::-1]
    agent = signed_in(AGENT)
    join = f"/people/{here}/identity/join/"
    form = agent.get(f"{join}?with={other}").content.decode()
    assert "<h1>Join these two?</h1>" in form and "can be taken back" in form
    agent.post(join, {"with": other, "reason": "married name"})
    answer = agent.post(join, {"with": other, "reason": "married name"}, follow=True)
    assert "These two are one person by now" in answer.content.decode() and answer.status_code == 200
    assert "Why is this one person?" in answer.content.decode() and Act.objects.count() == 1


def test_a_second_tab_whose_two_are_with_others_by_now_shows_them_as_they_are(shop: Source) -> None:
    send_and_drain(shop, *ANA)
    send_and_drain(shop, *BEN)
    send_and_drain(shop, called("Cleo", 6, userId="u3", traits={"email": "cleo@example.com"}))
    ana, ben, cleo = person(USER, "u1").pk, person(EMAIL, "ben@example.com").pk, person(USER, "u3").pk
    agent = signed_in(AGENT)
    hand.join((USER, "u1"), (EMAIL, "ben@example.com"), "ines", "one")
    answer = agent.post(f"/people/{cleo}/identity/join/", {"with": ben, "reason": "sisters"}, follow=True)
    assert answer.redirect_chain == [(f"/people/{cleo}/identity/join/?with={ana}", 302)]
    assert "has become part of somebody else" in answer.content.decode() and Act.objects.count() == 1
