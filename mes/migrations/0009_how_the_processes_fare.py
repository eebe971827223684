"""Who lives, what was counted, and how far the record was verified."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mes', '0008_people_have_tokens'),
    ]

    operations = [
        migrations.CreateModel(
            name='ChainCheck',
            fields=[
                ('site', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='chain_check', serialize=False, to='mes.site')),
                ('seq', models.BigIntegerField(default=0)),
                ('hash', models.BinaryField(default=b'\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00', max_length=32)),
                ('at', models.DateTimeField()),
                ('problems', models.PositiveIntegerField(default=0)),
                ('first_problem', models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('process', models.CharField(help_text='web, stream, worker-impact, sweeper', max_length=40)),
                ('place', models.CharField(help_text='machine and process number', max_length=120)),
                ('at', models.DateTimeField()),
                ('figures', models.JSONField(default=dict)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('process', 'place'), name='heartbeat_is_one_a_process')],
            },
        ),
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('labels', models.CharField(blank=True, max_length=200)),
                ('value', models.DecimalField(decimal_places=6, max_digits=24)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('name', 'labels'), name='tally_is_one_a_name')],
            },
        ),
    ]
