import django.core.validators
import django.utils.timezone
from django.db import migrations, models

import cdp_site.ids
from profiles import normalise

# With gaps, so that a kind can be moved between two others (once, also where this is taken back and applied again); what
# values look like by default.
SPREAD = """
UPDATE identifier_kind SET priority = priority * 10 WHERE (SELECT max(priority) FROM identifier_kind) < 10;
UPDATE identifier_kind SET limit_per_profile = least(limit_per_profile, 100000);
UPDATE identifier_kind SET form = said.form FROM (VALUES (2, 'capitals'), (3, 'email'), (4, 'phone')) AS said (id, form)
WHERE identifier_kind.id = said.id;
UPDATE identifier SET shared_since = now() WHERE shared;
"""


class Migration(migrations.Migration):
    dependencies = [("profiles", "0008_accuracy")]
    operations = [
        migrations.AddField("identifierkind", "form", models.CharField(
            "normal form", max_length=20, choices=normalise.FORM_CHOICES, default="trimmed",
            help_text="How values are written before they are compared. A change holds for what comes from now on.")),
        migrations.AddField("identifierkind", "patterns", models.JSONField(
            default=list, blank=True,
            help_text="Regular expressions; a value that one matches whole identifies nobody.")),
        migrations.AddField("identifierkind", "trusted", models.JSONField(
            default=list, blank=True,
            help_text="Values that are a person's, with however many people they are seen.")),
        migrations.AddField("identifierkind", "applied", models.JSONField(
            null=True, editable=False, help_text="The rules that the stored people follow.")),
        migrations.AddField("identifier", "shared_since", models.DateTimeField(
            null=True, help_text="When that was found out.")),
        migrations.AddField("identifier", "blocked", models.BooleanField(
            default=False, help_text="Identifies nobody by the kind's rules: shared in any case.")),
        migrations.AlterField("identifier", "shared", models.BooleanField(
            default=False, help_text="Seen with too many people to mean any of them, or blocked.")),
        migrations.RunSQL(SPREAD, migrations.RunSQL.noop),
        migrations.AddIndex("identifier", models.Index(
            fields=["-shared_since"], name="identifier_shared", condition=models.Q(shared=True))),
    # -- as the models say
        migrations.CreateModel(
            name='Rebuild',
            fields=[
                ('id', models.BigIntegerField(default=cdp_site.ids.new_id, primary_key=True, serialize=False)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('asked_by', models.CharField(default='', max_length=150)),
                ('because', models.TextField(default='', help_text='What changed, in words.')),
                ('dry_run', models.BooleanField(default=False)),
                ('proposed', models.JSONField(help_text="Rules to try, by the kind's id: {id: {field: value}}.", null=True)),
                ('rules', models.JSONField(help_text="The rules by which people are being made, by the kind's id.", null=True)),
                ('rehomes', models.BooleanField(default=False, help_text='Messages may find somebody else by other identifiers.')),
                ('relinks', models.BooleanField(default=False, help_text='The links themselves follow from what changed.')),
                ('step', models.CharField(choices=[('links', 'reading the messages again'), ('find', 'judging all links'), ('people', 'joining and parting people'), ('homes', 'looking at every message'), ('strays', 'sending messages home'), ('done', 'done'), ('failed', 'failed')], default='find', max_length=8)),
                ('cursor', models.BigIntegerField(default=0, help_text='Up to which event, within a step.')),
                ('seeds', models.IntegerField(default=0, help_text='How many profiles have to be looked at.')),
                ('began_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('profiles_before', models.BigIntegerField(null=True)),
                ('profiles_after', models.BigIntegerField(null=True)),
                ('joined', models.BigIntegerField(default=0, help_text='Profiles that became, or would become, part of another.')),
                ('parted', models.BigIntegerField(default=0, help_text='Profiles that fell, or would fall, apart.')),
                ('examples', models.JSONField(default=list, help_text='[{joined: [profile, …]}, {parted: profile, into: n}, …]')),
            ],
            options={
                'db_table': 'rebuild',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='RebuildLink',
            fields=[
                ('hash', models.BigIntegerField(primary_key=True, serialize=False)),
                ('first', models.DateTimeField()),
                ('last', models.DateTimeField()),
                ('source_id', models.BigIntegerField()),
                ('message_key', models.UUIDField()),
            ],
            options={
                'db_table': 'rebuild_link',
            },
        ),
        migrations.CreateModel(
            name='RebuildSeed',
            fields=[
                ('profile_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('afresh', models.BooleanField(default=False)),
            ],
            options={
                'db_table': 'rebuild_seed',
            },
        ),
        migrations.AlterField(
            model_name='identifierkind',
            name='limit_per_profile',
            field=models.IntegerField(help_text='The most values of this kind that one person may have.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100000)]),
        ),
        migrations.AlterField(
            model_name='identifierkind',
            name='name',
            field=models.SlugField(help_text='For good. External ids whose `type` is this name are of this kind.', max_length=40, unique=True),
        ),
        migrations.AlterField(
            model_name='identifierkind',
            name='priority',
            field=models.SmallIntegerField(help_text='1 is the strongest; a stronger identifier decides against a weaker. Numbers may have gaps.', unique=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)]),
        ),
        migrations.AlterField(
            model_name='identifierkind',
            name='shared_above',
            field=models.IntegerField(default=0, help_text="Seen with more identifiers of one kind that makes people known than this, a value belongs to nobody (a kiosk's device, a call centre's phone). 0: never.", validators=[django.core.validators.MinValueValidator(0)]),
        ),
        migrations.AlterField(
            model_name='identifierkind',
            name='yields_after',
            field=models.IntegerField(default=0, help_text="Days after which a person's claim to a value, not repeated since, gives way to a newer one (a phone number given anew). 0: never.", validators=[django.core.validators.MinValueValidator(0)]),
        ),
    ]  # fmt: skip
