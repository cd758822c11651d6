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


def leave_tasks_alone() -> None:
    """Take django-q2's pages out of the admin: a schedule may name any function with any arguments, which would make
    every admin's session the owner of the machine. What the workers do is on /readyz, /metrics and in the log."""
    from django_q.models import Failure, OrmQ, Schedule, Success

    for model in (Failure, OrmQ, Schedule, Success):
        if admin.site.is_registered(model):
            admin.site.unregister(model)
