"""Resolve: one worker, from the inbox to stored and identified, with 1 M events there already.

Held against a plain COPY of the same event rows into a bare table (no index, no partition, no key) in the same run.
"""

import resource
import time
from datetime import timedelta
from itertools import islice

from cdp_site import sql, stages
from connectors.models import Source
from profiles import inbox, resolve
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


def run(events: int = 1_000_000, measured: int = 100_000) -> dict[str, object]:
    """Figures: messages a second, the ratio to COPY, and the process's greatest memory."""
    source, _ = Source.objects.get_or_create(name="Benchmark")
    prepare(source, events)
    sql.rows("DELETE FROM changed_profile RETURNING id")
    before = stored_events()
    fill_inbox(source, measured, seed=int(time.time()), days=2)
    done, seconds = drain()
    stored = stored_events() - before
    copied = plain_copy(stored)
    return {
        "stored before": before,
        "messages/s": round(done / seconds),
        "of a plain COPY of the same rows": round((stored / seconds) / (stored / copied), 3),
        "plain COPY, rows/s": round(stored / copied),
        "greatest memory of the process, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
