"""Every address of the product."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("cdp_site.health_urls")),
    path("admin/", admin.site.urls),
]
