"""Column blocks as they are kept: see `segments.blocks`. A cache: emptying these tables changes speed, never an answer.

Nothing here belongs to one profile, and all of it stays on one machine.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class BlockName(models.Model):
    """How far the events of a name are in blocks: those with a key up to `until`, of the days before `edge`.

    A name is sealed anew, into another generation, where its blocks lack a property or somebody parted since; the older
    generation is read until the newer is complete.
    """

    pk = models.CompositePrimaryKey("name_id", "generation")
    name_id = models.SmallIntegerField()
    generation = models.BigIntegerField()
    version = models.IntegerField(default=0, help_text="Counts what was changed in its blocks.")
    until = models.BigIntegerField(help_text="Events with a greater key are read from their table.")
    edge = models.IntegerField(null=True, help_text="Likewise those from this day (since 1970) on; none when complete.")
    properties = models.JSONField(default=list, help_text="Which properties the blocks have, in this order.")

    class Meta:
        db_table = "block_name"


class Block(models.Model):
    """Events of one name and one day (UTC) as packed columns; what came later is in parts of its own, until they are
    put together."""

    pk = models.CompositePrimaryKey("name_id", "generation", "day", "part")
    name_id = models.SmallIntegerField()
    generation = models.BigIntegerField()
    day = models.IntegerField(help_text="Days since 1970.")
    part = models.BigIntegerField()
    events = models.IntegerField()
    checksum = models.BigIntegerField()
    body = models.BinaryField()

    class Meta:
        db_table = "block"


class BlockPeople(models.Model):
    """Profile ids by number, 65,536 a page: the number of a person in blocks is the position in all pages."""

    page = models.IntegerField(primary_key=True)
    born = models.BigIntegerField(help_text="Tells pages from those of before everything was emptied.")
    ids = models.BinaryField()

    class Meta:
        db_table = "block_people"


class BlockValue(models.Model):
    """A value that a property of an event has had, as JSON: blocks hold its code (0 stands for none)."""

    pk = models.CompositePrimaryKey("name_id", "property", "code")
    name_id = models.SmallIntegerField()
    property = models.TextField()
    code = models.IntegerField()
    value = models.TextField()

    class Meta:
        db_table = "block_value"


class PeopleChanged(models.Model):
    """Of whom anything may have changed, in the order in which `segments.live` took it up: what keeps columns of
    everybody true that a process holds."""

    number = models.BigIntegerField(primary_key=True)
    profile_ids = ArrayField(models.BigIntegerField())

    class Meta:
        db_table = "people_changed"
