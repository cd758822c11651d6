"""Addresses of goals; under /attribution/goals/."""

from django.urls import path

from campaigns.attribution import goal_views

urlpatterns = [
    path("", goal_views.listed, name="attribution_goals"),
    path("new/", goal_views.edit, name="attribution_goal_new"),
    path("<int:id>/", goal_views.edit, name="attribution_goal"),
    path("<int:id>/rest/", goal_views.rest, name="attribution_goal_rest"),
    path("<int:id>/remove/", goal_views.remove, name="attribution_goal_remove"),
]
