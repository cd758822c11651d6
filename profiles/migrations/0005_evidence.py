from django.db import migrations, models

from django.utils import timezone

import cdp_site.ids

DEFAULTS = """
UPDATE identifier_kind SET shared_above = said.shared_above, yields_after = said.yields_after
FROM (VALUES (1, 20, 0), (2, 5, 0), (3, 5, 0), (4, 5, 365), (5, 5, 0), (6, 4, 180), (7, 4, 180))
     AS said (id, shared_above, yields_after)
WHERE identifier_kind.id = said.id
"""

CONTESTED = """
UPDATE profile SET contested = true WHERE id IN (
    SELECT identifier.profile_id FROM identity_link JOIN identifier
      ON (identifier.kind_id, identifier.value) IN ((identity_link.kind_id, identity_link.value),
                                                    (identity_link.other_kind_id, identity_link.other_value))
    WHERE identity_link.verdict <> 0)
"""

# Links are found from either end; statements are few.
INDEXES = """
CREATE INDEX identity_link_other ON identity_link (other_kind_id, other_value);
CREATE INDEX identity_link_stated ON identity_link (other_kind_id, other_value) WHERE stated;
"""


class Migration(migrations.Migration):
    dependencies = [("profiles", "0004_rejected_as_it_came")]
    operations = [
        migrations.AddField("identifierkind", "shared_above", models.IntegerField(
            default=0, help_text="Seen with more identifiers of one kind that makes people known than this, a value"
            " belongs to nobody (a kiosk's device, a call centre's phone). 0: never.")),
        migrations.AddField("identifierkind", "yields_after", models.IntegerField(
            default=0, help_text="Days after which a person's claim to a value, not repeated since, gives way to a newer"
            " one (a phone number given anew). 0: never.")),
        migrations.RunSQL(DEFAULTS, migrations.RunSQL.noop),
        migrations.AlterField("identifier", "profile_id", models.BigIntegerField(db_index=True, null=True)),
        migrations.AddField("identifier", "shared", models.BooleanField(
            default=False, help_text="Seen with too many people to mean any of them.")),
        migrations.AddField("profile", "contested", models.BooleanField(
            default=False, help_text="A limit or a cut stands at one of this person's links.")),
        migrations.RenameField("link", "time", "first"),
        migrations.AddField("link", "last", models.DateTimeField(
            default=timezone.now, help_text="The month in which it was said last.")),
        migrations.RunSQL("UPDATE identity_link SET last = date_trunc('month', first)", migrations.RunSQL.noop),
        migrations.AddField("link", "stated", models.BooleanField(
            default=False, help_text="Said in as many words: an alias, or joined by hand.")),
        migrations.AddField("link", "verdict", models.SmallIntegerField(
            default=0, help_text="Why it joins nothing, 0 if it does: profiles.grouping.")),
        migrations.RunSQL("UPDATE identity_link SET verdict = 2 WHERE NOT accepted", migrations.RunSQL.noop),
        migrations.RemoveField("link", "accepted"),
        migrations.AlterField("link", "kind_id", models.SmallIntegerField(help_text="The stronger identifier.")),
        migrations.RunSQL(CONTESTED, migrations.RunSQL.noop),
        migrations.CreateModel("Cut", [
            ("pk", models.CompositePrimaryKey("kind_id", "value", "other_kind_id", "other_value", blank=True,
                                              editable=False, primary_key=True, serialize=False)),
            ("kind_id", models.SmallIntegerField()),
            ("value", models.TextField()),
            ("other_kind_id", models.SmallIntegerField()),
            ("other_value", models.TextField()),
            ("at", models.DateTimeField(default=timezone.now)),
            ("by", models.TextField(default="")),
            ("reason", models.TextField(default="")),
        ], {"db_table": "identity_cut"}),
        migrations.CreateModel("Part", [
            ("pk", models.CompositePrimaryKey("profile_id", "id", blank=True, editable=False, primary_key=True,
                                              serialize=False)),
            ("profile_id", models.BigIntegerField(help_text="Whom they left.")),
            ("id", models.BigIntegerField(default=cdp_site.ids.new_id)),
            ("parted_id", models.BigIntegerField(help_text="Whom they went to.")),
            ("identifiers", models.JSONField(help_text="[[kind id, value], …]")),
            ("at", models.DateTimeField(default=timezone.now)),
        ], {"db_table": "profile_part"}),
        migrations.RunSQL(INDEXES, migrations.RunSQL.noop),
    ]  # fmt: skip
