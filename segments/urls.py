"""Addresses under /segments/."""

from django.urls import path

from segments import build_views, part_views, views

urlpatterns = [
    path("", views.segments, name="segments"),
    path("new/", build_views.build, name="segment_new"),
    path("new/preview/", build_views.preview_of, name="segment_preview"),
    path("new/further/", build_views.further, name="segment_further"),
    path("<int:id>/", views.segment, name="segment"),
    path("<int:id>/size/", part_views.size, name="segment_size"),
    path("<int:id>/overlap/", part_views.segment_overlap, name="segment_overlap"),
    path("<int:id>/makeup/", part_views.segment_makeup, name="segment_makeup"),
    path("<int:id>/versions/", part_views.segment_versions, name="segment_versions"),
    path("<int:id>/versions/back/", part_views.back, name="segment_back"),
    path("<int:id>/draft/", part_views.draft, name="segment_draft"),
    path("<int:id>/members.csv", part_views.export, name="segment_export"),
    path("<int:id>/state/", views.segment_state, name="segment_state"),
    path("<int:id>/edit/", build_views.build, name="segment_edit"),
    path("<int:id>/edit/preview/", build_views.preview_of, name="segment_preview_of"),
    path("<int:id>/edit/further/", build_views.further, name="segment_further_of"),
    path("<int:id>/duplicate/", build_views.duplicate, name="segment_duplicate"),
    path("<int:id>/archive/", views.archive, name="segment_archive"),
    path("<int:id>/why/<int:profile_id>/", views.why, name="segment_why"),
]
