"""Why somebody is one person: identifiers and their kinds, links, cuts, and how people grew together and parted."""

from django.db import models
from django.utils import timezone

from cdp_site.ids import new_id


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
    disputed = models.BooleanField(default=False, help_text="Claimed at the same time by two who can't be one.")
    first_seen = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "identifier"


class Link(models.Model):
    """Evidence: two identifiers said to be one person's. The first message that said so is kept."""

    pk = models.CompositePrimaryKey("kind_id", "value", "other_kind_id", "other_value")
    kind_id = models.SmallIntegerField(help_text="Of the two the one that sorts first by kind and value.")
    value = models.TextField()
    other_kind_id = models.SmallIntegerField()
    other_value = models.TextField()
    source_id = models.BigIntegerField(null=True)
    message_key = models.UUIDField(null=True)
    first = models.DateTimeField()
    last = models.DateTimeField(default=timezone.now, help_text="The month in which it was said last.")
    stated = models.BooleanField(default=False, help_text="Said in as many words: an alias, or joined by hand.")
    verdict = models.SmallIntegerField(
        default=0,
        help_text="Why it joins nothing, 0 if it does (profiles.grouping); always 0 with what only attaches or suggests.",
    )

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
