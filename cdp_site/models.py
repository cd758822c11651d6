"""What the frame itself keeps: which stage has a wake-up waiting, and how far long work is."""

from datetime import timedelta

from django.db import models
from django.utils import timezone


class Stage(models.Model):
    """A stage of the data's way. `woken` means: a task is queued that will look for work after now."""

    name = models.CharField(max_length=30, primary_key=True)
    woken = models.BooleanField(default=False)
    woken_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "stage"


class ProgressQuerySet(models.QuerySet["Progress"]):
    def report(self, name: str, done: int, total: int, detail: str = "") -> None:
        """Say how far the work called `name` is; the first report begins it, `done == total` ends it."""
        now = timezone.now()
        ended_at = now if done >= total else None
        self.update_or_create(
            name=name,
            defaults={"done": done, "total": total, "detail": detail, "ended_at": ended_at, "at": now},
            create_defaults={
                "done": done, "total": total, "detail": detail, "ended_at": ended_at, "at": now, "started_at": now
            },
        )  # fmt: skip

    def under_way(self) -> models.QuerySet["Progress"]:
        """Work that isn't done and was heard of in the last minute."""
        return self.filter(ended_at=None, at__gt=timezone.now() - timedelta(minutes=1))


class Progress(models.Model):
    """Long work that somebody may be waiting for, as pages show it."""

    name = models.CharField(max_length=80, primary_key=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    detail = models.CharField(max_length=200, default="", blank=True)
    started_at = models.DateTimeField()
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = ProgressQuerySet.as_manager()

    class Meta:
        db_table = "progress"

    def __str__(self) -> str:
        return self.name

    @property
    def share(self) -> float:
        return self.done / self.total if self.total else 0.0


class ChannelPerson(models.Model):
    """Somebody on the list of the demo's own advertising channel (`cdp_site.demo.channel`)."""

    profile_id = models.BigIntegerField(primary_key=True)
    name = models.TextField(default="")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "demo_channel_person"
        ordering = ["-at"]


class ChannelDelivery(models.Model):
    """A delivery that the demo's channel has taken in, by its idempotency key: a second one is answered and left."""

    key = models.CharField(max_length=80, primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    added = models.IntegerField()
    removed = models.IntegerField()

    class Meta:
        db_table = "demo_channel_delivery"
        ordering = ["-at"]
