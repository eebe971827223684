"""Options about customers, suppliers, stock and order."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("planning", "0003_options_may_be_combined"),
    ]

    operations = [
        migrations.AlterField(
            model_name="option",
            name="kind",
            field=models.CharField(
                choices=[
                    ("DO_NOTHING", "Do Nothing"),
                    ("MINE", "Mine"),
                    ("RESEQUENCE", "Resequence"),
                    ("ALTERNATE_UNIT", "Alternate Unit"),
                    ("OVERTIME", "Overtime"),
                    ("COMBINE", "Combine"),
                    ("NEW_PROMISE", "New Promise"),
                    ("PARTIAL_SHIPMENT", "Partial Shipment"),
                    ("FASTER_FREIGHT", "Faster Freight"),
                    ("EXPEDITE", "Expedite"),
                    ("OTHER_SUPPLIER", "Other Supplier"),
                    ("SUBSTITUTE", "Substitute"),
                    ("USE_SAFETY", "Use Safety"),
                    ("REPEG", "Repeg"),
                    ("OVERLAP", "Overlap"),
                    ("PULL_FORWARD", "Pull Forward"),
                    ("PARK", "Park"),
                    ("SUBCONTRACT", "Subcontract"),
                ],
                max_length=16,
            ),
        ),
    ]
