"""Addresses of papers."""

from django.urls import path

from kerma.service.records.papers import views

urlpatterns = [
    path("", views.papers, name="papers"),
    path("<int:pk>/", views.paper, name="paper"),
    path("<int:pk>/draft.pdf", views.draft_pdf, name="paper-draft"),
    path("<int:pk>/<slug:name>/", views.act, name="paper-act"),
]
