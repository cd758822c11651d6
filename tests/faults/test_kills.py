"""Whatever is killed, at whatever moment: nothing that was acknowledged is lost, nothing counts twice."""

import json
import random
import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from django.db import connection
from pytest_httpserver import HTTPServer

from cdp_site import sql, stages
from cdp_site.checks import run_all
from connectors.models import Source
from segments import fill
from segments.models import Membership, Segment
from tests.connectors.channel import Channel, audience_of
from tests.factories import SourceFactory
from tests.live import Process, Web, Workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
KILLS = 10
BUYERS = {"did": "Order Completed", "at_least": 1}


class Sender(threading.Thread):
    """Sends batches until told to stop, as an SDK does: the same batch again until it is acknowledged."""

    def __init__(self, url: str, source: Source, seed: int) -> None:
        super().__init__(daemon=True)
        self.url, self.key, self.rnd = url, source.write_key, random.Random(seed)
        self.acknowledged: list[str] = []
        self.errors: list[str] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        with httpx.Client(auth=(self.key, ""), timeout=10) as client:
            while not self.stopping.is_set():
                batch = [self._message() for _ in range(20)]
                while not self._sent(client, batch):
                    time.sleep(0.05)
                time.sleep(0.02)  # about 1,000 messages/s in all: the processors are the workers' too

    def _sent(self, client: httpx.Client, batch: list[dict[str, object]]) -> bool:
        try:
            answer = client.post(f"{self.url}/v1/batch", content=json.dumps({"batch": batch}).encode())
        except httpx.TransportError:
            return False  # killed in the middle: nobody knows whether it was stored
        if answer.status_code != 200:
            self.errors.append(f"{answer.status_code} {answer.text[:200]}")
            return answer.status_code < 500
        self.acknowledged += [str(message["messageId"]) for message in batch]
        return True

    def _message(self) -> dict[str, object]:
        person = self.rnd.randrange(300)
        who: dict[str, object] = {"messageId": str(uuid4()), "anonymousId": f"anon-{person}-{self.rnd.randrange(3)}"}
        if self.rnd.random() < 0.3:
            who["userId"] = f"user-{person}"
        if self.rnd.random() < 0.1:
            order = {"order_id": uuid4().hex, "total": self.rnd.randrange(100)}
            return {**who, "type": "track", "event": "Order Completed", "properties": order}
        return {**who, "type": "page", "name": "Home"}


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web()
    server.start()
    server.wait()
    yield server
    server.kill()


@pytest.fixture
def workers() -> Iterator[Process]:
    running = Workers().start()
    yield running
    running.kill()


def buyers() -> Segment:
    segment = Segment.objects.create(name="Buyers", rule=BUYERS, status=Segment.Status.LIVE)
    fill.start(segment)
    return segment


def settle(channel: Channel | None = None) -> None:
    """Work off all that is left, here; an orderly end of what the killed ones began (leases run out by the clock)."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        stages.drain_all()
        open_deliveries = sql.rows("SELECT count(*) FROM delivery WHERE state = 'pending'")
        if not open_deliveries[0][0]:
            return
        time.sleep(0.5)
    raise TimeoutError("deliveries are still open")


def everything_holds(senders: list[Sender]) -> None:
    acknowledged = [message for sender in senders for message in sender.acknowledged]
    assert not [error for sender in senders for error in sender.errors]
    assert len(acknowledged) > 500, "there was hardly any load: the test shows nothing"
    stored = stored_ids()
    assert len(stored) == len(set(stored)), "a message is stored twice"
    missing = set(acknowledged) - set(stored)
    assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged messages are missing"
    off = [finding for finding in run_all() if not finding.ok]
    assert not off


def stored_ids() -> list[str]:
    from profiles.message import message_id_of

    rows = sql.rows("SELECT message_key, source_id, message_id FROM event")
    return [message_id_of(key, source, text) for key, source, text in rows]


def load(web: Web) -> list[Sender]:
    source = SourceFactory()
    senders = [Sender(web.url, source, seed) for seed in range(2)]
    for sender in senders:
        sender.start()
    return senders


def end(senders: list[Sender]) -> None:
    for sender in senders:
        sender.stopping.set()
    for sender in senders:
        sender.join(60)
        assert not sender.is_alive()


def test_the_web_server_is_killed_in_the_middle_of_batches(web: Web) -> None:
    senders = load(web)
    moments = random.Random(1)
    for _ in range(KILLS):
        time.sleep(moments.uniform(0.2, 1.0))
        web.kill()
        web.start()
        web.wait()
    end(senders)
    settle()
    everything_holds(senders)


def test_the_worker_is_killed_in_the_middle_of_drains(web: Web, workers: Process) -> None:
    buyers()
    senders = load(web)
    moments = random.Random(2)
    for _ in range(KILLS):
        # Long enough for the workers to be up (about a second) and somewhere in their work.
        time.sleep(moments.uniform(1.0, 3.0))
        workers.kill()
        workers.start()
    end(senders)
    workers.kill()
    settle()
    everything_holds(senders)


def test_the_worker_is_killed_in_the_middle_of_syncs(web: Web, workers: Process, httpserver: HTTPServer) -> None:
    channel = Channel(httpserver)
    # A channel that takes its time is more often in the middle of something.
    channel.before = lambda told: time.sleep(0.05)
    segment = buyers()
    audience_of(channel, include=[segment])
    senders = load(web)
    moments = random.Random(3)
    for _ in range(KILLS):
        time.sleep(moments.uniform(1.0, 3.0))
        workers.kill()
        workers.start()
    end(senders)
    workers.kill()
    settle(channel)
    everything_holds(senders)
    members = set(Membership.objects.filter(segment_id=segment.pk).values_list("profile_id", flat=True))
    assert len(members) > 20
    assert channel.people == members


@pytest.fixture(autouse=True)
def _closed_afterwards(transactional_db: None) -> Iterator[None]:
    yield
    connection.close()
