"""What a message says about a person."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from profiles.extract import Said, extract
from profiles.identifiers import ANONYMOUS, CARD, DEVICE, EMAIL, EXTERNAL, PHONE, RECORD, USER
from profiles.message import Invalid, parse
from tests.profiles.kinds import KINDS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def said(**message: Any) -> Said:
    raw = msgspec.json.encode({"timestamp": "2026-03-01T10:00:00Z", **message})
    parsed = parse(raw, received_at=NOW, sent_at=None)
    return extract(
        parsed, source_id=7, inbox_id=1, raw=raw, hint="", key=b"k" * 16, message_id=None, kinds=KINDS, country="ES"
    )


def test_identifiers_are_read_from_everywhere_and_the_strongest_comes_first() -> None:
    found = said(
        type="identify",
        anonymousId="a1",
        userId=42,
        traits={"email": "Ana@Example.com", "phone": "600 111 222", "loyaltyCard": "55-12"},
        context={"device": {"id": "d1"}, "externalIds": [{"type": "crm", "id": "c9"}, {"id": "x"}]},
    )
    assert found.identifiers == (
        (USER, "42"), (CARD, "5512"), (EMAIL, "ana@example.com"), (PHONE, "+34600111222"),
        (EXTERNAL, "7:x"), (EXTERNAL, "crm:c9"), (DEVICE, "d1"), (ANONYMOUS, "a1"),
    )  # fmt: skip
    assert found.traits == {"email": "ana@example.com", "phone": "+34600111222", "loyalty_card": "5512"}


def test_a_till_message_is_identified_by_the_card_and_phone_in_its_properties() -> None:
    found = said(
        type="track", event="Order Completed", properties={"order_id": 9, "loyalty_card": "5512", "phone": 600111222}
    )
    assert found.identifiers == ((CARD, "5512"), (PHONE, "+34600111222"), (RECORD, "7:order:9"))


def test_somebody_elses_address_in_the_properties_of_a_known_user_is_not_his() -> None:
    found = said(type="track", event="Friend Invited", userId="u1", properties={"email": "friend@example.com"})
    assert found.identifiers == ((USER, "u1"),)
    assert "email" not in found.traits


def test_what_is_no_phone_number_is_kept_as_a_trait_and_identifies_nobody() -> None:
    found = said(type="identify", userId="u1", traits={"phone": "12"})
    assert found.identifiers == ((USER, "u1"),)
    assert found.traits == {"phone": "12"}


@pytest.mark.parametrize("user", [None, "", "null", "0", "anonymous"])
def test_a_message_that_names_nobody_is_refused_with_the_field(user: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        said(type="track", event="E", userId=user)
    assert refused.value.field == "userId"


@pytest.mark.parametrize(
    ("given", "meant"),
    [(True, True), ("true", True), (1, True), (" YES ", True), (False, False), ("false", False), (0, False), ("no", False),
     ("opted_out", False), (None, None), ("", None)],
)  # fmt: skip
def test_a_consent_is_understood_however_it_is_spelled(given: object, meant: bool | None) -> None:
    assert said(type="identify", userId="u1", traits={"consents": {"email": given}}).traits == {"consent_email": meant}
    assert said(type="identify", userId="u1", traits={"consentEmail": given}).traits == {"consent_email": meant}


@pytest.mark.parametrize("given", ["maybe", 2, [], {"given": True}, 0.5])
def test_a_consent_that_may_mean_anything_is_refused_by_its_name(given: object) -> None:
    with pytest.raises(Invalid, match=r"traits\.consents\.email: must be true or false"):
        said(type="identify", userId="u1", traits={"consents": {"email": given}})


@pytest.mark.parametrize("given", ["no", "unsubscribed", False, ["email"], 0])
def test_consents_that_name_no_channel_are_refused(given: object) -> None:
    with pytest.raises(Invalid, match=r"traits\.consents: must say it for each channel"):
        said(type="identify", userId="u1", traits={"consents": given})
    assert said(type="identify", userId="u1", traits={"consents": None}).traits == {}


def test_a_no_to_a_channel_of_ones_own_is_kept() -> None:
    consents = {"Newsletter": False, "email": "no"}
    found = said(type="identify", userId="u1", traits={"consents": consents}).traits
    assert found == {"consent_newsletter": False, "consent_email": False}


def test_traits_have_one_name_and_consents_are_traits_of_their_own() -> None:
    consents = {"email": True, "sms": False}
    found = said(type="identify", userId="u1", traits={"firstName": "Ana", "lastName": "Ferrer", "consents": consents})
    assert found.traits == {
        "first_name": "Ana", "last_name": "Ferrer", "name": "Ana Ferrer", "consent_email": True, "consent_sms": False,
    }  # fmt: skip


def test_the_traits_of_a_group_are_not_the_persons() -> None:
    found = said(type="group", userId="u1", groupId="g1", traits={"name": "Acme"})
    assert found.traits == {}
    assert msgspec.json.decode(found.properties) == {"groupId": "g1", "traits": {"name": "Acme"}}


@pytest.mark.parametrize(
    ("properties", "value"),
    [
        ({"revenue": 10.5, "total": 12}, "10.5"),
        ({"total": "12.30"}, "12.30"),
        ({"value": 0}, "0"),
        ({"revenue": "a lot"}, None),
        ({"revenue": True}, None),
        ({}, None),
    ],
)
def test_an_events_value_is_its_revenue_or_total(properties: dict[str, Any], value: str | None) -> None:
    assert said(type="track", event="E", userId="u", properties=properties).value == value


def test_a_refund_leaves_the_orders_value_and_lines_alone() -> None:
    record = said(
        type="track", event="Order Refunded", properties={"order_id": "9", "revenue": 5, "products": [1]}
    ).record
    assert record is not None
    assert (record.status, record.value, record.properties) == ("refunded", None, {"refunded": "5"})


def test_a_ticket_that_is_solved_is_closed_and_one_that_is_reopened_is_open() -> None:
    solved = said(type="track", event="Ticket Solved", userId="u", properties={"ticket_id": 4411}).record
    reopened = said(type="track", event="Ticket Reopened", userId="u", properties={"ticket_id": 4411}).record
    assert solved and reopened
    assert (solved.status, solved.closed_at) == ("solved", datetime(2026, 3, 1, 10, tzinfo=UTC))
    assert (reopened.status, reopened.closed_at) == ("open", None)


def test_a_record_says_its_own_state() -> None:
    found = said(
        type="record",
        kind="Deal",
        externalId=17,
        status="Won",
        value=900,
        currency="eur",
        openedAt="2026-01-05",
        userId="u",
    )
    assert found.record is not None
    assert (found.record.kind, found.record.external_id, found.record.value, found.record.currency) == (
        "deal",
        "17",
        "900",
        "EUR",
    )
    assert found.record.opened_at == datetime(2026, 1, 5, tzinfo=UTC)
    assert found.record.closed_at == found.time
    assert (RECORD, "7:deal:17") in found.identifiers


def test_a_pages_name_is_kept_with_its_properties() -> None:
    found = said(type="page", anonymousId="a", name="Shirts", category="Shop", properties={"path": "/shirts"})
    assert msgspec.json.decode(found.properties) == {"name": "Shirts", "category": "Shop", "path": "/shirts"}


def test_an_alias_remembers_who_the_person_was() -> None:
    found = said(type="alias", userId="new", previousId="old")
    assert found.identifiers == ((USER, "new"), (ANONYMOUS, "old"))
    assert found.alias_of == (USER, "old")
