"""Whatever happens in whatever order, the channel ends with exactly the audience, by person and by e-mail address."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from werkzeug import Response

from cdp_site import stages
from connectors import deliver, doctor, settle, sync
from connectors.destinations.webhook import Webhook
from connectors.models import AudienceMember, Delivery
from profiles.models import Identifier
from segments.models import Membership
from tests.connectors.channel import Channel, audience_of, held, merge, person, put_in, take_out
from tests.factories import SegmentFactory

pytestmark = pytest.mark.django_db

STEPS = 150


class World:
    """Twelve people, two segments, a channel that fails in every way, and a worker that dies."""

    def __init__(
        self, seed: int, channel: Channel, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.chance, self.channel, self.clock, self.patch = random.Random(seed), channel, clock, monkeypatch
        self.people = [person(email=f"p{number}@example.com") for number in range(12)]
        self.inside, self.outside = SegmentFactory(), SegmentFactory()
        self.audience = audience_of(channel, include=[self.inside], exclude=[self.outside])

    def steps(self) -> list[Callable[[], None]]:
        often = [self.flip, self.flip, self.flip, self.follow, self.send, self.wait]
        return [
            *often * 3,
            self.fail,
            self.fail,
            self.die,
            self.join,
            self.retry,
            self.pause,
            self.resume,
            self.send_all,
        ]

    def flip(self) -> None:
        one, segment = self.chance.choice(self.people), self.chance.choice([self.inside, self.inside, self.outside])
        is_in = Membership.objects.filter(profile_id=one.pk, segment_id=segment.pk).exists()
        (take_out if is_in else put_in)(segment, one)

    def follow(self) -> None:
        sync.follow_some()

    def send(self) -> None:
        deliver.deliver_some()

    def wait(self) -> None:
        self.clock.shift(timedelta(seconds=self.chance.choice([1, 10, 100])))

    def fail(self) -> None:
        """The next answer is a fault or a refusal; now and then the receiver has taken the delivery all the same."""
        self.channel.answers.append(Response(status=self.chance.choice([503, 500, 400, 429])))
        if self.chance.random() < 0.5:
            self.channel.answers.append(Response(status=502))
        self.channel.before = self._take_once if self.chance.random() < 0.5 else None

    def _take_once(self, told: dict[str, str]) -> None:
        """As a receiver must: a delivery that it has seen is not applied again."""
        if told["delivery_id"] not in self.channel.seen:
            self.channel.seen.add(told["delivery_id"])
            self.channel.apply(told)

    def die(self) -> None:
        def die(*_: object) -> bool:
            raise KeyboardInterrupt

        with self.patch.context() as patched:
            patched.setattr(deliver, "settle", die)
            try:
                deliver.deliver_some()
            except KeyboardInterrupt:
                return

    def join(self) -> None:
        if len(self.people) < 4:
            return
        loser, winner = self.chance.sample(self.people, 2)
        self.people.remove(loser)
        merge(loser, winner)
        for segment in (self.inside, self.outside):
            take_out(segment, loser)

    def retry(self) -> None:
        settle.retry_all(self.audience.destination_id)

    def pause(self) -> None:
        sync.pause(self.audience)

    def resume(self) -> None:
        sync.start(self.audience)

    def send_all(self) -> None:
        sync.send_everybody(self.audience)

    def settle(self) -> None:
        self.channel.answers.clear()
        self.channel.before = None
        sync.start(self.audience)
        for _ in range(4):
            settle.retry_all(self.audience.destination_id)
            self.clock.shift(timedelta(hours=2))
            stages.drain_all()

    def wanted(self) -> set[int]:
        inside, outside = (
            set(Membership.objects.filter(segment_id=segment.pk).values_list("profile_id", flat=True))
            for segment in (self.inside, self.outside)
        )
        return inside - outside


@pytest.mark.parametrize("seed", range(12))
def test_the_channel_ends_with_exactly_the_audience(
    seed: int, channel: Channel, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Webhook, "batch_size", random.Random(seed).choice([1, 2, 5, 100]))
    world = World(seed, channel, clock, monkeypatch)
    steps = world.steps()
    for _ in range(STEPS):
        world.chance.choice(steps)()
    world.settle()
    wanted = world.wanted()
    assert channel.people == held(world.audience) == wanted
    kept = AudienceMember.objects.filter(held=True).values_list("sent", flat=True)
    assert channel.emails == {email for sent in kept for email in sent["email"]}, "it has other than we think"
    sync.compare(world.audience)
    stages.drain_all()
    emails = Identifier.objects.filter(kind_id=3, profile_id__in=wanted).values_list("value", flat=True)
    assert channel.emails == set(emails)
    assert not Delivery.objects.filter(state__in=["pending", "failed"]).exists()
    assert set(AudienceMember.objects.filter(wanted=False).values_list("held", flat=True)) <= {False}
    assert [*doctor.destinations_have_what_they_should(), *doctor.audiences_want_what_their_segments_say()] == []
    assert [*doctor.deliveries_and_people_belong_together()] == []
