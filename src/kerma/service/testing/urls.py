"""Addresses of the testing room."""

from django.urls import path

from kerma.service.testing import entry_views as entry
from kerma.service.testing import views

urlpatterns = [
    path("", views.surveys, name="surveys"),
    path("plan/", views.plan, name="survey-plan"),
    path("<int:pk>/", views.survey, name="survey"),
    path("<int:pk>/start/", views.start, name="survey-start"),
    path("<int:pk>/act/<slug:name>/", views.act, name="survey-act"),
    path("<int:pk>/baselines/", views.baselines, name="survey-baselines"),
    path("<int:pk>/contact/", views.contact, name="survey-contact"),
    path("<int:pk>/save/", entry.save, name="survey-save"),
    path("<int:pk>/note/", entry.note, name="survey-note"),
    path("<int:pk>/instrument/", entry.instrument, name="survey-instrument"),
    path("<int:pk>/strike/<int:reading>/", entry.strike, name="survey-strike"),
    path("<int:pk>/images/<slug:slot>/", entry.attach, name="survey-attach"),
    path("<int:pk>/images/<slug:slot>/remove/", entry.remove, name="survey-remove"),
    path("<int:pk>/images/<slug:slot>/viewer/", entry.viewer, name="survey-viewer"),
    path("<int:pk>/images/<slug:slot>/viewer/<int:index>.raw", entry.frame, name="survey-frame"),
    path("<int:pk>/analysis/<int:analysis>/correct/", entry.correct, name="survey-correct"),
    path("<int:pk>/analysis/<int:analysis>/curves/", entry.curves, name="survey-curves"),
    path("<int:pk>/draft.pdf", entry.draft_pdf, name="survey-draft-pdf"),
]
