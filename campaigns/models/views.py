"""What a marketer keeps of the dashboards: a view with its filters, and the e-mail that brings it."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from cdp_site.ids import new_id


class SavedView(models.Model):
    """A page with its filters under a name. `query` is the page's query string."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    name = models.CharField(max_length=120, unique=True)
    page = models.CharField(max_length=40, help_text="Name of the page's address.")
    query = models.TextField(default="", blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, db_constraint=False
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "saved_view"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Report(models.Model):
    """A saved view, sent by e-mail on some weekdays at an hour (of the company's time zone)."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="reports", db_constraint=False)
    to = models.JSONField(default=list, help_text="Addresses.")
    weekdays = models.JSONField(default=list, help_text="0 is Monday.")
    hour = models.SmallIntegerField(default=8)
    enabled = models.BooleanField(default=True)
    site = models.TextField(
        default="", blank=True, help_text="Where the letter's links lead: as whoever made it saw the site."
    )
    due_at = models.DateTimeField(help_text="When it is sent next.")
    attempts = models.SmallIntegerField(default=0)
    round = models.IntegerField(default=0, help_text="How many times it has been due; a letter's Message-ID has it.")
    sent_to = models.JSONField(
        default=list, blank=True, help_text="Addresses that this round's letter went to already."
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(default="", blank=True)

    class Meta:
        db_table = "attribution_report"
