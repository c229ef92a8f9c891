"""Addresses of sources."""

from django.urls import path

from kerma.service.doses.sources import views

urlpatterns = [
    path("", views.sources, name="sources"),
    path("<int:pk>/fetch/", views.fetch, name="source-fetch"),
]
