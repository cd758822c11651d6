"""Tidying up loses nothing that counts."""

from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from cdp_site.metrics import Drained
from profiles import upkeep
from profiles.models import Batch, Inbox
from tests.factories import SourceFactory
from tests.stream import resolve_all, send

pytestmark = pytest.mark.django_db


def test_worked_off_bodies_go_after_a_day_and_waiting_ones_stay() -> None:
    source = SourceFactory()
    for number in range(3):
        send(source, {"type": "page", "anonymousId": f"a{number}"})
    resolve_all()
    old, fresh, _ = Inbox.objects.order_by("id")
    Inbox.objects.filter(id=old.id).update(done_at=timezone.now() - timedelta(days=2))
    Inbox.objects.filter(id=fresh.id).update(done_at=None, received_at=timezone.now() - timedelta(days=9))
    assert upkeep.tidy_up() == 1
    assert upkeep.tidy_up() == 0
    assert set(Inbox.objects.values_list("id", flat=True)) == {fresh.id, Inbox.objects.latest("id").id}


def test_the_account_of_old_hours_is_summed_up_and_adds_up_as_before() -> None:
    sources = [SourceFactory().id, SourceFactory().id]
    start = (timezone.now() - timedelta(days=4)).replace(minute=0)
    for number in range(120):
        Batch.objects.create(
            source_id=sources[number % 2],
            at=start + timedelta(minutes=number),
            messages=10,
            stored=7,
            duplicates=2,
            rejected=1,
        )
    fresh = Batch.objects.create(source_id=sources[0], messages=5, stored=5, duplicates=0, rejected=0)
    sums = {name: Sum(name) for name in ("messages", "stored", "duplicates", "rejected")}
    before = Batch.objects.aggregate(**sums)
    metrics = Drained()
    counted = metrics.totals()
    while upkeep.tidy_up():
        pass
    assert Batch.objects.aggregate(**sums) == before
    assert metrics.totals() == Drained().totals() == counted
    assert Batch.objects.count() == 2 * 2 + 1
    assert Batch.objects.filter(id=fresh.id).exists()
