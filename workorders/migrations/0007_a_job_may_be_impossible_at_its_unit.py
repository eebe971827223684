"""The floor may say that a job can't be done at the unit where it was sent."""

import django.db.models.deletion
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):

    dependencies = [
        ('equipment', '0003_what_can_be_decided'),
        ('mes', '0004_a_task_may_be_one_persons'),
        ('workorders', '0006_a_job_order_may_be_split'),
    ]

    operations = [
        migrations.AddField(
            model_name='joborder',
            name='refused_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='joborder',
            name='refused_by',
            field=models.CharField(blank=True, max_length=80),
        ),
        migrations.AddField(
            model_name='joborder',
            name='refused_unit',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='equipment.equipment'),
        ),
        migrations.AddField(
            model_name='joborder',
            name='refused_why',
            field=models.CharField(blank=True, choices=[('TOOL', 'Tool or fixture is missing'), ('PROGRAM', 'No program for it'), ('MACHINE', "The machine can't do it"), ('PERSON', 'Nobody here can run it')], max_length=8),
        ),
        migrations.AddConstraint(
            model_name='joborder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('refused_at', None), ('refused_unit', None), ('refused_why', '')), models.Q(('refused_at__isnull', False), ('refused_unit__isnull', False), ('refused_why__in', ['TOOL', 'PROGRAM', 'MACHINE', 'PERSON'])), _connector='OR'), name='job_order_is_refused_somewhere_for_a_reason'),
        ),
        triggers.same_site("workorders_joborder", ("refused_unit_id", "equipment_equipment")),
    ]
