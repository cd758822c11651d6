"""Why a word on a trait holds, in words, and who said what beside it."""

from typing import Any

import pytest

from connectors.models import Source
from profiles import policies, recompute
from profiles.identifiers import USER
from profiles.policies import Rule
from profiles.provenance import TraitLine, trait_lines
from tests.factories import SourceFactory
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def crm() -> Source:
    return SourceFactory(name="CRM")


@pytest.fixture
def shop() -> Source:
    return SourceFactory(name="Shop")


def says(source: Source, day: int, city: Any) -> None:
    time = f"2026-03-{day:02}T00:00:00Z"
    send(source, {"type": "identify", "userId": "u1", "traits": {"city": city}, "timestamp": time})
    resolve_all()


def line() -> TraitLine:
    [found] = trait_lines(person(USER, "u1").pk)
    return found


def by(rule: Rule, *order: Source) -> TraitLine:
    policies.change("city", rule, [one.pk for one in order])
    while recompute.decide_some():
        pass
    assert person(USER, "u1").traits.get("city") == line().value
    return line()


def test_where_nobody_says_otherwise_nothing_is_to_be_explained(crm: Source) -> None:
    says(crm, 1, "Cadiz")
    assert (line().why, line().comes_first, line().others) == ("", "", ())
    assert by(Rule.FIRST, crm).comes_first == ""


def test_the_newest_says_so_and_where_all_agree_that(crm: Source, shop: Source) -> None:
    says(crm, 1, "Cadiz")
    says(shop, 2, "Vigo")
    assert (line().value, line().why) == ("Vigo", "newest")
    says(crm, 3, "Vigo")
    assert line().why == "all say the same"


def test_a_source_comes_first_or_first_of_those_who_speak_or_is_outside_the_order(crm: Source, shop: Source) -> None:
    says(crm, 1, "Cadiz")
    says(shop, 2, "Vigo")
    found = by(Rule.FIRST, crm, shop)
    assert (found.value, found.comes_first, [one.value for one in found.others]) == ("Cadiz", "comes first", ["Vigo"])
    silent = SourceFactory()
    assert by(Rule.FIRST, silent, crm).comes_first == "comes first of those who say it"
    found = by(Rule.FIRST, silent)
    assert (found.value, found.comes_first, found.why) == ("Vigo", "", "newest of the sources outside the order")


def test_how_often_a_value_was_said_and_the_others_with_their_counts(crm: Source, shop: Source) -> None:
    for day in range(1, 8):
        says(crm, day, "Cadiz")
    says(shop, 9, "Vigo")
    says(shop, 10, "Vigo")
    found = by(Rule.FREQUENT)
    assert (found.value, found.source_id, found.why) == ("Cadiz", crm.pk, "said 7 times of 9")
    assert [(one.value, one.times, one.source_id) for one in found.others] == [("Vigo", 2, shop.pk)]


def test_of_values_said_as_often_the_last_says_that_it_is(crm: Source, shop: Source) -> None:
    says(crm, 1, "Cadiz")
    says(shop, 1, "Vigo")
    found = by(Rule.FREQUENT)
    assert found.why == "said once of 2, last of those said as often"
    assert len(found.others) == 1


def test_who_took_his_word_back_is_shown_and_not_counted(crm: Source, shop: Source) -> None:
    says(crm, 1, "Cadiz")
    says(crm, 2, None)
    says(shop, 3, "Vigo")
    found = by(Rule.FREQUENT)
    assert (found.value, found.why) == ("Vigo", "said once")
    assert [(one.value, one.source_id) for one in found.others] == [(None, crm.pk)]


def test_whoever_was_not_counted_yet_is_told_so(crm: Source, shop: Source) -> None:
    says(crm, 1, "Cadiz")
    says(shop, 2, "Vigo")
    policies.change("city", Rule.FREQUENT)
    assert (line().value, line().why) == ("Vigo", "newest, until it is counted how often each was said")


def test_a_trait_that_was_taken_back_by_all_is_still_listed(crm: Source) -> None:
    says(crm, 1, None)
    found = by(Rule.FREQUENT)
    assert (found.value, found.why) == (None, "taken back")
