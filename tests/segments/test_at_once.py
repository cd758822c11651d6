"""Several at once, and one that is killed: fills and live batches take turns, and nothing is half done."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction

from cdp_site import sql, stages
from cdp_site.checks import run_all
from profiles.models import ChangedProfile, Profile
from segments import changes, fill, live
from segments.models import Clock
from segments.rules import Any, Not, Trait, days
from tests.segments.world import NOW, changed, did, filled, flips, follow, happened, inside, person, segment

pytestmark = pytest.mark.usefixtures("two_connections")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BUYERS = did("Order Completed", within=days(60))


@pytest.fixture
def two_connections(transactional_db: None) -> Iterator[None]:
    yield
    connection.close()


def _together(*acts: Callable[[], int]) -> None:
    failures: list[BaseException] = []

    def run(act: Callable[[], int]) -> None:
        try:
            stages.attempt(act)
        except BaseException as error:  # noqa: BLE001 - told to the test below
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not failures
    assert not any(thread.is_alive() for thread in threads)


def test_runners_and_fills_at_the_same_time_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fill, "CHUNK", 7)
    monkeypatch.setattr(live, "CLAIM", 5)
    people = [person(country="ES") for _ in range(40)]
    made = [
        changes.create("Spaniards", Trait("country", "is", "ES")),
        changes.create("Buyers", BUYERS),
        changes.create("Others", Not(Any((Trait("country", "is", "ES"), BUYERS)))),
    ]
    for number, one in enumerate(people):
        Profile.objects.filter(id=one).update(traits={"country": ["ES", "FR"][number % 2]})
        happened(one, "Order Completed", NOW - (number % 3) * 30 * DAY)
        changed(one)

    def filling() -> int:
        filled()
        return 0

    def following() -> int:
        follow()
        return 0

    def changing() -> int:
        for one in people[::4]:
            with transaction.atomic():
                Profile.objects.filter(id=one).update(traits={"country": "IT"})
                changed(one)
        return 0

    _together(filling, following, following, changing, filling)
    filled()
    follow()
    spaniards = set(Profile.objects.filter(traits__country="ES").values_list("id", flat=True))
    buyers = {one for number, one in enumerate(people) if number % 3 < 2}
    assert [inside(one) for one in made] == [spaniards, buyers, set(people) - spaniards - buyers]
    for one in made:
        one.refresh_from_db()
        assert one.size == len(inside(one)) == sum(1 if entered else -1 for _, entered in flips(one))
    off = [finding for finding in run_all() if finding.name.startswith(("member", "segment")) and not finding.ok]
    assert not off


def test_a_live_batch_waits_for_a_fill_of_its_segment_and_sees_what_it_wrote() -> None:
    ana = person(country="ES")
    one = changes.create("Spaniards", Trait("country", "is", "ES"))
    holding, go = threading.Event(), threading.Event()

    def slow_fill() -> int:
        with transaction.atomic():
            fill.go_on(NOW)
            holding.set()
            assert go.wait(30)
        return 0

    def live_change() -> int:
        assert holding.wait(30)
        with transaction.atomic():
            Profile.objects.filter(id=ana).update(traits={"country": "FR"})
            changed(ana)
        threading.Timer(0.2, go.set).start()
        follow(NOW + HOUR)
        return 0

    _together(slow_fill, live_change)
    assert inside(one) == set()
    assert flips(one) == [(ana, True), (ana, False)]


def test_a_batch_whose_connection_is_cut_leaves_everything_as_it_was() -> None:
    ana, buyers = person(), segment(BUYERS)
    follow()
    happened(ana, "Order Completed", NOW)
    done, cut = threading.Event(), threading.Event()
    backends: list[int] = []

    def killed() -> None:
        try:
            with transaction.atomic():
                backends.append(sql.rows("SELECT pg_backend_pid()")[0][0])
                assert live.follow(NOW + HOUR) == 1
                done.set()
                assert cut.wait(30)
        except OperationalError:
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=killed)
    thread.start()
    assert done.wait(30)
    sql.rows("SELECT pg_terminate_backend(%s, 10000)", (backends[0],))
    cut.set()
    thread.join(timeout=30)
    assert (inside(buyers), flips(buyers), ChangedProfile.objects.count()) == (set(), [], 1)
    assert Clock.objects.get().at == NOW
    follow(NOW + HOUR)
    assert (inside(buyers), flips(buyers)) == ({ana}, [(ana, True)])
