"""What customers were told of their lines: a ledger."""

import django.db.models.deletion
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("materials", "0005_what_is_said_of_supply_and_demand"),
        ("mes", "0007_people_comment"),
        ("planning", "0009_who_was_asked_to_approve"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustomerTold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "said_at",
                    models.DateTimeField(help_text="the date that he was given, if one", null=True),
                ),
                ("text", models.TextField(max_length=2000)),
                (
                    "decision",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="told",
                        to="planning.decision",
                    ),
                ),
                (
                    "disruption",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="told",
                        to="planning.disruption",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="told",
                        to="materials.customerline",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mes.person",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="mes.site"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["site", "line", "id"], name="planning_cu_site_id_d54227_idx"
                    )
                ],
            },
        ),
        triggers.same_site(
            "planning_customertold",
            ("line_id", "materials_customerline"),
            ("disruption_id", "planning_disruption"),
            ("decision_id", "planning_decision"),
        ),
        triggers.append_only("planning_customertold"),
    ]
