from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0006_goal_half_life")]

    operations = [
        migrations.AddField(
            model_name="experiment",
            name="archived_at",
            field=models.DateTimeField(
                blank=True, help_text="Since when it is in no list; it goes on to be followed.", null=True
            ),
        ),
    ]
