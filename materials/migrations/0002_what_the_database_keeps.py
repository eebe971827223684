"""What the database keeps by itself: ledgers, same-site references, dirty marks."""

from django.db import migrations

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("materials", "0001_initial"),
        ("mes", "0002_what_the_database_keeps"),
    ]

    operations = [
        triggers.site_and_id("materials_item"),
        triggers.site_and_id("materials_lot"),
        triggers.site_and_id("materials_location"),
        triggers.site_and_id("materials_customer"),
        triggers.site_and_id("materials_customerorder"),
        triggers.site_and_id("materials_customerline"),
        triggers.site_and_id("materials_supplier"),
        triggers.site_and_id("materials_purchaseline"),
        triggers.same_site(
            "materials_billline",
            ("item_id", "materials_item"),
            ("component_id", "materials_item"),
        ),
        triggers.same_site(
            "materials_lot",
            ("item_id", "materials_item"),
        ),
        triggers.same_site(
            "materials_stockmove",
            ("lot_id", "materials_lot"),
            ("location_id", "materials_location"),
        ),
        triggers.same_site(
            "materials_stockbalance",
            ("lot_id", "materials_lot"),
            ("location_id", "materials_location"),
        ),
        triggers.same_site(
            "materials_purchaseline",
            ("supplier_id", "materials_supplier"),
            ("item_id", "materials_item"),
        ),
        triggers.same_site(
            "materials_customerorder",
            ("customer_id", "materials_customer"),
        ),
        triggers.same_site(
            "materials_customerline",
            ("order_id", "materials_customerorder"),
            ("item_id", "materials_item"),
        ),
        triggers.same_site(
            "materials_promisechange",
            ("line_id", "materials_customerline"),
        ),
        triggers.append_only("materials_stockmove"),
        triggers.append_only("materials_promisechange"),
        triggers.marks_site_dirty("materials_item"),
        triggers.marks_site_dirty("materials_lot"),
        triggers.marks_site_dirty("materials_stockbalance"),
        triggers.marks_site_dirty("materials_purchaseline"),
        triggers.marks_site_dirty("materials_customer"),
        triggers.marks_site_dirty("materials_customerline"),
        triggers.marks_site_dirty("materials_supplier"),
    ]
