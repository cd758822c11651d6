"""The acts on goals: make, change, remove, compute anew. What follows from them is the stage 'attribute's."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from campaigns.models import Goal
from cdp_site import stages
from connectors.models import Source
from profiles.models import Profile

# What journeys follow from: where one of these changes, they are computed anew.
DEFINITION = ("event", "where", "back", "key", "lookback_days", "currency", "enabled")
DEFAULT = {"name": "Orders", "event": "Order Completed", "back": ["Order Refunded", "Order Cancelled"]}


def save(goal: Goal) -> None:
    """Keep a new or changed goal; its journeys are computed anew in the background where what it asks for is another."""
    with transaction.atomic():
        before = Goal.objects.select_for_update(no_key=True).filter(pk=goal.pk).first()
        if before is None or any(getattr(before, field) != getattr(goal, field) for field in DEFINITION):
            _begin(goal)
        else:
            # How far it is may be another meanwhile.
            goal.cursor, goal.done, goal.total = before.cursor, before.done, before.total
        goal.save()
    stages.wake("attribute")


def remove(goal: Goal) -> None:
    """Its journeys go in the background."""
    goal.delete()
    stages.wake("attribute")


def recompute(ids: Sequence[int] | None = None) -> None:
    """Have the journeys of these goals (None: of all) computed anew for everybody, in the background."""
    chosen = Goal.objects.filter(enabled=True) if ids is None else Goal.objects.filter(enabled=True, id__in=ids)
    with transaction.atomic():
        for goal in chosen.select_for_update(no_key=True).order_by("id"):
            _begin(goal)
            goal.save(update_fields=["cursor", "done", "total"])
    stages.wake("attribute")


def _begin(goal: Goal) -> None:
    goal.cursor, goal.done, goal.total = (0, 0, Profile.objects.count()) if goal.enabled else (None, 0, 0)


def under_way() -> bool:
    """Whether any goal's journeys are being computed anew."""
    return Goal.objects.filter(enabled=True, cursor__isnull=False).exists()


def add_default(**_: object) -> None:
    """Give an installation without any goal the usual one; called after each `migrate`."""
    if Goal._meta.db_table in connection.introspection.table_names() and not Goal.objects.exists():
        Goal.objects.create(currency=settings.CURRENCY, **DEFAULT)


def follow_source(instance: Source, **_: Any) -> None:
    """A source's category says whose messages are signs of life, and stands in origins: another one, other journeys.

    Called before a source is saved or deleted.
    """
    before = Source.objects.filter(pk=instance.pk).values_list("category", flat=True).first()
    if before is not None and before != instance.category:
        recompute()
