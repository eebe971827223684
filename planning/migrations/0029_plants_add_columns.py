"""Columns of a plant's own on its lists, and notes on their rows."""

import django.db.models.deletion
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):

    dependencies = [
        ('mes', '0009_how_the_processes_fare'),
        ('planning', '0028_a_plant_may_only_listen'),
    ]

    operations = [
        migrations.CreateModel(
            name='OwnField',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('row_of', models.CharField(choices=[('work_order', 'Work orders'), ('customer_line', 'Deliveries'), ('purchase_line', 'Purchases')], max_length=14)),
                ('name', models.CharField(max_length=40)),
                ('kind', models.CharField(choices=[('TEXT', 'text'), ('NUMBER', 'number'), ('DATE', 'date'), ('CHOICE', 'one of a list')], max_length=6)),
                ('choices', models.JSONField(default=list, help_text='of a choice')),
                ('removed_at', models.DateTimeField(null=True)),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
            ],
        ),
        migrations.CreateModel(
            name='OwnValue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('row_of', models.CharField(choices=[('work_order', 'Work orders'), ('customer_line', 'Deliveries'), ('purchase_line', 'Purchases')], max_length=14)),
                ('subject_id', models.BigIntegerField()),
                ('text', models.CharField(max_length=500)),
                ('at', models.DateTimeField()),
                ('field', models.ForeignKey(help_text='empty: the note', null=True, on_delete=django.db.models.deletion.PROTECT, to='planning.ownfield')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='mes.person')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
            ],
        ),
        migrations.AddConstraint(
            model_name='ownfield',
            constraint=models.UniqueConstraint(condition=models.Q(('removed_at', None)), fields=('site', 'row_of', 'name'), name='own_field_name_is_unique_a_list'),
        ),
        migrations.AddConstraint(
            model_name='ownvalue',
            constraint=models.UniqueConstraint(condition=models.Q(('field__isnull', False)), fields=('field', 'subject_id'), name='own_value_is_one_a_field_and_row'),
        ),
        migrations.AddConstraint(
            model_name='ownvalue',
            constraint=models.UniqueConstraint(condition=models.Q(('field', None)), fields=('site', 'row_of', 'subject_id'), name='note_is_one_a_row'),
        ),
        migrations.AddConstraint(
            model_name='ownvalue',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='own_value_says_something'),
        ),
        triggers.site_and_id("planning_ownfield"),
        triggers.same_site("planning_ownvalue", ("field_id", "planning_ownfield")),
    ]
