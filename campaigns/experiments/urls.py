"""Addresses of experiments; under /campaigns/experiments/."""

from django.urls import path

from campaigns.experiments import file_views, views

urlpatterns = [
    path("", views.experiments, name="experiments"),
    path("new/", file_views.new, name="experiment_new"),
    path("files/<int:id>/", file_views.file, name="experiment_file"),
    path("files/<int:id>/forget/", file_views.forget, name="experiment_file_forget"),
    path("<int:id>/", views.experiment, name="experiment"),
    path("<int:id>/edit/", views.edit, name="experiment_edit"),
    path("<int:id>/archive/", views.archive, name="experiment_archive"),
    path("<int:id>/bring-back/", views.bring_back, name="experiment_bring_back"),
    path("<int:id>/people/", views.behind, name="experiment_people"),
    path("<int:id>/result.csv", views.export, name="experiment_export"),
]
