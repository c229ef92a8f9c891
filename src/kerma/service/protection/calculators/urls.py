"""Addresses of the calculators."""

from django.urls import path

from kerma.service.protection.calculators import views

urlpatterns = [
    path("", views.index, name="calculators"),
]
