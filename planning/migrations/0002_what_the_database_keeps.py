"""What the database keeps by itself: ledgers, same-site references, dirty marks."""

from django.db import migrations

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("planning", "0001_initial"),
        ("materials", "0002_what_the_database_keeps"),
        ("mes", "0002_what_the_database_keeps"),
    ]

    operations = [
        triggers.site_and_id("planning_disruption"),
        triggers.site_and_id("planning_decision"),
        triggers.same_site(
            "planning_impact",
            ("disruption_id", "planning_disruption"),
        ),
        triggers.same_site(
            "planning_booking",
            ("disruption_id", "planning_disruption"),
            ("line_id", "materials_customerline"),
        ),
        triggers.same_site(
            "planning_option",
            ("disruption_id", "planning_disruption"),
        ),
        triggers.same_site(
            "planning_decision",
            ("disruption_id", "planning_disruption"),
            ("undo_of_id", "planning_decision"),
        ),
        triggers.append_only("planning_booking"),
        triggers.append_only("planning_decision"),
        triggers.marks_site_dirty("planning_committedpeg"),
    ]
