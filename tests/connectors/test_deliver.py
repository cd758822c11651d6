"""What the channel has becomes what it should have: once, and in order."""

from datetime import timedelta
from threading import Event

import pytest
import time_machine
from pytest_httpserver import HTTPServer
from werkzeug import Response

from cdp_site import stages
from connectors import sync
from connectors.destinations.webhook import Webhook
from connectors.models import AudienceMember, Destination
from profiles.models import Identifier, Profile
from segments.models import Segment
from tests.connectors.channel import Channel, audience_of, held, merge, person, put_in, take_out
from tests.factories import SegmentFactory

pytestmark = pytest.mark.django_db


def test_the_channel_is_told_who_by_their_identifiers_and_chosen_traits(channel: Channel, loyal: Segment) -> None:
    ana = person(email="ana@example.com", user_id="u1", phone="+34600111222")
    Profile.objects.filter(pk=ana.pk).update(traits={"city": "Madrid", "birthday": "1990-01-01"})
    put_in(loyal, ana)
    audience = audience_of(channel, include=[loyal], traits=["city"])
    stages.drain_all()
    told = channel.told()[0]
    assert told["audience"] == {"id": str(audience.pk), "name": audience.name}
    assert told["removed"] == []
    assert told["added"] == [
        {
            "profile_id": str(ana.pk),
            "identifiers": {"user_id": ["u1"], "email": ["ana@example.com"]},
            "traits": {"city": "Madrid"},
        }
    ]
    assert held(audience) == {ana.pk}


def test_a_removal_names_what_had_been_added(channel: Channel, loyal: Segment) -> None:
    ana = person(email="ana@example.com")
    put_in(loyal, ana)
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    Identifier.objects.filter(profile_id=ana.pk).update(value="ana.new@example.com")
    take_out(loyal, ana)
    stages.drain_all()
    assert channel.told()[1]["removed"] == [{"profile_id": str(ana.pk), "identifiers": {"email": ["ana@example.com"]}}]
    assert channel.people == channel.emails == set()
    assert not AudienceMember.objects.filter(audience_id=audience.pk).exists()


def test_people_go_in_batches_and_removals_go_first(
    channel: Channel, loyal: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Webhook, "batch_size", 2)
    early = [person() for _ in range(2)]
    put_in(loyal, *early)
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    late = [person() for _ in range(3)]
    put_in(loyal, *late)
    take_out(loyal, *early)
    stages.drain_all()
    sizes = [(len(told["removed"]), len(told["added"])) for told in channel.told()]
    assert sizes == [(0, 2), (2, 0), (0, 2), (0, 1)]
    assert channel.people == held(audience) == {p.pk for p in late}


def test_somebody_who_flips_back_before_sending_is_not_sent(channel: Channel, loyal: Segment) -> None:
    ana = person()
    audience_of(channel, include=[loyal])
    stages.drain_all()
    put_in(loyal, ana)
    take_out(loyal, ana)
    stages.drain_all()
    put_in(loyal, ana)
    sync.follow_some()
    take_out(loyal, ana)
    stages.drain_all()
    assert channel.requests == []


def test_a_flip_during_a_delivery_is_sent_after_it(
    channel: Channel, loyal: Segment, clock: time_machine.Traveller
) -> None:
    ana = person()
    put_in(loyal, ana)
    channel.answers = [Response(status=503)]
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    take_out(loyal, ana)
    stages.drain_all()
    assert len(channel.requests) == 1, "a newer change overtook the one under way"
    clock.shift(timedelta(seconds=10))
    stages.drain_all()
    directions = [(len(told["removed"]), len(told["added"])) for told in channel.told()]
    assert directions == [(0, 1), (0, 1), (1, 0)]
    assert channel.people == held(audience) == set()


def test_a_merge_of_two_who_are_there_leaves_the_one_with_both_addresses(channel: Channel, loyal: Segment) -> None:
    ana, also_ana = person(email="ana@example.com"), person(email="ana@work.example")
    put_in(loyal, ana, also_ana)
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    merge(also_ana, ana)
    take_out(loyal, also_ana)
    stages.drain_all()
    assert channel.people == held(audience) == {ana.pk}
    assert channel.emails == {"ana@example.com", "ana@work.example"}
    assert channel.told()[-1]["removed"][0]["merged_into"] == str(ana.pk)


@pytest.mark.parametrize("batch_size", [1, 1000])
def test_a_merge_into_somebody_who_only_now_belongs_there(
    channel: Channel, loyal: Segment, monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    monkeypatch.setattr(Webhook, "batch_size", batch_size)
    ana, also_ana = person(email="ana@example.com"), person(email="ana@work.example")
    put_in(loyal, also_ana)
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    merge(also_ana, ana)
    put_in(loyal, ana)
    take_out(loyal, also_ana)
    stages.drain_all()
    assert channel.people == held(audience) == {ana.pk}
    assert channel.emails == {"ana@example.com", "ana@work.example"}


def test_a_merge_into_somebody_excluded_takes_both_out(channel: Channel, loyal: Segment) -> None:
    bought = SegmentFactory()
    ana, visitor = person(email="ana@example.com"), person(email="ana@work.example")
    put_in(loyal, visitor)
    put_in(bought, ana)
    audience = audience_of(channel, include=[loyal], exclude=[bought])
    stages.drain_all()
    merge(visitor, ana)
    take_out(loyal, visitor)
    put_in(loyal, ana)
    stages.drain_all()
    assert channel.people == channel.emails == held(audience) == set()


def test_whom_the_receiver_refuses_is_not_held_and_not_sent_again(channel: Channel, loyal: Segment) -> None:
    ana, ben = person(), person()
    put_in(loyal, ana, ben)
    channel.answers = [
        Response(f'{{"refused": [{{"profile_id": "{ben.pk}", "reason": "no e-mail address"}}]}}', status=200)
    ]
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    stages.drain_all()
    assert held(audience) == {ana.pk}
    assert AudienceMember.objects.get(profile_id=ben.pk).refused == "no e-mail address"
    assert len(channel.requests) == 1
    sync.compare(audience)
    stages.drain_all()
    assert held(audience) == {ana.pk, ben.pk}


def test_a_slow_destination_does_not_hold_up_another(loyal: Segment, channel: Channel) -> None:
    other_was_served = Event()
    with HTTPServer() as server:
        other = Channel(server)
        waited: list[bool] = []
        channel.before = lambda told: waited.append(other_was_served.wait(5))
        other.after = lambda told: other_was_served.set()
        put_in(loyal, person())
        slow, quick = audience_of(channel, include=[loyal]), audience_of(other, include=[loyal])
        stages.drain_all()
    assert waited == [True]
    assert held(slow) == held(quick) == channel.people


def test_nothing_goes_to_a_destination_that_is_switched_off(channel: Channel, loyal: Segment) -> None:
    put_in(loyal, person())
    audience = audience_of(channel, include=[loyal])
    Destination.objects.update(enabled=False)
    stages.drain_all()
    assert channel.requests == []
    Destination.objects.update(enabled=True)
    stages.drain_all()
    assert channel.people == held(audience) != set()


def test_a_destination_whose_module_is_gone_says_so_and_the_others_go_on(channel: Channel, loyal: Segment) -> None:
    put_in(loyal, person())
    gone, fine = audience_of(channel, include=[loyal]), audience_of(channel, include=[loyal])
    Destination.objects.filter(pk=gone.destination_id).update(kind="fax")
    stages.drain_all()
    assert held(fine) == channel.people
    assert held(gone) == set()


def test_sending_everybody_again_rebuilds_a_list_that_the_receiver_lost(channel: Channel, loyal: Segment) -> None:
    everybody = [person() for _ in range(3)]
    put_in(loyal, *everybody)
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    channel.people.clear()
    sync.send_everybody(audience)
    stages.drain_all()
    assert channel.people == held(audience) == {p.pk for p in everybody}
