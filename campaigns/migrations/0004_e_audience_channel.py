import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0003_f_report_site")]

    operations = [
        migrations.AddField(
            model_name="campaignname",
            name="given",
            field=models.BooleanField(
                default=False, help_text="By somebody: goes before what was recognised, and without a source means any."
            ),
        ),
        migrations.CreateModel(
            name="AudienceChannel",
            fields=[
                ("audience_id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "campaign",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="campaigns.campaign",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        db_constraint=False, on_delete=django.db.models.deletion.CASCADE, to="campaigns.channel"
                    ),
                ),
            ],
            options={"db_table": "audience_channel"},
        ),
    ]
