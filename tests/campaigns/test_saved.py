"""What leaving people out saved: counted day by day from the flips, against plain sets, and what it comes to in money."""

import random
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from campaigns import costs, saved
from campaigns.models import AudienceChannel, Channel
from cdp_site.ids import new_id
from connectors.models import Audience, AudienceSegment
from segments.models import Membership, MembershipChange, Segment
from tests.factories import AudienceFactory, SegmentFactory

pytestmark = pytest.mark.django_db


def audience(days_ago: int) -> tuple[Audience, Segment, Segment]:
    lookers, buyers = SegmentFactory(name="Looked around"), SegmentFactory(name="Bought")
    made = AudienceFactory(created_at=timezone.now() - timedelta(days=days_ago))
    AudienceSegment.objects.create(audience=made, segment=lookers, role="include")
    AudienceSegment.objects.create(audience=made, segment=buyers, role="exclude")
    return made, lookers, buyers


def flip(segment: Segment, person: int, at: datetime, entered: bool) -> None:
    MembershipChange.objects.create(id=new_id(), profile_id=person, segment_id=segment.pk, entered=entered, at=at)
    if entered:
        Membership.objects.create(profile_id=person, segment_id=segment.pk, since=at)
    else:
        Membership.objects.filter(profile_id=person, segment_id=segment.pk).delete()


def test_every_day_is_as_plain_sets_have_it() -> None:
    _, lookers, buyers = audience(6)
    rnd = random.Random(5)
    now = timezone.now()
    begins = now - timedelta(days=9)
    inside: dict[int, set[int]] = {lookers.pk: set(), buyers.pk: set()}
    ends: dict[object, tuple[int, int]] = {}
    for step in range(160):
        at = begins + (now - begins) * step / 160
        segment, person = rnd.choice((lookers, lookers, buyers)), rnd.randrange(1, 30)
        members = inside[segment.pk]
        flip(segment, person, at, person not in members)
        members ^= {person}
        wanted, barred = inside[lookers.pk], inside[buyers.pk]
        ends[timezone.localdate(at)] = len(wanted - barred), len(wanted & barred)
    (found,) = saved.savings()
    assert [one.day for one in found.days] == [
        timezone.localdate(now) - timedelta(days=ago) for ago in range(6, -1, -1)
    ]
    known = [(one.reached, one.left_out) for one in found.days]
    expected = [ends.get(one.day) for one in found.days]
    assert [one for one, right in zip(known, expected, strict=True) if right and one != right] == []
    assert found.why == ("Bought",)
    assert found.saved is None, "nobody said what it costs"


def test_the_money_is_what_those_within_cost_for_each_who_was_left_out() -> None:
    made, lookers, buyers = audience(0)
    now = timezone.now()
    for person in range(1, 9):
        flip(lookers, person, now, True)
    for person in (1, 2, 99):
        flip(buyers, person, now, True)
    social = Channel.objects.get(name="Paid Social")
    today = timezone.localdate()
    costs.by_hand(social, None, today - timedelta(days=10), today - timedelta(days=1), Decimal(60), "EUR", "me")
    AudienceChannel.objects.create(audience_id=made.pk, channel=social)
    (found,) = saved.savings()
    assert (found.now.reached, found.now.left_out, found.daily) == (6, 2, Decimal(6))
    assert found.each == pytest.approx(1)
    assert found.saved == pytest.approx(2)
    assert found.in_a_month == pytest.approx(60)
    assert found.impressions is None


def test_an_audience_that_leaves_nobody_out_has_no_place_here() -> None:
    AudienceSegment.objects.create(audience=AudienceFactory(), segment=SegmentFactory(), role="include")
    assert saved.savings() == []
