"""Goals, the journeys that lead to them (or nowhere), and a day's journeys packed for quick reading."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from cdp_site.ids import new_id


class Goal(models.Model):
    """What counts as a conversion: an event, its value, what takes it back, how long before it a touchpoint counts."""

    id = models.BigIntegerField(primary_key=True, default=new_id)
    name = models.CharField(max_length=80, unique=True)
    event = models.TextField(help_text="Name of the event (track), such as Order Completed.")
    where = models.JSONField(
        default=list, blank=True, help_text="[{property, is}, …]; all must hold. As segments' rules."
    )
    back = ArrayField(
        models.TextField(), default=list, blank=True, help_text="Events that take value back: Order Refunded …"
    )
    key = models.TextField(
        default="order_id", blank=True, help_text="The property by which those name the conversion they take back."
    )
    lookback_days = models.PositiveSmallIntegerField(default=30)
    currency = models.CharField(
        max_length=3, default="EUR", help_text="Values in another one count as conversions only."
    )
    half_life_days = models.DecimalField(
        max_digits=5, decimal_places=2, default=Decimal(7), help_text="Of the model 'Time decay'; 0.5 to 365."
    )
    margin = models.DecimalField(max_digits=5, decimal_places=4, default=Decimal(1), help_text="Share of revenue kept.")
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    # A full computation in the background, after the goal was made or changed: everybody up to `cursor` is done.
    cursor = models.BigIntegerField(null=True, blank=True, default=0, help_text="Null when nothing is under way.")
    done = models.IntegerField(default=0)
    total = models.IntegerField(default=0)

    class Meta:
        db_table = "goal"
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def half_life(self) -> str:
        """'7 days'."""
        days = f"{Decimal(self.half_life_days):f}"
        days = days.rstrip("0").rstrip(".") if "." in days else days
        return f"{days} day{'' if days == '1' else 's'}"


class Journey(models.Model):
    """One person's touchpoints up to a conversion, or up to where the trace was lost. A pure function of their events.

    `id` is the event of the conversion, else of the last touchpoint; `time` its moment. The touches are in order of time:
    `origins` (of `Origin`), `ages` (seconds before `time`), `kinds` (campaigns.attribution.values), `events` (their ids).
    """

    pk = models.CompositePrimaryKey("profile_id", "goal_id", "id")
    profile_id = models.BigIntegerField()
    goal_id = models.BigIntegerField()
    id = models.BigIntegerField()
    time = models.DateTimeField()
    day = models.DateField(help_text="Of `time`, by the company's time zone.")
    converted = models.BooleanField()
    value = models.BigIntegerField(
        default=0, help_text="Millionths of the goal's currency, what was taken back taken off."
    )
    back = models.BigIntegerField(default=0, help_text="Millionths that were taken back.")
    other_currency = models.BooleanField(default=False, help_text="Its value is in another currency, and counts as 0.")
    new = models.BooleanField(default=False, help_text="The person's first conversion of this goal.")
    device = models.SmallIntegerField(default=0, help_text="campaigns.attribution.values.Device")
    origins = ArrayField(models.IntegerField())
    ages = ArrayField(models.IntegerField())
    kinds = ArrayField(models.SmallIntegerField())
    events = ArrayField(models.BigIntegerField())

    class Meta:
        db_table = "journey"
        indexes = [models.Index(fields=["goal_id", "day"], name="journey_of_day")]


class JourneyBlock(models.Model):
    """All journeys of one goal and day as packed columns: what the dashboards read. A cache, rebuilt when `stale`."""

    pk = models.CompositePrimaryKey("goal_id", "day")
    goal_id = models.BigIntegerField()
    day = models.DateField()
    stale = models.BooleanField(default=True, help_text="Some of its journeys changed since it was packed.")
    version = models.BigIntegerField(
        default=0, help_text="Key made when it was packed: what readers hold is this one's?"
    )
    journeys = models.IntegerField(default=0)
    body = models.BinaryField(default=b"")

    class Meta:
        db_table = "journey_block"
        indexes = [models.Index(fields=["goal_id", "day"], name="journey_block_stale", condition=models.Q(stale=True))]
