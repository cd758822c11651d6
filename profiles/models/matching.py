"""People who may be one person although they share no identifier: how sure that is, what somebody decided, and the runs."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from cdp_site.ids import new_id


class MatchSettings(models.Model):
    """From when on a pair is asked about, and from when on it is joined by itself. One row."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    joins_by_itself = models.BooleanField(
        "join by itself",
        default=False,
        help_text="Pairs above the upper threshold become one person without anybody being asked. Never two people with a"
        " user id each, nor beyond what a person may have, nor with another first name or birth date.",
    )
    joins_above = models.FloatField(
        "upper threshold", default=0.99, help_text="Joined by itself from this probability on."
    )
    asks_above = models.FloatField(
        "lower threshold", default=0.5, help_text="Shown for review from this probability on; 0.2 is the least."
    )

    class Meta:
        db_table = "match_settings"
        verbose_name = verbose_name_plural = "matching"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="match_settings_one_row"),
            models.CheckConstraint(
                condition=Q(asks_above__gte=0.2, asks_above__lte=F("joins_above"), joins_above__lte=1),
                name="match_settings_in_order",
                violation_error_message="The lower threshold is 0.2 or more, the upper not below it, and at most 1.",
            ),
        ]

    def __str__(self) -> str:
        return "Matching"

    @classmethod
    def now(cls) -> "MatchSettings":
        return cls.objects.filter(pk=1).first() or cls()

    def clean(self) -> None:
        if self.joins_above is not None and self.joins_above < 0.9:
            raise ValidationError(
                {"joins_above": "is at least 0.9: of pairs below it, more than one in ten may be two people."}
            )


class MatchRun(models.Model):
    """One time that all people were compared. `running` is empty when it has ended, so that never two run at once."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    running = models.BooleanField(null=True, default=True, unique=True)
    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.CharField(max_length=150, default="")
    tries = models.SmallIntegerField(default=0, help_text="How often the step under way was begun.")
    taken_in_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    trouble = models.TextField(default="", help_text="Why it came to nothing.")
    people = models.IntegerField(default=0)
    pairs = models.BigIntegerField(default=0)
    found = models.IntegerField(default=0)
    joined = models.IntegerField(default=0)
    outcome = models.JSONField(default=dict, help_text="What was compared and learned; the precision at thresholds.")

    class Meta:
        db_table = "match_run"
        ordering = ["-id"]


class Suggestion(models.Model):
    """Two people who may be one. `profile_id` is the older. An undecided one vanishes with either of its people.

    A decision is a link or a cut like any other; which one, is kept here so that it can be taken back.
    """

    class State(models.TextChoices):
        OPEN = "open", "waits"
        LATER = "later", "put off"
        JOINED = "joined", "joined"
        APART = "apart", "not the same"

    pk = models.CompositePrimaryKey("profile_id", "other_id")
    profile_id = models.BigIntegerField()
    other_id = models.BigIntegerField(db_index=True)
    probability = models.FloatField()
    weight = models.FloatField(help_text="Bits of evidence that they are one: 0 is even odds.")
    sure = models.BooleanField(help_text="Nothing speaks against it that nobody overlooks: may be joined by itself.")
    refused = models.BooleanField(default=False, help_text="Could not be joined by itself: a limit or a cut stands.")
    evidence = models.JSONField(help_text="{comparison: [level, bits]}")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    found_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=150, default="")
    decision = models.JSONField(null=True, help_text="[[kind, value], [kind, value]]")

    class Meta:
        db_table = "match_suggestion"
        constraints = [
            models.CheckConstraint(condition=Q(profile_id__lt=F("other_id")), name="match_suggestion_older_first")
        ]
        indexes = [
            models.Index(
                fields=["state", "-probability"],
                name="match_suggestion_waiting",
                condition=Q(state__in=["open", "later"]),
            ),
            models.Index(
                fields=["-decided_at"], name="match_suggestion_decided", condition=Q(decided_at__isnull=False)
            ),
        ]
