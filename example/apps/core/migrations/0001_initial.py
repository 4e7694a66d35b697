"""Empty: it makes `migrate core` create the tables of `redrive`, which it depends on."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = [("redrive", "0001_tables")]
    operations = []
