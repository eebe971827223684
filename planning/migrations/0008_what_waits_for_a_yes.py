"""The yes that a decision needs from others, and why a disruption came back without it."""

import django.db.models.deletion
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("mes", "0004_a_task_may_be_one_persons"),
        ("planning", "0007_when_somebody_looked"),
    ]

    operations = [
        migrations.AddField(
            model_name="disruption",
            name="back",
            field=models.JSONField(
                default=dict, help_text="why it came back after a decision: who said no, what stays"
            ),
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "who",
                    models.CharField(
                        help_text="OVERTIME, CUSTOMER, SUPPLIER or QUALITY", max_length=10
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("OPERATOR", "Operator"),
                            ("SUPERVISOR", "Supervisor"),
                            ("PLANNER", "Planner"),
                            ("BUYER", "Buyer"),
                            ("QUALITY", "Quality"),
                            ("MAINTENANCE", "Maintenance"),
                            ("STORES", "Stores"),
                            ("SALES", "Sales"),
                            ("ENGINEER", "Engineer"),
                            ("MANAGER", "Manager"),
                            ("ADMIN", "Admin"),
                            ("VIEWER", "Viewer"),
                        ],
                        help_text="who gets the yes",
                        max_length=12,
                    ),
                ),
                ("facts", models.JSONField(help_text="what it is about, for the words")),
                ("asked_at", models.DateTimeField()),
                (
                    "latest_at",
                    models.DateTimeField(help_text="by the plant's clock; silence is a no"),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ASKED", "Asked"),
                            ("AGREED", "Agreed"),
                            ("REFUSED", "Refused"),
                            ("LAPSED", "Lapsed"),
                            ("WITHDRAWN", "Withdrawn"),
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
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consents",
                        to="planning.decision",
                    ),
                ),
                (
                    "on_behalf_of",
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
                        condition=models.Q(("state", "ASKED")),
                        fields=["site", "latest_at"],
                        name="asked_consents",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answered_at", None), ("state", "ASKED")),
                            models.Q(
                                models.Q(("state", "ASKED"), _negated=True),
                                ("answered_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="a_consent_is_asked_or_answered_at_an_instant",
                    )
                ],
            },
        ),
        triggers.same_site("planning_consent", ("decision_id", "planning_decision")),
    ]
