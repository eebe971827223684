"""What suppliers quote, how goods travel, what may stand in for what; parts and freight of a line."""

import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("materials", "0003_a_barred_lot_is_not_used"),
        ("mes", "0002_what_the_database_keeps"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoricalBillAlternate",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        auto_created=True, blank=True, db_index=True, verbose_name="ID"
                    ),
                ),
                (
                    "quantity_per",
                    models.DecimalField(
                        decimal_places=6,
                        help_text="of the other component, for one piece",
                        max_digits=18,
                    ),
                ),
                ("source", models.CharField(help_text="by whose release", max_length=120)),
                ("valid_from", models.DateTimeField()),
                ("valid_to", models.DateTimeField(blank=True, null=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
            ],
            options={
                "verbose_name": "historical bill alternate",
                "verbose_name_plural": "historical bill alternates",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalFreightMode",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        auto_created=True, blank=True, db_index=True, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=20)),
                ("name", models.CharField(max_length=80)),
                (
                    "standard",
                    models.BooleanField(
                        default=False, help_text="what is used unless somebody decides otherwise"
                    ),
                ),
                (
                    "transit_s",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="door to door; empty: as agreed with the customer",
                        null=True,
                    ),
                ),
                (
                    "price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="a shipment; empty: unknown",
                        max_digits=18,
                        null=True,
                    ),
                ),
                ("source", models.CharField(max_length=120)),
                ("owner", models.CharField(max_length=80)),
                ("valid_from", models.DateTimeField()),
                ("valid_to", models.DateTimeField(blank=True, null=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
            ],
            options={
                "verbose_name": "historical freight mode",
                "verbose_name_plural": "historical freight modes",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalSupplierItem",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        auto_created=True, blank=True, db_index=True, verbose_name="ID"
                    ),
                ),
                (
                    "lead_time_s",
                    models.PositiveIntegerField(help_text="from the order to the receipt"),
                ),
                (
                    "price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="of one unit",
                        max_digits=18,
                        null=True,
                    ),
                ),
                (
                    "minimum_quantity",
                    models.DecimalField(decimal_places=6, default=0, max_digits=18),
                ),
                (
                    "order_fee",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="an order, whatever its quantity",
                        max_digits=18,
                        null=True,
                    ),
                ),
                (
                    "expedite_lead_s",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="from the call to the receipt, if it is expedited",
                        null=True,
                    ),
                ),
                (
                    "expedite_fee",
                    models.DecimalField(blank=True, decimal_places=4, max_digits=18, null=True),
                ),
                ("source", models.CharField(max_length=120)),
                ("owner", models.CharField(max_length=80)),
                ("valid_from", models.DateTimeField()),
                ("valid_to", models.DateTimeField(blank=True, null=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
            ],
            options={
                "verbose_name": "historical supplier item",
                "verbose_name_plural": "historical supplier items",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="SupplierItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "lead_time_s",
                    models.PositiveIntegerField(help_text="from the order to the receipt"),
                ),
                (
                    "price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="of one unit",
                        max_digits=18,
                        null=True,
                    ),
                ),
                (
                    "minimum_quantity",
                    models.DecimalField(decimal_places=6, default=0, max_digits=18),
                ),
                (
                    "order_fee",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="an order, whatever its quantity",
                        max_digits=18,
                        null=True,
                    ),
                ),
                (
                    "expedite_lead_s",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="from the call to the receipt, if it is expedited",
                        null=True,
                    ),
                ),
                (
                    "expedite_fee",
                    models.DecimalField(blank=True, decimal_places=4, max_digits=18, null=True),
                ),
                ("source", models.CharField(max_length=120)),
                ("owner", models.CharField(max_length=80)),
                ("valid_from", models.DateTimeField()),
                ("valid_to", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name="customerline",
            name="part_quantity",
            field=models.DecimalField(decimal_places=6, default=0, max_digits=18),
        ),
        migrations.AddField(
            model_name="historicalitem",
            name="safety_kept",
            field=models.BooleanField(
                default=False, help_text="safety stock is kept until somebody decides to use it"
            ),
        ),
        migrations.AddField(
            model_name="item",
            name="safety_kept",
            field=models.BooleanField(
                default=False, help_text="safety stock is kept until somebody decides to use it"
            ),
        ),
        migrations.CreateModel(
            name="BillAlternate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "quantity_per",
                    models.DecimalField(
                        decimal_places=6,
                        help_text="of the other component, for one piece",
                        max_digits=18,
                    ),
                ),
                ("source", models.CharField(help_text="by whose release", max_length=120)),
                ("valid_from", models.DateTimeField()),
                ("valid_to", models.DateTimeField(blank=True, null=True)),
                (
                    "bill_line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alternates",
                        to="materials.billline",
                    ),
                ),
                (
                    "component",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stands_in",
                        to="materials.item",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="mes.site"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FreightMode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=20)),
                ("name", models.CharField(max_length=80)),
                (
                    "standard",
                    models.BooleanField(
                        default=False, help_text="what is used unless somebody decides otherwise"
                    ),
                ),
                (
                    "transit_s",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="door to door; empty: as agreed with the customer",
                        null=True,
                    ),
                ),
                (
                    "price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="a shipment; empty: unknown",
                        max_digits=18,
                        null=True,
                    ),
                ),
                ("source", models.CharField(max_length=120)),
                ("owner", models.CharField(max_length=80)),
                ("valid_from", models.DateTimeField()),
                ("valid_to", models.DateTimeField(blank=True, null=True)),
                (
                    "site",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="mes.site"),
                ),
            ],
        ),
        migrations.AddField(
            model_name="customerline",
            name="freight_mode",
            field=models.ForeignKey(
                help_text="empty: the standard one",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="materials.freightmode",
            ),
        ),
        migrations.AddConstraint(
            model_name="customerline",
            constraint=models.CheckConstraint(
                condition=models.Q(("part_quantity__gte", 0)), name="line_part_is_not_negative"
            ),
        ),
        migrations.AddField(
            model_name="historicalbillalternate",
            name="bill_line",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="materials.billline",
            ),
        ),
        migrations.AddField(
            model_name="historicalbillalternate",
            name="component",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="materials.item",
            ),
        ),
        migrations.AddField(
            model_name="historicalbillalternate",
            name="history_user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="historicalbillalternate",
            name="site",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="mes.site",
            ),
        ),
        migrations.AddField(
            model_name="historicalfreightmode",
            name="history_user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="historicalfreightmode",
            name="site",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="mes.site",
            ),
        ),
        migrations.AddField(
            model_name="historicalsupplieritem",
            name="history_user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="historicalsupplieritem",
            name="item",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="materials.item",
            ),
        ),
        migrations.AddField(
            model_name="historicalsupplieritem",
            name="site",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="mes.site",
            ),
        ),
        migrations.AddField(
            model_name="historicalsupplieritem",
            name="supplier",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="materials.supplier",
            ),
        ),
        migrations.AddField(
            model_name="supplieritem",
            name="item",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="quotes",
                to="materials.item",
            ),
        ),
        migrations.AddField(
            model_name="supplieritem",
            name="site",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="mes.site"),
        ),
        migrations.AddField(
            model_name="supplieritem",
            name="supplier",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="quotes",
                to="materials.supplier",
            ),
        ),
        migrations.AddConstraint(
            model_name="billalternate",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity_per__gt", 0)), name="bill_alternate_takes_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="billalternate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_to__isnull", True),
                    ("valid_to__gt", models.F("valid_from")),
                    _connector="OR",
                ),
                name="bill_alternate_ends_after_it_starts",
            ),
        ),
        migrations.AddConstraint(
            model_name="freightmode",
            constraint=models.UniqueConstraint(
                fields=("site", "code"), name="freight_mode_code_is_unique_a_site"
            ),
        ),
        migrations.AddConstraint(
            model_name="freightmode",
            constraint=models.UniqueConstraint(
                condition=models.Q(("standard", True)),
                fields=("site",),
                name="standard_freight_is_one_a_site",
            ),
        ),
        migrations.AddConstraint(
            model_name="freightmode",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("standard", True), ("transit_s__isnull", False), _connector="OR"
                ),
                name="fast_freight_takes_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="supplieritem",
            constraint=models.CheckConstraint(
                condition=models.Q(("minimum_quantity__gte", 0)),
                name="supplier_item_quantity_is_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="supplieritem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_to__isnull", True),
                    ("valid_to__gt", models.F("valid_from")),
                    _connector="OR",
                ),
                name="supplier_item_ends_after_it_starts",
            ),
        ),
        triggers.site_and_id("materials_billline"),
        triggers.site_and_id("materials_freightmode"),
        triggers.same_site(
            "materials_billalternate",
            ("bill_line_id", "materials_billline"),
            ("component_id", "materials_item"),
        ),
        triggers.same_site(
            "materials_supplieritem",
            ("supplier_id", "materials_supplier"),
            ("item_id", "materials_item"),
        ),
        triggers.same_site("materials_customerline", ("freight_mode_id", "materials_freightmode")),
        triggers.marks_site_dirty("materials_billalternate"),
        triggers.marks_site_dirty("materials_freightmode"),
        triggers.marks_site_dirty("materials_supplieritem"),
    ]
