"""What two accounts claim at the same time is neither's, until it is settled whose it is."""

from typing import Any

import pytest
from django.db import transaction

from connectors.models import Source
from profiles import identity
from profiles.doctor import events_are_at_home, identifiers_reach_people
from profiles.identifiers import EMAIL, PHONE, RECORD, USER
from profiles.models import Cut, Event, Identifier, Profile
from tests.factories import SourceFactory
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db
FAMILY = "family@example.com"


@pytest.fixture
def source() -> Source:
    return SourceFactory()


def say(source: Source, id: str, at: str = "2026-03-01T10:00:00Z", **said: Any) -> None:
    send(source, {"type": "track", "event": "Order Completed", "messageId": id, "timestamp": at, **said})
    resolve_all()
    assert [*events_are_at_home(), *identifiers_reach_people()] == []


def by_email(address: str = FAMILY) -> dict[str, Any]:
    return {"context": {"traits": {"email": address}}}


def home_of(message: str) -> int:
    return Event.objects.get(message_id=message).profile_id


def test_letters_to_a_familys_address_are_put_down_to_neither_account(source: Source) -> None:
    say(source, "first", userId="u1", **by_email())
    say(source, "letter", **by_email())
    assert home_of("letter") == home_of("first"), "as long as one account claims it, it is his"
    say(source, "second", userId="u2", **by_email())
    assert Identifier.objects.get(kind_id=EMAIL).disputed
    assert len({home_of("first"), home_of("second"), home_of("letter")}) == 3
    assert Profile.objects.count() == 3


def test_an_alias_settles_a_dispute_and_everything_goes_home(source: Source) -> None:
    say(source, "first", userId="u1", **by_email())
    say(source, "second", userId="u2", **by_email())
    say(source, "letter", **by_email())
    say(source, "order", properties={"order_id": "o1", "total": 5}, **by_email())
    assert len({home_of("first"), home_of("second"), home_of("letter")}) == 3
    send(source, {"type": "alias", "messageId": "alias", "userId": "u2", "previousId": "u1"})
    resolve_all()
    assert {home_of(one) for one in ("first", "second", "letter", "order")} == {person(USER, "u1").id}
    assert Identifier.objects.get(kind_id=RECORD).profile_id == person(USER, "u1").id
    assert not Identifier.objects.get(kind_id=EMAIL).disputed
    assert [*events_are_at_home(), *identifiers_reach_people()] == []


def test_a_number_given_anew_is_disputed_only_while_both_use_it(source: Source) -> None:
    number = {"context": {"traits": {"phone": "+34600111222"}}}
    say(source, "old", at="2024-01-10T10:00:00Z", userId="u1", **number)
    say(source, "new", at="2024-06-10T10:00:00Z", userId="u2", **number)
    assert Identifier.objects.get(kind_id=PHONE).disputed
    say(source, "later", at="2026-01-10T10:00:00Z", userId="u2", **number)
    assert not Identifier.objects.get(kind_id=PHONE).disputed
    assert person(PHONE, "+34600111222") == person(USER, "u2")


def test_a_cut_before_anything_links_its_ends_is_heeded(source: Source) -> None:
    say(source, "card", properties={"loyalty_card": "C1"})
    say(source, "letter", **by_email())
    with transaction.atomic():
        Cut.objects.create(kind_id=2, value="C1", other_kind_id=EMAIL, other_value=FAMILY)
        identity.rejudge({(2, "C1"), (EMAIL, FAMILY)}, identity.load_kinds())
    say(source, "both", properties={"loyalty_card": "C1"}, **by_email())
    assert person(2, "C1") != person(EMAIL, FAMILY)
    assert home_of("both") == person(2, "C1").id
