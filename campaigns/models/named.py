"""Campaigns: what belongs to them, and what they cost a day."""

from django.db import models
from django.utils import timezone

from campaigns.models.channels import Channel
from cdp_site.ids import new_id


class Campaign(models.Model):
    """A campaign: recognised from what arrives, then confirmed, merged or renamed by a marketer.

    A merged one stays as a signpost: `merged_into` is a living campaign (never a chain), and names lead there.
    """

    class Status(models.TextChoices):
        RECOGNISED = "recognised", "Recognised"
        CONFIRMED = "confirmed", "Confirmed"
        MERGED = "merged", "Merged"

    id = models.BigIntegerField(primary_key=True, default=new_id)
    name = models.CharField(max_length=200)
    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.SET_NULL, db_constraint=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.RECOGNISED)
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, db_constraint=False)
    starts = models.DateField(null=True, blank=True)
    ends = models.DateField(null=True, blank=True)
    margin = models.DecimalField(
        null=True, blank=True, max_digits=5, decimal_places=4, help_text="Share of revenue kept, if not the company's."
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "campaign"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CampaignName(models.Model):
    """A name under which a campaign arrives: utm_campaign of one utm_source, or an ad's id. Folded like `Origin`'s texts."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="names", db_constraint=False)
    kind = models.CharField(max_length=10, choices=[("utm", "Campaign name"), ("ad", "Ad or campaign id")])
    source = models.TextField(default="", blank=True, help_text="utm_source or network; empty for an e-mail's subject.")
    value = models.TextField()
    given = models.BooleanField(
        default=False, help_text="By somebody: goes before what was recognised, and without a source means any."
    )

    class Meta:
        db_table = "campaign_name"
        constraints = [models.UniqueConstraint(fields=["kind", "source", "value"], name="campaign_name_unique")]


class Cost(models.Model):
    """What a channel, or one campaign of it, cost on one day: by hand or from a file. One row a (channel, campaign, day)."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_constraint=False)
    campaign = models.ForeignKey(Campaign, null=True, blank=True, on_delete=models.CASCADE, db_constraint=False)
    day = models.DateField()
    amount = models.DecimalField(max_digits=20, decimal_places=6)
    currency = models.CharField(max_length=3)
    impressions = models.BigIntegerField(null=True, blank=True)
    clicks = models.BigIntegerField(null=True, blank=True)
    said_by = models.CharField(max_length=120, help_text="The file, or who typed it.")
    said_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "campaign_cost"
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "campaign", "day"], name="campaign_cost_unique", nulls_distinct=False
            )
        ]
        indexes = [models.Index(fields=["day"], name="campaign_cost_of_day")]


class AudienceChannel(models.Model):
    """What being in an audience costs: its people are advertised to by this channel, or one campaign of it."""

    audience_id = models.BigIntegerField(primary_key=True)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_constraint=False)
    campaign = models.ForeignKey(Campaign, null=True, blank=True, on_delete=models.SET_NULL, db_constraint=False)

    class Meta:
        db_table = "audience_channel"
