"""Exact combinations of segments, what sets members apart, and sizes over time: counted in the database."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.utils import timezone

from profiles.models import Profile
from segments import makeup, overlap, report
from segments.makeup import Feature
from segments.models import Membership, Segment, SegmentSize
from tests.factories import SegmentFactory
from tests.segments.world import happened, person

pytestmark = pytest.mark.django_db


def put(segment: Segment, *people: int) -> Segment:
    for one in people:
        Membership.objects.create(profile_id=one, segment_id=segment.pk, since=timezone.now())
    segment.size = Membership.objects.filter(segment_id=segment.pk).count()
    segment.save()
    return segment


def test_members_are_counted_by_exactly_the_segments_that_they_are_in() -> None:
    people = [person() for _ in range(6)]
    here = put(SegmentFactory(name="Here"), *people)
    put(SegmentFactory(name="A"), *people[:3], person())
    put(SegmentFactory(name="B"), people[0], people[3])
    put(SegmentFactory(name="Elsewhere"), person())
    found = overlap.overlap(here)
    assert [(one.segment.name, one.shared, one.share) for one in found.others] == [("A", 3, 0.5), ("B", 2, 2 / 6)]
    assert [(words, one.count) for words, one in found.rows] == [
        ("in none of these", 2), ("only in A", 2), ("only in A and B", 1), ("only in B", 1),
    ]  # fmt: skip
    assert found.sampled == 1


def test_at_most_six_others_and_the_largest_combinations() -> None:
    people = [person() for _ in range(40)]
    here = put(SegmentFactory(name="Here"), *people)
    for number in range(8):
        put(
            SegmentFactory(name=f"S{number}"),
            *(one for place, one in enumerate(people) if (place + number) % (number + 2)),
        )
    found = overlap.overlap(here)
    assert len(found.others) == overlap.MOST_SEGMENTS
    assert len(found.combinations) <= overlap.MOST_COMBINATIONS
    assert sum(one.count for one in found.combinations) <= 40


def test_of_very_many_members_some_are_counted_and_numbers_are_estimates(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [person() for _ in range(60)]
    here = put(SegmentFactory(name="Here"), *people)
    put(SegmentFactory(name="A"), *people)
    monkeypatch.setattr(overlap, "MOST_MEMBERS", 20)
    found = overlap.overlap(here)
    assert found.sampled == 3
    assert found.others[0].share == 1.0
    assert 20 < found.others[0].shared < 120


def test_nobody_and_nothing_shared() -> None:
    assert overlap.overlap(put(SegmentFactory(), person())).others == ()
    assert overlap.overlap(SegmentFactory()).combinations == ()


def test_the_picture_is_well_formed_and_says_every_combination() -> None:
    people = [person() for _ in range(3)]
    here = put(SegmentFactory(name="Here"), *people)
    put(SegmentFactory(name="<b>A & B</b> of a very long name indeed"), *people[:2])
    drawn = ElementTree.fromstring(str(overlap.picture(overlap.overlap(here), 'so "said"')))
    said = ["".join(one.itertext()) for one in drawn.iter("title")]
    assert "2 only in <b>A & B</b> of a very long name indeed" in said
    assert "1 in none of these" in said


def test_a_trait_that_members_have_far_more_often_is_told_with_its_index() -> None:
    vips = [person(tier="gold", country="ES") for _ in range(40)]
    for number in range(160):
        person(tier="plain", country="ES" if number % 2 else "FR")
    found = makeup.makeup(put(SegmentFactory(), *vips))
    gold = found.over[0]
    assert (gold.feature, gold.members, gold.share, gold.everybody, gold.base) == (
        Feature("trait", "tier", "gold"), 40, 1.0, 40, 0.2,
    )  # fmt: skip
    assert gold.index == pytest.approx(5.0)
    assert {one.feature.value for one in found.under} == {"plain", "FR"}
    assert found.under[0].index == 0 and found.under[0].times == "never"
    assert (found.sampled, found.of) == ((1, 1), (40, 200))


def test_events_of_the_last_thirty_days_are_counted_once_a_person() -> None:
    now = timezone.now()
    readers = [person() for _ in range(20)]
    others = [person() for _ in range(100)]
    for one in readers:
        happened(one, "Email Opened", now - timedelta(days=2))
        happened(one, "Email Opened", now - timedelta(days=3))
    for one in others:
        happened(one, "Email Opened", now - timedelta(days=31))
    found = makeup.makeup(put(SegmentFactory(), *readers), now)
    assert [(one.feature, one.members, one.everybody) for one in found.over] == [
        (Feature("event", "Email Opened"), 20, 20)
    ]


def test_what_chance_may_do_is_not_told() -> None:
    people = [person(coin=number % 2 == 0) for number in range(100)]
    found = makeup.makeup(put(SegmentFactory(), *people[:25]))
    assert (found.over, found.under) == ((), ())


def test_items_of_lists_count_long_texts_and_objects_do_not() -> None:
    fans = [person(likes=["shoes", "shoes", "hats"], note="x" * 500, address={"city": "Lugo"}) for _ in range(30)]
    for _ in range(100):
        person(likes=["socks"])
    found = makeup.makeup(put(SegmentFactory(), *fans))
    assert {(one.feature.name, one.feature.value, one.members) for one in found.over} == {
        ("likes", "shoes", 30), ("likes", "hats", 30),
    }  # fmt: skip


def test_of_very_many_people_some_are_looked_at_and_counts_are_estimates(monkeypatch: pytest.MonkeyPatch) -> None:
    Profile.objects.bulk_create(Profile(traits={"side": "left" if number < 100 else "right"}) for number in range(600))
    left = list(Profile.objects.filter(traits__side="left").values_list("id", flat=True))
    monkeypatch.setattr(makeup, "MOST_PEOPLE", 200)
    found = makeup.makeup(put(SegmentFactory(), *left))
    assert found.sampled == (1, 3)
    assert found.over[0].feature.value == "left"
    assert found.over[0].members == 100
    assert found.of[0] == 100 and 400 < found.of[1] < 800


def test_of_a_handful_nothing_is_said() -> None:
    found = makeup.makeup(put(SegmentFactory(), *(person(a="b") for _ in range(4))))
    assert (found.over, found.under) == ((), ())


NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def sized(segment: Segment, ago: timedelta, size: int, entered: int = 0, left: int = 0) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - ago
    SegmentSize.objects.create(segment_id=segment.pk, hour=hour, size=size, entered=entered, left=left)


def test_sizes_begin_with_what_the_segment_had_before_and_end_with_now() -> None:
    here = SegmentFactory(size=12)
    sized(here, timedelta(days=60), 100, 100)
    sized(here, timedelta(days=40), 8, 0, 92)
    sized(here, timedelta(days=2), 12, 5, 1)
    found = report.sizes(here, 30)
    assert (found.sizes, found.entered, found.left) == ([8, 12, 12], [0, 5, 0], [0, 1, 0])
    assert sorted(found.times) == found.times


def test_the_first_fill_is_nobody_coming() -> None:
    here = SegmentFactory(size=5)
    sized(here, timedelta(days=3), 5, 5)
    assert report.sizes(here, 30).entered == [0, 0]


def test_longer_periods_go_day_by_day() -> None:
    here = SegmentFactory(size=9)
    sized(here, timedelta(days=80), 5, 5)
    day = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=50)
    for hours, size, came in ((0, 6, 1), (3, 8, 2)):
        SegmentSize.objects.create(segment_id=here.pk, hour=day + timedelta(hours=hours), size=size, entered=came)
    found = report.sizes(here, 90)
    assert (found.sizes, found.entered) == ([5, 8, 9], [0, 3, 0])
    assert found.times[1].startswith(f"{day:%Y-%m-%d}T00:00")


def test_who_asks_for_a_segment_is_found_in_live_rules_and_drafts() -> None:
    asks = {"segment": "VIP"}
    live = SegmentFactory(name="Live", rule={"all": [asks]})
    drafted = SegmentFactory(name="Drafted", rule={"trait": "a", "exists": True}, draft={"not": asks})
    old = SegmentFactory(name="Old", rule=asks, status=Segment.Status.ARCHIVED)
    broken = SegmentFactory(name="Broken", rule={"segment": 3})
    assert report.asked_by([live, drafted, old, broken]) == {"VIP": [live, drafted]}
