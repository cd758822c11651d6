"""A small world for the tests of column blocks: events stored as drains do it, sealed in handfuls, asked both ways."""

import json
import os
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection, transaction
from django.utils import timezone

from cdp_site import checks, ids, sql
from cdp_site.ids import new_ids
from profiles import merge
from profiles import sealing as past
from profiles.events import MonthsMissing, make_months, require_months
from profiles.models import Event, Profile
from segments.blocks import people as everybody
from segments.blocks import sealing
from segments.blocks.kept import kept
from segments.load import WHOLE, Chunk, Columns, load, micros
from segments.require import Requirements, Stream, stream_key
from segments.rules import Events, PropertyFilter
from tests.segments.world import changed, name_id

START = datetime.fromisoformat("2026-05-01T00:00:00+00:00")
NOW = START + timedelta(days=60)
STREAMS = [
    Stream(Events("Bought")),
    Stream(Events("Bought"), within=20 * 86_400),
    Stream(Events("Bought", (PropertyFilter("category", "is", "shoes"),)), within=40 * 86_400),
    Stream(Events("Bought"), "total", "number"),
    Stream(Events("Bought", (PropertyFilter("total", "greater", 20),)), "category", "text", 30 * 86_400),
    Stream(Events("Bought", (PropertyFilter("category", "missing"),))),
    Stream(Events("Seen"), within=10 * 86_400),
]


def make_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks for handfuls of events, of whatever arrived up to now."""
    for name, value in {"LEAST": 0, "DUE": 0, "BATCH": 7, "PARTS": 3, "SETTLED": timedelta(0)}.items():
        monkeypatch.setattr(sealing, name, value)
    monkeypatch.setattr(everybody, "LEAST", -1)
    # Whoever set the clock ahead before has made keys of a time to come, which is not the past.
    monkeypatch.setattr(ids, "_last", 0)
    everybody.forget()


def database_url() -> str:
    """The tests' database, for a process of its own."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


def people(number: int) -> list[int]:
    made = [Profile.objects.create().id for _ in range(number)]
    for one in made:
        changed(one)
    return made


def happened(*events: tuple[int, str, datetime, dict[str, Any]]) -> None:
    """Events (profile, name, time, properties), stored as the drain does it: with keys above what is closed."""
    try:
        require_months([at for _, _, at, _ in events])
    except MonthsMissing as missing:
        make_months(missing.months)
    numbers = {name: name_id(name) for _, name, _, _ in events}
    with transaction.atomic():
        keys = new_ids(len(events), above=past.held_open())
        sql.copy_rows(
            "event",
            ["profile_id", "time", "id", "source_id", "name_id", "message_key", "properties"],
            [
                (profile, at, key, 1, numbers[name], uuid4(), json.dumps(properties))
                for key, (profile, name, at, properties) in zip(keys, events, strict=True)
            ],
        )


def seal_all(most: int = 1_000) -> int:
    """Let the stage work until it finds nothing; returns how many batches that were."""
    for batch in range(most):
        if not sealing.seal(timezone.now() + timedelta(seconds=1)):
            return batch
    raise AssertionError("it goes on for ever")


def streams(chunk: int = WHOLE) -> list[tuple[Any, ...]]:
    """What the loader brings for `STREAMS`, cut at their windows, as (profile, time, value), and whom it found."""
    needed = Requirements({stream_key(one.events, one.value, one.kind): one for one in STREAMS[:1]})
    answer: list[tuple[Any, ...]] = []
    for stream in STREAMS:
        needed = Requirements({"one": stream})
        after, rows = 0, []
        while True:
            columns = load(needed, Chunk(after, chunk), NOW)
            rows += _rows(columns, stream)
            if len(columns.people) < chunk:
                break
            after = int(columns.people[-1])
        answer.append(tuple(rows))
    return answer


def _rows(columns: Columns, stream: Stream) -> list[tuple[int, int, int | None]]:
    found = columns.streams["one"]
    assert np.all(np.diff(found.person) >= 0)
    assert np.all((np.diff(found.person) > 0) | (np.diff(found.time) >= 0))
    values = found.value if found.value is not None else [None] * len(found.time)
    edge = -(2**62) if stream.within is None else micros(NOW - timedelta(seconds=stream.within))
    rows = zip(columns.people[found.person].tolist(), found.time.tolist(), list(values), strict=True)
    return sorted((one, at, None if value is None else int(value)) for one, at, value in rows if at > edge)


def both(chunk: int = WHOLE) -> None:
    """Blocks and the table say the same, whether columns are kept or not."""
    warm = streams(chunk), streams(chunk)
    kept.clear()
    cold = streams(chunk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("segments.blocks.reading._look", lambda them: ([], np.empty(0, np.int64)))
        table = streams(chunk)
    assert warm[0] == warm[1] == cold == table


def wanted(monkeypatch: pytest.MonkeyPatch, *properties: str) -> None:
    number = name_id("Bought")
    monkeypatch.setattr("segments.blocks.asked.properties", lambda: {number: sorted(properties)})


def some_events(them: list[int], count: int = 60, seed: int = 1) -> list[tuple[int, str, datetime, dict[str, Any]]]:
    rng = np.random.default_rng(seed)
    answer = []
    for _ in range(count):
        properties: dict[str, Any] = {
            "category": str(rng.choice(["Shoes", "shirts", "bags"])),
            "total": rng.integers(1, 4_000) / 100,
        }
        if rng.random() < 0.2:
            properties = {"category": ["shoes", None, "hats"], "total": [1, "2.5", "much"]}
        elif rng.random() < 0.2:
            properties = {}
        at = START + timedelta(microseconds=int(rng.integers(0, 60 * 86_400)) * 1_000_000 + int(rng.integers(0, 3)))
        answer.append((int(rng.choice(them)), str(rng.choice(["Bought", "Seen"])), at, properties))
    return answer


def merged(winner: int, loser: int) -> None:
    with transaction.atomic():
        merge.merge([(merge.Joined(winner, loser, None, None), winner)])
        changed(winner)
        changed(loser)


def parted(whom: int, to: int, number: int) -> None:
    """Some events of one person go to another, as a parting does it: all concerned are named."""
    keys = list(Event.objects.filter(profile_id=whom).order_by("id").values_list("id", flat=True)[:number])
    with transaction.atomic():
        past.unseal({whom, to})
        for event in Event.objects.filter(profile_id=whom, id__in=keys):
            Event.objects.filter(profile_id=whom, id=event.id).delete()
            event.profile_id = to
            event.save(force_insert=True)


def problems() -> list[str]:
    found = {one.name: one for one in checks.run_all()}
    one = found["column blocks say what the table says"]
    return [] if one.ok else [one.detail]
