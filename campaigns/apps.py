from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_save


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Campaigns"

    def ready(self) -> None:
        from campaigns.attribution import blocks, channel_table, goals  # noqa: F401  (blocks: a stage)
        from connectors.models import Source

        post_migrate.connect(channel_table.add_missing, sender=self, dispatch_uid="default channels")
        post_migrate.connect(goals.add_default, sender=self, dispatch_uid="default goal")
        pre_save.connect(goals.follow_source, sender=Source, dispatch_uid="journeys follow sources")
