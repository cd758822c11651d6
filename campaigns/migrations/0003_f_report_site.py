from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_c_experiments"), ("campaigns", "0002_d_packed_days")]

    operations = [
        migrations.AddField(
            model_name="report",
            name="site",
            field=models.TextField(
                blank=True, default="", help_text="Where the letter's links lead: as whoever made it saw the site."
            ),
        ),
    ]
