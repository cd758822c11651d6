"""Django admin under the product's name; connectors are configured here."""

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class TributaryAdmin(admin.AdminSite):
    site_header = "Tributary"
    site_title = "Tributary admin"
    index_title = "Configuration"
    enable_nav_sidebar = True


class AdminConfig(DjangoAdminConfig):
    default_site = "cdp_site.admin.TributaryAdmin"
