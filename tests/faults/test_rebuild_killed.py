"""A rebuild whose process is killed again and again, while messages come in, ends as if nothing had happened."""

import random
import sys
import threading
import time

import pytest
from django.db import connection

from cdp_site import checks, stages
from profiles import rebuild
from profiles.models import IdentifierKind, Profile, Rebuild
from tests.factories import SourceFactory
from tests.live import Process
from tests.property.test_identity import by_the_book, people
from tests.stream import resolve_all, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
PEOPLE = 3_000


def messages(first: int, count: int) -> list[dict[str, object]]:
    """Each says one of somebody's two addresses."""
    return [
        {"type": "identify", "anonymousId": f"a{number % PEOPLE}", "messageId": f"m{first + number}",
         "traits": {"email": f"{number % PEOPLE}.{(first + number) // PEOPLE % 2}@example.com"}}
        for number in range(count)
    ]  # fmt: skip


class Arriving(threading.Thread):
    """Sends and resolves beside the rebuild, until told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.source, self.stopping, self.sent = SourceFactory(), threading.Event(), 0

    def run(self) -> None:
        rnd = random.Random(4)
        while not self.stopping.is_set():
            first = rnd.randrange(PEOPLE)
            send(self.source, *(
                {"type": "track", "event": "Seen", "userId": f"u{self.sent}.{number}", "messageId": f"s{self.sent}.{number}",
                 "context": {"traits": {"email": f"{first + number}.0@example.com"}}}
                for number in range(20)
            ))  # fmt: skip
            self.sent += 1
            stages.work_once("resolve")
        connection.close()


def test_killed_again_and_again_beside_messages_it_makes_the_people_that_the_evidence_makes() -> None:
    source = SourceFactory()
    send(source, *messages(0, 2 * PEOPLE))
    resolve_all()
    assert Profile.objects.count() == PEOPLE
    IdentifierKind.objects.filter(name="email").update(limit_per_profile=1)
    asked = rebuild.ask("a lower limit")
    arriving = Arriving()
    arriving.start()
    killed = 0
    try:
        while asked.under_way:
            process = Process([sys.executable, "manage.py", "rebuild_identity"]).start()
            before = asked.step, asked.parted
            while asked.under_way and (asked.step, asked.parted) == before:
                time.sleep(0.02)
                asked.refresh_from_db()
            process.kill()
            killed += 1
            asked.refresh_from_db()
    finally:
        arriving.stopping.set()
        arriving.join()
    stages.drain_all()
    assert arriving.sent > 3 and killed >= 3
    assert Rebuild.objects.count() == 1
    assert people() == by_the_book()
    assert Profile.objects.count() >= 2 * PEOPLE
    assert [finding.detail for finding in checks.run_all() if not finding.ok] == []
