"""What the database keeps by itself: ledgers, same-site references, dirty marks."""

from django.db import migrations

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("equipment", "0001_initial"),
        ("mes", "0002_what_the_database_keeps"),
    ]

    operations = [
        triggers.site_and_id("equipment_workcalendar"),
        triggers.site_and_id("equipment_equipment"),
        triggers.site_and_id("equipment_reason"),
        triggers.same_site(
            "equipment_shiftpattern",
            ("calendar_id", "equipment_workcalendar"),
        ),
        triggers.same_site(
            "equipment_equipment",
            ("calendar_id", "equipment_workcalendar"),
            ("parent_id", "equipment_equipment"),
        ),
        triggers.same_site(
            "equipment_reason",
            ("parent_id", "equipment_reason"),
        ),
        triggers.same_site(
            "equipment_unitstatus",
            ("unit_id", "equipment_equipment"),
        ),
        triggers.same_site(
            "equipment_equipmentstate",
            ("unit_id", "equipment_equipment"),
            ("reason_id", "equipment_reason"),
        ),
        triggers.same_site(
            "equipment_downtime",
            ("unit_id", "equipment_equipment"),
            ("reason_id", "equipment_reason"),
        ),
        triggers.same_site(
            "equipment_calendarexception",
            ("unit_id", "equipment_equipment"),
            ("calendar_id", "equipment_workcalendar"),
        ),
        triggers.same_site(
            "equipment_costrate",
            ("unit_id", "equipment_equipment"),
        ),
        triggers.append_only("equipment_equipmentstate"),
        triggers.marks_site_dirty("equipment_shiftpattern"),
        triggers.marks_site_dirty("equipment_equipment"),
        triggers.marks_site_dirty("equipment_unitstatus"),
        triggers.marks_site_dirty("equipment_downtime"),
        triggers.marks_site_dirty("equipment_calendarexception"),
        triggers.marks_site_dirty("equipment_costrate"),
    ]
