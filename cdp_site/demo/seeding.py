"""The demo's history on its way in: through the same inbox as real messages, a block at a time, from where it stopped."""

import time
from collections.abc import Callable
from datetime import datetime
from itertools import islice

from django.db import transaction
from django.utils import timezone

from cdp_site import sql
from cdp_site.demo import history, money, personas, setting
from cdp_site.models import Progress
from profiles import inbox

NAME = "History of Harbour & Pine"
SEED = 7
BLOCK = 4_000
LINES = 400
# The inbox is kept this full, no fuller: the workers always have something, and a person's visit is seen soon.
MOST_WAITING = 120  # rows


def seed(people: int, wait: Callable[[], None] = lambda: time.sleep(0.2)) -> int:
    """Send the history in; returns how many messages this call sent. Killed and called again, it goes on.

    `wait` is called while the inbox is full (tests drain it there).
    """
    progress = _begin()
    setting.follow_address()
    if progress.ended_at:
        return 0
    sources = setting.sources()
    ending, sent = progress.started_at, 0
    stream = history.stream(SEED, ending, people)
    for _ in islice(stream, progress.done):
        pass
    total = progress.total * people // 20_000 if progress.done == 0 else progress.total
    while block := list(islice(stream, BLOCK)):
        while _waiting() > MOST_WAITING:
            Progress.objects.filter(name=NAME).update(at=timezone.now())
            wait()
        with transaction.atomic():
            _store(block, sources)
            sent += len(block)
            done = progress.done + sent
            Progress.objects.report(NAME, done, max(total, done + 1), f"until {_day(block[-1][1])}")
    _store(list(personas.stories(ending)), sources)
    while _waiting():
        Progress.objects.filter(name=NAME).update(at=timezone.now(), detail="the last messages are being worked off")
        wait()
    setting.segments_and_channel()
    money.tell(ending, people)
    done = progress.done + sent
    Progress.objects.report(NAME, done, done, "all of it is in")
    return sent


def _begin() -> Progress:
    """The history ends when it was first begun, so that it is the same one each time."""
    found = Progress.objects.filter(name=NAME).first()
    if found is None:
        Progress.objects.report(NAME, 0, history.MESSAGES, "the first messages are being written")
        found = Progress.objects.get(name=NAME)
    return found


def _store(block: list[tuple[str, bytes]], sources: dict[str, int]) -> None:
    by_system: dict[str, list[bytes]] = {}
    for system, message in block:
        by_system.setdefault(system, []).append(message)
    for system, lines in by_system.items():
        for start in range(0, len(lines), LINES):
            inbox.store_lines(sources[system], lines[start : start + LINES])


def _waiting() -> int:
    return int(sql.rows("SELECT count(*) FROM inbox WHERE done_at IS NULL")[0][0])


def _day(message: bytes) -> str:
    place = message.index(b'"timestamp":"') + 13
    return f"{datetime.fromisoformat(message[place : place + 10].decode()):%-d %B %Y}"
