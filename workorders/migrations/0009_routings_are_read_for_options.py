"""A routing that somebody edits makes other options: the site is looked at anew."""

from django.db import migrations

from mes import triggers


class Migration(migrations.Migration):

    dependencies = [("workorders", "0008_a_job_order_needs_its_tools")]

    operations = [
        triggers.marks_site_dirty("workorders_routing"),
        triggers.marks_site_dirty("workorders_routingoperation"),
        triggers.marks_site_dirty("workorders_operationalternate"),
        triggers.marks_site_dirty("workorders_operationtool"),
    ]
