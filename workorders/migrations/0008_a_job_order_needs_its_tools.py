"""The tools that an operation needs, frozen at release with the rest of it."""

import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):

    dependencies = [
        ('equipment', '0004_what_runs_slow_and_what_is_lost'),
        ('mes', '0004_a_task_may_be_one_persons'),
        ('workorders', '0007_a_job_may_be_impossible_at_its_unit'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalOperationTool',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('operation', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='workorders.routingoperation')),
                ('site', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='mes.site')),
                ('tool', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='equipment.tool')),
            ],
            options={
                'verbose_name': 'historical operation tool',
                'verbose_name_plural': 'historical operation tools',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='JobTool',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('job_order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tools', to='workorders.joborder')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
                ('tool', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='equipment.tool')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('job_order', 'tool'), name='job_tool_is_unique_a_job_order')],
            },
        ),
        migrations.CreateModel(
            name='OperationTool',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('operation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tools', to='workorders.routingoperation')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
                ('tool', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='equipment.tool')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('operation', 'tool'), name='operation_tool_is_unique_an_operation')],
            },
        ),
        triggers.same_site(
            "workorders_operationtool",
            ("operation_id", "workorders_routingoperation"),
            ("tool_id", "equipment_tool"),
        ),
        triggers.same_site(
            "workorders_jobtool",
            ("job_order_id", "workorders_joborder"),
            ("tool_id", "equipment_tool"),
        ),
        triggers.marks_site_dirty("workorders_jobtool"),
    ]
