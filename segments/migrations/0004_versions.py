import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("segments", "0003_ranking"),
    ]

    operations = [
        migrations.AddField(
            model_name="segment",
            name="draft",
            field=models.JSONField(blank=True, help_text="A rule being worked on; see segments.versions.", null=True),
        ),
        migrations.AddField(
            model_name="segment",
            name="draft_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="segment",
            name="draft_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="segment",
            name="coming",
            field=models.JSONField(
                blank=True,
                help_text="A rule that is being evaluated over everybody, and then takes the place of `rule`.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="segmentversion",
            name="repeats",
            field=models.IntegerField(blank=True, help_text="The earlier version that was gone back to.", null=True),
        ),
        migrations.CreateModel(
            name="ComingMember",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "profile_id", "segment_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("profile_id", models.BigIntegerField()),
                ("segment_id", models.BigIntegerField()),
            ],
            options={
                "db_table": "coming_member",
                "indexes": [models.Index(fields=["segment_id", "profile_id"], name="coming_member_of_segment")],
            },
        ),
    ]
