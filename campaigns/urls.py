"""Addresses of campaigns, their costs, and the channels' rules; under /campaigns/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
