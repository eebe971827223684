"""A plant may only listen: what is accepted is noted, and what each day foresees is kept."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mes', '0009_how_the_processes_fare'),
        ('planning', '0027_what_the_erp_knows'),
    ]

    operations = [
        migrations.AddField(
            model_name='decision',
            name='shadow',
            field=models.BooleanField(default=False, help_text='noted only: the plant listens'),
        ),
        migrations.CreateModel(
            name='Foresight',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(help_text="the plant's own")),
                ('made_at', models.DateTimeField()),
                ('version', models.BigIntegerField(help_text='of the plan that said it')),
                ('lines', models.JSONField(help_text='customer line -> promised, projected')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('site', 'day'), name='a_day_is_foreseen_once_a_site')],
            },
        ),
        migrations.CreateModel(
            name='ShadowMode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('site',), name='a_plant_begins_to_listen_once')],
            },
        ),
    ]
