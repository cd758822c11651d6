from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("segments", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Clock",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("dates_due", models.DateTimeField(help_text="Before this no date in a trait comes to move anybody.", null=True)),
                ("dates_of", models.JSONField(default=list, help_text="[[trait, days], …] for which `dates_due` was found.")),
            ],
            options={"db_table": "segment_clock"},
        ),
    ]
