from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("profiles", "0007_by_hand")]
    operations = [
        migrations.AddField("identifier", "disputed", models.BooleanField(
            default=False, help_text="Claimed at the same time by two who can't be one.")),
        migrations.AlterField("link", "kind_id", models.SmallIntegerField(
            help_text="Of the two the one that sorts first by kind and value.")),
        migrations.AlterField("link", "verdict", models.SmallIntegerField(
            default=0, help_text="Why it joins nothing, 0 if it does (profiles.grouping); always 0 with what only"
            " attaches.")),
    ]  # fmt: skip
