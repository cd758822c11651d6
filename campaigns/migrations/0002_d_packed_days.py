"""Packed days stay as they are on disk (compressing them saves little), and their lengths are told without reading them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE journey_block ALTER COLUMN body SET STORAGE EXTERNAL",
            "ALTER TABLE journey_block ALTER COLUMN body SET STORAGE EXTENDED",
        )
    ]
