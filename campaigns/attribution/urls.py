"""Addresses of attribution; under /attribution/."""

from django.urls import include, path

urlpatterns = [
    path("goals/", include("campaigns.attribution.goal_urls")),
]
