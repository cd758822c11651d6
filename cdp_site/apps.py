from importlib import import_module
from importlib.util import find_spec

from axes.apps import AppConfig as AxesConfig
from django.apps import AppConfig

from cdp_site.admin import leave_tasks_alone

# Each registers its stage when it is imported.
STAGE_MODULES = [
    "profiles.resolve",
    "segments.live",
    "connectors.sync",
    "connectors.deliver",
    "connectors.snapshot",
    "profiles.recompute",
    "segments.rerank",
    "segments.fill",
    "profiles.rebuild",
    "segments.blocks.sealing",
    "campaigns.attribution.attribute",
    "campaigns.attribution.blocks",
    "campaigns.experiments.enrol",
    "campaigns.attribution.reports",
    "profiles.upkeep",
    "profiles.matching.job",
]


class SiteConfig(AppConfig):
    default = True
    name = "cdp_site"
    verbose_name = "Tributary"

    def ready(self) -> None:
        for module in STAGE_MODULES:
            if find_spec(module):
                import_module(module)
        leave_tasks_alone()


class SignInConfig(AxesConfig):
    """django-axes under a name that says what it does."""

    verbose_name = "Sign-in attempts"
