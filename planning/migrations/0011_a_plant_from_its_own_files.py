"""Files of plants that people bring in, with how they are read and what became of them."""

import django.db.models.deletion
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("mes", "0005_a_plan_knows_when_time_tells"),
        ("planning", "0010_customers_are_told"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlantImport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("READING", "Reading"),
                            ("CHECKED", "Checked"),
                            ("STORING", "Storing"),
                            ("STORED", "Stored"),
                            ("UNREADABLE", "Unreadable"),
                            ("REMOVED", "Removed"),
                        ],
                        default="READING",
                        max_length=10,
                    ),
                ),
                (
                    "mapping",
                    models.JSONField(default=dict, help_text="sheet -> table, columns, formats"),
                ),
                (
                    "fixes",
                    models.JSONField(default=dict, help_text="finding -> what to do about it"),
                ),
                (
                    "set_aside",
                    models.BooleanField(default=False, help_text="leave rows with problems out"),
                ),
                ("arranged", models.CharField(default="date", max_length=8)),
                ("report", models.JSONField(default=dict)),
                ("content", models.JSONField(null=True)),
                (
                    "review",
                    models.JSONField(default=dict, help_text="order -> right or wrong, and why"),
                ),
                ("failure", models.CharField(blank=True, max_length=300)),
                (
                    "done",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="steps of the work on it"
                    ),
                ),
                ("of", models.PositiveSmallIntegerField(default=0)),
                ("step", models.CharField(blank=True, max_length=40)),
                ("created_at", models.DateTimeField()),
                ("stored_at", models.DateTimeField(null=True)),
                ("stored_seq", models.BigIntegerField(null=True)),
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
        ),
        migrations.CreateModel(
            name="ImportFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("sha256", models.CharField(max_length=64)),
                ("data", models.BinaryField()),
                (
                    "site",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="mes.site"),
                ),
                (
                    "plant_import",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
                        to="planning.plantimport",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="plantimport",
            index=models.Index(
                condition=models.Q(("state__in", ["READING", "STORING"])),
                fields=["created_at"],
                name="waiting_imports",
            ),
        ),
        migrations.AddConstraint(
            model_name="plantimport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "STORED"), _negated=True),
                    models.Q(("content__isnull", False), ("stored_at__isnull", False)),
                    _connector="OR",
                ),
                name="an_import_that_is_stored_says_when",
            ),
        ),
        triggers.site_and_id("planning_plantimport"),
        triggers.same_site("planning_importfile", ("plant_import_id", "planning_plantimport")),
    ]
