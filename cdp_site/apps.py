from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig

# In the order of the data's way; then what is in no hurry.
STAGE_MODULES = [
    "profiles.resolve",
    "segments.live",
    "connectors.sync",
    "connectors.deliver",
    "connectors.snapshot",
    "segments.fill",
    "profiles.upkeep",
]


class SiteConfig(AppConfig):
    name = "cdp_site"
    verbose_name = "Tributary"

    def ready(self) -> None:
        for module in STAGE_MODULES:
            if find_spec(module):
                import_module(module)
