"""Stages: woken, not called; nothing is lost when a wake-up meets a runner; races are run again."""

import threading
from collections.abc import Iterator

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from django_q.models import OrmQ

from cdp_site import sql, stages
from cdp_site.models import Stage

# Wake-ups are sent on commit: these tests need real ones.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def work() -> Iterator[list[int]]:
    """A stage 'trial' whose input is a list: each batch takes one item off it."""
    items: list[int] = []

    @stages.stage("trial", counts="items")
    def batch() -> int:
        return items.pop() if items else 0

    yield items
    del stages._stages["trial"]


def woken() -> bool:
    return Stage.objects.filter(name="trial", woken=True).exists()


def test_the_stages_stand_in_the_order_of_the_datas_way() -> None:
    assert tuple(stages.names()) == stages.WAY


def test_however_many_wake_a_stage_one_task_waits() -> None:
    for _ in range(5):
        stages.wake("trial")
    assert OrmQ.objects.count() == 1
    assert woken()


def test_a_wake_up_inside_a_transaction_is_sent_when_it_commits_and_not_when_it_fails() -> None:
    with transaction.atomic():
        stages.wake("trial")
        assert not woken()
        transaction.set_rollback(True)
    assert not woken()
    with transaction.atomic():
        stages.wake("trial")
    assert woken()


def test_a_runner_works_until_nothing_is_left(work: list[int]) -> None:
    work += [1, 2, 3]
    stages.wake("trial")
    assert stages.run("trial") == 6
    assert not woken()


def test_a_wake_up_while_a_runner_works_is_not_lost(work: list[int]) -> None:
    rounds = []

    def batch() -> int:
        rounds.append(1)
        if len(rounds) == 2:
            # The runner has found nothing more to do; at this moment somebody leaves work and wakes the stage.
            work.append(5)
            stages.wake("trial")
            return 0
        return work.pop() if work else 0

    stages.stage("trial", counts="items")(batch)
    work.append(1)
    assert stages.run("trial") == 6
    assert work == []


def test_a_second_runner_leaves_the_work_to_the_first(work: list[int]) -> None:
    work.append(1)
    found: list[int] = []

    def other() -> None:
        found.append(stages.run("trial"))
        connection.close()

    assert stages._try_lock("trial")
    try:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    finally:
        stages._unlock("trial")
    assert found == [0]
    assert work == [1]


def test_a_busy_stage_gives_way_and_is_woken_again(work: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "GIVE_WAY_AFTER", -1.0)
    work += [1, 2]
    assert stages.run("trial") == 2
    assert work == [1]
    assert woken()


def test_a_runner_goes_on_with_the_stages_that_it_woke(work: list[int]) -> None:
    @stages.stage("before the trial", counts="others")
    def batch() -> int:
        if not work:
            work.append(3)
            stages.wake("trial")
            return 1
        return 0

    try:
        stages.run("before the trial")
    finally:
        del stages._stages["before the trial"]
    assert work == []
    assert not woken()


def test_a_flag_whose_task_was_lost_is_set_anew() -> None:
    stages.wake("trial")
    OrmQ.objects.all().delete()
    sql.rows("UPDATE stage SET woken_at = woken_at - interval '1 minute' RETURNING 1")
    stages.wake("trial")
    assert OrmQ.objects.count() == 1


def test_a_lost_race_is_run_again_and_a_broken_database_is_not() -> None:
    outcomes: list[Exception | int] = [stages.Again(), _because(psycopg.errors.DeadlockDetected()), 7]

    def batch() -> int:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert stages.attempt(batch) == 7
    outcomes[:] = [_because(psycopg.errors.ConnectionFailure()), 7]
    with pytest.raises(OperationalError):
        stages.attempt(batch)


def _because(cause: Exception) -> OperationalError:
    error = OperationalError()
    error.__cause__ = cause
    return error


def test_drain_reports_what_each_stage_did(work: list[int]) -> None:
    work += [2, 3]
    report = stages.drain_all()
    assert report["items"] == 5
    assert {"messages", "profiles_changed", "seconds"} <= report.keys()
