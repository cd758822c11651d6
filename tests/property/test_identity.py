"""Whatever messages come, what identity promises holds."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from profiles.identity import ANONYMOUS, EMAIL, RECORD, USER, Graph, Identifier
from tests.profiles.test_identity import KINDS, LIMITS, MESSAGE

identifiers = st.tuples(st.sampled_from([USER, EMAIL, ANONYMOUS, RECORD]), st.sampled_from("abcde"))
messages = st.lists(identifiers, min_size=1, max_size=4, unique=True).map(sorted)
histories = st.lists(messages, max_size=40)


def play(history: list[list[Identifier]]) -> tuple[Graph, list[int]]:
    people = Graph(KINDS, {}, {}, range(1, 1000))
    homes = [people.assign(message, MESSAGE) for message in history]
    return people, [people.living(home) for home in homes]


@given(histories)
def test_each_message_is_on_the_person_of_its_strongest_identifier(history: list[list[Identifier]]) -> None:
    people, homes = play(history)
    assert [people.find(message[0]) for message in history] == homes


@given(histories)
def test_no_person_has_more_of_a_kind_than_its_limit(history: list[list[Identifier]]) -> None:
    people, _ = play(history)
    held = Counter((people.find(identifier), identifier[0]) for identifier in people.home)
    assert all(number <= LIMITS[kind] for (_, kind), number in held.items())


@given(histories)
def test_the_counts_that_limits_are_judged_by_are_right(history: list[list[Identifier]]) -> None:
    people, _ = play(history)
    held = Counter((people.find(identifier), identifier[0]) for identifier in people.home)
    for profile in people.born:
        assert {(profile, kind): number for kind, number in people.counts[profile].items()} == {
            key: number for key, number in held.items() if key[0] == profile
        }


@given(histories)
def test_playing_it_again_changes_nothing(history: list[list[Identifier]]) -> None:
    people, _ = play(history)
    before = {identifier: people.find(identifier) for identifier in people.home}
    refused = {pair for pair, (accepted, _) in people.links.items() if not accepted}
    for message in history:
        if not any((message[0], other) in refused for other in message[1:]):
            people.assign(message, MESSAGE)
    assert {identifier: people.find(identifier) for identifier in before} == before
