"""Addresses other systems read doses from."""

from django.urls import path

from kerma.service.doses.api import views

urlpatterns = [
    path("studies/", views.studies, name="api-studies"),
    path("studies/<int:pk>/", views.study, name="api-study"),
    path("studies/<int:pk>/fhir/", views.fhir, name="api-study-fhir"),
]
