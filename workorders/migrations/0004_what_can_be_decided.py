"""A material may be a substitute for the one that the bill names."""

import django.db.models.deletion
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("materials", "0004_what_can_be_decided"),
        ("workorders", "0003_a_job_order_may_be_closed_short"),
    ]

    operations = [
        migrations.AddField(
            model_name="jobmaterial",
            name="instead_of",
            field=models.ForeignKey(
                help_text="if it is a substitute",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="materials.item",
            ),
        ),
        triggers.same_site("workorders_jobmaterial", ("instead_of_id", "materials_item")),
    ]
