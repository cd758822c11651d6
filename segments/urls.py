"""Addresses under /segments/."""

from django.urls import path

from segments import views

urlpatterns = [
    path("", views.segments, name="segments"),
    path("new/", views.build, name="segment_new"),
    path("<int:id>/", views.segment, name="segment"),
    path("<int:id>/state/", views.segment_state, name="segment_state"),
    path("<int:id>/edit/", views.build, name="segment_edit"),
    path("<int:id>/archive/", views.archive, name="segment_archive"),
    path("<int:id>/why/<int:profile_id>/", views.why, name="segment_why"),
]
