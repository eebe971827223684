"""A task may be asked of one person and not of everybody of a role."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mes', '0003_who_may_decide_when'),
    ]

    operations = [
        migrations.AddField(
            model_name='task',
            name='person',
            field=models.ForeignKey(help_text='empty: any of the role', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='mes.person'),
        ),
    ]
