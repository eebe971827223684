"""A station calls for help: who, since when, who comes; and who answers which kind."""

import django.contrib.postgres.fields
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("equipment", "0003_what_can_be_decided"),
        ("mes", "0002_what_the_database_keeps"),
        ("workorders", "0004_what_can_be_decided"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoricalCallRoute",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        auto_created=True, blank=True, db_index=True, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("MAINTENANCE", "Maintenance"),
                            ("QUALITY", "Quality"),
                            ("MATERIAL", "Material"),
                            ("SUPERVISOR", "Supervisor"),
                            ("SAFETY", "Safety"),
                        ],
                        max_length=12,
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
                        max_length=12,
                    ),
                ),
                (
                    "minutes",
                    models.PositiveSmallIntegerField(help_text="until it goes to the next"),
                ),
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
            ],
            options={
                "verbose_name": "historical call route",
                "verbose_name_plural": "historical call routes",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="AndonCall",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("MAINTENANCE", "Maintenance"),
                            ("QUALITY", "Quality"),
                            ("MATERIAL", "Material"),
                            ("SUPERVISOR", "Supervisor"),
                            ("SAFETY", "Safety"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("OPEN", "Nobody has answered"),
                            ("TAKEN", "Somebody is coming"),
                            ("ARRIVED", "Somebody is there"),
                            ("ENDED", "Ended"),
                            ("CANCELLED", "Cancelled"),
                        ],
                        default="OPEN",
                        max_length=10,
                    ),
                ),
                (
                    "stopped",
                    models.BooleanField(help_text="the machine stands, else it still runs"),
                ),
                ("note", models.CharField(blank=True, max_length=200)),
                ("called_at", models.DateTimeField()),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
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
                            max_length=12,
                        ),
                        size=None,
                    ),
                ),
                ("level", models.PositiveSmallIntegerField(default=0)),
                (
                    "level_at",
                    models.DateTimeField(help_text="since when it waits for its last role"),
                ),
                ("due_at", models.DateTimeField(null=True)),
                ("slack_s", models.BigIntegerField(null=True)),
                ("plan_version", models.BigIntegerField(default=0)),
                ("taken_at", models.DateTimeField(null=True)),
                ("expected_at", models.DateTimeField(null=True)),
                ("arrived_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(blank=True, max_length=200)),
                (
                    "called_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mes.person",
                    ),
                ),
                (
                    "device",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mes.device",
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mes.person",
                    ),
                ),
                (
                    "job_order",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="workorders.joborder",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="mes.site"),
                ),
                (
                    "taken_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mes.person",
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calls",
                        to="equipment.equipment",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["OPEN", "TAKEN", "ARRIVED"])),
                        fields=["site", "due_at"],
                        name="open_calls",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["OPEN", "TAKEN", "ARRIVED"])),
                        fields=("unit", "kind"),
                        name="a_station_calls_each_kind_once_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                ["MAINTENANCE", "QUALITY", "MATERIAL", "SUPERVISOR", "SAFETY"],
                            )
                        ),
                        name="call_kind_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["OPEN", "TAKEN", "ARRIVED", "ENDED", "CANCELLED"])
                        ),
                        name="call_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["ENDED", "CANCELLED"]),
                            ("ended_at__isnull", True),
                            _connector="XOR",
                        ),
                        name="call_is_over_at_an_instant",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("taken_at__isnull", True),
                                ("taken_at__gte", models.F("called_at")),
                                _connector="OR",
                            ),
                            models.Q(
                                ("arrived_at__isnull", True),
                                ("arrived_at__gte", models.F("taken_at")),
                                _connector="OR",
                            ),
                            models.Q(
                                ("ended_at__isnull", True),
                                ("ended_at__gte", models.F("called_at")),
                                _connector="OR",
                            ),
                        ),
                        name="call_is_answered_after_it_was_made",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CallRoute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("MAINTENANCE", "Maintenance"),
                            ("QUALITY", "Quality"),
                            ("MATERIAL", "Material"),
                            ("SUPERVISOR", "Supervisor"),
                            ("SAFETY", "Safety"),
                        ],
                        max_length=12,
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
                        max_length=12,
                    ),
                ),
                (
                    "minutes",
                    models.PositiveSmallIntegerField(help_text="until it goes to the next"),
                ),
                (
                    "site",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="mes.site"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("site", "kind"), name="call_route_is_one_a_kind"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                ["MAINTENANCE", "QUALITY", "MATERIAL", "SUPERVISOR", "SAFETY"],
                            )
                        ),
                        name="call_route_kind_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "role__in",
                                [
                                    "OPERATOR",
                                    "SUPERVISOR",
                                    "PLANNER",
                                    "BUYER",
                                    "QUALITY",
                                    "MAINTENANCE",
                                    "STORES",
                                    "SALES",
                                    "ENGINEER",
                                    "MANAGER",
                                    "ADMIN",
                                    "VIEWER",
                                ],
                            )
                        ),
                        name="call_route_role_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("minutes__gte", 1), ("minutes__lte", 1440)),
                        name="call_route_waits_a_minute_to_a_day",
                    ),
                ],
            },
        ),
        triggers.same_site(
            "workorders_andoncall",
            ("unit_id", "equipment_equipment"),
            ("job_order_id", "workorders_joborder"),
            ("device_id", "mes_device"),
        ),
    ]
