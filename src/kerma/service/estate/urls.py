"""Addresses of estate."""

from django.urls import path

from kerma.service.estate import views

urlpatterns = [
    path("", views.equipment, name="equipment"),
    path("system/<int:pk>/status/", views.status, name="system-status"),
    path("system/<int:pk>/event/", views.event, name="system-event"),
    path("system/<int:pk>/part/<int:component>/", views.component, name="component-replace"),
    # An asset number is the hospital's own and may hold a stroke, so it comes last.
    path("<path:asset>/", views.system, name="system"),
]
