"""Addresses under /connectors/."""

from django.urls import path

from connectors import views

urlpatterns = [
    path("", views.connectors, name="connectors"),
    path("sources/<int:id>/", views.source, name="source"),
    path("stream/", views.stream_page, name="stream"),
    path("stream/<int:event_id>/", views.streamed, name="streamed"),
    path("rejected/", views.rejected, name="rejected"),
    path("rejected/replay/", views.replay, name="replay_rejected"),
]
