"""Addresses of audits and local levels."""

from django.urls import path

from kerma.service.doses.audits import views

urlpatterns = [
    path("", views.audits, name="audits"),
    path("levels/", views.levels, name="local-levels"),
    path("new/", views.new, name="audit-new"),
    path("<int:pk>/", views.audit, name="audit"),
    path("<int:pk>/write/", views.write, name="audit-write"),
    path("<int:pk>/adopt/", views.adopt, name="audit-adopt"),
]
