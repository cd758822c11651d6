"""The review queue and its decisions: what is shown, what joining and keeping apart do, and that both can be taken back."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from cdp_site import sql, stages
from cdp_site.roles import ADMIN, AGENT, MARKETER
from connectors.models import Source
from profiles import foresee, hand, identity, plans
from profiles.identifiers import EMAIL, EXTERNAL, USER
from profiles.matching import decide, evidence, review
from profiles.models import Act, ChangedProfile, Cut, Link, MatchRun, MatchSettings, Profile, Suggestion
from tests.factories import SourceFactory, account
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db

EVIDENCE = {
    "first": ["letter", 4.1], "last": ["same", 7.9], "birth": ["unknown", 0.0], "mail": ["letter", 9.3],
    "phone": ["different", -0.9], "city": ["same", 2.0],
}  # fmt: skip


@pytest.fixture
def shop() -> Source:
    return SourceFactory(name="Shop")


def ana(shop: Source, **more: Any) -> Suggestion:
    """Ana of the shop, and Anna whom the CRM has with a mistyped address; they wait for an answer."""
    address = {"city": "Madrid"}
    traits = {"firstName": "Ana", "lastName": "Ferrer", "email": "ana.ferrer@example.com", "phone": "+34600111222"}
    typo = {"firstName": "Anna", "lastName": "Ferrer", "email": "ana.ferer@example.com", "phone": "+34611999888"}
    send(shop, {"type": "identify", "userId": "u1", "traits": traits | {"address": address}})
    contact = {"externalIds": [{"type": "crm", "id": "c1"}]}
    send(shop, {"type": "identify", "context": contact, "traits": typo | {"address": address}, **more})
    send(
        shop, {"type": "track", "event": "Order Completed", "userId": "u1", "properties": {"order_id": "1", "total": 9}}
    )
    resolve_all()
    ids = sorted([person(USER, "u1").pk, person(EMAIL, "ana.ferer@example.com").pk])
    ChangedProfile.objects.all().delete()
    return Suggestion.objects.create(
        profile_id=ids[0], other_id=ids[1], probability=0.97, weight=5.0, sure=True, evidence=EVIDENCE
    )


def sign_in(role: str) -> Client:
    client = Client()
    client.force_login(account(role), backend="django.contrib.auth.backends.ModelBackend")
    return client


def address_of(suggestion: Suggestion) -> str:
    return f"/people/matches/{suggestion.profile_id}/{suggestion.other_id}/"


def answer(client: Client, suggestion: Suggestion, act: str) -> str:
    return client.post(f"{address_of(suggestion)}decide/", {"act": act}, follow=True).content.decode()


def test_joining_makes_one_person_by_a_stated_link_and_tells_the_stages_behind(shop: Source) -> None:
    suggestion = ana(shop)
    decide.join(suggestion, "agent")
    one = person(USER, "u1")
    assert person(EMAIL, "ana.ferer@example.com") == person(EXTERNAL, "crm:c1") == one
    assert one.traits["last_name"] == "Ferrer"
    link = Link.objects.get(stated=True)
    assert {(link.kind_id, link.value), (link.other_kind_id, link.other_value)} == {
        (USER, "u1"),
        (EMAIL, "ana.ferer@example.com"),
    }
    assert set(ChangedProfile.objects.values_list("profile_id", flat=True)) == {
        suggestion.profile_id,
        suggestion.other_id,
    }
    assert review.number_waiting() == 0
    kept = Suggestion.objects.get()
    assert (kept.state, kept.decided_by) == ("joined", "agent")
    assert [one.pk for one in review.of_person([suggestion.other_id])] == [kept.pk]
    call_command("doctor")


def test_a_join_that_is_taken_back_leaves_both_as_they_were(shop: Source) -> None:
    suggestion = ana(shop)
    query = "SELECT array_agg(kind_id || value ORDER BY kind_id, value) FROM identifier GROUP BY profile_id ORDER BY 1"
    before = sql.rows(query)
    traits = list(Profile.objects.order_by("email").values_list("email", "traits", "first_seen"))
    decide.join(suggestion, "agent")
    decide.take_back(Suggestion.objects.get(), "agent")
    assert sql.rows(query) == before
    assert list(Profile.objects.order_by("email").values_list("email", "traits", "first_seen")) == traits
    assert not Link.objects.filter(stated=True).exists()
    assert review.number_waiting() == 1
    call_command("doctor")


def test_a_join_that_was_taken_back_on_the_persons_page_waits_again(shop: Source) -> None:
    decide.join(ana(shop), "agent")
    hand.take_back(Act.objects.get().pk, "omar", "two sisters")
    decide.take_back(Suggestion.objects.get(), "agent")
    assert review.number_waiting() == 1
    assert Act.objects.count() == 2


def test_a_join_that_a_message_confirms_stays_when_it_is_taken_back(shop: Source) -> None:
    decide.join(ana(shop), "agent")
    send(shop, {"type": "identify", "userId": "u1", "traits": {"email": "ana.ferer@example.com"}})
    resolve_all()
    decide.take_back(Suggestion.objects.get(), "agent")
    assert person(USER, "u1") == person(EMAIL, "ana.ferer@example.com")
    assert not Link.objects.filter(stated=True).exists()
    assert not Suggestion.objects.exists()


def test_a_link_of_the_model_that_the_limits_refuse_is_not_kept_to_join_some_other_day(shop: Source) -> None:
    send(shop, {"type": "identify", "userId": "u1", "traits": {"name": "Ana Ferrer", "phone": "+34600111222"}})
    send(shop, {"type": "identify", "traits": {"name": "Ana Ferrer", "email": "ana@example.com"}})
    send(shop, {"type": "identify", "userId": "u2", "traits": {"name": "Ana Ferrer", "phone": "+34600111333"}})
    resolve_all()
    ends = [(USER, "u1"), (EMAIL, "ana@example.com"), (USER, "u2")]
    first, middle, last = (person(*end).pk for end in ends)
    pairs = [
        Suggestion.objects.create(
            profile_id=min(pair), other_id=max(pair), probability=0.999, weight=9.0, sure=True, evidence=EVIDENCE
        )
        for pair in ((first, middle), (middle, last))
    ]

    assert decide.join_by_itself(pairs) == 1

    assert Profile.objects.count() == 2
    assert Link.objects.filter(message_key=None).count() == 1
    assert sorted(Suggestion.objects.values_list("state", "refused")) == [("joined", False), ("open", True)]
    call_command("doctor")


def test_what_the_model_joined_and_a_person_then_stated_is_foreseen_apart_when_both_are_taken_back(
    shop: Source,
) -> None:
    assert decide.join_by_itself([ana(shop)]) == 1
    link = Link.objects.get(message_key=None)
    ends = [(link.kind_id, link.value), (link.other_kind_id, link.other_value)]
    cut = hand.cut(*ends, "ines", "two sisters")
    act = hand.join(*ends, "ines", "one after all").act_id
    kinds = identity.load_kinds()
    foreseen = foresee.foresee(plans.take_back(Act.objects.get(pk=act)), kinds)
    hand.take_back(act, "ines", "two sisters, I have asked")
    assert len({person(*end).pk for end in ends}) == len({side.keeps for side in foreseen}) == 2
    assert Cut.objects.filter(by="ines").exists() and cut.act_id
    call_command("doctor")


def test_whoever_is_kept_apart_is_not_joined_by_later_evidence_either(shop: Source) -> None:
    suggestion = ana(shop)
    decide.keep_apart(suggestion, "agent")
    assert review.number_waiting() == 0
    assert Cut.objects.get().by == "agent"
    # A message that names both: of the two links the cut forbids one.
    send(shop, {"type": "identify", "userId": "u1", "traits": {"email": "ana.ferer@example.com"}})
    resolve_all()
    assert person(USER, "u1") != person(EMAIL, "ana.ferer@example.com")
    call_command("doctor")

    decide.take_back(Suggestion.objects.get(), "agent")
    assert person(USER, "u1") == person(EMAIL, "ana.ferer@example.com")
    call_command("doctor")


def test_a_cut_holds_for_whomever_one_of_them_becomes_part_of(shop: Source) -> None:
    suggestion = ana(shop)
    decide.keep_apart(suggestion, "agent")
    send(shop, {"type": "identify", "anonymousId": "phone-of-anna", "traits": {"email": "ana.ferer@example.com"}})
    send(shop, {"type": "identify", "anonymousId": "phone-of-anna", "traits": {"email": "anna@example.org"}})
    resolve_all()
    send(shop, {"type": "identify", "userId": "u1", "traits": {"email": "anna@example.org"}})
    resolve_all()
    assert person(USER, "u1") != person(EMAIL, "ana.ferer@example.com")


def how_it_came_about(id: int) -> str:
    page = sign_in(AGENT).get(f"/people/{id}/identity/").content.decode()
    return re.sub(r"<[^>]+>|\s+", " ", page)


@pytest.mark.parametrize(
    ("decided", "words"),
    [(decide.join, "joined two people"), (decide.keep_apart, "said that")],
    ids=["join", "apart"],
)
def test_a_pair_decided_by_hand_stands_in_the_history_with_who_and_why(
    shop: Source, decided: Callable[[Suggestion, str], None], words: str
) -> None:
    decided(ana(shop), "ines")
    page = " ".join(how_it_came_about(person(EMAIL, "ana.ferer@example.com").pk).split())
    assert f"ines {words}" in page and "said when the two were compared" in page
    assert ("are not the same person’s" in page) == (decided is decide.keep_apart)
    assert Act.objects.get().by == "ines"
    decide.take_back(Suggestion.objects.get(), "eva")
    assert Act.objects.values_list("by", "kind").first() == ("eva", "back")


def test_what_the_matching_joined_by_itself_says_so_and_how_sure_it_was(shop: Source) -> None:
    assert decide.join_by_itself([ana(shop)]) == 1
    page = " ".join(how_it_came_about(person(USER, "u1").pk).split())
    assert "became part of this person" in page
    assert "Joined by the matching , probability 97 %: the two were compared" in page
    assert "the matching 97 %" in page, "beside the link"
    assert not Act.objects.exists()


def test_putting_off_keeps_the_pair_at_the_end(shop: Source) -> None:
    suggestion = ana(shop)
    people = [Profile.objects.create(name=name) for name in ("B", "C")]
    Suggestion.objects.create(
        profile_id=people[0].pk, other_id=people[1].pk, probability=0.6, weight=1, sure=True, evidence={}
    )
    decide.put_off(suggestion)
    assert [one.suggestion.probability for one in review.first_pairs()] == [0.6, 0.97]


def test_of_two_user_ids_the_page_warns_and_a_person_may_join_them_all_the_same(shop: Source) -> None:
    suggestion = ana(shop, userId="u2")
    assert decide.join_by_itself([suggestion]) == 0
    assert Suggestion.objects.get().refused
    client = sign_in(AGENT)
    assert "Together they have 2 identifiers of the kind “user id”" in client.get("/people/matches/").content.decode()
    answer(client, suggestion, "join")
    assert person(USER, "u1") == person(USER, "u2")


def test_the_page_says_what_is_alike_in_words_and_marks_the_letters_that_differ(shop: Source) -> None:
    ana(shop)
    page = sign_in(AGENT).get("/people/matches/").content.decode()
    assert "One person, to 97 %" in page
    for words in ("a letter or two differ", "the same", "different", "known of neither", "speaks strongly for it"):
        assert words in page
    assert "An<mark>n</mark>a" in page or "A<mark>n</mark>na" in page
    assert re.search(r"ana\.fer?<mark>r</mark>r?er@example\.com", page)
    assert "Compare everybody" not in page


def test_differing_letters_are_found_whatever_the_case() -> None:
    assert evidence.differing("ANA", "ana") == ([("ANA", False)], [("ana", False)])
    mine, theirs = evidence.differing("Ferrer", "Ferer")
    assert ("".join(text for text, _ in mine), "".join(text for text, _ in theirs)) == ("Ferrer", "Ferer")
    assert [text for text, differs in mine if differs] == ["r"]


def test_an_answer_to_a_pair_that_is_gone_changes_nothing(shop: Source) -> None:
    suggestion = ana(shop)
    client = sign_in(AGENT)
    assert "Joined: they are one person now" in answer(client, suggestion, "join")
    assert "don’t wait for an answer any more" in answer(client, suggestion, "apart")
    assert not Cut.objects.exists()
    assert client.get(address_of(suggestion), follow=True).status_code == 200
    assert client.post("/people/matches/1/2/decide/", {"act": "join"}).status_code == 404
    assert client.post(f"{address_of(suggestion)}decide/", {"act": "merge"}).status_code == 404
    assert "Taken back" in answer(client, suggestion, "back")
    again = Suggestion.objects.get()
    assert "Nothing was decided" in answer(client, again, "back")


def test_a_marketer_neither_sees_the_queue_nor_decides(shop: Source) -> None:
    suggestion = ana(shop)
    client = sign_in(MARKETER)
    assert client.get("/people/matches/").status_code == 403
    assert client.post(f"{address_of(suggestion)}decide/", {"act": "join"}).status_code == 403
    assert "may be the same person" not in client.get("/").content.decode()
    assert "/people/matches/" not in client.get("/people/").content.decode()
    assert Suggestion.objects.get().state == "open"


def test_only_admins_begin_a_comparison() -> None:
    assert sign_in(AGENT).post("/people/matches/run/").status_code == 403
    assert not MatchRun.objects.exists()
    admin = sign_in(ADMIN)
    page = admin.post("/people/matches/run/", follow=True).content.decode()
    assert MatchRun.objects.get().running
    assert "Everybody is being compared" in page
    assert admin.get("/people/matches/progress/").status_code == 200


def test_home_says_how_many_pairs_wait_to_those_who_may_answer(shop: Source) -> None:
    ana(shop)
    for role in (AGENT, ADMIN):
        page = sign_in(role).get("/").content.decode()
        assert re.search(r'href="/people/matches/">.*1 pair may be the same person', page, re.S)


def test_before_anybody_was_compared_the_page_says_what_to_do() -> None:
    assert "Nobody has been compared yet" in sign_in(AGENT).get("/people/matches/").content.decode()
    assert "Begin with “Compare everybody”" in sign_in(ADMIN).get("/people/matches/").content.decode()
    MatchRun.objects.create(running=None, trouble="3 people are too few.")
    assert "came to nothing: 3 people are too few." in Client.get(sign_in_again(), "/people/matches/").content.decode()


def sign_in_again() -> Client:
    client = Client()
    from django.contrib.auth.models import User

    client.force_login(User.objects.get(username="admin"), backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_estimated_precision_is_shown_for_both_thresholds(shop: Source) -> None:
    ana(shop)
    MatchSettings.objects.create(asks_above=0.5, joins_above=0.99, joins_by_itself=True)
    curve = [[0.2, 90, 0.8], [0.5, 70, 0.93], [0.99, 40, 0.998]]
    from django.utils import timezone

    MatchRun.objects.create(running=None, taken_in_at=timezone.now(), people=100, outcome={"curve": curve})
    page = sign_in(AGENT).get("/people/matches/").content.decode()
    assert "of all pairs above it about 93 % are one person" in page
    assert "Joined by itself from 99 %" in page
    assert "data-chart" in page


@pytest.mark.django_db(transaction=True)
def test_evaluation_is_woken_after_a_decision(shop: Source) -> None:
    decide.join(ana(shop), "agent")
    assert stages._is_woken("evaluate")
