"""When what a decision answers happened, and was first looked at: two of its five stamps."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("planning", "0013_what_was_passed_on"),
    ]

    operations = [
        migrations.AddField(
            model_name="decision",
            name="saved_at",
            field=models.DateTimeField(help_text="when what it answers happened", null=True),
        ),
        migrations.AddField(
            model_name="decision",
            name="seen_at",
            field=models.DateTimeField(help_text="when somebody first looked at that", null=True),
        ),
    ]
