"""Addresses under /people/. (A person's page itself is composed in cdp_site.person.)"""

from django.urls import path

from profiles import identity_views, views
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
    path("<int:id>/identity/", identity_views.person_identity, name="person_identity"),
    path("<int:id>/identity/cut/<str:link>/", identity_views.person_cut, name="person_cut"),
    path("<int:id>/identity/settle/<str:link>/", identity_views.person_settle, name="person_settle"),
    path("<int:id>/identity/undo/<int:merge_id>/", identity_views.person_undo, name="person_undo"),
    path("<int:id>/identity/join/", identity_views.person_join, name="person_join"),
    path("<int:id>/identity/take-back/<int:act_id>/", identity_views.person_take_back, name="person_take_back"),
]
