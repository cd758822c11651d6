"""What is seen with too many people is nobody's, also where nobody ever logs in."""

import pytest
from django.db import transaction

from cdp_site import checks
from connectors.models import Source
from profiles import hand, identity
from profiles.doctor import events_are_at_home, identifiers_reach_people
from profiles.identifiers import ANONYMOUS, DEVICE, EMAIL, USER
from profiles.matching import decide
from profiles.models import Identifier, IdentifierKind, Profile
from tests.everybody import everybody
from tests.factories import SourceFactory
from tests.stream import resolve_all, send

pytestmark = pytest.mark.django_db


def test_a_kiosk_whose_visitors_never_log_in_is_many_visitors() -> None:
    IdentifierKind.objects.filter(id=ANONYMOUS).update(limit_per_profile=10)
    source = SourceFactory()
    for number in range(12):
        send(
            source,
            {
                "type": "page",
                "messageId": f"m{number}",
                "anonymousId": f"a{number}",
                "context": {"device": {"id": "kiosk"}},
            },
        )
        resolve_all()
        assert Profile.objects.count() == (1 if number < 10 else number + 1)
    assert Identifier.objects.get(kind_id=DEVICE).shared
    assert [*events_are_at_home(), *identifiers_reach_people()] == []


FAMILY = (EMAIL, "family@example.com")


def claim(source: Source, *users: str) -> None:
    for user in users:
        send(
            source, {"type": "identify", "userId": user, "traits": {"email": FAMILY[1]}, "messageId": f"claims-{user}"}
        )
    resolve_all()


def is_shared() -> tuple[bool, bool]:
    """Whether the family's address is shared, and whether anything says since when."""
    found = Identifier.objects.get(kind_id=EMAIL)
    return found.shared, found.shared_since is None


def unsound() -> list[str]:
    return [f"{one.name}: {one.detail}" for one in checks.run_all() if not one.ok]


def test_what_is_stated_by_hand_makes_nothing_shared() -> None:
    IdentifierKind.objects.filter(id=EMAIL).update(shared_above=2)
    source = SourceFactory()
    claim(source, "u1", "u2")
    send(source, {"type": "page", "userId": "u3", "messageId": "elsewhere"})
    resolve_all()
    before = everybody()
    act = hand.join((USER, "u3"), FAMILY, "ines", "she lives there").act_id
    assert is_shared() == (False, True)
    assert unsound() == []
    hand.take_back(act, "ines", "she has moved")
    assert everybody() == before


def test_a_link_that_made_something_shared_leaves_it_a_persons_again_when_it_is_taken_back() -> None:
    IdentifierKind.objects.filter(id=EMAIL).update(shared_above=2)
    source = SourceFactory()
    claim(source, "u1", "u2")
    send(source, {"type": "page", "userId": "u3", "messageId": "elsewhere"})
    # A message that names nobody but the family: it is whoever's the address is.
    send(source, {"type": "track", "event": "Replied", "properties": {"email": FAMILY[1]}, "messageId": "reply"})
    resolve_all()
    before = everybody()
    guess, kinds = [decide.Ends((USER, "u3"), FAMILY)], identity.load_kinds()

    with transaction.atomic():
        assert decide._infer_links(guess) == guess
        decide._judge_anew([(USER, "u3"), FAMILY], kinds)
    assert is_shared() == (True, False)
    assert unsound() == []
    with transaction.atomic():
        decide._forget_links(guess)
        decide._judge_anew([(USER, "u3"), FAMILY], kinds)

    assert is_shared() == (False, True)
    assert unsound() == []
    assert everybody() == before


def test_what_is_shared_stays_so_when_a_link_goes_and_too_many_are_left() -> None:
    IdentifierKind.objects.filter(id=EMAIL).update(shared_above=2)
    source = SourceFactory()
    claim(source, "u1", "u2", "u3")
    send(source, {"type": "page", "userId": "u4", "messageId": "elsewhere"})
    resolve_all()
    since = Identifier.objects.get(kind_id=EMAIL).shared_since
    act = hand.join((USER, "u4"), FAMILY, "ines", "she lives there").act_id
    hand.take_back(act, "ines", "she has moved")
    assert is_shared() == (True, False)
    assert Identifier.objects.get(kind_id=EMAIL).shared_since == since
    assert unsound() == []
