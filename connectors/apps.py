from django.apps import AppConfig


class ConnectorsConfig(AppConfig):
    name = "connectors"
    verbose_name = "Connectors"

    def ready(self) -> None:
        from profiles import inbox

        inbox.register_countries(self.countries)

    def countries(self, source_ids: set[int]) -> dict[int, str]:
        """The default country of each of these sources, for reading phone numbers."""
        from connectors.models import Source

        return dict(Source.objects.filter(id__in=source_ids).values_list("id", "default_country"))
