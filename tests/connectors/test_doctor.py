"""Doctor sees each way in which a channel could differ from its segments, and nothing where all is well."""

from datetime import timedelta

import pytest
import time_machine
from werkzeug import Response

from cdp_site import stages
from connectors import doctor, sync
from connectors.models import AudienceMember, Delivery
from segments.models import ChangedMembership, Membership, Segment
from tests.connectors.channel import Channel, audience_of, person, put_in, take_out

pytestmark = pytest.mark.django_db


def findings() -> list[str]:
    return [
        *doctor.destinations_have_what_they_should(),
        *doctor.audiences_want_what_their_segments_say(),
        *doctor.deliveries_and_people_belong_together(),
        *doctor.whole_lists_are_current(),
    ]


@pytest.fixture
def settled(channel: Channel, loyal: Segment, clock: time_machine.Traveller) -> None:
    put_in(loyal, person(), person())
    audience_of(channel, include=[loyal])
    stages.drain_all()
    clock.shift(timedelta(hours=1))


@pytest.mark.usefixtures("settled")
def test_all_is_well_after_a_drain() -> None:
    assert findings() == []


@pytest.mark.usefixtures("settled")
def test_somebody_held_who_is_not_wanted_is_found() -> None:
    AudienceMember.objects.filter(profile_id=AudienceMember.objects.first().profile_id).update(wanted=False)  # type: ignore[union-attr]
    found = findings()
    assert any("1 people differ" in one for one in found)
    assert any("1 people of its segments are not wanted" in one for one in found)


@pytest.mark.usefixtures("settled")
def test_a_member_of_the_segment_who_was_never_looked_at_is_found(loyal: Segment) -> None:
    put_in(loyal, person())
    assert findings() == [], "a flip that is waiting is no fault"
    ChangedMembership.objects.all().delete()
    assert any("1 people of its segments are not wanted" in one for one in findings())
    Membership.objects.all().delete()
    assert any("2 others are" in one for one in findings())


@pytest.mark.usefixtures("settled")
def test_people_carried_by_nothing_are_found() -> None:
    AudienceMember.objects.update(delivery_id=7)
    assert any("2 people are marked as carried by delivery 7" in one for one in findings())


def test_what_waits_for_a_retry_is_fine_and_what_was_given_up_is_not(
    channel: Channel, loyal: Segment, clock: time_machine.Traveller
) -> None:
    put_in(loyal, person())
    channel.answers = [Response(status=503), Response(status=400)]
    audience_of(channel, include=[loyal])
    stages.drain_all()
    assert findings() == []
    clock.shift(timedelta(minutes=5))
    stages.drain_all()
    [found] = findings()
    assert "given up" in found
    assert "400" in found


def test_a_delivery_that_nobody_tries_is_found(channel: Channel, loyal: Segment, clock: time_machine.Traveller) -> None:
    put_in(loyal, person())
    channel.answers = [Response(status=503)]
    audience_of(channel, include=[loyal])
    stages.drain_all()
    clock.shift(timedelta(hours=1))
    assert any("is a worker running" in one for one in findings())


@pytest.mark.usefixtures("settled")
def test_a_paused_audience_is_nobodys_fault(loyal: Segment, channel: Channel, clock: time_machine.Traveller) -> None:
    audience = audience_of(channel, include=[loyal])
    sync.pause(audience)
    take_out(loyal, person())
    stages.drain_all()
    clock.shift(timedelta(hours=1))
    assert findings() == []


@pytest.mark.usefixtures("settled")
def test_a_delivery_that_lost_its_people_is_found() -> None:
    Delivery.objects.update(state=Delivery.State.PENDING)
    assert any("formed for 2 people, 0 are marked" in one for one in findings())
