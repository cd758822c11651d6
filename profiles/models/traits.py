"""How it is decided which of several words on a trait holds, and how often each was said where that matters."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

# The policy of all traits that have none of their own.
ALL_OTHERS = "*"
# Everybody is decided by the policy: `TraitPolicy.through` has passed the last profile there can be.
EVERYBODY = 2**63 - 1


class TraitPolicy(models.Model):
    """Which word on one trait holds where sources differ. A trait without a row goes by the row `*`, and that by the newest.

    Changed by `profiles.policies.change` alone, which sees that drains follow at once and everybody is decided anew.
    """

    class Rule(models.TextChoices):
        NEWEST = "newest", "The newest word"
        FIRST = "first", "The first source in an order that says anything"
        FREQUENT = "frequent", "What was said most often"
        AS_OTHERS = "as_others", "As all traits without a policy of their own"

    name = models.CharField("trait", max_length=100, primary_key=True)
    rule = models.CharField(max_length=10, choices=Rule, default=Rule.NEWEST)
    sources = ArrayField(
        models.BigIntegerField(),
        default=list,
        blank=True,
        help_text="For `first`: ids of sources, the first the strongest.",
    )
    through = models.BigIntegerField(
        default=0, help_text="Profiles up to this one are decided by it (`profiles.recompute`)."
    )

    class Meta:
        db_table = "trait_policy"
        verbose_name = "trait policy"
        verbose_name_plural = "traits"
        ordering = ["name"]

    def __str__(self) -> str:
        return "All other traits" if self.name == ALL_OTHERS else self.name


class TraitCount(models.Model):
    """How often a source has said a value of a person's trait. Only of traits that go by what was said most often.

    Where such a trait was said of a person and has no row here, the person has not been counted yet (`profiles.counts`).
    """

    pk = models.CompositePrimaryKey("profile_id", "name", "source_id", "value_key")
    profile_id = models.BigIntegerField()
    name = models.TextField()
    source_id = models.BigIntegerField()
    value_key = models.UUIDField(help_text="Made of the value: values may be longer than an index takes.")
    value = models.JSONField()
    times = models.BigIntegerField()
    time = models.DateTimeField(help_text="When it was said last; with `message_key` its newest telling.")
    message_key = models.UUIDField()

    class Meta:
        db_table = "trait_count"
