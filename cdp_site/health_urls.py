"""Addresses of the health answers; open to everybody, so keep them behind the proxy if counts are confidential."""

from django.urls import path

from cdp_site import health

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.show_metrics, name="metrics"),
]
