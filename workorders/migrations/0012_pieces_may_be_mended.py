"""An order may mend pieces: of a lot, or those that a job order lost."""

import django.db.models.deletion
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):

    dependencies = [
        ('materials', '0008_customers_may_be_asked_of_concessions'),
        ('mes', '0009_how_the_processes_fare'),
        ('workorders', '0011_who_attends_which_unit'),
    ]

    operations = [
        migrations.AddField(
            model_name='workorder',
            name='mends_job',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='mended_by', to='workorders.joborder'),
        ),
        migrations.AddField(
            model_name='workorder',
            name='mends_lot',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='mended_by', to='materials.lot'),
        ),
        migrations.AddConstraint(
            model_name='workorder',
            constraint=models.CheckConstraint(condition=models.Q(('mends_lot', None), ('mends_job', None), _connector='OR'), name='work_order_mends_a_lot_or_what_a_job_lost'),
        ),
        triggers.same_site(
            "workorders_workorder",
            ("mends_lot_id", "materials_lot"),
            ("mends_job_id", "workorders_joborder"),
        ),
    ]
