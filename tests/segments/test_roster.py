"""Members with the columns that somebody chose: sorted, a page at a time, and as a file."""

import csv
from datetime import timedelta

import pytest

from profiles.models import Profile
from segments import roster
from segments.models import Membership, Segment
from segments.roster import Column
from tests.factories import SegmentFactory
from tests.segments.world import NOW

pytestmark = pytest.mark.django_db


def members(segment: Segment, *people: dict[str, object]) -> list[int]:
    """People of these traits, each a day longer a member than the one before."""
    made = []
    for number, one in enumerate(people):
        known = {name: one[name] for name in ("name", "email", "phone") if name in one}
        made.append(Profile.objects.create(traits=one, last_seen=NOW - timedelta(hours=number), **known).id)
        Membership.objects.create(profile_id=made[-1], segment_id=segment.pk, since=NOW - timedelta(days=number))
    return made


def walked(segment: Segment, sort: str, most: int = 2) -> list[int]:
    """All members in this order, read a page at a time."""
    found: list[int] = []
    after = ""
    while True:
        page = roster.members(segment, roster.order(sort), after, most)
        found += [one.id for one in page.members]
        if page.following is None:
            return found
        after = page.following


@pytest.fixture
def here() -> Segment:
    return SegmentFactory()  # type: ignore[no-any-return]


def test_whoever_came_last_comes_first(here: Segment) -> None:
    people = members(here, {"name": "Ana"}, {"name": "Ben"}, {"name": "Cleo"})
    assert walked(here, "") == walked(here, "-since") == people
    assert walked(here, "since") == people[::-1]


def test_by_name_ignoring_case_and_who_has_none_at_the_end_both_ways(here: Segment) -> None:
    nobody, ben, ana, other, cleo = members(here, {}, {"name": "BEN"}, {"name": "ana"}, {}, {"name": "Cleo"})
    assert walked(here, "name") == [ana, ben, cleo, *sorted([nobody, other])]
    assert walked(here, "-name") == [cleo, ben, ana, *sorted([nobody, other], reverse=True)]


def test_by_a_trait_numbers_by_size(here: Segment) -> None:
    ten, nine, none, big = members(here, {"visits": 10}, {"visits": 9}, {"name": "x"}, {"visits": 100.5})
    assert walked(here, "trait:visits") == [nine, ten, big, none]
    assert walked(here, "-trait:visits") == [big, ten, nine, none]


def test_by_what_is_inside_a_trait(here: Segment) -> None:
    b, a = members(here, {"address": {"city": "Bilbao"}}, {"address": {"city": "Ávila"}})
    assert set(walked(here, "trait:address.city", 1)) == {a, b}
    page = roster.members(here, roster.order("trait:address.city"))
    assert sorted(str(one.value(Column("trait:address.city"))) for one in page.members) == ["Bilbao", "Ávila"]


@pytest.mark.parametrize("sort", [*roster.COLUMNS, *(f"-{key}" for key in roster.COLUMNS), "trait:k", "-trait:k"])
def test_every_order_shows_everybody_once(here: Segment, sort: str) -> None:
    people = members(here, *({"name": "Same", "k": number % 2} if number % 3 else {} for number in range(7)))
    assert sorted(walked(here, sort, 3)) == sorted(people)
    assert len(walked(here, sort, 3)) == 7


def test_whoever_leaves_between_two_pages_hides_nobody(here: Segment) -> None:
    ana, ben, cleo = members(here, {"name": "Ana"}, {"name": "Ben"}, {"name": "Cleo"})
    first = roster.members(here, roster.order("name"), "", 1)
    assert [one.id for one in first.members] == [ana]
    Membership.objects.filter(profile_id=ana).delete()
    second = roster.members(here, roster.order("name"), first.following or "", 5)
    assert [one.id for one in second.members] == [ben, cleo]


def test_only_this_segments_members(here: Segment) -> None:
    members(SegmentFactory(), {"name": "Elsewhere"})
    assert walked(here, "name") == []


def test_columns_are_what_there_is_each_once_and_the_name_first() -> None:
    chosen = roster.columns(["email", "trait:country", "email", "nonsense", "trait:"])
    assert [one.key for one in chosen] == ["name", "email", "trait:country"]
    assert [one.label for one in chosen] == ["Name", "E-mail", "Country"]
    assert [one.key for one in roster.columns([])] == list(roster.DEFAULT)
    assert len(roster.columns([f"trait:t{number}" for number in range(500)])) == roster.MOST_COLUMNS


def test_the_file_has_all_members_with_the_chosen_columns(here: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "BATCH", 2)
    people = members(here, *({"name": f"Customer, {n}", "vip": n == 0, "tags": ["a", "ä"]} for n in range(5)))
    text = "".join(roster.everyone(here, roster.columns(["trait:vip", "trait:tags", "since"])))
    head, *rows = csv.reader(text.splitlines())
    assert head == ["profile_id", "name", "vip", "tags", "since"]
    assert [int(row[0]) for row in rows] == people
    assert rows[0][1:4] == ["Customer, 0", "true", '["a", "ä"]']
    assert rows[0][4].startswith("2026-06-15T14:00:00+02:00")


def test_no_cell_of_the_file_is_a_formula_and_phone_numbers_stay(here: Segment) -> None:
    members(here, {"name": "=cmd|' /C calc'!A0", "phone": "+34600111222", "x": "-2+3", "y": -7})
    text = "".join(roster.everyone(here, roster.columns(["phone", "trait:x", "trait:y"])))
    assert next(csv.reader(text.splitlines()[1:]))[1:] == ["'=cmd|' /C calc'!A0", "+34600111222", "'-2+3", "-7"]
