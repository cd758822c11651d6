from django.db import migrations, models

# What was cut is found from either end, as links are.
INDEX = "CREATE INDEX identity_cut_other ON identity_cut (other_kind_id, other_value)"


class Migration(migrations.Migration):
    dependencies = [("profiles", "0005_evidence")]
    operations = [
        migrations.AddField("identifier", "disputed", models.BooleanField(
            default=False, help_text="Claimed at the same time by two who can't be one.")),
        migrations.AlterField("link", "kind_id", models.SmallIntegerField(
            help_text="Of the two the one that sorts first by kind and value.")),
        migrations.AlterField("link", "verdict", models.SmallIntegerField(
            default=0, help_text="Why it joins nothing, 0 if it does (profiles.grouping); always 0 with what only"
            " attaches or suggests.")),
        migrations.RunSQL(INDEX, "DROP INDEX identity_cut_other"),
    ]  # fmt: skip
