from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("profiles", "0012_said_whose")]

    operations = [
        migrations.CreateModel(
            name="EventSeal",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("closed_until", models.BigIntegerField()),
            ],
            options={"db_table": "event_seal"},
        ),
        migrations.CreateModel(
            name="UnsealedProfile",
            fields=[
                ("profile_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("noticed", models.BooleanField(default=False, help_text="Copies that are being made anew will have it right.")),
            ],
            options={"db_table": "unsealed_profile"},
        ),
    ]
