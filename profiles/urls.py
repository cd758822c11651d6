"""Addresses under /people/. (A person's page itself is composed in cdp_site.person.)"""

from django.urls import path

from profiles import views

urlpatterns = [
    path("", views.people, name="people"),
    path("<int:id>/timeline/", views.person_timeline, name="person_timeline"),
    path("<int:id>/events/<int:event_id>/", views.person_event, name="person_event"),
]
