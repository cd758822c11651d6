"""What is decided by hand while messages arrive holds, and every message is at home afterwards."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from cdp_site import checks, stages
from profiles import hand, resolve
from profiles.identifiers import EMAIL, USER
from profiles.models import Act, Event, Merge
from tests.factories import SourceFactory
from tests.profiles.test_hand import ANA, BEN, WRONG, bought
from tests.stream import person, send

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*jobs: Callable[[], object]) -> list[BaseException]:
    """Run these in threads of their own, with connections of their own; what they raised."""
    raised: list[BaseException] = []

    def run(job: Callable[[], object]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - told to the test below
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_a_merge_undone_while_its_evidence_keeps_coming_stays_undone() -> None:
    shop = SourceFactory(name="Shop")
    for some in (ANA, BEN, [WRONG | {"anonymousId": "ben-home"}]):
        send(shop, *some)
        stages.drain_all()
    for number in range(40):
        send(shop, WRONG | {"anonymousId": "ben-home", "messageId": f"again-{number}"},
             bought(f"more-{number}", 12, anonymousId="ben-home"))  # fmt: skip
    ana, merge = person(USER, "u1").pk, Merge.objects.get().id

    def drain() -> None:
        for _ in range(50):
            stages.run("resolve")

    raised = at_once(drain, lambda: hand.undo(ana, merge, "ines", "Ben's computer"), drain)
    assert raised == []
    stages.drain_all()
    assert person(USER, "u1") != person(EMAIL, "ben@example.com")
    assert Event.objects.filter(profile_id=person(EMAIL, "ben@example.com").pk).count() == 43
    assert [one.detail for one in checks.run_all() if not one.ok] == []


def test_two_agents_who_take_the_same_act_back_at_once_take_it_back_once() -> None:
    shop = SourceFactory(name="Shop")
    send(shop, *ANA, *BEN)
    stages.drain_all()
    done = hand.join((USER, "u1"), (EMAIL, "ben@example.com"), "ines", "one")
    raised = at_once(
        lambda: hand.take_back(done.act_id, "ines", "two"), lambda: hand.take_back(done.act_id, "omar", "two")
    )
    assert len(raised) == 1 and isinstance(raised[0], hand.Refused)
    assert Act.objects.filter(takes_back=done.act_id).count() == 1
    assert person(USER, "u1") != person(EMAIL, "ben@example.com")


def test_a_stage_that_was_held_is_followed_up() -> None:
    from django_q.models import OrmQ

    shop = SourceFactory(name="Shop")
    send(shop, *ANA, *BEN)
    stages.drain_all()
    send(shop, bought("later", 12, userId="u1"))
    stages.wake("resolve")
    OrmQ.objects.all().delete()  # as if its task had found the stage held, and given up
    hand.join((USER, "u1"), (EMAIL, "ben@example.com"), "ines", "one")
    assert OrmQ.objects.count() >= 1
    stages.run("resolve")
    assert resolve.drain_some() == 0
