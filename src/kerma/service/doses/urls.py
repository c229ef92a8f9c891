"""Addresses of doses."""

from django.urls import include, path

from kerma.service.doses import ingest_views, views
from kerma.service.doses.acceptance import views as acceptance_views
from kerma.service.doses.estimates import views as estimate_views
from kerma.service.doses.naming import views as naming_views
from kerma.service.doses.patients import views as patient_views
from kerma.service.doses.protocols import views as protocol_views
from kerma.service.doses.sizes import views as size_views
from kerma.service.doses.surveys import views as survey_views

urlpatterns = [
    path("", views.studies, name="doses"),
    path("acceptance/", acceptance_views.acceptance, name="acceptance"),
    path("alerts/", include("kerma.service.doses.alerts.urls")),
    path("audits/", include("kerma.service.doses.audits.urls")),
    path("explorer/", include("kerma.service.doses.explorer.urls")),
    path("names/", include("kerma.service.doses.naming.urls")),
    path("patients/", patient_views.patients, name="patients"),
    path("patients/export/", patient_views.export, name="patients-export"),
    path("projects/", include("kerma.service.doses.projects.urls")),
    path("protocols/", protocol_views.protocols, name="dose-protocols"),
    path("sizes/", size_views.sizes, name="sizes"),
    path("sources/", include("kerma.service.doses.sources.urls")),
    path("surveys/", survey_views.surveys, name="dose-surveys"),
    path("skin/", include("kerma.service.doses.skin.urls")),
    path("upload/", ingest_views.upload, name="doses-upload"),
    path("quarantine/", ingest_views.quarantine, name="quarantine"),
    path("quarantine/<int:pk>/retry/", ingest_views.retry, name="quarantine-retry"),
    path("quarantine/<int:pk>/dismiss/", ingest_views.dismiss, name="quarantine-dismiss"),
    path("devices/", ingest_views.devices, name="devices"),
    path("devices/<int:pk>/", ingest_views.device, name="device"),
    path("<int:pk>/", views.study, name="study"),
    path("<int:pk>/correct/", naming_views.correct, name="study-correct"),
    path("<int:pk>/estimates/", estimate_views.estimates, name="study-estimates"),
    path("<int:pk>/estimates/<slug:kind>/", estimate_views.make, name="study-estimate"),
    path("<int:pk>/events/<int:order>/", views.event, name="study-event"),
    path("<int:pk>/administrations/<int:order>/", views.administration, name="study-given"),
]
