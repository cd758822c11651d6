"""Segments, the rules they have had, who is in them, and who came and went."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from cdp_site.ids import new_id


class Segment(models.Model):
    """A question about people, kept true. `rule` is the live rule as JSON (`segments.rules`); a draft may stand beside it."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        LIVE = "live", "Live"
        ARCHIVED = "archived", "Archived"

    id = models.BigIntegerField(primary_key=True, default=new_id)
    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(default="", blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    rule = models.JSONField()
    version = models.IntegerField(default=1, help_text="Number of the live rule; see SegmentVersion.")
    draft = models.JSONField(null=True, blank=True, help_text="A rule being worked on; see segments.versions.")
    draft_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
    )
    draft_at = models.DateTimeField(null=True, blank=True)
    coming = models.JSONField(
        null=True,
        blank=True,
        help_text="A rule that is being evaluated over everybody, and then takes the place of `rule`.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    updated_at = models.DateTimeField(auto_now=True)
    size = models.IntegerField(default=0, help_text="Members now; kept by segments.live.")
    # A full evaluation in the background: which version it fills, how far it is, when it ended.
    filling_version = models.IntegerField(null=True, blank=True)
    fill_cursor = models.BigIntegerField(default=0, help_text="Profiles up to this id have been evaluated.")
    fill_done = models.IntegerField(default=0)
    fill_total = models.IntegerField(default=0)
    filled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "segment"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def fill_share(self) -> float:
        """How far the fill under way is, from 0 to 1."""
        return self.fill_done / self.fill_total if self.fill_total else 0.0

    @property
    def stands_at(self) -> str:
        """Another text once its members were found anew: a page that has another is from before."""
        return f"{self.version} {self.filling_version or ''} {self.filled_at.isoformat() if self.filled_at else ''}"


class SegmentVersion(models.Model):
    """A rule that a segment has had."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    rule = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    repeats = models.IntegerField(null=True, blank=True, help_text="The earlier version that was gone back to.")

    class Meta:
        db_table = "segment_version"
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["segment", "number"], name="segment_version_unique")]


class Membership(models.Model):
    """That a person is in a segment now."""

    pk = models.CompositePrimaryKey("profile_id", "segment_id")
    profile_id = models.BigIntegerField()
    segment_id = models.BigIntegerField()
    since = models.DateTimeField()

    class Meta:
        db_table = "membership"
        indexes = [models.Index(fields=["segment_id", "-since", "profile_id"], name="membership_of_segment")]


class ComingMember(models.Model):
    """That a person will be a member when the rule that is being evaluated (`Segment.coming`) swaps in."""

    pk = models.CompositePrimaryKey("profile_id", "segment_id")
    profile_id = models.BigIntegerField()
    segment_id = models.BigIntegerField()

    class Meta:
        db_table = "coming_member"
        indexes = [models.Index(fields=["segment_id", "profile_id"], name="coming_member_of_segment")]


class MembershipChange(models.Model):
    """A flip: somebody entered or left a segment."""

    pk = models.CompositePrimaryKey("profile_id", "id")
    profile_id = models.BigIntegerField()
    id = models.BigIntegerField(default=new_id)
    segment_id = models.BigIntegerField()
    entered = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        db_table = "membership_change"
        indexes = [models.Index(fields=["segment_id", "-id"], name="membership_change_recent")]


# Stands for a segment's id in the queue of flips: not a membership, but something about the person themselves changed.
PEOPLE_THEMSELVES = 0


class ChangedMembership(models.Model):
    """Queue: a flip that activation hasn't looked at yet. Claimed by `connectors.sync`."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    segment_id = models.BigIntegerField()
    profile_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "changed_membership"


class EvaluatedProfile(models.Model):
    """Queue: a person changed, and `segments.live` has seen to it. Claimed by whoever measures (`campaigns.attribution`)."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    profile_id = models.BigIntegerField()
    name_ids = ArrayField(models.SmallIntegerField(), default=list)

    class Meta:
        db_table = "evaluated_profile"
        # Whoever takes somebody takes all that waits for them.
        indexes = [models.Index(fields=["profile_id"], name="evaluated_profile_of")]


class SegmentSize(models.Model):
    """Size of a segment at the end of an hour, with entries and exits in it."""

    pk = models.CompositePrimaryKey("segment_id", "hour")
    segment_id = models.BigIntegerField()
    hour = models.DateTimeField()
    size = models.IntegerField()
    entered = models.IntegerField(default=0)
    left = models.IntegerField(default=0)

    class Meta:
        db_table = "segment_size"


class Clock(models.Model):
    """One row: up to when time alone has been followed (`segments.live`)."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField()
    dates_due = models.DateTimeField(null=True, help_text="Before this no date in a trait comes to move anybody.")
    dates_of = models.JSONField(default=list, help_text="[[trait, days], …] for which `dates_due` was found.")

    class Meta:
        db_table = "segment_clock"


# How past events are kept for quick reading, and what is kept about the top, stand on their own.
from segments.block_models import Block, BlockName, BlockPeople, BlockValue, PeopleChanged  # noqa: E402, F401
from segments.ranking_model import Ranking  # noqa: E402, F401
