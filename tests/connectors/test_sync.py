"""Who a destination should have follows the memberships."""

import pytest
import time_machine

from cdp_site import stages
from connectors import sync
from connectors.models import Audience, AudienceMember, AudienceSegment, Delivery
from profiles.models import Identifier
from segments.models import ChangedMembership
from tests.connectors.channel import Channel, audience_of, person, put_in, take_out
from tests.factories import ProfileFactory, SegmentFactory

pytestmark = pytest.mark.django_db


def wanted(audience: Audience) -> set[int]:
    return set(AudienceMember.objects.filter(audience_id=audience.pk, wanted=True).values_list("profile_id", flat=True))


def follow() -> None:
    while sync.follow_some():
        pass


def test_a_new_audience_wants_its_included_segments_without_the_excluded(channel: Channel) -> None:
    ana, ben, cy, dee = (person() for _ in range(4))
    loyal, recent, bought = SegmentFactory(), SegmentFactory(), SegmentFactory()
    put_in(loyal, ana, ben)
    put_in(recent, ben, cy)
    put_in(bought, cy, dee)
    audience = audience_of(channel, include=[loyal, recent], exclude=[bought])
    follow()
    assert wanted(audience) == {ana.pk, ben.pk}
    audience.refresh_from_db()
    assert audience.compare_from is None
    assert audience.compared_at is not None


def test_flips_change_what_is_wanted(channel: Channel) -> None:
    ana, ben = person(), person()
    loyal, bought = SegmentFactory(), SegmentFactory()
    audience = audience_of(channel, include=[loyal], exclude=[bought])
    follow()
    put_in(loyal, ana, ben)
    follow()
    assert wanted(audience) == {ana.pk, ben.pk}
    put_in(bought, ana)
    take_out(loyal, ben)
    follow()
    assert wanted(audience) == set()
    assert not ChangedMembership.objects.exists()


def test_flips_of_segments_that_no_audience_uses_leave_no_rows(channel: Channel) -> None:
    audience_of(channel, include=[SegmentFactory()])
    put_in(SegmentFactory(), person())
    follow()
    assert not AudienceMember.objects.exists()
    assert not ChangedMembership.objects.exists()


def test_entering_only_an_excluded_segment_leaves_no_row(channel: Channel) -> None:
    bought = SegmentFactory()
    audience_of(channel, include=[SegmentFactory()], exclude=[bought])
    follow()
    put_in(bought, person())
    follow()
    assert not AudienceMember.objects.exists()


def test_a_comparison_in_small_chunks_ends_with_the_same_people(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "PEOPLE_A_CHUNK", 3)
    everybody = ProfileFactory.create_batch(20)
    one, other, out = SegmentFactory(), SegmentFactory(), SegmentFactory()
    put_in(one, *everybody[:12])
    put_in(other, *everybody[5:])
    put_in(out, *everybody[::4])
    ChangedMembership.objects.all().delete()
    audience = audience_of(channel, include=[one, other], exclude=[out])
    follow()
    assert wanted(audience) == {p.pk for p in everybody} - {p.pk for p in everybody[::4]}


def test_other_segments_take_effect_with_a_comparison(channel: Channel) -> None:
    ana, ben = person(), person()
    loyal, recent = SegmentFactory(), SegmentFactory()
    put_in(loyal, ana)
    put_in(recent, ben)
    audience = audience_of(channel, include=[loyal])
    follow()
    AudienceSegment.objects.filter(audience=audience).update(segment=recent)
    sync.compare(audience)
    follow()
    assert wanted(audience) == {ben.pk}


def test_a_comparison_asked_for_during_one_starts_over(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "PEOPLE_A_CHUNK", 2)
    everybody = ProfileFactory.create_batch(5)
    loyal = SegmentFactory()
    put_in(loyal, *everybody)
    ChangedMembership.objects.all().delete()
    audience = audience_of(channel, include=[loyal])
    sync.follow_some()
    AudienceSegment.objects.filter(audience=audience).delete()
    sync.compare(audience)
    follow()
    assert wanted(audience) == set()


def test_a_preview_counts_what_would_be_sent_and_sends_nothing(channel: Channel) -> None:
    ana, ben, cy = person(), person(), person()
    loyal, recent = SegmentFactory(), SegmentFactory()
    put_in(loyal, ana, ben)
    put_in(recent, ben, cy)
    audience = audience_of(channel, include=[loyal])
    assert sync.preview(audience) == sync.Preview(add=2, remove=0, stay=0)
    stages.drain_all()
    assert channel.people == {ana.pk, ben.pk}
    sync.pause(audience)
    AudienceSegment.objects.filter(audience=audience).update(segment=recent)
    preview = sync.preview(audience)
    assert preview == sync.Preview(add=1, remove=1, stay=1)
    assert preview.sentence == "Would add 1, remove 1, and leave 1 as they are."
    stages.drain_all()
    assert channel.people == {ana.pk, ben.pk}


def test_a_paused_audience_misses_nothing(channel: Channel) -> None:
    ana, ben = person(), person()
    loyal = SegmentFactory()
    put_in(loyal, ana)
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    sync.pause(audience)
    put_in(loyal, ben)
    take_out(loyal, ana)
    stages.drain_all()
    assert channel.people == {ana.pk}
    sync.start(audience)
    stages.drain_all()
    assert channel.people == {ben.pk}


def test_deleting_an_audience_forgets_its_members(channel: Channel) -> None:
    loyal = SegmentFactory()
    put_in(loyal, person())
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    audience.delete()
    assert not AudienceMember.objects.exists()


def test_a_comparison_sends_people_again_whom_the_channel_knows_by_other_identifiers(channel: Channel) -> None:
    ana, ben = person(email="ana@example.com"), person(email="ben@example.com")
    loyal = SegmentFactory()
    put_in(loyal, ana, ben)
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    Identifier.objects.create(kind_id=3, value="ana@work.example", profile_id=ana.pk)
    sync.compare(audience)
    stages.drain_all()
    assert channel.emails == {"ana@example.com", "ana@work.example", "ben@example.com"}
    assert [[member["profile_id"] for member in told["added"]] for told in channel.told()[1:]] == [[str(ana.pk)]]


def test_every_audience_is_compared_once_a_day(channel: Channel, clock: time_machine.Traveller) -> None:
    loyal = SegmentFactory()
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    put_in(loyal, person())
    ChangedMembership.objects.all().delete()
    stages.drain_all()
    assert channel.people == set()
    clock.shift(sync.COMPARED_EVERY)
    stages.drain_all()
    assert channel.people == wanted(audience) != set()
    assert sync.follow_some() == 0


def test_deliveries_can_be_looked_up_for_a_while(channel: Channel, clock: time_machine.Traveller) -> None:
    loyal = SegmentFactory()
    audience = audience_of(channel, include=[loyal])
    for _ in range(3):
        put_in(loyal, person())
        stages.drain_all()
    clock.shift(sync.COMPARED_EVERY)
    stages.drain_all()
    assert Delivery.objects.count() == 3
    clock.shift(sync.KEPT_FOR)
    stages.drain_all()
    assert Delivery.objects.filter(audience=audience).count() == 1
