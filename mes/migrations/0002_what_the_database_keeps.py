"""What the database keeps by itself: ledgers, same-site references, dirty marks."""

from django.db import migrations

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("mes", "0001_initial"),
    ]

    operations = [
        triggers.FUNCTIONS,
        triggers.site_and_id("mes_device"),
        triggers.same_site(
            "mes_shopfloorevent",
            ("device_id", "mes_device"),
        ),
        triggers.append_only("mes_shopfloorevent"),
    ]
