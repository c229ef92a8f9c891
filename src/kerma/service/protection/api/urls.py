"""Addresses other systems calculate at."""

from django.urls import path

from kerma.service.protection.api import views

urlpatterns = [
    path("", views.index, name="api-calculators"),
    path("<slug:key>/", views.calculation, name="api-calculation"),
]
