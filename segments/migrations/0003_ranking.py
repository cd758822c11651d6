from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("segments", "0002_clock")]

    operations = [
        migrations.CreateModel(
            name="Ranking",
            fields=[
                (
                    "key",
                    models.CharField(
                        help_text="Digest of the top's `rules.key`.", max_length=64, primary_key=True, serialize=False
                    ),
                ),
                ("top", models.JSONField(help_text="What is ranked, as a rule.")),
                ("threshold", models.FloatField(help_text="Infinity where nobody has a value above 0.")),
                ("at", models.DateTimeField(help_text="As of when everybody was ranked.")),
            ],
            options={"db_table": "segment_ranking"},
        ),
    ]
