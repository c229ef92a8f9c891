"""Addresses of optimisation projects."""

from django.urls import path, re_path

from kerma.service.doses.projects import views

urlpatterns = [
    path("", views.projects, name="projects"),
    path("new/", views.new, name="project-new"),
    path("<int:pk>/", views.project, name="project"),
    re_path(r"^(?P<pk>\d+)/(?P<name>evaluate|write|close)/$", views.act, name="project-act"),
]
