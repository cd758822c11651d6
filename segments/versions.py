"""The rules that a segment has and has had: the live one, a draft beside it, and every one that was ever live.

A draft changes nobody's membership until it is published; publishing makes a new version, as going back to an old one
does. Nothing that was live is ever lost.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING
from typing import Any as Anything

from django.db import transaction
from django.utils import timezone

from cdp_site import asked
from segments import changes, expand, preview
from segments.describe import describe
from segments.difference import Line, difference
from segments.models import Segment, SegmentVersion
from segments.rules import Rule, RuleError, from_json, to_json

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

DRAFT = "draft"
MOST = 50


class NoVersion(LookupError):
    """There is no such version, or no draft."""


class Outdated(ValueError):
    """Somebody changed the draft, or the rule that is live, since it was looked at: nothing was done."""


def draft_mark(segment: Segment) -> str:
    """A mark of the draft and of what it would take the place of: another one when either is another."""
    return preview.mark(changes.written([segment.draft, segment.coming or segment.rule]))


def rule_mark(segment: Segment) -> str:
    """A mark of the rule that is live, or about to be."""
    return preview.mark(changes.written(segment.coming or segment.rule))


def save_draft(segment: Segment, rule: Rule, by: "AbstractBaseUser | None" = None) -> bool:
    """Keep a rule beside the live one; True when it differs from it. A rule that is the live one is no draft.

    `segment` is refreshed.
    """
    with transaction.atomic():
        held = _held(segment)
        differs = changes.written(held.coming or held.rule) != changes.written(to_json(rule))
        held.draft = to_json(rule) if differs else None
        held.draft_by_id = by.pk if by and differs else None
        held.draft_at = timezone.now() if differs else None
        held.save(update_fields=["draft", "draft_by", "draft_at", "updated_at"])
    segment.refresh_from_db()
    return differs


def publish(segment: Segment, by: "AbstractBaseUser | None" = None, seen: str = "") -> bool:
    """Make the draft the live rule: a new version, evaluated over everybody in the background. False without a draft.

    A segment that was never live becomes so. `segment` is refreshed. `seen`: the `draft_mark` of what somebody looked at
    before; raises `Outdated` where it is another by now.
    """
    with transaction.atomic():
        expand.hold_names()  # before any segment is locked, as whoever saves a rule does
        held = _held(segment)
        if held.draft is None and held.status != Segment.Status.DRAFT:
            return False
        _check_seen(seen, draft_mark(held), "the draft, or the rule that it would replace,")
        if held.draft is not None:
            rule = from_json(held.draft)
            _forget_draft(held)
            changes.save_rule(held, rule, by)
        if held.status == Segment.Status.DRAFT:
            changes.set_live(held)
    segment.refresh_from_db()
    return True


def discard_draft(segment: Segment, seen: str = "") -> bool:
    """Forget the draft; the live rule stays as it is. False without one. `segment` is refreshed. `seen` as in `publish`."""
    with transaction.atomic():
        held = _held(segment)
        if held.draft is None:
            return False
        _check_seen(seen, draft_mark(held), "the draft, or the rule that it would replace,")
        _forget_draft(held)
    segment.refresh_from_db()
    return True


def go_back(segment: Segment, number: int, by: "AbstractBaseUser | None" = None, seen: str = "") -> bool:
    """Make the rule of an earlier version live again, as a new version; False when it is the live one anyway.

    A draft stays. `segment` is refreshed. `seen`: the `rule_mark` of what was live when somebody looked; raises `Outdated`
    where it is another by now.
    """
    with transaction.atomic():
        expand.hold_names()
        held = _held(segment)
        earlier = held.versions.filter(number=number).first()
        if earlier is None:
            raise NoVersion(f"“{held.name}” has no version {number}.")
        rule = from_json(earlier.rule)
        if changes.written(to_json(rule)) != changes.written(held.coming or held.rule):  # else it was pressed twice
            _check_seen(seen, rule_mark(held), "the live rule")
        changed = changes.save_rule(held, rule, by)
        if changed:
            latest = held.versions.order_by("-number")[:1].values("pk")
            SegmentVersion.objects.filter(pk__in=latest).update(repeats=number)
    segment.refresh_from_db()
    return changed


@dataclass(frozen=True)
class Version:
    """A rule that was live, its sentence, and what it changed in the one before it (nothing for the first)."""

    number: int
    at: datetime
    by: str
    repeats: int | None
    live: bool
    coming: bool
    sentence: str
    lines: tuple[Line, ...]


def history(segment: Segment, most: int = MOST) -> list[Version]:
    """The versions, newest first. Cost: one query."""
    kept = list(segment.versions.select_related("created_by")[: most + 1])
    return [_version(segment, one, older) for one, older in zip_longest(kept, kept[1:])][:most]


def compared(segment: Segment, before: str, after: str) -> list[Line]:
    """The difference between two of them, each a number or 'draft'. Raises `NoVersion`, and `RuleError` of a broken rule."""
    return difference(from_json(_rule(segment, before)), from_json(_rule(segment, after)))


def names(segment: Segment) -> list[tuple[str, str]]:
    """What can be compared: (value, words), the newest first."""
    numbers = segment.versions.values_list("number", flat=True)[:MOST]
    found = [(str(number), f"Version {number}{' (live)' if number == segment.version else ''}") for number in numbers]
    return ([(DRAFT, "Draft")] if segment.draft is not None else []) + found


def _version(segment: Segment, one: SegmentVersion, older: SegmentVersion | None) -> Version:
    by = (one.created_by.get_full_name() or one.created_by.get_username()) if one.created_by else ""
    return Version(
        one.number,
        one.created_at,
        by,
        one.repeats,
        live=one.number == segment.version,
        coming=one.number > segment.version,
        sentence=sentence(one.rule),
        lines=_between(older.rule, one.rule) if older else (),
    )


def sentence(rule: Anything) -> str:
    """A stored rule in English; what is wrong with it where it can't be read."""
    try:
        return describe(from_json(rule))
    except RuleError as error:
        return f"This rule can't be read: {error}"


def _between(before: Anything, after: Anything) -> tuple[Line, ...]:
    try:
        return tuple(difference(from_json(before), from_json(after)))
    except RuleError:
        return ()


def _rule(segment: Segment, which: str) -> Anything:
    if which == DRAFT:
        if segment.draft is None:
            raise NoVersion(f"“{segment.name}” has no draft.")
        return segment.draft
    number = asked.whole(which)
    found = segment.versions.filter(number=number).first() if number is not None and number < 2**31 else None
    if found is None:
        raise NoVersion(f"“{segment.name}” has no version {which[:20]}.")
    return found.rule


def _held(segment: Segment) -> Segment:
    return Segment.objects.select_for_update(no_key=True).get(id=segment.id)


def _check_seen(seen: str, stands: str, what: str) -> None:
    """Without a mark nothing was looked at: a command, not a page."""
    if seen not in ("", stands):
        raise Outdated(f"Nothing was done: {what} was changed since you opened the page. This is how it stands now.")


def _forget_draft(held: Segment) -> None:
    held.draft = held.draft_by_id = held.draft_at = None
    held.save(update_fields=["draft", "draft_by", "draft_at", "updated_at"])
