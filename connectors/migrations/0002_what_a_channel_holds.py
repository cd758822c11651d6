
import django.utils.timezone
from django.db import migrations, models


# What a delivery is to be formed of: removals first (false sorts before true), so that somebody who must leave never
# waits behind a first sync. Django can't say IS DISTINCT FROM in a condition.
DUE = """
CREATE INDEX audience_member_due ON audience_member (audience_id, wanted, changed_at)
WHERE delivery_id IS NULL AND refused = '' AND wanted IS DISTINCT FROM held
"""


class Migration(migrations.Migration):

    dependencies = [
        ('connectors', '0001_initial'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='audiencemember',
            name='audience_member_due',
        ),
        migrations.AddField(
            model_name='audience',
            name='snapshot_at',
            field=models.DateTimeField(blank=True, help_text='As of when its whole file was last written.', null=True),
        ),
        migrations.AddField(
            model_name='audiencemember',
            name='refused',
            field=models.TextField(default='', help_text="Why the destination won't take this person; not sent again."),
        ),
        migrations.AddField(
            model_name='audiencemember',
            name='sent',
            field=models.JSONField(help_text='The identifiers that the destination has of this person.', null=True),
        ),
        migrations.AlterField(
            model_name='audiencemember',
            name='held',
            field=models.BooleanField(default=False, null=True),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='body',
            field=models.BinaryField(help_text='What is sent, byte for byte the same at each attempt; emptied when it is done.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='next_attempt_at',
            field=models.DateTimeField(default=django.utils.timezone.now, help_text='While one is under way: when it is given up for lost.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='state',
            field=models.CharField(choices=[('pending', 'Pending'), ('done', 'Delivered'), ('failed', 'Given up'), ('replaced', 'Replaced by a newer one')], default='pending', max_length=8),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['pending', 'failed'])), fields=('audience',), name='delivery_one_open'),
        ),
        migrations.RunSQL(DUE, "DROP INDEX audience_member_due"),
    ]
