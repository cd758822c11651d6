"""People who were made before kinds had all these rules are made anew by them, once, in the background."""

from django.db import migrations

from cdp_site.ids import new_id


def ask(apps, schema_editor):
    Rebuild = apps.get_model("profiles", "Rebuild")
    if apps.get_model("profiles", "Identifier").objects.exists() and not Rebuild.objects.exists():
        Rebuild.objects.create(id=new_id(), because="Tributary was upgraded", relinks=True, step="links")


class Migration(migrations.Migration):
    dependencies = [("profiles", "0010_matching")]
    operations = [migrations.RunPython(ask, migrations.RunPython.noop)]
