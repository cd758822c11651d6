"""The people and the evidence about them: profiles, identifiers, links, events, records, traits, and the inbox before them.

Keys are made by the application (`cdp_site.ids`). Whatever belongs to a person has `profile_id` first in its primary key,
so that a cluster can keep a person's rows together. `source_id` names a row of `connectors.Source`, which this app
doesn't know.
"""

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


class Merge(models.Model):
    """That two profiles became one, and because of which message."""

    pk = models.CompositePrimaryKey("profile_id", "id")
    profile_id = models.BigIntegerField(help_text="The surviving profile at the time.")
    id = models.BigIntegerField(default=new_id)
    loser_id = models.BigIntegerField()
    message_key = models.UUIDField(null=True)
    source_id = models.BigIntegerField(null=True)
    kind_id = models.SmallIntegerField(null=True, help_text="The kind of identifier that joined them.")
    value = models.TextField(default="")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "profile_merge"


class IdentifierKind(models.Model):
    """How identifiers of one kind behave. A small table, the same on every node."""

    class Role(models.TextChoices):
        MERGE = "merge", "merges profiles"
        ATTACH = "attach", "attaches to a profile, never merges two"
        SUGGEST = "suggest", "only suggests"

    id = models.SmallIntegerField(primary_key=True)
    name = models.CharField(max_length=40, unique=True)
    label = models.CharField(max_length=60)
    priority = models.SmallIntegerField(help_text="1 is the strongest; a stronger identifier decides against a weaker.")
    limit_per_profile = models.IntegerField(help_text="The most values of this kind that one profile may have.")
    role = models.CharField(max_length=8, choices=Role, default=Role.MERGE)
    identifies = models.BooleanField(default=True, help_text="Makes a person known (an anonymous id doesn't).")
    shared_above = models.IntegerField(
        default=0,
        help_text="Seen with more identifiers of one kind that makes people known than this, a value belongs to nobody"
        " (a kiosk's device, a call centre's phone). 0: never.",
    )
    yields_after = models.IntegerField(
        default=0,
        help_text="Days after which a person's claim to a value, not repeated since, gives way to a newer one (a phone"
        " number given anew). 0: never.",
    )
    blocked = models.JSONField(default=list, blank=True, help_text="Values that never identify anybody, lower case.")

    class Meta:
        db_table = "identifier_kind"
        ordering = ["priority"]

    def __str__(self) -> str:
        return self.label


class Identifier(models.Model):
    """A normalised value that leads to one profile, or to none as long as no message was found by it alone."""

    pk = models.CompositePrimaryKey("kind_id", "value")
    kind_id = models.SmallIntegerField()
    value = models.TextField()
    profile_id = models.BigIntegerField(db_index=True, null=True)
    source_id = models.BigIntegerField(null=True)
    message_key = models.UUIDField(null=True)
    shared = models.BooleanField(default=False, help_text="Seen with too many people to mean any of them.")
    first_seen = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "identifier"


class Link(models.Model):
    """Evidence: two identifiers said to be one person's. The first message that said so is kept."""

    pk = models.CompositePrimaryKey("kind_id", "value", "other_kind_id", "other_value")
    kind_id = models.SmallIntegerField(help_text="The stronger identifier.")
    value = models.TextField()
    other_kind_id = models.SmallIntegerField()
    other_value = models.TextField()
    source_id = models.BigIntegerField(null=True)
    message_key = models.UUIDField(null=True)
    first = models.DateTimeField()
    last = models.DateTimeField(default=timezone.now, help_text="The month in which it was said last.")
    stated = models.BooleanField(default=False, help_text="Said in as many words: an alias, or joined by hand.")
    verdict = models.SmallIntegerField(default=0, help_text="Why it joins nothing, 0 if it does: profiles.grouping.")

    class Meta:
        db_table = "identity_link"


class Cut(models.Model):
    """Two identifiers that somebody said are not one person's. It outweighs every link."""

    pk = models.CompositePrimaryKey("kind_id", "value", "other_kind_id", "other_value")
    kind_id = models.SmallIntegerField()
    value = models.TextField()
    other_kind_id = models.SmallIntegerField()
    other_value = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    by = models.TextField(default="")
    reason = models.TextField(default="")

    class Meta:
        db_table = "identity_cut"


class Part(models.Model):
    """That identifiers left one profile for another, with what belongs to them."""

    pk = models.CompositePrimaryKey("profile_id", "id")
    profile_id = models.BigIntegerField(help_text="Whom they left.")
    id = models.BigIntegerField(default=new_id)
    parted_id = models.BigIntegerField(help_text="Whom they went to.")
    identifiers = models.JSONField(help_text="[[kind id, value], …]")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "profile_part"


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


class Message(models.Model):
    """Every message ever stored, by its key: what makes de-duplication hold for good."""

    key = models.UUIDField(primary_key=True)
    event_id = models.BigIntegerField()
    inbox_id = models.BigIntegerField()

    class Meta:
        db_table = "message"


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
    """What one source last said of one trait of a person. The newest over all sources wins (`profiles.traits`)."""

    pk = models.CompositePrimaryKey("profile_id", "name", "source_id")
    profile_id = models.BigIntegerField()
    name = models.TextField()
    source_id = models.BigIntegerField()
    value = models.JSONField()
    time = models.DateTimeField()
    message_key = models.UUIDField()

    class Meta:
        db_table = "trait_value"


class ChangedProfile(models.Model):
    """Queue: a person changed, by these event names (empty: anything may have changed,
    traits and identity too; a merged profile that is gone is among them). Claimed by `segments.live`."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    profile_id = models.BigIntegerField()
    name_ids = ArrayField(models.SmallIntegerField(), default=list)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "changed_profile"


class Inbox(models.Model):
    """What arrived, as it arrived: one row a request or file chunk. Durable before it is acknowledged."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    source_id = models.BigIntegerField()
    received_at = models.DateTimeField(default=timezone.now)
    format = models.CharField(
        max_length=20, help_text="Which reader turns `body` into messages: profiles.inbox.READERS."
    )
    hint = models.CharField(max_length=20, default="", help_text="The message type that the address implied.")
    body = models.BinaryField()
    messages = models.IntegerField(help_text="How many were accepted (the skipped ones not counted).")
    skip = models.JSONField(null=True, help_text="Indexes in `body` that were rejected on receipt.")
    attempts = models.SmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "inbox"
        indexes = [
            models.Index(fields=["id"], name="inbox_pending", condition=models.Q(done_at=None)),
            models.Index(fields=["done_at"], name="inbox_done", condition=models.Q(done_at__isnull=False)),
        ]


class Rejected(models.Model):
    """A message (or a body whole) that couldn't be taken, with the reason, kept for an admin to see, mend and replay.

    It is replayed as it came: read by the same reader, with the clocks of then.
    """

    id = models.BigIntegerField(primary_key=True, default=new_id)
    source_id = models.BigIntegerField(db_index=True)
    inbox_id = models.BigIntegerField(null=True)
    received_at = models.DateTimeField(
        default=timezone.now, help_text="When the message came, not when it was refused."
    )
    stage = models.CharField(max_length=10, choices=[("receive", "on receipt"), ("resolve", "when resolved")])
    field = models.CharField(max_length=200, default="")
    reason = models.TextField()
    payload = models.BinaryField()
    hint = models.CharField(max_length=20, default="")
    format = models.CharField(max_length=20, default="tracking")
    sent_at = models.DateTimeField(null=True, help_text="The sender's clock when its batch was sent.")
    messages = models.IntegerField(default=1)
    skip = models.JSONField(null=True)
    replayed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "rejected"
        ordering = ["-id"]
        verbose_name_plural = "rejected messages"


class Batch(models.Model):
    """The account of what was drained, which doctor adds up: a row a source and drain, after two days a row an hour."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    source_id = models.BigIntegerField()
    at = models.DateTimeField(default=timezone.now, db_index=True)
    messages = models.IntegerField(help_text="Taken from the inbox: stored + duplicates + rejected.")
    stored = models.IntegerField()
    duplicates = models.IntegerField()
    rejected = models.IntegerField()

    class Meta:
        db_table = "drain_batch"
        indexes = [models.Index(fields=["source_id", "-at"], name="drain_batch_of_source")]
