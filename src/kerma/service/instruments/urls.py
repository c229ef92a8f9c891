"""Addresses of instruments."""

from django.urls import path

from kerma.service.instruments import views

urlpatterns = [
    path("", views.instruments, name="instruments"),
    path("<slug:key>/", views.instrument, name="instrument"),
    path("<slug:key>/certificate/", views.certificate, name="certificate-add"),
    path("<slug:key>/certificate/<int:pk>/", views.document, name="certificate-document"),
    path("<slug:key>/quarantine/", views.quarantine, name="instrument-quarantine"),
    path("<slug:key>/release/", views.release, name="instrument-release"),
]
