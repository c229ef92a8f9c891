"""Addresses of the calculators."""

from django.urls import path

from kerma.service.protection.calculators import saved_views, views

urlpatterns = [
    path("", views.index, name="calculators"),
    path("saved/", saved_views.saved, name="calculations"),
    path("saved/write/", saved_views.write, name="calculations-write"),
    path("saved/write/<int:pk>/", saved_views.write, name="calculations-write-again"),
    path("saved/<int:pk>/", saved_views.calculation, name="calculation"),
    path("saved/<int:pk>/record.json", saved_views.record, name="calculation-record"),
    path("<slug:key>/", views.calculator, name="calculator"),
    path("<slug:key>/keep/", views.save, name="calculator-keep"),
    path("<slug:key>/method/", views.method_page, name="calculator-method"),
]
