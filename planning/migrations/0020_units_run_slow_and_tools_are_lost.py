"""A unit may run slow, a tool be lost."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('planning', '0019_a_shift_hands_over'),
    ]

    operations = [
        migrations.AlterField(
            model_name='disruption',
            name='kind',
            field=models.CharField(choices=[('BREAKDOWN', 'Breakdown'), ('HOLD', 'Hold'), ('SCRAP', 'Scrap'), ('SLIP', 'Slip'), ('SHORTAGE', 'Shortage'), ('SUPPLY', 'Supply'), ('SLOW', 'Slow'), ('TOOL', 'Tool'), ('CLOSURE', 'Closure'), ('DEMAND', 'Demand'), ('QUEUE', 'Queue'), ('CHECK', 'Check'), ('RETURN', 'Return'), ('REFUSED', 'Refused'), ('BACKLOG', 'Backlog')], max_length=10),
        ),
    ]
