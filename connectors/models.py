"""Where messages come from and where audiences go: sources, destinations, audiences and their deliveries."""

import secrets
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from phonenumbers import SUPPORTED_REGIONS

from cdp_site.ids import new_id
from connectors.encrypted import EncryptedJSONField


def new_write_key() -> str:
    return secrets.token_urlsafe(24)


def validate_country(code: str) -> None:
    """A country that phone numbers can be read as in; else every number without + would be lost without a word."""
    if code.upper() not in SUPPORTED_REGIONS:
        raise ValidationError(f"{code!r} is no country's two-letter code, such as ES, DE or GB.")


ANY_HUE = 200  # what a new source has that nobody chose a colour for


def free_hue(taken: Iterable[int]) -> int:
    """The hue that is farthest from those in use: two sources of one colour can't be told apart."""
    used = [hue % 360 for hue in taken]
    apart = {hue: min((min(abs(hue - one), 360 - abs(hue - one)) for one in used), default=360) for hue in range(360)}
    return ANY_HUE if apart[ANY_HUE] == 360 else max(apart, key=lambda hue: (apart[hue], -hue))


class Source(models.Model):
    """A system that sends messages."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=30, default="http", help_text="A module of connectors.sources.")
    write_key = models.CharField(max_length=64, unique=True, default=new_write_key)
    enabled = models.BooleanField(default=True)
    hue = models.SmallIntegerField(default=200, help_text="Its colour everywhere, as an OKLCH hue (0-360).")
    category = models.CharField(
        max_length=12,
        default="other",
        choices=[
            ("web", "Website"), ("app", "App"), ("shop", "Online shop"), ("till", "Till"), ("crm", "CRM"),
            ("email", "E-mail"), ("ads", "Advertising"), ("help", "Helpdesk"), ("other", "Other"),
        ],
    )  # fmt: skip
    default_country = models.CharField(
        max_length=2,
        default="ES",
        validators=[validate_country],
        help_text="Two letters: where phone numbers are from that are written without +.",
    )
    rate_limit = models.PositiveIntegerField(
        default=0, help_text="The most messages a minute that it may send over HTTP; 0 for as many as it likes."
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "source"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **options: Any) -> None:
        self.default_country = self.default_country.upper()
        if self._state.adding and self.hue == ANY_HUE:
            self.hue = free_hue(Source.objects.values_list("hue", flat=True))
        super().save(*args, **options)


class RateWindow(models.Model):
    """How many messages a source with a limit has sent in the minute that began at `minute`."""

    source_id = models.BigIntegerField(primary_key=True)
    minute = models.DateTimeField()
    messages = models.IntegerField()

    class Meta:
        db_table = "rate_window"


class Destination(models.Model):
    """A system that audiences are sent to. `config` (addresses, secrets) is encrypted at rest."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=30, help_text="A module of connectors.destinations.")
    config = EncryptedJSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "destination"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Audience(models.Model):
    """Who a destination should have: in any of the included segments and in none of the excluded."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="audiences")
    name = models.CharField(max_length=120)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    # Asked for a comparison with the whole segments (first sync, edited audience, 'sync again').
    compare_from = models.BigIntegerField(null=True, blank=True, help_text="Next profile id of a full comparison.")
    compared_at = models.DateTimeField(null=True, blank=True)
    # For destinations that are given the whole list from time to time.
    snapshot_at = models.DateTimeField(null=True, blank=True, help_text="When the whole list was last written.")
    snapshot_of = models.BigIntegerField(null=True, blank=True, help_text="The last delivery that is in it.")

    class Meta:
        db_table = "audience"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["destination", "name"], name="audience_name_unique")]

    def __str__(self) -> str:
        return self.name


class AudienceSegment(models.Model):
    """A segment that an audience includes or excludes."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    audience = models.ForeignKey(Audience, on_delete=models.CASCADE, related_name="segments")
    segment = models.ForeignKey("segments.Segment", on_delete=models.PROTECT, related_name="audiences")
    role = models.CharField(max_length=8, choices=[("include", "Include"), ("exclude", "Exclude")], default="include")

    class Meta:
        db_table = "audience_segment"
        constraints = [models.UniqueConstraint(fields=["audience", "segment"], name="audience_segment_unique")]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.segment}"


class AudienceMember(models.Model):
    """What the destination should have of one person (`wanted`) and what it has confirmed (`held`).

    `held` is null where that isn't known: something was sent and its outcome never learnt. What is wanted is then sent
    whichever it is. Who is neither wanted nor held has no row, once that was confirmed.
    """

    pk = models.CompositePrimaryKey("profile_id", "audience_id")
    profile_id = models.BigIntegerField()
    audience_id = models.BigIntegerField()
    wanted = models.BooleanField()
    held = models.BooleanField(default=False, null=True)
    sent = models.JSONField(null=True, help_text="The identifiers that the destination has of this person.")
    refused = models.TextField(default="", help_text="Why the destination won't take this person; not sent again.")
    delivery_id = models.BigIntegerField(null=True, help_text="The delivery under way that carries this person.")
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "audience_member"
        # And audience_member_due, the members that a delivery is to be formed of: see migration 0002.
        indexes = [models.Index(fields=["audience_id", "held"], name="audience_member_held")]


class Delivery(models.Model):
    """One request (or file) to a destination: fixed once made, sent until the other side confirms it."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        DONE = "done", "Delivered"
        FAILED = "failed", "Given up"
        REPLACED = "replaced", "Replaced by a newer one"

    id = models.BigIntegerField(primary_key=True, default=new_id, help_text="Also the idempotency key.")
    audience = models.ForeignKey(Audience, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    body = models.BinaryField(
        help_text="What is sent, byte for byte the same at each attempt; emptied when it is done."
    )
    adds = models.IntegerField()
    removes = models.IntegerField()
    attempts = models.IntegerField(default=0)
    next_attempt_at = models.DateTimeField(
        default=timezone.now, help_text="While one is under way: when it is given up for lost."
    )
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)
    error = models.TextField(default="")

    class Meta:
        db_table = "delivery"
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["next_attempt_at"], name="delivery_due", condition=models.Q(state="pending")),
            models.Index(fields=["audience", "-id"], name="delivery_of_audience"),
        ]
        # The next one waits until this one is settled: so no older change ever arrives after a newer one.
        constraints = [
            models.UniqueConstraint(
                fields=["audience"], condition=models.Q(state__in=["pending", "failed"]), name="delivery_one_open"
            )
        ]
