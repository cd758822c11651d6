from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connectors', '0002_what_a_channel_holds'),
    ]

    operations = [
        migrations.AddField(
            model_name='audience',
            name='snapshot_of',
            field=models.BigIntegerField(blank=True, help_text='The last delivery that is in it.', null=True),
        ),
        migrations.AlterField(
            model_name='audience',
            name='snapshot_at',
            field=models.DateTimeField(blank=True, help_text='When the whole list was last written.', null=True),
        ),
    ]
