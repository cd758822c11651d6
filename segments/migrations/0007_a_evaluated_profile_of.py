from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("segments", "0006_evaluated_profile")]

    operations = [
        migrations.AddIndex(
            model_name="evaluatedprofile",
            index=models.Index(fields=["profile_id"], name="evaluated_profile_of"),
        ),
    ]
