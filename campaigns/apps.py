from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Campaigns"

    def ready(self) -> None:
        from campaigns.attribution import channel_table

        post_migrate.connect(channel_table.add_missing, sender=self, dispatch_uid="default channels")
        import_module("campaigns.attribution.blocks")
