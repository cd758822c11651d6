from decimal import Decimal

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0005_report_round")]

    operations = [
        migrations.AddField(
            model_name="goal",
            name="half_life_days",
            field=models.DecimalField(
                decimal_places=2,
                default=Decimal(7),
                help_text="Of the model 'Time decay'; 0.5 to 365.",
                max_digits=5,
            ),
        ),
    ]
