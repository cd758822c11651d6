from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ProfilesConfig(AppConfig):
    name = "profiles"
    verbose_name = "People"

    def ready(self) -> None:
        from profiles.kinds import add_missing

        post_migrate.connect(add_missing, sender=self, dispatch_uid="identifier kinds")
