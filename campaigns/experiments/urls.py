"""Addresses of experiments; under /campaigns/experiments/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
