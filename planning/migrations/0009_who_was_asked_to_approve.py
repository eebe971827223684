"""In whose name a decision was taken, and who was asked to approve one."""

import django.db.models.deletion
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("mes", "0004_a_task_may_be_one_persons"),
        ("planning", "0008_what_waits_for_a_yes"),
    ]

    operations = [
        migrations.AddField(
            model_name="decision",
            name="on_behalf_of",
            field=models.ForeignKey(
                help_text="whose authority it was",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="mes.person",
            ),
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("option", models.CharField(max_length=120)),
                ("title", models.CharField(max_length=200)),
                (
                    "version",
                    models.BigIntegerField(help_text="plan version that the asker looked at"),
                ),
                ("changes", models.JSONField(help_text='of the option "mine"', null=True)),
                ("lacks", models.JSONField(help_text="what the asker's authority lacked")),
                ("cash", models.DecimalField(decimal_places=4, max_digits=18)),
                ("why", models.CharField(blank=True, max_length=300)),
                ("asked_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ASKED", "Asked"),
                            ("GIVEN", "Given"),
                            ("REFUSED", "Refused"),
                            ("OVER", "Over"),
                        ],
                        default="ASKED",
                        max_length=10,
                    ),
                ),
                ("answered_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, max_length=200)),
                (
                    "answered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mes.person",
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mes.person",
                    ),
                ),
                (
                    "asked_of",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mes.person",
                    ),
                ),
                (
                    "decision",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approval",
                        to="planning.decision",
                    ),
                ),
                (
                    "disruption",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals",
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
                        condition=models.Q(("state", "ASKED")),
                        fields=("disruption", "option", "asked_of"),
                        name="an_approval_is_asked_once_of_a_person",
                    )
                ],
            },
        ),
        triggers.same_site(
            "planning_approval",
            ("disruption_id", "planning_disruption"),
            ("decision_id", "planning_decision"),
        ),
    ]
