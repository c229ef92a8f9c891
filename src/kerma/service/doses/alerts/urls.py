"""Addresses of dose alerts."""

from django.urls import path

from kerma.service.doses.alerts import views

urlpatterns = [
    path("", views.alerts, name="alerts"),
    path("thresholds/", views.rules, name="alert-rules"),
    path("thresholds/<int:pk>/end/", views.rule_end, name="alert-rule-end"),
    path("<int:pk>/", views.alert, name="alert"),
]
