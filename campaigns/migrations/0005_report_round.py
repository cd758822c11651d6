from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0004_e_audience_channel")]

    operations = [
        migrations.AddField(
            model_name="report",
            name="round",
            field=models.IntegerField(
                default=0, help_text="How many times it has been due; a letter's Message-ID has it."
            ),
        ),
        migrations.AddField(
            model_name="report",
            name="sent_to",
            field=models.JSONField(
                blank=True, default=list, help_text="Addresses that this round's letter went to already."
            ),
        ),
    ]
