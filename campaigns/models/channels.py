"""Channels, the rules that say which channel a touchpoint belongs to, and the dictionary of where touchpoints came from."""

from django.db import models
from django.utils import timezone

from cdp_site.ids import new_id


class Channel(models.Model):
    """A way on which people are reached: Paid Search, E-mail, Store … `hue` is its colour on every page."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    name = models.CharField(max_length=80, unique=True)
    hue = models.SmallIntegerField(default=200, help_text="As an OKLCH hue (0-360).")
    paid = models.BooleanField(default=False, help_text="Its touchpoints cost money: cost per order is shown.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "channel"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ChannelRule(models.Model):
    """One line of the rule table: the first (by `position`) whose conditions all hold says the channel.

    `conditions`: [{"field": a field of `Origin`, "is": one of campaigns.attribution.channels.OPERATORS, "value": …}, …];
    none always holds. Changing the table changes no journey: they keep origins, and are read through it.
    """

    id = models.BigIntegerField(primary_key=True, default=new_id)
    position = models.IntegerField()
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="rules", db_constraint=False)
    conditions = models.JSONField(default=list)

    class Meta:
        db_table = "channel_rule"
        ordering = ["position", "id"]


class Origin(models.Model):
    """Where a touchpoint came from: the dictionary of all distinct combinations that have been seen (some thousand).

    All texts are as sent but for case and blanks (`campaigns.attribution.origins`). `channel` and `campaign` are the
    rule table's and the campaign names' answer, kept beside it (`campaigns.attribution.channels.assign`).
    """

    id = models.IntegerField(primary_key=True, help_text="Small, made by counting: journeys hold it for each touch.")
    key = models.BigIntegerField(unique=True, help_text="Hash of the texts.")
    category = models.CharField(max_length=12, default="", help_text="The source's: web, app, email, till, ads …")
    event = models.TextField(default="", help_text="The event that is the touchpoint; empty for a visit.")
    said = models.TextField(default="", help_text="The channel, where the sender names it outright.")
    source = models.TextField(default="", help_text="utm_source, or the network of an ad.")
    medium = models.TextField(default="", help_text="utm_medium.")
    campaign_name = models.TextField(default="", help_text="utm_campaign, an ad's campaign, an e-mail's subject.")
    ad = models.TextField(default="", help_text="utm_id, or the ad's or campaign's id in its network.")
    referrer = models.TextField(default="", help_text="Host of the page that led here; not one of our own.")
    click = models.TextField(default="", help_text="Kind of click id: gclid, fbclid, msclkid …")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL, db_constraint=False)
    campaign = models.ForeignKey("campaigns.Campaign", null=True, on_delete=models.SET_NULL, db_constraint=False)
    first_seen = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "touch_origin"
