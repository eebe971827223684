"""Comments on any record: a ledger, in which one is taken back by another row."""

import django.db.models.deletion
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):

    dependencies = [
        ('mes', '0006_people_are_told'),
    ]

    operations = [
        migrations.CreateModel(
            name='Comment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject_type', models.CharField(max_length=40)),
                ('subject_id', models.BigIntegerField()),
                ('at', models.DateTimeField()),
                ('text', models.TextField(blank=True, max_length=2000)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='mes.person')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
                ('withdraws', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='withdrawn_by', to='mes.comment')),
            ],
            options={
                'indexes': [models.Index(fields=['site', 'subject_type', 'subject_id', 'id'], name='mes_comment_site_id_1b336e_idx')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('withdraws__isnull', True), models.Q(('text', ''), _negated=True)), models.Q(('text', ''), ('withdraws__isnull', False)), _connector='OR'), name='comment_says_something_or_takes_one_back')],
            },
        ),
        triggers.site_and_id("mes_comment"),
        triggers.same_site("mes_comment", ("withdraws_id", "mes_comment")),
        triggers.append_only("mes_comment"),
    ]
