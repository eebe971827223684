"""Rules by which a planner decides beforehand, and the decisions that they took."""

import django.core.validators
import django.db.models.deletion
import mes.models
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("equipment", "0003_what_can_be_decided"),
        ("mes", "0005_a_plan_knows_when_time_tells"),
        ("planning", "0011_a_plant_from_its_own_files"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoricalStandingDecision",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        auto_created=True, blank=True, db_index=True, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                (
                    "cause",
                    models.CharField(
                        blank=True, help_text="a kind of disruption; any", max_length=10
                    ),
                ),
                (
                    "option_kind",
                    models.CharField(blank=True, help_text="a kind of option; any", max_length=16),
                ),
                (
                    "amount_limit",
                    models.DecimalField(
                        decimal_places=4,
                        max_digits=18,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "nobody_later",
                    models.BooleanField(default=True, help_text="no line later than without it"),
                ),
                (
                    "applies",
                    models.CharField(
                        choices=[
                            ("ALWAYS", "always"),
                            ("OFF_DUTY", "when no planner is on duty"),
                            ("HOURS", "in these hours"),
                        ],
                        default="OFF_DUTY",
                        max_length=8,
                    ),
                ),
                (
                    "hours",
                    models.CharField(
                        blank=True, max_length=200, validators=[mes.models.says_hours]
                    ),
                ),
                ("active", models.BooleanField(default=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "place",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="a unit, a cell, an area; any",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="equipment.equipment",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="mes.site",
                    ),
                ),
                (
                    "writer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="mes.person",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical standing decision",
                "verbose_name_plural": "historical standing decisions",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="StandingDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                (
                    "cause",
                    models.CharField(
                        blank=True, help_text="a kind of disruption; any", max_length=10
                    ),
                ),
                (
                    "option_kind",
                    models.CharField(blank=True, help_text="a kind of option; any", max_length=16),
                ),
                (
                    "amount_limit",
                    models.DecimalField(
                        decimal_places=4,
                        max_digits=18,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "nobody_later",
                    models.BooleanField(default=True, help_text="no line later than without it"),
                ),
                (
                    "applies",
                    models.CharField(
                        choices=[
                            ("ALWAYS", "always"),
                            ("OFF_DUTY", "when no planner is on duty"),
                            ("HOURS", "in these hours"),
                        ],
                        default="OFF_DUTY",
                        max_length=8,
                    ),
                ),
                (
                    "hours",
                    models.CharField(
                        blank=True, max_length=200, validators=[mes.models.says_hours]
                    ),
                ),
                ("active", models.BooleanField(default=True)),
                (
                    "place",
                    models.ForeignKey(
                        help_text="a unit, a cell, an area; any",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="equipment.equipment",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="mes.site"),
                ),
                (
                    "writer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mes.person",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="decision",
            name="rule",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="decisions",
                to="planning.standingdecision",
            ),
        ),
        migrations.AddConstraint(
            model_name="standingdecision",
            constraint=models.UniqueConstraint(
                fields=("site", "name"), name="rule_name_is_unique_a_site"
            ),
        ),
        migrations.AddConstraint(
            model_name="standingdecision",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_limit__gte", 0)),
                name="a_rule_has_an_amount_of_at_least_zero",
            ),
        ),
        triggers.site_and_id("planning_standingdecision"),
        triggers.same_site("planning_standingdecision", ("place_id", "equipment_equipment")),
        triggers.same_site("planning_decision", ("rule_id", "planning_standingdecision")),
    ]
