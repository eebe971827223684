"""What the database keeps by itself: ledgers, same-site references, dirty marks."""

from django.db import migrations

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("quality", "0001_initial"),
        ("workorders", "0002_what_the_database_keeps"),
        ("equipment", "0002_what_the_database_keeps"),
        ("materials", "0002_what_the_database_keeps"),
        ("mes", "0002_what_the_database_keeps"),
    ]

    operations = [
        triggers.same_site(
            "quality_hold",
            ("lot_id", "materials_lot"),
            ("job_order_id", "workorders_joborder"),
            ("reason_id", "equipment_reason"),
        ),
        triggers.marks_site_dirty("quality_hold"),
    ]
