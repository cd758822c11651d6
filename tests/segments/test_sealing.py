"""Sealing leaves no event out, whenever it is stored and wherever sealing is killed; the doctor finds what is off."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from io import StringIO
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from cdp_site import ids, sql
from cdp_site.ids import first_at, made_at, new_id
from connectors.models import Source
from profiles import hand
from profiles import sealing as past
from profiles.identifiers import ANONYMOUS
from profiles.models import Event, EventSeal, UnsealedProfile
from segments.blocks import asked, sealing
from segments.blocks.kept import kept
from segments.blocks.packing import DAY, Packed, pack
from segments.models import Block, BlockName
from segments.require import Stream
from segments.rules import Events
from tests.profiles import test_hand
from tests.segments import sealed
from tests.segments.sealed import (
    both,
    database_url,
    happened,
    make_small,
    merged,
    parted,
    people,
    problems,
    seal_all,
    some_events,
    wanted,
)
from tests.segments.world import name_id
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)


def test_a_drain_that_commits_late_isn_t_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its keys are older than what others have stored and sealed meanwhile, had the past been closed over it."""
    them = people(2)
    happened(*some_events(them, 20))
    stored, go_on = threading.Event(), threading.Event()

    def drain() -> None:
        with transaction.atomic():
            happened(*some_events(them, 5, seed=9))
            stored.set()
            go_on.wait(20)
        connection.close()

    late = threading.Thread(target=drain)
    late.start()
    stored.wait(20)
    assert past.close(new_id(), patience=50) is None
    assert seal_all() == 0  # it gives up rather than hold the next drain up
    assert not BlockName.objects.exists()
    go_on.set()
    late.join()
    seal_all()
    assert sum(Block.objects.values_list("events", flat=True)) == 25
    both()


def test_a_clock_that_is_behind_gives_keys_after_what_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    them = people(2)
    happened(*some_events(them, 20))
    seal_all()
    until = EventSeal.objects.get().closed_until
    monkeypatch.setattr("cdp_site.ids.time.time", lambda: made_at(until).timestamp() - 86_400)
    monkeypatch.setattr("cdp_site.ids._last", 0)
    happened(*some_events(them, 20, seed=5))
    assert Event.objects.filter(id__gt=until).count() == 20
    both()


def test_messages_are_stored_after_what_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drain itself holds the past open."""
    monkeypatch.setattr(
        "cdp_site.ids._last", ids._last
    )  # put back afterwards: an hour is enough for other tests to see
    source = Source.objects.create(name="Shop", kind="http")
    until = past.close(first_at(timezone.now() + timedelta(hours=1)))
    send(source, {"type": "track", "event": "Bought", "userId": "u1"})
    resolve_all()
    assert until is not None and Event.objects.get().id > until


def test_the_doctor_finds_a_damaged_block_and_answers_stay_right(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted(monkeypatch, "category", "total")
    them = people(4)
    happened(*some_events(them, 30))
    seal_all()
    merged(them[0], them[1])
    parted(them[2], them[3], 2)
    assert problems() == []
    one = Block.objects.filter(name_id=name_id("Bought")).latest("day")
    kept.clear()
    sql.rows("UPDATE block SET body = overlay(body placing '\\x01' from 20) WHERE part = %s RETURNING 1", (one.part,))
    assert "isn't what was written" in problems()[0]
    assert "--drop" in problems()[0]
    both()


def test_the_doctor_finds_a_block_that_says_something_else() -> None:
    them = people(4)
    happened(*some_events(them, 30))
    seal_all()
    one = Block.objects.filter(name_id=name_id("Seen")).latest("day")
    body = pack(Packed(np.zeros(one.events, np.uint32), np.full(one.events, one.day * DAY)), one.day)
    sql.rows("UPDATE block SET body = %s, checksum = %s WHERE part = %s RETURNING 1", (body, crc32(body), one.part))
    assert "differ" in problems()[0]


def test_a_kill_in_the_middle_of_sealing_leaves_everything_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it comes: what was not committed never was, and the next one begins where this one stopped."""
    wanted(monkeypatch, "category", "total")
    them = people(4)
    happened(*some_events(them, 40))
    write, count = sealing._write, 0

    def killed(rows: Any) -> None:
        nonlocal count
        count += 1
        write(rows)
        if count % 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(sealing, "_write", killed)
    for _ in range(200):
        try:
            if not sealing.seal(timezone.now() + timedelta(seconds=1)):
                break
        except KeyboardInterrupt:
            both()
    assert count > 6
    assert sum(Block.objects.values_list("events", flat=True)) == 40
    happened(*some_events([*them, *people(3)], 30, seed=6))
    monkeypatch.setattr(sealing, "_write", write)
    seal_all()
    both()
    assert problems() == []


def test_a_worker_that_is_killed_while_it_seals_leaves_everything_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of its own, ended by the system (not by an exception) between two of its statements."""
    them = people(4)
    happened(*some_events(them, 40))
    program = (
        "import django; django.setup()\n"
        "import os, signal, sys\n"
        "from datetime import timedelta\n"
        "from django.utils import timezone\n"
        "from segments.blocks import sealing\n"
        "sealing.LEAST, sealing.DUE, sealing.BATCH, sealing.SETTLED = 0, 0, 7, timedelta(0)\n"
        "write = sealing._write\n"
        "def killed(rows):\n"
        "    write(rows)\n"
        "    if sealing.numbers.profiles.size > 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "sealing._write = killed\n"
        "while sealing.seal(timezone.now() + timedelta(seconds=1)): pass\n"
    )
    url = database_url()
    ended = subprocess.run([sys.executable, "-c", program], env={**os.environ, "DATABASE_URL": url}, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert BlockName.objects.exists()
    both()
    seal_all()
    both()
    assert problems() == []


def test_the_command_says_how_far_blocks_are_and_drops_them() -> None:
    happened(*some_events(people(3), 20))
    seal_all()

    def said(*options: str) -> dict[str, int]:
        out = StringIO()
        call_command("segments", "blocks", "--json", *options, stdout=out)
        found: dict[str, int] = json.loads(out.getvalue())
        return found

    assert (said()["events"], said()["names"], said()["names being sealed"]) == (20, 2, 0)
    blocks = said()["blocks"]
    assert said("--drop") == {"dropped": blocks}
    assert said()["events"] == 0


def test_undoing_a_merge_by_hand_names_both_and_answers_stay_right(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = Events("Order Completed")
    monkeypatch.setattr(sealed, "STREAMS", [Stream(orders), Stream(orders, "total", "number")])
    monkeypatch.setattr(asked, "properties", dict)
    shop = Source.objects.create(name="Shop", kind="http")
    test_hand.send_and_drain(shop, *test_hand.ANA)
    test_hand.send_and_drain(shop, *test_hand.BEN)
    seal_all()
    both()
    test_hand.send_and_drain(shop, test_hand.WRONG | {"anonymousId": "ben-home"})
    both()
    assert not UnsealedProfile.objects.exists()
    done = hand.undo(person(*test_hand.U1).pk, test_hand.the_merge().id, "ines", "Ben's computer")
    assert {done.one, done.other} <= set(UnsealedProfile.objects.values_list("profile_id", flat=True))
    both()
    seal_all()
    both()
    assert problems() == []


def test_whoever_parts_is_named_where_their_events_move(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = Events("Order Completed")
    monkeypatch.setattr(sealed, "STREAMS", [Stream(orders)])
    shop = Source.objects.create(name="Shop", kind="http")
    test_hand.send_and_drain(shop, *test_hand.ANA, test_hand.bought("a2", 3, anonymousId="ana-phone"))
    seal_all()
    both()
    phone = (ANONYMOUS, "ana-phone")
    assert person(*phone) == person(*test_hand.U1)
    hand.cut(test_hand.U1, phone, "ines", "Her sister's phone")
    assert person(*phone) != person(*test_hand.U1)
    named = set(UnsealedProfile.objects.values_list("profile_id", flat=True))
    assert named == {person(*phone).pk, person(*test_hand.U1).pk}
    both()
    seal_all()
    both()
    assert problems() == []
