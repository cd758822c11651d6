"""People and what is known of them: profiles, events, records, traits, and the queue of those who changed."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from cdp_site.ids import new_id


class Profile(models.Model):
    """One person. `name`, `email`, `phone` and `traits` hold the winning values of `TraitValue`, for lists and rules."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    identified = models.BooleanField(default=False, help_text="Known by more than an anonymous or device id.")
    contested = models.BooleanField(default=False, help_text="A limit or a cut stands at one of this person's links.")
    name = models.TextField(default="", blank=True)
    email = models.TextField(default="", blank=True)
    phone = models.TextField(default="", blank=True)
    traits = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "profile"

    def __str__(self) -> str:
        return self.name or self.email or self.phone or f"Visitor {self.id}"


class ProfileRedirect(models.Model):
    """Where a merged profile's id leads now: `id` is the loser, `profile_id` the living profile (never a chain)."""

    id = models.BigIntegerField(primary_key=True)
    profile_id = models.BigIntegerField(db_index=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "profile_redirect"


class EventName(models.Model):
    """The dictionary of what happens: a small number for each (type, name)."""

    id = models.SmallIntegerField(primary_key=True)
    type = models.CharField(max_length=10)
    name = models.TextField()
    first_seen = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "event_name"
        constraints = [models.UniqueConstraint(fields=["type", "name"], name="event_name_unique")]

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """One message put down to one person. Partitioned by month of `time`; see migration 0002."""

    pk = models.CompositePrimaryKey("profile_id", "time", "id")
    profile_id = models.BigIntegerField()
    time = models.DateTimeField(help_text="When it happened, corrected for the sender's clock.")
    id = models.BigIntegerField(help_text="Made when it was stored, so its order is that of arrival.")
    source_id = models.BigIntegerField()
    name_id = models.SmallIntegerField()
    value = models.DecimalField(null=True, max_digits=30, decimal_places=10)
    message_key = models.UUIDField()
    message_id = models.TextField(
        null=True, help_text="As sent, where it isn't simply `message_key` written as a UUID."
    )
    identifiers = models.JSONField(null=True, help_text="[[kind id, value], …] that came with it, strongest first.")
    properties = models.JSONField(null=True)
    context = models.JSONField(null=True)

    class Meta:
        db_table = "event"


class Record(models.Model):
    """A mutable thing of a person: order, ticket, deal, subscription. The latest message about it wins."""

    pk = models.CompositePrimaryKey("profile_id", "source_id", "kind", "external_id")
    profile_id = models.BigIntegerField()
    source_id = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    external_id = models.TextField()
    status = models.CharField(max_length=60, default="")
    title = models.TextField(default="")
    value = models.DecimalField(null=True, max_digits=30, decimal_places=10)
    currency = models.CharField(max_length=3, default="")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(help_text="Time of the latest message about it; with `message_key` its version.")
    message_key = models.UUIDField()
    properties = models.JSONField(default=dict)

    class Meta:
        db_table = "record"


class TraitValue(models.Model):
    """What one source last said of one trait of a person. Which of them holds is decided by `TraitPolicy`."""

    pk = models.CompositePrimaryKey("profile_id", "name", "source_id")
    profile_id = models.BigIntegerField()
    name = models.TextField()
    source_id = models.BigIntegerField()
    value = models.JSONField()
    time = models.DateTimeField()
    message_key = models.UUIDField()

    class Meta:
        db_table = "trait_value"


# Stands among the event names of a change for the person's records.
RECORDS = -1


class ChangedProfile(models.Model):
    """Queue: a person changed, by these event names and `RECORDS` (empty: anything may have changed,
    traits and identity too; a merged profile that is gone is among them). Claimed by `segments.live`."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    profile_id = models.BigIntegerField()
    name_ids = ArrayField(models.SmallIntegerField(), default=list)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "changed_profile"
