"""Which person a message belongs to: the walk over its identifiers, as a function of values."""

from datetime import UTC, datetime

import pytest

from profiles.identity import ANONYMOUS, CARD, DEVICE, EMAIL, PHONE, RECORD, USER, Because, Graph, Identifier, Kind

MESSAGE = Because(1, b"0" * 16, datetime(2026, 1, 1, tzinfo=UTC))
LIMITS = {USER: 1, CARD: 2, EMAIL: 2, PHONE: 2, 5: 20, DEVICE: 50, ANONYMOUS: 1000, RECORD: 1000}
KINDS = {
    kind: Kind(kind, str(kind), kind, limit, kind != RECORD, kind < DEVICE, frozenset())
    for kind, limit in LIMITS.items()
}


def graph(**profiles: list[Identifier]) -> Graph:
    """A graph of known profiles: p1=[(USER, "u1"), …] is profile 1."""
    home = {one: int(name[1:]) for name, identifiers in profiles.items() for one in identifiers}
    counts: dict[int, dict[int, int]] = {int(name[1:]): {} for name in profiles}
    for (kind, _), profile in home.items():
        counts[profile][kind] = counts[profile].get(kind, 0) + 1
    return Graph(KINDS, home, counts, range(100, 200))


def test_unknown_identifiers_make_a_new_person() -> None:
    people = graph()
    assert people.assign([(USER, "u1"), (ANONYMOUS, "a1")], MESSAGE) == 100
    assert people.born == {100}
    assert set(people.attached) == {(USER, "u1"), (ANONYMOUS, "a1")}


def test_a_known_identifier_brings_the_unknown_ones_to_its_person() -> None:
    people = graph(p1=[(ANONYMOUS, "a1")])
    assert people.assign([(USER, "u1"), (EMAIL, "e1"), (ANONYMOUS, "a1")], MESSAGE) == 1
    assert people.find((USER, "u1")) == 1
    assert not people.born


def test_two_persons_named_in_one_message_become_one_and_the_oldest_id_survives() -> None:
    people = graph(p2=[(EMAIL, "e1")], p1=[(ANONYMOUS, "a1")])
    assert people.assign([(EMAIL, "e1"), (ANONYMOUS, "a1")], MESSAGE) == 1
    assert [(one.winner, one.loser, one.identifier) for one in people.joined] == [(1, 2, (ANONYMOUS, "a1"))]
    assert people.find((EMAIL, "e1")) == 1


def test_two_user_ids_never_merge_through_a_weaker_identifier() -> None:
    people = graph(p1=[(USER, "u1"), (EMAIL, "family")], p2=[(USER, "u2")])
    assert people.assign([(USER, "u2"), (EMAIL, "family")], MESSAGE) == 2
    assert not people.joined
    assert people.find((EMAIL, "family")) == 1
    assert people.links[(USER, "u2"), (EMAIL, "family")][0] is False


def test_a_second_user_on_a_shared_computer_is_a_person_of_his_own() -> None:
    people = graph(p1=[(USER, "u1"), (ANONYMOUS, "shared")])
    assert people.assign([(USER, "u2"), (ANONYMOUS, "shared")], MESSAGE) == 100
    assert people.find((ANONYMOUS, "shared")) == 1, "the computer stays with whom it was first seen with"


def test_a_limit_refuses_one_more_value() -> None:
    people = graph(p1=[(USER, "u1"), (EMAIL, "e1"), (EMAIL, "e2")])
    assert people.assign([(USER, "u1"), (EMAIL, "e3")], MESSAGE) == 1
    assert people.find((EMAIL, "e3")) is None
    assert people.links[(USER, "u1"), (EMAIL, "e3")][0] is False


def test_persons_whose_values_together_pass_a_limit_stay_apart() -> None:
    people = graph(p1=[(EMAIL, "e1"), (EMAIL, "e2"), (ANONYMOUS, "a1")], p2=[(EMAIL, "e3"), (PHONE, "t1")])
    assert people.assign([(PHONE, "t1"), (ANONYMOUS, "a1")], MESSAGE) == 2
    assert not people.joined


def test_an_order_number_attaches_but_never_merges() -> None:
    people = graph(p1=[(USER, "u1"), (RECORD, "7:order:9")], p2=[(ANONYMOUS, "a1")])
    assert people.assign([(ANONYMOUS, "a1"), (RECORD, "7:order:9")], MESSAGE) == 2
    assert people.assign([(RECORD, "7:order:9")], MESSAGE) == 1
    assert not people.joined


def test_an_alias_joins_two_user_ids_in_spite_of_the_limit() -> None:
    people = graph(p1=[(USER, "old")], p2=[(USER, "new")])
    assert people.assign([(USER, "new"), (ANONYMOUS, "old")], MESSAGE, alias_of=(USER, "old")) == 1
    assert people.find((USER, "new")) == people.find((USER, "old")) == 1


def test_a_person_born_and_merged_in_one_batch_never_was() -> None:
    people = graph(p1=[(USER, "u1")])
    assert people.assign([(ANONYMOUS, "a1")], MESSAGE) == 100
    assert people.assign([(USER, "u1"), (ANONYMOUS, "a1")], MESSAGE) == 1
    assert people.living(100) == 1
    assert not people.born and not people.joined


@pytest.mark.parametrize("number", [2, 3, 5])
def test_merges_in_a_row_lead_to_one_living_person(number: int) -> None:
    people = graph(**{f"p{n}": [(ANONYMOUS, f"a{n}")] for n in range(1, number + 1)})
    for n in range(number, 1, -1):
        people.assign([(ANONYMOUS, f"a{n}"), (ANONYMOUS, f"a{n - 1}")], MESSAGE)
    assert {people.living(n) for n in range(1, number + 1)} == {1}
