"""Addresses of attribution; under /attribution/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
