"""What arrives, before it is put down to anybody: the inbox, what was refused, the account of what was drained."""

from django.db import models
from django.utils import timezone

from cdp_site.ids import new_id


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


class Message(models.Model):
    """Every message ever stored, by its key: what makes de-duplication hold for good."""

    key = models.UUIDField(primary_key=True)
    event_id = models.BigIntegerField()
    inbox_id = models.BigIntegerField()

    class Meta:
        db_table = "message"


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
