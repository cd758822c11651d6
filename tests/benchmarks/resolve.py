"""Resolve: one worker, from the inbox to stored and identified, with 1 M events there already.

Held against a plain COPY of the same event rows into a bare table (no index, no partition, no key) in the same run.
Beside it the share of the drain's time that goes into who is who: `identity.place`, from the look-up of identifiers to
the last merge. The stream is drained in several parts; the quickest counts, for others may want the machine meanwhile.
"""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any

from cdp_site import sql, stages
from connectors.models import Source
from profiles import identity, inbox, resolve
from tests.benchmarks.world import messages, now

CHUNK = 100  # messages a body, as a batch request has them


def fill_inbox(source: Source, count: int, *, seed: int, days: float) -> None:
    stream = messages(count, seed=seed, start=now() - timedelta(days=days), days=days)
    while lines := list(islice(stream, CHUNK)):
        inbox.store_lines(source.id, lines)


def drain() -> tuple[int, float]:
    """How many messages one runner worked off, and in how many seconds."""
    started, done = time.perf_counter(), 0
    while batch := stages.attempt(resolve.drain_some):
        done += batch
    return done, time.perf_counter() - started


@contextmanager
def identity_timed() -> Iterator[list[float]]:
    """Take the time of each batch's `identity.place`."""
    taken: list[float] = []
    place = identity.place

    def timed(*asked: Any) -> identity.Placed:
        started = time.perf_counter()
        try:
            return place(*asked)
        finally:
            taken.append(time.perf_counter() - started)

    identity.place = timed
    try:
        yield taken
    finally:
        identity.place = place


def stored_events() -> int:
    return int(sql.rows("SELECT count(*) FROM event")[0][0])


def prepare(source: Source, events: int) -> None:
    """Bring the database to `events` stored events, over the last year, and its statistics up to date."""
    seed = 0
    while (missing := events - stored_events()) > 0:
        seed += 1
        fill_inbox(source, min(missing, 100_000), seed=seed, days=365)
        drain()
    for table in ("event", "message", "identifier", "profile", "trait_value", "identity_link"):
        with sql.cursor() as cursor:
            cursor.execute(f"ANALYZE {table}")


def plain_copy(newest: int) -> float:
    """Seconds for a COPY of the newest events into a bare table, committed."""
    columns = (
        "profile_id, time, id, source_id, name_id, value, message_key, message_id, identifiers, properties, context"
    )
    with sql.cursor() as cursor:
        with cursor.copy(f"COPY (SELECT {columns} FROM event ORDER BY id DESC LIMIT {newest}) TO STDOUT") as copy:
            text = b"".join(copy)
        cursor.execute("DROP TABLE IF EXISTS bare")
        cursor.execute("CREATE TABLE bare AS SELECT " + columns + " FROM event WITH NO DATA")
        started = time.perf_counter()
        with cursor.copy(f"COPY bare ({columns}) FROM STDIN") as copy:
            copy.write(text)
        taken = time.perf_counter() - started
        cursor.execute("DROP TABLE bare")
    return taken


def run(events: int = 1_000_000, measured: int = 40_000, parts: int = 5) -> dict[str, object]:
    """Figures: messages a second, identity's share, the ratio to COPY, and the process's greatest memory."""
    source, _ = Source.objects.get_or_create(name="Benchmark")
    prepare(source, events)
    before = stored_events()
    found = []
    for part in range(parts):
        sql.rows("DELETE FROM changed_profile RETURNING id")
        fill_inbox(source, measured, seed=int(time.time()) + part, days=2)
        with identity_timed() as placing:
            done, seconds = drain()
        found.append((seconds / done, sum(placing) / seconds))
    copied = min(plain_copy(measured) for _ in range(3)) / measured
    each, share = min(found)
    return {
        "stored before": before,
        "messages/s": round(1 / each),
        "of a plain COPY of the same rows": round(copied / each, 3),
        "plain COPY, rows/s": round(1 / copied),
        "identity's share of the time": round(share, 3),
        "greatest memory of the process, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
