"""What people do to segments: make one, change its rule, put it live, archive it. Each is one transaction."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from cdp_site import sql, stages
from segments import fill
from segments.models import Membership, MembershipChange, Segment, SegmentSize, SegmentVersion
from segments.rules import Rule, from_json, to_json

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def create(
    name: str, rule: Rule, by: "AbstractBaseUser | None" = None, *, description: str = "", live: bool = True
) -> Segment:
    """A new segment with its first version; live ones are filled in the background."""
    with transaction.atomic():
        status = Segment.Status.LIVE if live else Segment.Status.DRAFT
        segment = Segment.objects.create(
            name=name, description=description, rule=to_json(rule), status=status, created_by_id=by.pk if by else None
        )
        _keep_version(segment, by)
        if live:
            fill.start(segment)
    segment.refresh_from_db()
    return segment


def save_rule(segment: Segment, rule: Rule, by: "AbstractBaseUser | None" = None) -> bool:
    """Give a segment a new rule: a new version, and for a live one a fill that writes the entries and exits.

    Returns False when the rule is the one that it has. `segment` is refreshed.
    """
    with transaction.atomic():
        held = Segment.objects.select_for_update(no_key=True).get(id=segment.id)
        changed = from_json(held.rule) != rule or held.rule != to_json(rule)
        if changed:
            held.rule, held.version = to_json(rule), held.version + 1
            held.save(update_fields=["rule", "version", "updated_at"])
            _keep_version(held, by)
            if held.status == Segment.Status.LIVE:
                fill.start(held)
    segment.refresh_from_db()
    return changed


def set_live(segment: Segment) -> None:
    """Keep the segment true from now on, beginning with a fill."""
    set_status(segment, Segment.Status.LIVE)


def archive(segment: Segment) -> None:
    """Nobody belongs to an archived segment: its members leave, in the background."""
    set_status(segment, Segment.Status.ARCHIVED)


def set_status(segment: Segment, status: Segment.Status) -> None:
    with transaction.atomic():
        held = Segment.objects.select_for_update(no_key=True).get(id=segment.id)
        if held.status != status:
            held.status = status
            held.save(update_fields=["status", "updated_at"])
            fill.start(held)
    segment.refresh_from_db()


def _keep_version(segment: Segment, by: "AbstractBaseUser | None") -> None:
    SegmentVersion.objects.create(
        segment=segment, number=segment.version, rule=segment.rule, created_by_id=by.pk if by else None
    )


@receiver(post_delete, sender=Segment)
def forget_members(instance: Segment, **_: object) -> None:
    """A deleted segment takes its memberships and history along."""
    for model in (Membership, MembershipChange, SegmentSize):
        model.objects.filter(segment_id=instance.id).delete()
    with sql.cursor() as cursor:
        cursor.execute("DELETE FROM changed_membership WHERE segment_id = %s", (instance.id,))
    stages.wake("sync")
