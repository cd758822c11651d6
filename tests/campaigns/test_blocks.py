"""The stage 'journeys': packed days follow the rows, and only they are written that changed."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from campaigns.attribution import blocks, kept, load
from campaigns.attribution.blocks_check import packed_days_are_true
from campaigns.models import Goal, Journey, JourneyBlock
from cdp_site import stages
from tests.campaigns.rows import ADS, DAY, NOON, Row, Step, around, mark, pack_all, stale, store, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def goal() -> Goal:
    kept.clear()
    return world()


def row(profile: int, days: int = 0, **more: object) -> Row:
    return replace(Row(profile, NOON + timedelta(days=days), (Step(1, DAY), Step(4)), value=Decimal(10)), **more)  # type: ignore[arg-type]


def test_days_are_packed_once_and_again_when_they_change(goal: Goal) -> None:
    store(goal, [row(1), row(2), row(1, days=3)])
    assert pack_all() == 2
    assert pack_all() == 0
    versions = dict(JourneyBlock.objects.values_list("day", "version"))
    store(goal, [row(3, days=3)])
    assert stale() == 1
    assert pack_all() == 1
    after = dict(JourneyBlock.objects.values_list("day", "version"))
    assert [day for day in versions if after[day] != versions[day]] == [row(3, days=3).day]
    assert len(load.ask(around(goal)).whole()) == 4
    assert list(packed_days_are_true()) == []


def test_a_day_that_has_lost_its_journeys_is_gone(goal: Goal) -> None:
    store(goal, [row(1), row(2, days=1)])
    pack_all()
    Journey.objects.filter(profile_id=1).delete()
    mark(goal, {row(1).day})
    assert pack_all() == 1
    assert [block.day for block in JourneyBlock.objects.all()] == [row(2, days=1).day]
    assert load.ask(around(goal)).whole().profile.tolist() == [2]


def test_until_everybodys_journeys_are_made_anew_the_days_stay_as_they_are(goal: Goal) -> None:
    store(goal, [row(1)])
    pack_all()
    Goal.objects.filter(pk=goal.pk).update(cursor=5)
    store(goal, [row(2)])
    assert pack_all() == 0
    asked = load.ask(around(goal))
    assert (len(asked.whole()), asked.waiting) == (1, 1)
    Goal.objects.filter(pk=goal.pk).update(cursor=None)
    assert pack_all() == 1
    assert len(load.ask(around(goal)).whole()) == 2


def test_the_stage_is_on_the_way_and_woken_by_the_clock() -> None:
    assert "journeys" in stages.names()


def test_the_doctor_tells_of_a_day_that_is_wrong(goal: Goal) -> None:
    store(goal, [row(1), row(2, days=1)])
    pack_all()
    Journey.objects.filter(profile_id=1).update(value=5)
    (wrong,) = packed_days_are_true()
    assert f"{row(1).day}: 1 journeys are packed, 1 are there" in wrong


def test_a_damaged_day_is_read_from_its_rows(goal: Goal) -> None:
    store(goal, [row(1), row(2, days=1)])
    pack_all()
    JourneyBlock.objects.filter(day=row(1).day).update(body=b"TJ01 and nothing else")
    found = load.ask(around(goal)).whole()
    assert (found.profile.tolist(), found.lengths.tolist()) == ([1, 2], [2, 2])
    (wrong,) = packed_days_are_true()
    assert f"{row(1).day}" in wrong


@pytest.mark.django_db(transaction=True)
def test_a_day_that_is_marked_while_it_is_packed_is_packed_again() -> None:
    goal = world()
    store(goal, [row(1)])
    from threading import Event, Thread

    claimed, go_on = Event(), Event()
    original = blocks.read

    def slowly(days: list) -> list:
        found = original(days)
        claimed.set()
        go_on.wait(10)
        return found

    def work() -> None:
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(blocks, "read", slowly)
                blocks.pack_some()
        finally:
            connection.close()

    packing = Thread(target=work)
    packing.start()
    assert claimed.wait(10)

    def late() -> None:
        try:
            with transaction.atomic():
                store(goal, [row(2)])
        finally:
            connection.close()

    writing = Thread(target=late)
    writing.start()
    writing.join(0.3)
    assert writing.is_alive()  # it waits for the claim
    go_on.set()
    writing.join(10)
    packing.join(10)
    assert stale() == 1
    pack_all()
    kept.clear()
    assert load.ask(around(goal)).whole().profile.tolist() == [1, 2]


def test_a_channel_that_was_put_elsewhere_shows_at_once(goal: Goal) -> None:
    from campaigns.models import Origin

    store(goal, [row(1)])
    pack_all()
    asked = load.ask(around(goal))
    assert asked.directory.channels[asked.whole().channel[0]].id == ADS
    Origin.objects.filter(channel_id=ADS).update(channel_id=1)
    asked = load.ask(around(goal))
    assert asked.directory.channels[asked.whole().channel[0]].id == 1
