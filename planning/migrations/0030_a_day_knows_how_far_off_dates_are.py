"""How far off dates were until a day, kept with what it foresees."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('planning', '0029_plants_add_columns'),
    ]

    operations = [
        migrations.AddField(
            model_name='foresight',
            name='errors',
            field=models.JSONField(default=list, help_text='how far off dates were until then'),
        ),
    ]
