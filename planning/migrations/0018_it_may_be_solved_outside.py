"""A disruption may be answered by something that the plan does not know of."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("planning", "0017_checks_wait_and_goods_come_back"),
    ]

    operations = [
        migrations.AlterField(
            model_name="option",
            name="kind",
            field=models.CharField(
                choices=[
                    ("DO_NOTHING", "Do Nothing"),
                    ("MINE", "Mine"),
                    ("OUTSIDE", "Outside"),
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
                    ("REOPTIMISE", "Reoptimise"),
                    ("SPLIT", "Split"),
                ],
                max_length=16,
            ),
        ),
    ]
