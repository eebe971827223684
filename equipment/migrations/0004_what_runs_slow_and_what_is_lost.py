"""Units that run slow for a time, tools, and pieces of them that are lost."""

import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):

    dependencies = [
        ('equipment', '0003_what_can_be_decided'),
        ('mes', '0004_a_task_may_be_one_persons'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalTool',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('code', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=80)),
                ('kind', models.CharField(choices=[('TOOL', 'Tool'), ('GAUGE', 'Gauge'), ('FIXTURE', 'Fixture')], default='TOOL', max_length=8)),
                ('pieces', models.PositiveSmallIntegerField(default=1, help_text='how many there are')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('site', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='mes.site')),
            ],
            options={
                'verbose_name': 'historical tool',
                'verbose_name_plural': 'historical tools',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Tool',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=80)),
                ('kind', models.CharField(choices=[('TOOL', 'Tool'), ('GAUGE', 'Gauge'), ('FIXTURE', 'Fixture')], default='TOOL', max_length=8)),
                ('pieces', models.PositiveSmallIntegerField(default=1, help_text='how many there are')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
            ],
        ),
        migrations.CreateModel(
            name='ToolLoss',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.CharField(blank=True, max_length=200)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('back_at', models.DateTimeField(null=True)),
                ('back_said_by', models.CharField(blank=True, max_length=80)),
                ('back_said_at', models.DateTimeField(null=True)),
                ('opened_seq', models.BigIntegerField()),
                ('closed_seq', models.BigIntegerField(null=True)),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
                ('tool', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='losses', to='equipment.tool')),
            ],
            options={
                'verbose_name_plural': 'tool losses',
            },
        ),
        migrations.CreateModel(
            name='Slowdown',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('percent', models.PositiveSmallIntegerField(help_text='of its usual rate, set-up too')),
                ('note', models.CharField(blank=True, max_length=200)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('back_at', models.DateTimeField(null=True)),
                ('back_said_by', models.CharField(blank=True, max_length=80)),
                ('back_said_at', models.DateTimeField(null=True)),
                ('opened_seq', models.BigIntegerField()),
                ('closed_seq', models.BigIntegerField(null=True)),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
                ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='slowdowns', to='equipment.equipment')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('unit',), name='unit_is_slow_once_at_a_time'), models.CheckConstraint(condition=models.Q(('percent__gte', 1), ('percent__lte', 99)), name='slow_unit_does_a_part_of_its_work'), models.CheckConstraint(condition=models.Q(('ended_at__isnull', True), ('ended_at__gte', models.F('started_at')), _connector='OR'), name='slowdown_ends_after_it_starts')],
            },
        ),
        migrations.AddConstraint(
            model_name='tool',
            constraint=models.UniqueConstraint(fields=('site', 'code'), name='tool_code_is_unique_a_site'),
        ),
        migrations.AddConstraint(
            model_name='tool',
            constraint=models.CheckConstraint(condition=models.Q(('pieces__gte', 1)), name='tool_has_a_piece'),
        ),
        migrations.AddConstraint(
            model_name='tool',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['TOOL', 'GAUGE', 'FIXTURE'])), name='tool_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='toolloss',
            constraint=models.CheckConstraint(condition=models.Q(('ended_at__isnull', True), ('ended_at__gte', models.F('started_at')), _connector='OR'), name='tool_loss_ends_after_it_starts'),
        ),
        triggers.site_and_id("equipment_tool"),
        triggers.same_site("equipment_slowdown", ("unit_id", "equipment_equipment")),
        triggers.same_site("equipment_toolloss", ("tool_id", "equipment_tool")),
        triggers.marks_site_dirty("equipment_slowdown"),
        triggers.marks_site_dirty("equipment_tool"),
        triggers.marks_site_dirty("equipment_toolloss"),
    ]
