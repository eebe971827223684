"""Customers send goods back: what, why, and what they want in exchange."""

import django.db.models.deletion
from django.db import migrations, models

from mes import triggers


class Migration(migrations.Migration):

    dependencies = [
        ('materials', '0005_what_is_said_of_supply_and_demand'),
        ('mes', '0007_people_comment'),
    ]

    operations = [
        migrations.AlterField(
            model_name='stockmove',
            name='reason',
            field=models.CharField(choices=[('OPENING', 'Opening'), ('RECEIPT', 'Receipt'), ('ISSUE', 'Issue'), ('OUTPUT', 'Output'), ('SCRAP', 'Scrap'), ('SHIPMENT', 'Shipment'), ('CORRECTION', 'Correction'), ('TRANSFER', 'Transfer'), ('COUNT', 'Count'), ('RETURN', 'Return')], max_length=10),
        ),
        migrations.CreateModel(
            name='CustomerReturn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.DecimalField(decimal_places=6, max_digits=18)),
                ('why', models.CharField(max_length=200)),
                ('wants', models.CharField(choices=[('NOTHING', 'Nothing in exchange'), ('REPLACEMENT', 'Others instead'), ('REWORK', 'The same ones, put right')], max_length=12)),
                ('returned_at', models.DateTimeField()),
                ('taken_back_at', models.DateTimeField(null=True)),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='returns', to='materials.customerline')),
                ('lot', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='returns', to='materials.lot')),
                ('replacement', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='materials.customerline')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('quantity__gt', 0)), name='return_brings_something'), models.CheckConstraint(condition=models.Q(('wants__in', ['NOTHING', 'REPLACEMENT', 'REWORK'])), name='return_wants_are_known'), models.CheckConstraint(condition=models.Q(('wants', 'NOTHING'), ('replacement__isnull', False), _connector='XOR'), name='return_has_a_line_if_something_is_wanted')],
            },
        ),
        triggers.same_site(
            "materials_customerreturn",
            ("line_id", "materials_customerline"),
            ("lot_id", "materials_lot"),
            ("replacement_id", "materials_customerline"),
        ),
    ]
