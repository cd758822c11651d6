"""Finding people by whatever somebody at the counter or on the phone has of them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from connectors.models import Source
from profiles import hand, search
from tests.factories import ProfileFactory, SourceFactory
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return SourceFactory()


def names(query: str, limit: int = 20) -> list[str]:
    return [one.name for one in search.people(query, limit)]


def known(source: Source, user: str, name: str, **traits: object) -> int:
    send(source, {"type": "identify", "userId": user, "traits": {"name": name, **traits}, "messageId": f"i-{user}"})
    resolve_all()
    return person(1, user).id


@pytest.mark.parametrize(
    "typed",
    [
        "Ana María Ferrer",
        "ferrer",
        "MARÍA",
        "Ferr",
        "rer",
        "ferrer ana",
        "Ferrer, Ana",
        "ana maria",
        "ANA MARÍA",
        "ána férrer",
        "maria ferrer",
        "mari\u0301a",
    ],
)
def test_a_person_is_found_by_parts_of_the_name_in_any_order_with_accents_or_without(
    source: Source, typed: str
) -> None:
    known(source, "u1", "Ana María Ferrer")
    known(source, "u2", "Jordi Puig")
    assert names(typed) == ["Ana María Ferrer"]


@pytest.mark.parametrize(
    ("name", "typed"),
    [("Søren Łukasz", "soren lukasz"), ("Zoe Nunez", "Zoë Núñez"), ("MÜLLER Jürgen", "muller"), ("Çelik", "celik")],
)
def test_letters_of_other_languages_are_found_by_their_plain_ones_and_the_other_way_round(
    source: Source, name: str, typed: str
) -> None:
    known(source, "u1", name)
    assert names(typed) == [name]


def test_all_words_have_to_be_in_the_name(source: Source) -> None:
    known(source, "u1", "Ana Ferrer")
    known(source, "u2", "Ana Puig")
    assert names("ana puig") == ["Ana Puig"]
    assert names("ana puig ferrer") == []


@pytest.mark.parametrize(
    "typed",
    ["Ana.Ferrer@Example.com", "ANA.FERRER@EXAMPLE.COM", " ana.ferrer@example.com ", "a.fer", "@Example", "FERRER@"],
)
def test_an_e_mail_is_found_whole_or_in_part_in_any_case(source: Source, typed: str) -> None:
    known(source, "u1", "A", email="Ana.Ferrer@example.com")
    known(source, "u2", "B", email="jordi@shop.test")
    assert names(typed) == ["A"]


def test_part_of_an_e_mail_with_a_hyphen_or_plus_in_it_is_found_in_any_case(source: Source) -> None:
    known(source, "u1", "A", email="jean-luc+shop@example.com")
    assert names("Jean-Luc") == names("luc+shop") == names("N-LU") == ["A"]


@pytest.mark.parametrize(
    "typed",
    [
        "+34600111222",
        "600111222",
        "600 111 222",
        "0034 600 111 222",
        "(+34) 600-111-222",
        "600.111.222",
        "+34 (0)600 111 222",
        "0600 111 222",
        "34600111222",
        "111222",
    ],
)
def test_a_phone_number_is_found_however_it_is_written(source: Source, typed: str) -> None:
    known(source, "u1", "A", phone="600 111 222")
    known(source, "u2", "B", phone="600 333 444")
    assert names(typed) == ["A"]


@pytest.mark.parametrize("typed", ["00000", "0000000000", "(0) 0000", "+-+-.", "0"])
def test_zeros_and_signs_alone_are_nobodys_number(source: Source, typed: str) -> None:
    known(source, "u1", "A", phone="600 111 222")
    assert names(typed) == []


def test_a_number_with_letters_behind_it_is_no_phone_number(source: Source) -> None:
    known(source, "u1", "A", phone="600 111 222")
    assert names("600111222x") == []


@pytest.mark.parametrize(
    "typed", ["user-77", "USER-77", "CARD 1234", "card1234", "anon-9", "device-5", "4711", "crm:4711", "9001", "900"]
)
def test_a_person_is_found_by_any_id(source: Source, typed: str) -> None:
    context = {"device": {"id": "device-5"}, "externalIds": [{"type": "crm", "id": "4711"}]}
    traits = {"name": "A", "loyalty_card": "card-1234"}
    order = {"order_id": "9001", "total": 5}
    send(
        source,
        {"type": "identify", "userId": "user-77", "anonymousId": "anon-9", "traits": traits, "context": context},
        {"type": "track", "event": "Order Completed", "userId": "user-77", "properties": order},
        {"type": "identify", "userId": "user-88", "traits": {"name": "B"}},
    )
    resolve_all()
    assert names(typed) == ["A"]


@pytest.mark.parametrize("typed", ["A-4411", "a-4411", "#A-4411", "order A-4411", "Order #a-4411", "# a-44"])
def test_an_order_is_found_as_pages_write_its_number_and_people_say_it(source: Source, typed: str) -> None:
    known(source, "u1", "Ana")
    known(source, "u2", "Jordi")
    for user, order in (("u1", "A-4411"), ("u2", "B-4411")):
        bought = {"type": "track", "event": "Order Completed", "userId": user, "messageId": order}
        send(source, {**bought, "properties": {"order_id": order, "total": 20}})
    resolve_all()
    assert names(typed) == ["Ana"]


@pytest.mark.parametrize("typed", ["family@example.com", "family@", "600 111 222", "+34 600111222"])
def test_everybody_is_found_who_said_that_an_address_or_number_is_theirs(source: Source, typed: str) -> None:
    for user, name in (("u1", "Marta"), ("u2", "Luis")):
        known(source, user, name, email="family@example.com", phone="600 111 222")
    known(source, "u3", "Ana", email="ana@example.com", phone="600 333 444")
    assert sorted(names(typed)) == ["Luis", "Marta"]


def test_who_is_known_by_an_id_of_the_crm_is_found_by_an_address_that_another_has_as_well(source: Source) -> None:
    known(source, "u1", "Marta", email="family@example.com")
    external = {"externalIds": [{"type": "crm", "id": "7"}]}
    send(source, {"type": "identify", "context": external, "traits": {"name": "Luis"}, "messageId": "crm"})
    send(
        source, {"type": "identify", "context": external, "traits": {"email": "family@example.com"}, "messageId": "his"}
    )
    resolve_all()
    hand.cut((3, "family@example.com"), (5, "crm:7"), "ines", "Luis is somebody else")
    assert sorted(names("family@example.com")) == ["Luis", "Marta"]


def test_a_profile_is_found_by_its_own_id_and_by_that_of_one_merged_into_it(source: Source) -> None:
    winner = known(source, "u1", "A")
    send(source, {"type": "page", "anonymousId": "a2", "messageId": "2"})
    resolve_all()
    loser = person(7, "a2").id
    send(source, {"type": "identify", "userId": "u1", "anonymousId": "a2", "messageId": "3"})
    resolve_all()
    assert [one.id for one in search.people(str(winner))] == [winner]
    assert [(one.id, one.matched) for one in search.people(str(loser))] == [(winner, f"merged {loser}")]


def test_what_found_a_person_is_said_where_it_is_not_shown_anyway(source: Source) -> None:
    known(source, "user-77", "A", email="ana@example.com")
    assert search.people("user-77")[0].matched == "user-77"
    assert search.people("ana@example.com")[0].matched == ""


@pytest.mark.parametrize(
    "typed", ["%", "%%%", "___", "A%a", "A_a", "_na", "Ana%", "A.a", "An.*", "[A]na", "^ana", "ana$"]
)
def test_wildcards_in_what_is_typed_mean_themselves(source: Source, typed: str) -> None:
    known(source, "u1", "Ana", email="ana@example.com", phone="600 111 222")
    assert names(typed) == []


@pytest.mark.parametrize(
    "name", ["100% Wool", "under_score", "Dwayne O'Brien", 'Bob "Bobby" Ray', "back\\slash", "(Ana)"]
)
def test_odd_signs_in_a_name_are_found_as_typed(source: Source, name: str) -> None:
    known(source, "u1", name)
    known(source, "u2", "Nobody Else")
    assert names(name) == [name]


@pytest.mark.parametrize("typed", ["'; DROP TABLE profile; --", "' OR '1'='1", "\\", "\\'", "%(id)s", "%s", "{words}"])
def test_quotes_end_nothing(source: Source, typed: str) -> None:
    known(source, "u1", "Ana Ferrer")
    assert names(typed) == []
    assert names("ana") == ["Ana Ferrer"]


@pytest.mark.parametrize("typed", ["", "   ", "\0", " \0 ", "\0\0\0", "\t\n"])
def test_nothing_typed_finds_nobody(source: Source, typed: str) -> None:
    known(source, "u1", "Ana")
    assert names(typed) == []


def test_a_nul_within_is_passed_over(source: Source) -> None:
    known(source, "u1", "Ana Ferrer")
    assert names("An\0a fer\0") == ["Ana Ferrer"]


@pytest.mark.parametrize(
    "typed", ["a" * 10_000, "ana " * 2_500, "9" * 10_000, "%" * 10_000, "(" * 10_000, "é" * 10_000]
)
def test_ten_thousand_characters_are_answered(source: Source, typed: str) -> None:
    known(source, "u1", "Ana Ferrer")
    assert names(typed) in ([], ["Ana Ferrer"])


@pytest.mark.parametrize("typed", ["²", "①", "٣", "९९९", "99999999999999999999", "9223372036854775808", "-5"])
def test_odd_digits_and_numbers_too_large_find_nobody(source: Source, typed: str) -> None:
    known(source, "u1", "Ana Ferrer")
    assert names(typed) == []


def test_the_very_value_comes_before_its_beginning_and_that_before_what_only_contains_it(source: Source) -> None:
    known(source, "u1", "Inside", email="xanax@example.com")
    known(source, "u2", "Begins", email="other@example.com")
    known(source, "anax-2", "Longer")
    known(source, "anax", "Exact")
    assert names("anax") == ["Exact", "Longer", "Inside"]


def test_among_equals_the_last_seen_comes_first_and_no_more_than_asked() -> None:
    now = timezone.now()
    for days in (3, 1, 2):
        ProfileFactory(name=f"Ana {days}", last_seen=now - timedelta(days=days))
    assert names("ana") == ["Ana 1", "Ana 2", "Ana 3"]
    assert names("ana", limit=2) == ["Ana 1", "Ana 2"]


def test_a_person_whom_several_things_find_is_listed_once(source: Source) -> None:
    known(source, "anafer", "Anafer", email="anafer@example.com")
    assert names("anafer") == ["Anafer"]


def test_pages_of_people_lose_and_repeat_nobody_also_where_all_were_seen_at_once() -> None:
    now = timezone.now()
    everybody = [ProfileFactory(last_seen=now - timedelta(hours=number // 5)).id for number in range(12)]
    seen: list[int] = []
    after: str | None = ""
    while after is not None:
        page = search.recent(after, size=5)
        seen += [one.id for one in page.people]
        after = page.following
    assert sorted(seen) == sorted(everybody)
    assert seen[:5] == sorted(everybody[:5], reverse=True)


def test_people_are_listed_by_whether_they_are_known() -> None:
    known_one, stranger = ProfileFactory(identified=True).id, ProfileFactory(identified=False).id
    assert [one.id for one in search.recent(identified=True).people] == [known_one]
    assert [one.id for one in search.recent(identified=False).people] == [stranger]
    assert {one.id for one in search.recent().people} == {known_one, stranger}


@pytest.mark.parametrize("cursor", ["x", ",", "2026-01-01", "2026-13-01,5", "now,1", f"2030-01-01,{10**30}", "\0,1"])
def test_a_cursor_that_nobody_gave_out_is_no_fault(cursor: str) -> None:
    ProfileFactory()
    assert len(search.recent(cursor).people) == 1


def test_an_id_leads_to_a_living_profile_or_nowhere() -> None:
    someone = ProfileFactory().id
    assert search.living(someone) == someone
    assert search.living(5) is None
    assert search.living(10**30) is None
