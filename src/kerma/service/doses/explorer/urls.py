"""Addresses of the explorer."""

from django.urls import path

from kerma.service.doses.explorer import views

urlpatterns = [
    path("", views.explorer, name="explorer"),
    path("compare/", views.compare, name="explorer-compare"),
    path("views/", views.keep, name="explorer-keep"),
    path("views/<int:pk>/forget/", views.forget, name="explorer-forget"),
]
