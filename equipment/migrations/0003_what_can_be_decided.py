"""Rates of a new promise and of work done outside."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("equipment", "0002_what_the_database_keeps"),
    ]

    operations = [
        migrations.AlterField(
            model_name="costrate",
            name="what",
            field=models.CharField(
                choices=[
                    ("OVERTIME_HOUR", "Overtime Hour"),
                    ("OVERTIME_MINIMUM_HOURS", "Overtime Minimum Hours"),
                    ("UNIT_HOUR", "Unit Hour"),
                    ("SETUP_HOUR", "Setup Hour"),
                    ("CARRYING_PERCENT_YEAR", "Carrying Percent Year"),
                    ("FREIGHT_FAST", "Freight Fast"),
                    ("NEW_PROMISE_PERCENT", "New Promise Percent"),
                    ("SUBCONTRACT_PIECE", "Subcontract Piece"),
                    ("SUBCONTRACT_ORDER", "Subcontract Order"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="historicalcostrate",
            name="what",
            field=models.CharField(
                choices=[
                    ("OVERTIME_HOUR", "Overtime Hour"),
                    ("OVERTIME_MINIMUM_HOURS", "Overtime Minimum Hours"),
                    ("UNIT_HOUR", "Unit Hour"),
                    ("SETUP_HOUR", "Setup Hour"),
                    ("CARRYING_PERCENT_YEAR", "Carrying Percent Year"),
                    ("FREIGHT_FAST", "Freight Fast"),
                    ("NEW_PROMISE_PERCENT", "New Promise Percent"),
                    ("SUBCONTRACT_PIECE", "Subcontract Piece"),
                    ("SUBCONTRACT_ORDER", "Subcontract Order"),
                ],
                max_length=24,
            ),
        ),
    ]
