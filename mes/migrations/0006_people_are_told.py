"""What people are told, how they want to be told, and the mails that wait."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mes', '0005_a_plan_knows_when_time_tells'),
    ]

    operations = [
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('cause', models.CharField(help_text='what repeats are counted on', max_length=80)),
                ('kind', models.CharField(choices=[('NEW', 'New'), ('GROWING', 'Growing'), ('BACK', 'Back'), ('OVER', 'Over'), ('DECIDED', 'Decided'), ('ASSIGNED', 'Assigned'), ('MENTIONED', 'Mentioned'), ('ASKED', 'Asked'), ('ANSWERED', 'Answered'), ('ESCALATED', 'Escalated')], max_length=10)),
                ('subject_type', models.CharField(max_length=40)),
                ('subject_id', models.BigIntegerField()),
                ('url', models.CharField(max_length=200)),
                ('text', models.CharField(help_text="in the person's language", max_length=300)),
                ('priority', models.PositiveSmallIntegerField(help_text='empty: said to him in person', null=True)),
                ('value', models.DecimalField(decimal_places=4, default=0, max_digits=18)),
                ('extent', models.PositiveIntegerField(default=0)),
                ('first_at', models.DateTimeField()),
                ('told_at', models.DateTimeField()),
                ('times', models.PositiveIntegerField(default=1)),
                ('held', models.PositiveIntegerField(default=0, help_text='repeats that were not told')),
                ('held_since', models.DateTimeField(null=True)),
                ('mailed', models.BooleanField(default=False)),
                ('over_due_at', models.DateTimeField(null=True)),
                ('over_text', models.CharField(blank=True, max_length=300)),
                ('read_at', models.DateTimeField(null=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='mes.person')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('read_at', None)), fields=['site', 'person'], name='unread_notices'), models.Index(condition=models.Q(('over_due_at__isnull', False)), fields=['over_due_at'], name='ended_causes')],
                'constraints': [models.UniqueConstraint(fields=('site', 'person', 'cause'), name='notice_is_one_a_person_and_cause'), models.CheckConstraint(condition=models.Q(('kind__in', ['NEW', 'GROWING', 'BACK', 'OVER', 'DECIDED', 'ASSIGNED', 'MENTIONED', 'ASKED', 'ANSWERED', 'ESCALATED'])), name='notice_kind_is_known')],
            },
        ),
        migrations.CreateModel(
            name='NoticeSetting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('bell_priority', models.PositiveSmallIntegerField()),
                ('mail_priority', models.PositiveSmallIntegerField()),
                ('mail_in_person', models.BooleanField(default=True, help_text='what is said to him in person')),
                ('mail_address', models.EmailField(blank=True, help_text='empty: that of the user', max_length=254)),
                ('quiet_from', models.TimeField(null=True)),
                ('quiet_until', models.TimeField(null=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notice_settings', to='mes.person')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('site', 'person'), name='notice_setting_is_one_a_person_and_site'), models.CheckConstraint(condition=models.Q(('bell_priority__lte', 4), ('mail_priority__lte', 4)), name='notice_setting_names_priorities_up_to_4'), models.CheckConstraint(condition=models.Q(models.Q(('quiet_from__isnull', True), ('quiet_until__isnull', True)), models.Q(('quiet_from__isnull', False), ('quiet_until__isnull', False)), _connector='OR'), name='quiet_hours_have_both_ends')],
            },
        ),
        migrations.CreateModel(
            name='OutgoingMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.EmailField(max_length=254)),
                ('language', models.CharField(max_length=8)),
                ('lines', models.JSONField(help_text='[{text, url, at}], one a notice')),
                ('message_id', models.UUIDField(unique=True)),
                ('written_at', models.DateTimeField()),
                ('held_until', models.DateTimeField(null=True)),
                ('next_at', models.DateTimeField()),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('sent_at', models.DateTimeField(null=True)),
                ('given_up_at', models.DateTimeField(null=True)),
                ('problem', models.CharField(blank=True, max_length=200)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='mes.person')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mes.site')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('given_up_at', None), ('sent_at', None)), fields=['next_at'], name='mail_to_be_sent')],
            },
        ),
    ]
