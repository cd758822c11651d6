"""That a disputed identifier is somebody's is an act of its own, and names that turn the text around are shown without."""

from django.db import migrations, models

from profiles.normalise import LONGEST_NAME, TURNS

# One pass; whoever is told anew gets such a name by `profiles.traits` anyway.
_NAMES = """
UPDATE profile SET name = left(translate(name, %s, ''), %s) WHERE name <> left(translate(name, %s, ''), %s)
"""


def shorten(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_NAMES, (TURNS, LONGEST_NAME) * 2)


class Migration(migrations.Migration):
    dependencies = [("profiles", "0011_upgraded")]
    operations = [
        migrations.AlterField(
            "act",
            "kind",
            models.CharField(
                max_length=4,
                choices=[
                    ("cut", "cut a link"), ("undo", "undid a merge"), ("join", "joined two people"),
                    ("own", "said whose something is"), ("back", "took an act back"),
                ],
            ),
        ),
        migrations.RunPython(shorten, migrations.RunPython.noop),
    ]  # fmt: skip
