"""Making people anew from all evidence: what was asked, how far it is, what came of it."""

from django.db import models
from django.utils import timezone

from cdp_site.ids import new_id


class Rebuild(models.Model):
    """One rebuild of all people, or a dry run of one. `profiles.rebuild` works it off step by step."""

    class Step(models.TextChoices):
        LINKS = "links", "reading the messages again"
        FIND = "find", "judging all links"
        PEOPLE = "people", "joining and parting people"
        HOMES = "homes", "looking at every message"
        STRAYS = "strays", "sending messages home"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    id = models.BigIntegerField(primary_key=True, default=new_id)
    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.CharField(max_length=150, default="")
    because = models.TextField(default="", help_text="What changed, in words.")
    dry_run = models.BooleanField(default=False)
    proposed = models.JSONField(null=True, help_text="Rules to try, by the kind's id: {id: {field: value}}.")
    rules = models.JSONField(null=True, help_text="The rules by which people are being made, by the kind's id.")
    rehomes = models.BooleanField(default=False, help_text="Messages may find somebody else by other identifiers.")
    relinks = models.BooleanField(default=False, help_text="The links themselves follow from what changed.")
    step = models.CharField(max_length=8, choices=Step, default=Step.FIND)
    cursor = models.BigIntegerField(default=0, help_text="Up to which event, within a step.")
    seeds = models.IntegerField(default=0, help_text="How many profiles have to be looked at.")
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    profiles_before = models.BigIntegerField(null=True)
    profiles_after = models.BigIntegerField(null=True)
    joined = models.BigIntegerField(default=0, help_text="Profiles that became, or would become, part of another.")
    parted = models.BigIntegerField(default=0, help_text="Profiles that fell, or would fall, apart.")
    examples = models.JSONField(default=list, help_text="[{joined: [profile, …]}, {parted: profile, into: n}, …]")

    class Meta:
        db_table = "rebuild"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{'Dry run' if self.dry_run else 'Rebuild'} of {timezone.localtime(self.asked_at):%d %b %Y %H:%M}"

    @property
    def under_way(self) -> bool:
        return self.ended_at is None

    @property
    def seconds(self) -> float:
        """From the first step to the last, whoever waited in between."""
        return round((self.ended_at - self.began_at).total_seconds(), 3) if self.ended_at and self.began_at else 0.0


class RebuildSeed(models.Model):
    """Queue: a profile that isn't what the evidence makes. `afresh`: all of its messages are to find their home anew."""

    profile_id = models.BigIntegerField(primary_key=True)
    afresh = models.BooleanField(default=False)

    class Meta:
        db_table = "rebuild_seed"


class RebuildLink(models.Model):
    """A link that the messages say under the rules as they are now, by its hash; emptied when all are read."""

    hash = models.BigIntegerField(primary_key=True)
    first = models.DateTimeField()
    last = models.DateTimeField()
    source_id = models.BigIntegerField()
    message_key = models.UUIDField()

    class Meta:
        db_table = "rebuild_link"
