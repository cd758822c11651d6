import django.contrib.postgres.fields
from django.db import migrations, models

# Bodies are read whole, and quickly: compressing them costs more than it saves.
STORAGE = """
ALTER TABLE block ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE block_people ALTER COLUMN ids SET STORAGE EXTERNAL;
"""


class Migration(migrations.Migration):
    dependencies = [("segments", "0004_versions"), ("profiles", "0013_sealing")]

    operations = [
        migrations.CreateModel(
            name="BlockName",
            fields=[
                ("pk", models.CompositePrimaryKey("name_id", "generation", blank=True, editable=False, primary_key=True, serialize=False)),
                ("name_id", models.SmallIntegerField()),
                ("generation", models.BigIntegerField()),
                ("version", models.IntegerField(default=0, help_text="Counts what was changed in its blocks.")),
                ("until", models.BigIntegerField(help_text="Events with a greater key are read from their table.")),
                ("edge", models.IntegerField(help_text="Likewise those from this day (since 1970) on; none when complete.", null=True)),
                ("properties", models.JSONField(default=list, help_text="Which properties the blocks have, in this order.")),
            ],
            options={"db_table": "block_name"},
        ),
        migrations.CreateModel(
            name="Block",
            fields=[
                ("pk", models.CompositePrimaryKey("name_id", "generation", "day", "part", blank=True, editable=False, primary_key=True, serialize=False)),
                ("name_id", models.SmallIntegerField()),
                ("generation", models.BigIntegerField()),
                ("day", models.IntegerField(help_text="Days since 1970.")),
                ("part", models.BigIntegerField()),
                ("events", models.IntegerField()),
                ("checksum", models.BigIntegerField()),
                ("body", models.BinaryField()),
            ],
            options={"db_table": "block"},
        ),
        migrations.CreateModel(
            name="BlockPeople",
            fields=[
                ("page", models.IntegerField(primary_key=True, serialize=False)),
                ("born", models.BigIntegerField(help_text="Tells pages from those of before everything was emptied.")),
                ("ids", models.BinaryField()),
            ],
            options={"db_table": "block_people"},
        ),
        migrations.CreateModel(
            name="BlockValue",
            fields=[
                ("pk", models.CompositePrimaryKey("name_id", "property", "code", blank=True, editable=False, primary_key=True, serialize=False)),
                ("name_id", models.SmallIntegerField()),
                ("property", models.TextField()),
                ("code", models.IntegerField()),
                ("value", models.TextField()),
            ],
            options={"db_table": "block_value"},
        ),
        migrations.CreateModel(
            name="PeopleChanged",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("profile_ids", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
            options={"db_table": "people_changed"},
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
