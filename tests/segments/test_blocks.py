"""Column blocks change how quickly a question is answered, never the answer."""

from datetime import timedelta

import pytest
from django.utils import timezone

from profiles.models import Profile, UnsealedProfile
from segments import live
from segments.blocks import asked, sealing
from segments.load import WHOLE, Chunk, load
from segments.models import Block, BlockName, Segment
from segments.require import require
from segments.rules import Trait, key
from tests.segments.sealed import (
    NOW,
    START,
    both,
    happened,
    make_small,
    merged,
    parted,
    people,
    problems,
    seal_all,
    some_events,
    streams,
    wanted,
)
from tests.segments.world import changed, name_id

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)


def test_blocks_and_the_table_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted(monkeypatch, "category", "total")
    them = people(5)
    happened(*some_events(them))
    assert seal_all() > 3
    assert Block.objects.count() > 20
    both()
    happened(*some_events(them, 20, seed=2))
    both()
    happened(*some_events([*them, *people(2)], 20, seed=3))
    seal_all()
    both()
    both(chunk=2)


def test_who_became_one_after_sealing_is_found_without_sealing_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted(monkeypatch, "category", "total")
    them = people(6)
    happened(*some_events(them))
    seal_all()
    both()
    merged(them[0], them[1])
    both()
    merged(them[2], them[0])  # who has become one before becomes part of somebody else
    both()
    both(chunk=2)
    happened(*some_events(them[2:], 20, seed=4))
    seal_all()
    both()


def test_who_parted_after_sealing_is_read_from_the_table_until_all_is_sealed_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted(monkeypatch, "category", "total")
    them = people(6)
    happened(*some_events(them))
    seal_all()
    parted(them[0], them[1], 4)
    both()
    merged(them[2], them[1])  # whoever takes them in isn't spoken for either
    both()
    merged(them[3], them[2])
    both()
    assert UnsealedProfile.objects.count() == 4
    generations = set(BlockName.objects.values_list("generation", flat=True))
    monkeypatch.setattr(sealing, "MOST_UNSEALED", 1)
    while BlockName.objects.filter(generation__in=generations).exists() or UnsealedProfile.objects.exists():
        assert sealing.seal(timezone.now())
        both()
    both(chunk=2)


def test_a_property_that_is_newly_asked_for_is_sealed_while_the_older_blocks_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted(monkeypatch, "category")
    them = people(4)
    happened(*some_events(them, 60))
    seal_all()
    both()
    wanted(monkeypatch, "category", "total")
    while sealing.seal(timezone.now() + timedelta(seconds=1)):
        both()
    assert {tuple(one.properties) for one in BlockName.objects.all()} == {("category", "total"), ()}


def test_properties_with_too_many_values_are_read_from_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted(monkeypatch, "category", "total")
    monkeypatch.setattr("segments.blocks.values.MOST_VALUES", 4)
    happened(*some_events(people(4), 40))
    seal_all()
    both()


def test_days_with_many_parts_are_put_together_without_reading_events(monkeypatch: pytest.MonkeyPatch) -> None:
    them = people(3)
    happened(*((one, "Bought", START, {}) for one in them))
    seal_all()
    for _ in range(7):
        happened(*((one, "Bought", START + timedelta(hours=1), {}) for one in them))
        seal_all()
    assert Block.objects.count() < sealing.PARTS
    both()
    assert problems() == []


def test_segments_properties_are_those_that_are_sealed() -> None:
    number = name_id("Order Completed")
    rule = {
        "total": "sum",
        "property": "tip",
        "of": "Order Completed",
        "where": [{"property": "shop", "is": "Vic"}],
        "more": 1,
    }
    Segment.objects.create(name="Tippers", rule={"all": [rule, {"segment": "Others"}]})
    assert {"shop", "tip"} <= set(asked.properties()[number])


def test_whoever_changes_is_read_anew_and_everybody_else_is_kept() -> None:
    them = people(3)
    happened(*some_events(them, 20))
    seal_all()
    while live.follow():
        pass
    spain = Trait("country", "is", "ES")
    needed = require(spain)

    def found() -> tuple[list[int], list[bool]]:
        columns = load(needed, Chunk(0, WHOLE), NOW)
        return columns.people.tolist(), columns.passed[key(spain)].tolist()

    assert found() == (them, [False] * 3)
    Profile.objects.filter(id=them[1]).update(traits={"country": "ES"})
    changed(them[1])
    assert found() == (them, [False, True, False])
    kept_before = load(needed, Chunk(0, WHOLE), NOW).people
    while live.follow():
        pass
    assert found() == (them, [False, True, False])
    assert load(needed, Chunk(0, WHOLE), NOW).people is kept_before
    more = people(1)
    Profile.objects.filter(id=them[0]).delete()
    changed(them[0])
    assert found() == ([*them[1:], *more], [True, False, False])
    while live.follow():
        pass
    Profile.objects.filter(id=more[0]).update(traits={"country": "es"})
    changed(more[0])
    while live.follow():
        pass
    assert found() == ([*them[1:], *more], [True, False, True])


def test_dropping_blocks_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted(monkeypatch, "category", "total")
    them = people(4)
    happened(*some_events(them, 30))
    seal_all()
    before = streams()
    assert sealing.drop() > 0
    assert not Block.objects.exists()
    assert streams() == before
    seal_all()  # in the same process, with other numbers for the same people
    assert streams() == before
    both()
