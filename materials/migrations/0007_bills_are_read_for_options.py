"""A bill that somebody edits makes other options: the site is looked at anew."""

from django.db import migrations

from mes import triggers


class Migration(migrations.Migration):

    dependencies = [("materials", "0006_customers_send_goods_back")]

    operations = [triggers.marks_site_dirty("materials_billline")]
