"""Addresses of attribution; under /attribution/."""

from django.urls import include, path

from campaigns.attribution import file_views, saved_views, views

urlpatterns = [
    path("goals/", include("campaigns.attribution.goal_urls")),
    path("", views.channels, name="attribution"),
    path("campaigns/", views.campaigns, name="attribution_campaigns"),
    path("paths/", views.journeys, name="attribution_paths"),
    path("cohorts/", views.lifetimes, name="attribution_cohorts"),
    path("cohorts/months/", views.months, name="attribution_cohort_months"),
    path("people/", file_views.people, name="attribution_people"),
    path("people.csv", file_views.people_file, name="attribution_people_export"),
    path("numbers.csv", file_views.table, name="attribution_export"),
    path("models/", views.models, name="attribution_models"),
    path("views/", saved_views.views, name="attribution_views"),
    path("views/keep/", saved_views.keep, name="attribution_keep"),
    path("views/<int:id>/remove/", saved_views.remove, name="attribution_remove"),
    path("views/<int:id>/letter/", saved_views.letter, name="attribution_letter"),
]
