"""What the channel has becomes what it should have: once, in order, whatever fails on the way."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from threading import Event
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.utils import timezone
from pytest_httpserver import HTTPServer
from werkzeug import Response

from cdp_site import stages
from connectors import deliver, settle, sync
from connectors.destinations.webhook import Webhook
from connectors.models import Audience, AudienceMember, Delivery, Destination
from profiles.models import Identifier, Profile, ProfileRedirect
from segments.models import Segment
from tests.connectors.channel import Channel, audience_of, person, put_in, take_out
from tests.factories import SegmentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel(httpserver: HTTPServer) -> Channel:
    return Channel(httpserver)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now(), tick=True) as traveller:
        yield traveller


@pytest.fixture
def loyal() -> Segment:
    return SegmentFactory(name="Loyal")


def held(audience: Audience) -> set[int]:
    return set(AudienceMember.objects.filter(audience_id=audience.pk, held=True).values_list("profile_id", flat=True))


def latest(audience: Audience) -> Delivery:
    return Delivery.objects.filter(audience=audience).latest("id")


def merge(loser: Profile, winner: Profile) -> None:
    """What resolving leaves behind when two profiles become one (memberships follow in the next stage)."""
    Identifier.objects.filter(profile_id=loser.pk).update(profile_id=winner.pk)
    ProfileRedirect.objects.create(id=loser.pk, profile_id=winner.pk)
    loser_id = loser.pk
    loser.delete()
    loser.pk = loser_id


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


def test_a_fault_is_tried_again_later_with_the_same_bytes_and_key(
    channel: Channel, loyal: Segment, clock: time_machine.Traveller
) -> None:
    ana = person(email="ana@example.com")
    put_in(loyal, ana)
    channel.answers = [Response(status=503), Response(status=500), None]
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    stages.drain_all()
    assert len(channel.requests) == 1, "tried again without waiting"
    assert "503" in latest(audience).error
    waits = []
    for _ in range(2):
        waits.append((latest(audience).next_attempt_at - timezone.now()).total_seconds())
        clock.shift(timedelta(seconds=waits[-1] + 0.1))
        stages.drain_all()
    assert waits[1] > waits[0] > 1
    assert len(set(channel.requests)) == 1
    assert len(channel.requests) == 3
    assert channel.people == held(audience) == {ana.pk}
    done = latest(audience)
    assert (done.state, done.attempts, done.error, bytes(done.body)) == ("done", 3, "", b"")


@pytest.mark.parametrize("seconds", [None, 90])
def test_a_receiver_that_names_a_time_is_left_alone_until_then(
    channel: Channel, loyal: Segment, clock: time_machine.Traveller, seconds: int | None
) -> None:
    at = timezone.now() + timedelta(seconds=90)
    text = str(seconds) if seconds else at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    put_in(loyal, person())
    channel.answers = [Response(status=429, headers={"Retry-After": text})]
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    assert 85 < (latest(audience).next_attempt_at - timezone.now()).total_seconds() <= 90
    clock.shift(timedelta(seconds=91))
    stages.drain_all()
    assert len(channel.people) == 1


def test_waiting_doubles_up_to_an_hour() -> None:
    waits = [settle.backoff(number) for number in (1, 2, 5, 12, 1000)]
    for wait, middle in zip(waits, (2, 4, 32, 3600, 3600), strict=True):
        assert 0.8 * middle <= wait <= 1.2 * middle


def test_after_days_of_faults_it_is_given_up_and_says_so(
    channel: Channel, loyal: Segment, clock: time_machine.Traveller
) -> None:
    put_in(loyal, person())
    channel.answers = [Response(status=502)] * 200
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    started = timezone.now()
    while (delivery := latest(audience)).state == Delivery.State.PENDING:
        clock.move_to(delivery.next_attempt_at + timedelta(seconds=1))
        stages.drain_all()
    assert settle.GIVE_UP_AFTER < timezone.now() - started < settle.GIVE_UP_AFTER + timedelta(hours=3)
    assert delivery.state == Delivery.State.FAILED
    assert "502" in delivery.error


def test_a_refusal_stops_the_audience_until_somebody_retries(channel: Channel, loyal: Segment) -> None:
    ana, ben = person(), person()
    put_in(loyal, ana)
    channel.answers = [Response(status=422)]
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    refused = latest(audience)
    assert (refused.state, refused.attempts) == (Delivery.State.FAILED, 1)
    put_in(loyal, ben)
    stages.drain_all()
    assert len(channel.requests) == 1
    settle.retry_now(refused)
    stages.drain_all()
    assert channel.people == held(audience) == {ana.pk, ben.pk}
    refused.refresh_from_db()
    assert refused.state == Delivery.State.REPLACED


def test_what_a_given_up_delivery_did_is_unknown_so_a_removal_is_sent(channel: Channel, loyal: Segment) -> None:
    """The receiver took it and then answered badly; meanwhile the person left the segment."""
    ana = person(email="ana@example.com")
    put_in(loyal, ana)
    channel.before = channel.apply
    channel.answers = [Response(status=400)]
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    assert channel.people == {ana.pk}
    take_out(loyal, ana)
    stages.drain_all()
    settle.retry_now(latest(audience))
    stages.drain_all()
    assert channel.people == channel.emails == set()
    assert not AudienceMember.objects.filter(audience_id=audience.pk).exists()


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


def test_a_worker_that_dies_between_sending_and_recording_repeats_without_effect(
    channel: Channel, loyal: Segment, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = person()
    put_in(loyal, ana)
    audience = audience_of(channel, include=[loyal])

    def die(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(deliver, "settle", die)
        with pytest.raises(KeyboardInterrupt):
            stages.drain_all()
    assert held(audience) == set()
    stages.drain_all()
    assert len(channel.requests) == 1, "taken up before its lease ran out"
    clock.shift(deliver.LEASE + timedelta(seconds=1))
    stages.drain_all()
    assert len(channel.requests) == 2
    assert len(set(channel.requests)) == 1
    assert channel.applied == 1
    assert held(audience) == channel.people == {ana.pk}


def test_an_answer_that_comes_after_another_attempt_took_over_is_not_recorded(
    channel: Channel, loyal: Segment, clock: time_machine.Traveller
) -> None:
    put_in(loyal, person())
    channel.answers = [Response(status=503)]
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    clock.shift(timedelta(seconds=5))
    [late] = deliver.claim(1)
    clock.shift(deliver.LEASE + timedelta(seconds=1))
    stages.drain_all()
    assert not settle.settle(late, deliver.try_again("late"))
    assert latest(audience).state == Delivery.State.DONE


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_of_sending_loses_and_repeats_nothing(
    channel: Channel, loyal: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL from the receiver itself, when it has applied the third delivery and not yet answered."""
    everybody = [person(email=f"p{number}@example.com") for number in range(1_050)]
    put_in(loyal, *everybody)
    monkeypatch.setattr(Webhook, "batch_size", 100)
    audience = audience_of(channel, include=[loyal])
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    worker: list[subprocess.Popen[bytes]] = []
    started = Event()

    def kill(told: object) -> None:
        started.wait(30)
        if len(channel.requests) == 3:
            os.kill(worker[0].pid, signal.SIGKILL)

    channel.after = kill
    script = (
        "import django; django.setup(); from connectors.destinations.webhook import Webhook; Webhook.batch_size = 100;"
        "from django.core.management import call_command; call_command('drain')"
    )
    environment = os.environ | {"DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "cdp_site.settings"}
    worker.append(
        subprocess.Popen([sys.executable, "-c", script], env=environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE)
    )
    started.set()
    assert worker[0].wait(60) == -signal.SIGKILL
    assert channel.applied == 3
    assert len(held(audience)) == 200
    with time_machine.travel(timezone.now() + deliver.LEASE + timedelta(seconds=1), tick=True):
        stages.drain_all()
    assert channel.people == held(audience) == {p.pk for p in everybody}
    assert channel.requests[2] == channel.requests[3]
    assert channel.applied == 11
    assert len(channel.requests) == 12
