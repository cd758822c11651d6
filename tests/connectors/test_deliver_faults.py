"""Whatever fails on the way: deliveries are tried again, given up with a reason, and count once."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from threading import Event
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.utils import timezone
from werkzeug import Response

from cdp_site import stages
from connectors import deliver, settle
from connectors.destinations.base import delivered, refuse
from connectors.destinations.webhook import Webhook
from connectors.models import AudienceMember, Delivery
from segments.models import Segment
from tests.connectors.channel import Channel, audience_of, held, latest, person, put_in, take_out

pytestmark = pytest.mark.django_db


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
    assert 60 < (latest(audience).next_attempt_at - timezone.now()).total_seconds() <= 90
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
    [second] = deliver.claim(1)
    assert not settle.settle(late, delivered())
    settle.settle(late, refuse("late"))
    assert latest(audience).state == Delivery.State.PENDING
    assert settle.settle(second, delivered())
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
