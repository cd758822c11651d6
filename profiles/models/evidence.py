"""Why somebody is one person: identifiers and their kinds, links, cuts, how people grew together and parted, by whom."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from cdp_site.ids import new_id
from profiles import normalise


class IdentifierKind(models.Model):
    """How identifiers of one kind behave. A small table, the same on every node."""

    class Role(models.TextChoices):
        MERGE = "merge", "merges profiles"
        ATTACH = "attach", "attaches to a profile, never merges two"
        SUGGEST = "suggest", "only suggests"

    id = models.SmallIntegerField(primary_key=True)
    name = models.SlugField(
        max_length=40, unique=True, help_text="For good. External ids whose `type` is this name are of this kind."
    )
    label = models.CharField(max_length=60)
    priority = models.SmallIntegerField(
        unique=True,
        validators=[MinValueValidator(1), MaxValueValidator(1_000)],
        help_text="1 is the strongest; a stronger identifier decides against a weaker. Numbers may have gaps.",
    )
    form = models.CharField(
        "normal form",
        max_length=20,
        choices=normalise.FORM_CHOICES,
        default="trimmed",
        help_text="How values are written before they are compared. A change holds for what comes from now on.",
    )
    limit_per_profile = models.IntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(100_000)],
        help_text="The most values of this kind that one person may have.",
    )
    role = models.CharField(max_length=8, choices=Role, default=Role.MERGE)
    identifies = models.BooleanField(default=True, help_text="Makes a person known (an anonymous id doesn't).")
    shared_above = models.IntegerField(
        default=0,
        validators=[MinValueValidator(0)],
        help_text="Seen with more identifiers of one kind that makes people known than this, a value belongs to nobody"
        " (a kiosk's device, a call centre's phone). 0: never.",
    )
    yields_after = models.IntegerField(
        default=0,
        validators=[MinValueValidator(0)],
        help_text="Days after which a person's claim to a value, not repeated since, gives way to a newer one (a phone"
        " number given anew). 0: never.",
    )
    blocked = models.JSONField(default=list, blank=True, help_text="Values that never identify anybody, lower case.")
    patterns = models.JSONField(
        default=list, blank=True, help_text="Regular expressions; a value that one matches whole identifies nobody."
    )
    trusted = models.JSONField(
        default=list, blank=True, help_text="Values that are a person's, with however many people they are seen."
    )
    applied = models.JSONField(null=True, editable=False, help_text="The rules that the stored people follow.")

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
    shared = models.BooleanField(default=False, help_text="Seen with too many people to mean any of them, or blocked.")
    shared_since = models.DateTimeField(null=True, help_text="When that was found out.")
    blocked = models.BooleanField(default=False, help_text="Identifies nobody by the kind's rules: shared in any case.")
    disputed = models.BooleanField(default=False, help_text="Claimed at the same time by two who can't be one.")
    first_seen = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "identifier"
        indexes = [
            models.Index(fields=["-shared_since"], name="identifier_shared", condition=models.Q(shared=True)),
        ]


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
    by_hand = models.BooleanField(default=False, help_text="Stated by somebody, and by no message.")
    verdict = models.SmallIntegerField(
        default=0,
        help_text="Why it joins nothing, 0 if it does (profiles.grouping); always 0 with what only attaches.",
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
    identifiers = models.JSONField(default=list, help_text="[[kind id, value], …] that the loser brought.")
    act_id = models.BigIntegerField(null=True, help_text="By hand: which act.")

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
    message_key = models.UUIDField(null=True)
    source_id = models.BigIntegerField(null=True)
    kind_id = models.SmallIntegerField(null=True, help_text="The kind of identifier that turned out not to join them.")
    value = models.TextField(default="")
    act_id = models.BigIntegerField(null=True, help_text="By hand: which act.")

    class Meta:
        db_table = "profile_part"
        indexes = [models.Index(fields=["parted_id"], name="profile_part_to")]


class _AddedTo(models.QuerySet["Act"]):
    """Rows that are added to, never changed."""

    def update(self, **kwargs: Any) -> int:
        raise TypeError("an act is never changed; take it back with another one")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("an act is never deleted; take it back with another one")


class Act(models.Model):
    """What somebody decided by hand about who is who: who, when, why, and what it changed. Added to, never changed."""

    class Kind(models.TextChoices):
        CUT = "cut", "cut a link"
        UNDO = "undo", "undid a merge"
        JOIN = "join", "joined two people"
        OWN = "own", "said whose something is"
        BACK = "back", "took an act back"

    id = models.BigIntegerField(primary_key=True, default=new_id)
    kind = models.CharField(max_length=4, choices=Kind)
    at = models.DateTimeField(default=timezone.now)
    by = models.TextField(help_text="The name by which they signed in, or what did it for them.")
    reason = models.TextField()
    profile_id = models.BigIntegerField(db_index=True, help_text="Whose page it was done on.")
    other_id = models.BigIntegerField(db_index=True, null=True, help_text="Whom it was parted from or joined with.")
    cut = models.JSONField(default=list, help_text="[[one, other], …], each [kind id, value]: apart from then on.")
    uncut = models.JSONField(default=list, help_text="Likewise: cuts that it took back.")
    joined = models.JSONField(default=list, help_text="Likewise: said to be one person's.")
    unjoined = models.JSONField(default=list, help_text="Likewise: said no more.")
    takes_back = models.BigIntegerField(null=True, unique=True, help_text="The act that it takes back.")

    objects = _AddedTo.as_manager()

    class Meta:
        db_table = "identity_act"
        ordering = ["-id"]
        verbose_name = "act by hand"
        verbose_name_plural = "identity by hand"

    def __str__(self) -> str:
        return f"{self.by} {self.get_kind_display()}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("an act is never changed; take it back with another one")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("an act is never deleted; take it back with another one")
