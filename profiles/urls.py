"""Addresses under /people/. (A person's page itself is composed in cdp_site.person.)"""

from django.urls import path

from profiles import views
from profiles.matching import views as matching

urlpatterns = [
    path("", views.people, name="people"),
    path("matches/", matching.matches, name="matches"),
    path("matches/run/", matching.run, name="match_run"),
    path("matches/progress/", matching.progress, name="match_progress"),
    path("matches/<int:one>/<int:other>/", matching.match, name="match"),
    path("matches/<int:one>/<int:other>/decide/", matching.decided, name="match_decide"),
    path("<int:id>/timeline/", views.person_timeline, name="person_timeline"),
    path("<int:id>/events/<int:event_id>/", views.person_event, name="person_event"),
]
