import cdp_site.ids
import django.utils.timezone
from django.db import migrations, models

# Who is in an experiment by messages from before there were experiments is found by the stage 'enrol'.
EVERYBODY = """
INSERT INTO enrol_profile (id, profile_id)
SELECT max(event.id), event.profile_id FROM event
WHERE event.name_id = (SELECT id FROM event_name WHERE type = 'track' AND name = 'Experiment Viewed')
GROUP BY event.profile_id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0001_initial'),
        ('profiles', '0013_sealing'),
    ]

    operations = [
        migrations.CreateModel(
            name='EnrolmentFile',
            fields=[
                ('id', models.BigIntegerField(default=cdp_site.ids.new_id, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('body', models.BinaryField()),
                ('chosen', models.JSONField(default=dict, help_text='What was chosen in the form: campaigns.experiments.files.Chosen.')),
                ('created_by', models.TextField(default='')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'db_table': 'enrolment_file',
            },
        ),
        migrations.CreateModel(
            name='EnrolProfile',
            fields=[
                ('id', models.BigIntegerField(default=cdp_site.ids.new_id, primary_key=True, serialize=False)),
                ('profile_id', models.BigIntegerField()),
            ],
            options={
                'db_table': 'enrol_profile',
            },
        ),
        migrations.CreateModel(
            name='ExperimentTally',
            fields=[
                ('pk', models.CompositePrimaryKey('experiment_id', 'outcome', blank=True, editable=False, primary_key=True, serialize=False)),
                ('experiment_id', models.BigIntegerField()),
                ('outcome', models.TextField(help_text='campaigns.experiments.outcomes.Outcome.key')),
                ('days', models.PositiveSmallIntegerField(help_text="The experiment's, when it was counted.")),
                ('at', models.DateTimeField()),
                ('seconds', models.FloatField(default=0, help_text='What counting it took.')),
                ('stale', models.BooleanField(default=False, help_text='Somebody came to an arm, or left one, since.')),
                ('body', models.JSONField()),
            ],
            options={
                'db_table': 'experiment_tally',
            },
        ),
        migrations.RunSQL(EVERYBODY, migrations.RunSQL.noop),
    ]
