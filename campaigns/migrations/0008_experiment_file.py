from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0007_experiment_archived")]

    operations = [
        migrations.AddField(
            model_name="experiment",
            name="file_inbox_id",
            field=models.BigIntegerField(
                blank=True, help_text="Of its last file the last row in the inbox: no result before it is followed.", null=True
            ),
        ),
    ]
