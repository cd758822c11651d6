"""The stages of the data's way: each finds its work in its input table, does a bounded batch, repeats until there is none.

A stage is a function that does ONE batch in one transaction and returns how much it did (0: nothing left). The queue
(django-q2) only wakes it: `wake(name)` leaves at most one task waiting however many call it, and the task's runner loops.
Any runner can be killed at any moment, started twice or late: what was not committed is still in the input table.

How no wake-up gets lost: a caller commits its rows, then looks at the stage's `woken` flag; a runner clears the flag
before it looks for work. So a flag found set means that a runner will look later than the caller's commit. A runner
that finds another one at work leaves the flag set, and the one at work looks at the flag again after its last batch.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psycopg
import structlog
from django.db import OperationalError, connection, transaction
from django_q.tasks import async_task

from cdp_site import sql

log = structlog.get_logger(__name__)

# After this long a runner gives way, so that one busy stage can't starve the others of workers.
GIVE_WAY_AFTER = 2.0  # seconds
# A flag older than this is taken for lost (its task was thrown away), and set anew.
STALE_WAKE_AFTER = 15.0  # seconds
# The way of the data, then what is in no hurry. In whatever order modules are imported, stages run in this one.
WAY = (
    "resolve", "evaluate", "sync", "deliver", "snapshot", "traits", "rank", "fill", "rebuild", "seal", "attribute",
    "journeys", "enrol", "report", "upkeep", "match",
)  # fmt: skip
_RETRY_AFTER = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


T = TypeVar("T")


class Again(Exception):
    """The batch met a concurrent change and must be done again from the start, in a new transaction."""


@dataclass(frozen=True)
class _Stage:
    name: str
    batch: Callable[[], int]
    counts: str
    every: float


_stages: dict[str, _Stage] = {}
_tallies: dict[str, int] = {}


def stage(name: str, *, counts: str, every: float = 60.0) -> Callable[[Callable[[], int]], Callable[[], int]]:
    """Register a batch function as a stage.

    `counts` names what it returns, in `manage.py drain`'s report. `every` (seconds) is how often the clock wakes it
    whether or not somebody else did: the safety net, or the pulse of a stage that follows the time.
    """

    def register(batch: Callable[[], int]) -> Callable[[], int]:
        _stages[name] = _Stage(name, batch, counts, every)
        ordered = sorted(_stages.values(), key=lambda one: WAY.index(one.name) if one.name in WAY else len(WAY))
        _stages.clear()
        _stages.update({one.name: one for one in ordered})
        return batch

    return register


def tally(name: str, number: int) -> None:
    """Let `manage.py drain` report something besides what its stages count."""
    _tallies[name] = _tallies.get(name, 0) + number


def names() -> list[str]:
    """All stages, in the order of the data's way."""
    return list(_stages)


def wake(name: str) -> None:
    """See that `name` looks for work soon, and after everything committed so far. Cheap: one look in most cases.

    Call it after the commit that left the work (`transaction.on_commit`), else the runner may look too early.
    """
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(lambda: wake(name))
        return
    fresh = sql.rows(
        "SELECT 1 FROM stage WHERE name = %s AND woken AND woken_at > clock_timestamp() - %s * interval '1 second'",
        (name, STALE_WAKE_AFTER),
    )
    if fresh:
        return
    with transaction.atomic():
        changed = sql.rows(
            """
            INSERT INTO stage (name, woken, woken_at) VALUES (%s, true, clock_timestamp())
            ON CONFLICT (name) DO UPDATE SET woken = true, woken_at = excluded.woken_at
            WHERE NOT stage.woken OR stage.woken_at < excluded.woken_at - %s * interval '1 second'
            RETURNING 1
            """,
            (name, STALE_WAKE_AFTER),
        )
        if changed:
            async_task("cdp_site.stages.run", name, group="stage")


def run(name: str) -> int:
    """The task: work the stage until nothing is left or others should have a turn; returns how much was done.

    What it left for the stages behind is worked on at once, by the same runner: a change is at its channel after one
    start of a task (about 0.1 s), not after one a stage. The tasks that were queued for them find nothing to do.
    """
    gives_way_at = time.monotonic() + GIVE_WAY_AFTER
    done = _work(name, gives_way_at)
    for other in names():
        if other != name and time.monotonic() < gives_way_at and _is_woken(other):
            _work(other, gives_way_at)
    return done


def _work(name: str, gives_way_at: float) -> int:
    found = _stages[name]
    done = 0
    while _try_lock(name):
        try:
            _clear_flag(name)
            while batch := attempt(found.batch):
                done += batch
                if time.monotonic() > gives_way_at:
                    break
        finally:
            _unlock(name)
        if time.monotonic() > gives_way_at:
            wake(name)
            break
        if not _is_woken(name):
            break
    return done


def attempt(batch: Callable[[], T], tries: int = 8) -> T:
    """One batch, done again when it lost a deadlock, a serialisation or a race for new identifiers."""
    for number in range(1, tries + 1):
        try:
            return batch()
        except Again:
            if number == tries:
                raise
        except OperationalError as error:
            if not isinstance(error.__cause__, _RETRY_AFTER) or number == tries:
                raise
        time.sleep(random.uniform(0, 0.02 * 2**number))
    raise AssertionError("unreachable")


def drain_all() -> dict[str, float]:
    """Work off everything that is pending in every stage, here and now; waits for nobody else's runner.

    A stage's work may feed an earlier one, so the round goes on until a whole round found nothing.
    """
    started = time.monotonic()
    report: dict[str, float] = {found.counts: 0 for found in _stages.values()}
    _tallies.update(dict.fromkeys(_tallies, 0))
    while True:
        did = 0
        for found in list(_stages.values()):
            while batch := _locked_attempt(found):
                report[found.counts] += batch
                did += batch
        if not did:
            break
    report |= _tallies
    report["seconds"] = round(time.monotonic() - started, 3)
    return report


def work_once(name: str) -> int:
    """One batch of one stage, here and now; waits for whoever is at work in it."""
    return _locked_attempt(_stages[name])


def _locked_attempt(found: _Stage) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"tributary stage {found.name}"])
    try:
        return attempt(found.batch)
    finally:
        _unlock(found.name)


def hold(name: str) -> None:
    """Keep a stage from running until this transaction ends; waits for the batch that it is at.

    For what isn't a message but changes the same rows (people put apart by hand). A runner that gave up meanwhile left
    the flag set: it is followed up.
    """
    sql.rows("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"tributary stage {name}",))

    def follow_up() -> None:
        if _is_woken(name):
            async_task("cdp_site.stages.run", name, group="stage")

    transaction.on_commit(follow_up)


def _try_lock(name: str) -> bool:
    return bool(sql.rows("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (f"tributary stage {name}",))[0][0])


def _unlock(name: str) -> None:
    # A connection that broke has lost the lock with it.
    if connection.connection is not None and not connection.connection.closed:
        sql.rows("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (f"tributary stage {name}",))


def _clear_flag(name: str) -> None:
    with sql.cursor() as cursor:
        cursor.execute(
            "UPDATE stage SET woken = false, started_at = clock_timestamp() WHERE name = %s AND woken", (name,)
        )


def _is_woken(name: str) -> bool:
    return bool(sql.rows("SELECT 1 FROM stage WHERE name = %s AND woken", (name,)))


def keep_time(stopped: threading.Event) -> None:
    """The clock: wake every stage at its pulse until `stopped`; outlives a database that is away for a while."""
    due = dict.fromkeys(_stages, 0.0)
    while not stopped.wait(1.0):
        now = time.monotonic()
        try:
            for name in [name for name, at in due.items() if at <= now]:
                wake(name)
                due[name] = now + _stages[name].every
        except OperationalError:
            log.warning("clock_waits_for_database")
            connection.close()
