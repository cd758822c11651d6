"""What people do to segments: make one, change its rule, name it anew, put it live, archive it. Each is one transaction.

Segments may ask for others by name. So that none asks for itself, for one that isn't there, or for one that nobody keeps,
these acts take turns (`expand.hold_names`) and look at all rules before they write.
"""

import json
from typing import TYPE_CHECKING
from unicodedata import category

from django.db import transaction
from django.db.models import JSONField, Max, Q
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from cdp_site import sql, stages
from segments import coming, expand, fill
from segments.models import ComingMember, Membership, MembershipChange, Segment, SegmentSize, SegmentVersion
from segments.rules import Rule, RuleError, from_json, segments_in, to_json

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


MAX_DESCRIPTION = 1_000


def why_no_name(name: str) -> str:
    """Why a text can't be a segment's name; empty where it can. A name is one line that people can see and point at."""
    if any(category(one) in ("Cc", "Cs", "Zl", "Zp") or one in _TURNING for one in name):
        return "a name can't have line breaks or characters that nobody sees in it"
    if not any(category(one)[0] in "LNPS" for one in name):
        return "a name needs something that can be seen"
    return ""


# What turns the direction of all that follows.
_TURNING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)))


class StillAsked(ValueError):
    """A segment can't be archived, or deleted: others ask for it."""

    def __init__(self, name: str, others: list[str], act: str = "archived") -> None:
        super().__init__(f"“{name}” can't be {act}: {', '.join(f'“{other}”' for other in others)} ask for it.")
        self.others = others


def create(
    name: str, rule: Rule, by: "AbstractBaseUser | None" = None, *, description: str = "", live: bool = True
) -> Segment:
    """A new segment with its first version; live ones are filled in the background.

    Raises `RuleError` where the rule asks for itself or for a segment that isn't there.
    """
    with transaction.atomic():
        expand.hold_names()
        expand.check(rule, name)
        status = Segment.Status.LIVE if live else Segment.Status.DRAFT
        segment = Segment.objects.create(
            name=name, description=description, rule=to_json(rule), status=status, created_by_id=by.pk if by else None
        )
        _keep_version(segment, 1, rule, by)
        if live:
            fill.start(segment)
    segment.refresh_from_db()
    return segment


def save_rule(segment: Segment, rule: Rule, by: "AbstractBaseUser | None" = None) -> bool:
    """Give a segment a new rule: a new version, and for a live one a fill that writes the entries and exits; likewise for
    those that ask for it. A live segment that has its members keeps its old rule until everybody is evaluated.

    Returns False when the rule is the one that it has. Raises `RuleError` where it asks for itself or for a segment that
    isn't there. `segment` is refreshed.
    """
    with transaction.atomic():
        expand.hold_names()
        segment.refresh_from_db(fields=["name"])
        asking = expand.asking_for(segment.name, expand.stored_and_coming())
        locked = {one.id: one for one in _locked(Q(id=segment.id) | Q(name__in=asking))}
        held = locked[segment.id]
        changed = written(held.coming or held.rule) != written(to_json(rule))
        if changed:
            expand.check(rule, held.name)
            number = max(held.version, held.versions.aggregate(Max("number"))["number__max"] or 0)
            if coming.swaps(held):
                held.coming = to_json(rule)
                marked = [held.id]
            else:
                held.rule, held.version = to_json(rule), number + 1
                marked = [one.id for one in locked.values() if one.status == Segment.Status.LIVE]
            held.save(update_fields=["rule", "coming", "version", "updated_at"])
            _keep_version(held, number + 1, rule, by)
            fill.mark(marked)
    segment.refresh_from_db()
    return changed


def _locked(chosen: Q) -> list[Segment]:
    """Segments in the order in which stages lock them."""
    return list(Segment.objects.select_for_update(no_key=True).filter(chosen).order_by("id"))


def written(rule: object) -> str:
    """As text: 1 and true are different values."""
    return json.dumps(rule, sort_keys=True)


def rename(segment: Segment, name: str) -> None:
    """Give a segment another name, in the rules that ask for it too (nobody's membership changes by it).

    Cost: one pass over the rules of all segments and their versions. `segment` is refreshed.
    """
    with transaction.atomic():
        expand.hold_names()
        everyone = _locked(Q())
        held = next(one for one in everyone if one.id == segment.id)
        old, held.name = held.name, name
        held.save(update_fields=["name", "updated_at"])
        for asking in everyone:
            rules = {field: _renamed(getattr(asking, field), old, name) for field in _RULES}
            if changed := {field: rule for field, rule in rules.items() if rule}:
                Segment.objects.filter(pk=asking.pk).update(**changed)
        for version in SegmentVersion.objects.order_by("id"):
            if renamed := _renamed(version.rule, old, name):
                SegmentVersion.objects.filter(pk=version.pk).update(rule=renamed)
    segment.refresh_from_db()


# Whatever a segment keeps as JSON is a rule: the live one, and those that are to be.
_RULES = [field.name for field in Segment._meta.fields if isinstance(field, JSONField)]


def _renamed(stored: object, old: str, new: str) -> dict[str, object] | None:
    """The stored rule with the segment's new name, where it asks for the old one."""
    try:
        rule = from_json(stored)
    except RuleError:
        return None  # the doctor speaks of rules that can't be read
    return to_json(expand.renamed(rule, old, new)) if old in segments_in(rule) else None


def set_live(segment: Segment) -> None:
    """Keep the segment true from now on, beginning with a fill."""
    set_status(segment, Segment.Status.LIVE)


def archive(segment: Segment) -> None:
    """Nobody belongs to an archived segment: its members leave, in the background. Raises `StillAsked`."""
    set_status(segment, Segment.Status.ARCHIVED)


def set_status(segment: Segment, status: Segment.Status) -> None:
    """Raises `StillAsked` where a segment is archived that another one asks for, and `RuleError` where one comes back
    that asks for a segment which is archived itself."""
    with transaction.atomic():
        expand.hold_names()
        held = Segment.objects.select_for_update(no_key=True).get(id=segment.id)
        if held.status != status:
            _check_status(held, status)
            held.status = status
            if held.coming is not None:
                # Nobody is a member any more: there is nothing to swap.
                held.rule, held.coming, held.version = held.coming, None, held.filling_version or held.version
                coming.forget(held.id)
            held.save(update_fields=["status", "rule", "coming", "version", "updated_at"])
            fill.start(held)
    segment.refresh_from_db()


def _check_status(held: Segment, status: Segment.Status) -> None:
    if status == Segment.Status.ARCHIVED:
        if asking := _asking(held.name):
            raise StillAsked(held.name, asking)
    elif held.status == Segment.Status.ARCHIVED:
        expand.check(from_json(held.rule), held.name)


def _asking(name: str) -> list[str]:
    return [other for other, rule in expand.stored_and_coming().items() if name in segments_in(rule) and other != name]


def _keep_version(segment: Segment, number: int, rule: Rule, by: "AbstractBaseUser | None") -> None:
    SegmentVersion.objects.create(
        segment=segment, number=number, rule=to_json(rule), created_by_id=by.pk if by else None
    )


@receiver(pre_delete, sender=Segment)
def refuse_to_forget_what_is_asked(instance: Segment, **_: object) -> None:
    """Raises `StillAsked` where another segment asks for this one: nobody could answer it any more."""
    if asking := _asking(instance.name):
        raise StillAsked(instance.name, asking, "deleted")


@receiver(post_delete, sender=Segment)
def forget_members(instance: Segment, **_: object) -> None:
    """A deleted segment takes its memberships and history along."""
    for model in (Membership, ComingMember, MembershipChange, SegmentSize):
        model.objects.filter(segment_id=instance.id).delete()
    with sql.cursor() as cursor:
        cursor.execute("DELETE FROM changed_membership WHERE segment_id = %s", (instance.id,))
    stages.wake("sync")
