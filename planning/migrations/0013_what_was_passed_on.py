"""The steps by which an undecided disruption was passed on."""

import django.db.models.deletion
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("planning", "0012_standing_decisions"),
    ]

    operations = [
        migrations.CreateModel(
            name="Escalation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateTimeField(help_text="when it opened, or came back")),
                ("step", models.PositiveSmallIntegerField()),
                (
                    "to",
                    models.CharField(
                        blank=True, help_text="whom it reached; empty: nobody", max_length=200
                    ),
                ),
                ("at", models.DateTimeField()),
                ("decide_by", models.DateTimeField()),
                (
                    "disruption",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="escalations",
                        to="planning.disruption",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="mes.site"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("disruption", "since", "step"),
                        name="a_disruption_is_passed_on_once_a_step",
                    )
                ],
            },
        ),
        triggers.same_site("planning_escalation", ("disruption_id", "planning_disruption")),
    ]
