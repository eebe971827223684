"""What the ERP was last seen to know, and what was entered there since."""

import django.db.models.deletion
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):

    dependencies = [
        ('mes', '0009_how_the_processes_fare'),
        ('planning', '0026_a_unit_may_be_repaired_for_now'),
    ]

    operations = [
        migrations.CreateModel(
            name='ErpExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(default=1)),
                ('read_at', models.DateTimeField()),
                ('columns', models.JSONField(help_text='list -> the columns that it has')),
                ('rows', models.JSONField(help_text='list -> rows')),
                ('plant_import', models.ForeignKey(help_text='empty: the plant as it stood then', null=True, on_delete=django.db.models.deletion.PROTECT, to='planning.plantimport')),
                ('site', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
            ],
        ),
        migrations.CreateModel(
            name='ErpEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sheet', models.CharField(max_length=12)),
                ('key', models.CharField(max_length=200)),
                ('column', models.CharField(blank=True, help_text='empty: the whole row', max_length=12)),
                ('was', models.CharField(blank=True, max_length=200)),
                ('becomes', models.CharField(blank=True, max_length=200)),
                ('export_version', models.PositiveIntegerField(help_text='of the export it was missing in')),
                ('at', models.DateTimeField()),
                ('taken_back_at', models.DateTimeField(null=True)),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='mes.person')),
                ('plant_import', models.ForeignKey(help_text='whose file showed it', null=True, on_delete=django.db.models.deletion.PROTECT, to='planning.plantimport')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
            ],
            options={
                'indexes': [models.Index(fields=['site', '-id'], name='planning_er_site_id_69126e_idx')],
                'constraints': [models.CheckConstraint(condition=models.Q(('person', None), ('plant_import', None), _connector='XOR'), name='an_entry_is_somebodys_word_or_a_files')],
            },
        ),
        triggers.same_site("planning_erpexport", ("plant_import_id", "planning_plantimport")),
        triggers.same_site("planning_erpentry", ("plant_import_id", "planning_plantimport")),
    ]
