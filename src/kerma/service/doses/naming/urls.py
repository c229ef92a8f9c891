"""Addresses of the standard names."""

from django.urls import path

from kerma.service.doses.naming import views

urlpatterns = [
    path("", views.names, name="names"),
    path("new/", views.standard, name="standard-new"),
    path("rules/", views.rule, name="name-rule"),
    path("rules/<int:pk>/remove/", views.rule_remove, name="name-rule-remove"),
    path("publish/", views.publish, name="names-publish"),
]
