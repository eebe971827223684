"""When somebody first looked at a disruption: a step of the way to its decision."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("planning", "0006_a_place_may_be_closed"),
    ]

    operations = [
        migrations.AddField(
            model_name="disruption",
            name="seen_at",
            field=models.DateTimeField(help_text="when somebody first looked at it", null=True),
        ),
    ]
