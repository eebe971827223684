"""A job order may be a part of another one."""

import django.db.models.deletion
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("workorders", "0005_a_station_calls_for_help"),
    ]

    operations = [
        migrations.AddField(
            model_name="joborder",
            name="part_of",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="parts",
                to="workorders.joborder",
            ),
        ),
        triggers.same_site("workorders_joborder", ("part_of_id", "workorders_joborder")),
    ]
