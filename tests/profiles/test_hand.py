"""Links cut, merges undone and people joined by hand: what follows, what holds, and what is kept of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from cdp_site import checks, stages
from connectors.models import Source
from profiles import foresee, hand, identity, plans
from profiles.identifiers import ANONYMOUS, EMAIL, PHONE, USER
from profiles.models import Act, Cut, Identifier, Link, Merge, Part, Profile, ProfileRedirect
from profiles.plans import Refused
from segments import changes
from segments.rules import from_json
from tests.everybody import everybody, people
from tests.factories import SourceFactory
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db
U1, U2 = (USER, "u1"), (USER, "u2")
Message = dict[str, Any]


@pytest.fixture
def shop() -> Source:
    return SourceFactory(name="Shop")


def bought(number: str, day: int, **who: Any) -> Message:
    properties = {"order_id": number, "total": 10 * day, "currency": "EUR"}
    return {
        "type": "track", "event": "Order Completed", "properties": properties, "messageId": f"order-{number}",
        "timestamp": f"2026-03-{day:02}T10:00:00Z", **who,
    }  # fmt: skip


def called(name: str, day: int, **who: Any) -> Message:
    traits = {"name": name, **who.pop("traits", {})}
    return {
        "type": "identify", "traits": traits, "messageId": f"called-{name}-{day}",
        "timestamp": f"2026-03-{day:02}T09:00:00Z", **who,
    }  # fmt: skip


# Ana is known by user id and address; Ben by his address and two browsers.
ANA = [
    called("Ana", 1, userId="u1", traits={"email": "ana@example.com", "city": "Vic"}),
    bought("a1", 2, userId="u1", anonymousId="ana-phone"),
]
BEN = [
    called("Ben", 3, anonymousId="ben-home", traits={"email": "ben@example.com", "city": "Bern"}),
    bought("b1", 4, anonymousId="ben-home"),
    bought("b2", 5, anonymousId="ben-work", context={"traits": {"email": "ben@example.com"}}),
]
# Ana signed in on Ben's computer.
WRONG = {"type": "page", "name": "Shoes", "messageId": "wrong", "timestamp": "2026-03-09T10:00:00Z", "userId": "u1"}


def send_and_drain(source: Source, *messages: Message) -> None:
    send(source, *messages)
    stages.drain_all()


def meet(source: Source) -> None:
    """Ana and Ben become one, because she signed in on his computer."""
    send_and_drain(source, *ANA)
    send_and_drain(source, *BEN)
    send_and_drain(source, WRONG | {"anonymousId": "ben-home"})


def the_merge() -> Merge:
    return Merge.objects.latest("id")


def sound() -> list[str]:
    return [f"{one.name}: {one.detail}" for one in checks.run_all() if not one.ok]


def in_another_world(live: Callable[[], None]) -> Any:
    """All people as they are after `live`, of which nothing stays."""
    with transaction.atomic():
        live()
        found = everybody()
        transaction.set_rollback(True)
    return found


def test_undoing_a_merge_leaves_both_as_they_would_have_been_without_the_link(shop: Source) -> None:
    changes.create("Buyers", from_json({"all": [{"did": "Order Completed", "at_least": 2}]}))
    changes.create("From Bern", from_json({"all": [{"trait": "city", "is": "Bern"}]}))
    without = in_another_world(lambda: send_and_drain(shop, *ANA, *BEN, WRONG))
    assert {frozenset(one[1] for one in ids) for ids in without} == {
        frozenset({"u1", "ana@example.com", "ana-phone", f"{shop.pk}:order:a1"}),
        frozenset({"ben@example.com", "ben-home", "ben-work", f"{shop.pk}:order:b1", f"{shop.pk}:order:b2"}),
    }
    meet(shop)
    assert len(everybody()) == 1
    done = hand.undo(person(*U1).pk, the_merge().id, "ines", "Ben's computer")
    stages.drain_all()
    assert everybody() == without
    assert sound() == []
    assert done.one == person(*U1).pk and done.other == person(EMAIL, "ben@example.com").pk


def test_the_same_evidence_does_not_join_them_again_whatever_it_comes_with(shop: Source) -> None:
    meet(shop)
    hand.undo(person(*U1).pk, the_merge().id, "ines", "Ben's computer")
    before = people()
    send_and_drain(shop, *({**WRONG, "anonymousId": "ben-home", "messageId": f"w{number}"} for number in range(3)))
    assert people() == before
    send_and_drain(shop, {**WRONG, "anonymousId": "ben-work", "messageId": "w4"})
    send_and_drain(shop, called("Ana", 20, userId="u1", traits={"email": "ben@example.com"}))
    assert person(*U1).pk != person(EMAIL, "ben@example.com").pk
    assert sound() == []


def test_what_has_come_since_the_merge_goes_where_its_own_evidence_puts_it(shop: Source) -> None:
    meet(shop)
    send_and_drain(shop, bought("a2", 11, userId="u1", anonymousId="ana-tablet"))
    send_and_drain(shop, bought("b3", 12, anonymousId="ben-tablet", context={"traits": {"email": "ben@example.com"}}))
    hand.undo(person(*U1).pk, the_merge().id, "ines", "Ben's computer")
    assert person(ANONYMOUS, "ana-tablet") == person(*U1)
    assert person(ANONYMOUS, "ben-tablet") == person(EMAIL, "ben@example.com") != person(*U1)


def test_a_merge_before_others_can_be_undone_and_the_later_ones_stay(shop: Source) -> None:
    send_and_drain(shop, *ANA, *BEN, bought("c1", 6, anonymousId="kitchen"))
    send_and_drain(shop, WRONG | {"anonymousId": "ben-home"})
    first = the_merge()
    send_and_drain(shop, {**WRONG, "messageId": "right", "anonymousId": "kitchen"})
    hand.undo(person(*U1).pk, first.id, "ines", "Ben's computer")
    assert person(ANONYMOUS, "kitchen") == person(*U1) != person(ANONYMOUS, "ben-home")
    assert sound() == []


def test_a_chain_of_merges_is_undone_in_its_middle(shop: Source) -> None:
    send_and_drain(shop, *BEN)
    send_and_drain(shop, *ANA)
    send_and_drain(shop, bought("c1", 6, anonymousId="kitchen"), bought("d1", 6, anonymousId="garden"))
    send_and_drain(shop, {**WRONG, "userId": None, "messageId": "k", "anonymousId": "kitchen",
                          "context": {"traits": {"email": "ana@example.com"}}})  # fmt: skip
    middle = the_merge()
    send_and_drain(shop, WRONG | {"anonymousId": "ben-home"})
    send_and_drain(shop, {**WRONG, "messageId": "g", "anonymousId": "garden"})
    assert len(people()) == 1
    hand.undo(person(*U1).pk, middle.id, "ines", "not hers")
    assert person(ANONYMOUS, "ben-home") == person(ANONYMOUS, "garden") == person(*U1) != person(ANONYMOUS, "kitchen")
    assert sound() == []


def test_a_cut_link_parts_at_the_weakest_evidence_between_the_two(shop: Source) -> None:
    send_and_drain(shop, called("Ana", 1, userId="u1", traits={"email": "ben@example.com", "phone": "600111222"}))
    hand.cut(U1, (EMAIL, "ben@example.com"), "ines", "typed by mistake")
    assert person(PHONE, "+34600111222") == person(*U1)
    assert Identifier.objects.get(kind_id=EMAIL, value="ben@example.com").profile_id is None, (
        "no message finds it alone"
    )
    send_and_drain(shop, bought("b1", 4, context={"traits": {"email": "ben@example.com", "phone": "600111222"}}))
    assert person(EMAIL, "ben@example.com") != person(*U1)
    assert sound() == []


def test_a_cut_holds_between_two_whom_nothing_links_yet(shop: Source) -> None:
    meet(shop)
    done = hand.undo(person(*U1).pk, the_merge().id, "ines", "Ben's computer")
    Link.objects.filter(value="u1", other_value="ben-home").delete()
    for one in (U1, (EMAIL, "ben@example.com")):
        identity.rejudge([one], identity.load_kinds())
    assert {done.one, done.other} == {one.pk for one in Profile.objects.filter(contested=True)}
    send_and_drain(shop, called("Ana", 20, userId="u1", traits={"email": "ben@example.com"}))
    assert person(*U1).pk != person(EMAIL, "ben@example.com").pk


def test_two_people_joined_by_hand_are_one_in_spite_of_all_limits_and_apart_again_when_that_is_taken_back(
    shop: Source,
) -> None:
    def five(user: str, first: int) -> list[Message]:
        return [
            called(user, number, userId=user, traits={"email": f"{number}@example.com"})
            for number in range(first, first + 5)
        ]

    send_and_drain(shop, *five("u1", 1), *five("u2", 11))
    before = everybody()
    done = hand.join(U1, U2, "ines", "her maiden name")
    assert len(people()) == 1 and done.one == done.other == person(*U1).pk
    assert sound() == []
    assert Merge.objects.get().act_id == done.act_id
    back = hand.take_back(done.act_id, "ines", "it was her sister")
    assert everybody() == before
    assert sound() == []
    assert not Link.objects.filter(stated=True).exists()
    assert Part.objects.get().act_id == back.act_id


def test_joining_what_was_cut_takes_the_cut_back_and_taking_that_back_restores_it(shop: Source) -> None:
    meet(shop)
    hand.undo(person(*U1).pk, the_merge().id, "ines", "Ben's computer")
    apart, cuts = everybody(), set(Cut.objects.values_list("value", "other_value"))
    done = hand.join(U1, (EMAIL, "ben@example.com"), "ines", "one person after all")
    assert len(people()) == 1 and not Cut.objects.exists()
    assert len(Act.objects.get(pk=done.act_id).uncut) == len(cuts)
    hand.take_back(done.act_id, "ines", "no")
    assert everybody() == apart and set(Cut.objects.values_list("value", "other_value")) == cuts
    assert sound() == []


def test_a_cut_taken_back_leaves_nothing_of_it(shop: Source) -> None:
    meet(shop)
    before = everybody()
    done = hand.undo(person(*U1).pk, the_merge().id, "ines", "Ben's computer")
    hand.take_back(done.act_id, "ines", "it was her computer")
    assert everybody() == before
    assert not Cut.objects.exists()
    assert not Profile.objects.filter(contested=True).exists()
    assert sound() == []


def test_what_a_message_says_as_well_stays_when_the_hand_takes_it_back(shop: Source) -> None:
    send_and_drain(shop, bought("a", 1, userId="u1"), bought("b", 2, anonymousId="tab"), bought("c", 3, userId="u2"))
    by_hand, alias = hand.join(U1, (ANONYMOUS, "tab"), "ines", "hers"), hand.join(U1, U2, "ines", "hers too")
    send_and_drain(shop, {**WRONG, "anonymousId": "tab"})
    send_and_drain(shop, {"type": "alias", "userId": "u2", "previousId": "u1", "messageId": "alias"})
    for act in (by_hand, alias):
        hand.take_back(act.act_id, "ines", "not sure") if act is by_hand else None
    link = Link.objects.get(value="u1", other_value="tab")
    assert (link.stated, link.by_hand, link.source_id) == (False, False, shop.pk)
    assert link.first.year == 2026
    assert person(ANONYMOUS, "tab") == person(*U1) == person(*U2)
    with pytest.raises(Refused, match="nothing left to take back"):
        hand.take_back(alias.act_id, "ines", "an alias says so now")
    assert sound() == []


def test_the_addresses_of_who_became_part_of_another_lead_to_them_again(shop: Source) -> None:
    send_and_drain(shop, *ANA)
    send_and_drain(shop, *BEN)
    ben = person(EMAIL, "ben@example.com").pk
    send_and_drain(shop, WRONG | {"anonymousId": "ben-home"})
    done = hand.undo(person(*U1).pk, the_merge().id, "ines", "Ben's computer")
    assert ProfileRedirect.objects.get(id=ben).profile_id == done.other
    hand.take_back(done.act_id, "ines", "no")
    assert {*ProfileRedirect.objects.values_list("profile_id", flat=True)} == {person(*U1).pk}


def test_what_is_foreseen_is_what_happens(shop: Source) -> None:
    meet(shop)
    kinds = identity.load_kinds()
    sides = foresee.foresee(plans.undo(person(*U1).pk, the_merge().id, kinds), kinds)
    assert [(side.keeps, side.events, side.nobody) for side in sides] == [(person(*U1).pk, 3, False), (None, 3, False)]
    hand.undo(person(*U1).pk, the_merge().id, "ines", "Ben's computer")
    expected = {frozenset(one for one in ids if one[0] < 8): len(what["events"]) for ids, what in everybody().items()}
    assert {frozenset(side.identifiers): side.events for side in sides} == expected


def test_an_act_says_who_when_why_and_what_and_is_never_changed(shop: Source) -> None:
    meet(shop)
    done = hand.undo(person(*U1).pk, the_merge().id, "ines", "  Ben's computer ")
    act = Act.objects.get()
    assert (act.kind, act.by, act.reason) == ("undo", "ines", "Ben's computer")
    assert (act.profile_id, act.other_id) == (done.one, done.other)
    assert [[USER, "u1"], [ANONYMOUS, "ben-home"]] in act.cut
    assert {cut.by for cut in Cut.objects.all()} == {"ines"}
    with pytest.raises(TypeError, match="never changed"):
        act.save()
    with pytest.raises(TypeError, match="never deleted"):
        act.delete()
    with pytest.raises(TypeError, match="never changed"):
        Act.objects.filter(by="ines").update(by="omar")
    with pytest.raises(TypeError, match="never deleted"):
        Act.objects.all().delete()


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda: hand.cut(U1, (EMAIL, "ben@example.com"), "ines", "apart"), "two people already"),
        (lambda: hand.cut(U1, U1, "ines", "odd"), "from itself"),
        (lambda: hand.cut(U1, (EMAIL, "nobody@example.com"), "ines", "odd"), "isn't known"),
        (lambda: hand.cut(U1, (8, "x"), "ines", "odd"), "join nobody"),
        (lambda: hand.join(U1, (EMAIL, "ana@example.com"), "ines", "odd"), "one person already"),
        (lambda: hand.join(U1, (EMAIL, "ben@example.com"), "ines", "  "), "Say why"),
        (lambda: hand.undo(person(*U1).pk, 12, "ines", "odd"), "isn't one of this person's"),
    ],
)
def test_what_can_not_be_done_is_said_and_nothing_is_changed(
    shop: Source, attempt: Callable[[], object], words: str
) -> None:
    send_and_drain(shop, *ANA, *BEN)
    before = everybody()
    with pytest.raises(Refused, match=words), transaction.atomic():
        attempt()
    assert everybody() == before and not Act.objects.exists() and not Cut.objects.exists()


def test_an_act_is_taken_back_once(shop: Source) -> None:
    send_and_drain(shop, *ANA, *BEN)
    done = hand.join(U1, (EMAIL, "ben@example.com"), "ines", "one")
    hand.take_back(done.act_id, "ines", "two")
    with pytest.raises(Refused, match="already"), transaction.atomic():
        hand.take_back(done.act_id, "omar", "two")


def test_evidence_that_parts_people_is_kept_with_the_parting(shop: Source) -> None:
    for number in range(6):
        send(
            shop,
            bought(f"o{number}", 1 + number, context={"device": {"id": "till"}, "traits": {"email": f"{number}@x.es"}}),
        )
        resolve_all()
    part = Part.objects.earliest("id")
    assert (part.kind_id, part.value, part.source_id, part.act_id) == (6, "till", shop.pk, None)
