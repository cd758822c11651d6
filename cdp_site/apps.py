from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "cdp_site"
    verbose_name = "Tributary"
