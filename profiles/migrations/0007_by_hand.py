from django.db import migrations, models
from django.utils import timezone

import cdp_site.ids

# A cut bars either end, so it is found from both.
INDEXES = "CREATE INDEX identity_cut_other ON identity_cut (other_kind_id, other_value)"


class Migration(migrations.Migration):
    dependencies = [("profiles", "0006_trait_policies")]
    operations = [
        migrations.AddField("link", "by_hand", models.BooleanField(
            default=False, help_text="Stated by somebody, and by no message.")),
        migrations.AddField("merge", "identifiers", models.JSONField(
            default=list, help_text="[[kind id, value], …] that the loser brought.")),
        migrations.AddField("merge", "act_id", models.BigIntegerField(null=True, help_text="By hand: which act.")),
        migrations.AddField("part", "message_key", models.UUIDField(null=True)),
        migrations.AddField("part", "source_id", models.BigIntegerField(null=True)),
        migrations.AddField("part", "kind_id", models.SmallIntegerField(
            null=True, help_text="The kind of identifier that turned out not to join them.")),
        migrations.AddField("part", "value", models.TextField(default="")),
        migrations.AddField("part", "act_id", models.BigIntegerField(null=True, help_text="By hand: which act.")),
        migrations.AddIndex("part", models.Index(fields=["parted_id"], name="profile_part_to")),
        migrations.CreateModel("Act", [
            ("id", models.BigIntegerField(primary_key=True, serialize=False, default=cdp_site.ids.new_id)),
            ("kind", models.CharField(max_length=4, choices=[
                ("cut", "cut a link"), ("undo", "undid a merge"), ("join", "joined two people"),
                ("back", "took an act back")])),
            ("at", models.DateTimeField(default=timezone.now)),
            ("by", models.TextField(help_text="The name by which they signed in, or what did it for them.")),
            ("reason", models.TextField()),
            ("profile_id", models.BigIntegerField(db_index=True, help_text="Whose page it was done on.")),
            ("other_id", models.BigIntegerField(
                db_index=True, null=True, help_text="Whom it was parted from or joined with.")),
            ("cut", models.JSONField(
                default=list, help_text="[[one, other], …], each [kind id, value]: apart from then on.")),
            ("uncut", models.JSONField(default=list, help_text="Likewise: cuts that it took back.")),
            ("joined", models.JSONField(default=list, help_text="Likewise: said to be one person's.")),
            ("unjoined", models.JSONField(default=list, help_text="Likewise: said no more.")),
            ("takes_back", models.BigIntegerField(null=True, unique=True, help_text="The act that it takes back.")),
        ], {"db_table": "identity_act", "ordering": ["-id"], "verbose_name": "act by hand",
            "verbose_name_plural": "identity by hand"}),
        migrations.RunSQL(INDEXES, migrations.RunSQL.noop),
    ]  # fmt: skip
