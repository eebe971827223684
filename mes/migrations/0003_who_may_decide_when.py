"""Hours of duty and on call, deputies: who may decide when."""

import django.db.models.deletion
import mes.models
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mes', '0002_what_the_database_keeps'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalrolegrant',
            name='deputy',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='mes.person'),
        ),
        migrations.AddField(
            model_name='historicalrolegrant',
            name='deputy_from',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='historicalrolegrant',
            name='deputy_to',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='historicalrolegrant',
            name='hours',
            field=models.CharField(blank=True, help_text='when he is on duty and may decide: Mon-Fri 06:00-14:00; empty: always', max_length=200, validators=[mes.models.says_hours]),
        ),
        migrations.AddField(
            model_name='historicalrolegrant',
            name='on_call',
            field=models.CharField(blank=True, help_text='when he is called though not on duty: Mon-Sun 22:00-06:00; empty: never', max_length=200, validators=[mes.models.says_hours]),
        ),
        migrations.AddField(
            model_name='rolegrant',
            name='deputy',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='stands_in', to='mes.person'),
        ),
        migrations.AddField(
            model_name='rolegrant',
            name='deputy_from',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='rolegrant',
            name='deputy_to',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='rolegrant',
            name='hours',
            field=models.CharField(blank=True, help_text='when he is on duty and may decide: Mon-Fri 06:00-14:00; empty: always', max_length=200, validators=[mes.models.says_hours]),
        ),
        migrations.AddField(
            model_name='rolegrant',
            name='on_call',
            field=models.CharField(blank=True, help_text='when he is called though not on duty: Mon-Sun 22:00-06:00; empty: never', max_length=200, validators=[mes.models.says_hours]),
        ),
        migrations.AddConstraint(
            model_name='rolegrant',
            constraint=models.CheckConstraint(condition=models.Q(('deputy', None), models.Q(('deputy_from__isnull', False), ('deputy_from__lt', models.F('deputy_to')), ('deputy_to__isnull', False)), _connector='OR'), name='a_deputy_stands_in_from_an_instant_to_a_later_one'),
        ),
        migrations.AddConstraint(
            model_name='rolegrant',
            constraint=models.CheckConstraint(condition=models.Q(('deputy', None), models.Q(('deputy', models.F('person')), _negated=True), _connector='OR'), name='nobody_is_his_own_deputy'),
        ),
    ]
