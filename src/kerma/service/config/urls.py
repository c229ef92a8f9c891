"""Every address of the service."""

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("", include("kerma.service.web.urls")),
    path("people/", include("kerma.service.people.urls")),
    path("equipment/", include("kerma.service.estate.urls")),
    path("instruments/", include("kerma.service.instruments.urls")),
    path("testing/", include("kerma.service.testing.urls")),
    path("doses/", include("kerma.service.doses.urls")),
    path("api/v1/doses/", include("kerma.service.doses.api.urls")),
    path("api/v1/calculations/", include("kerma.service.protection.api.urls")),
    path("protection/", include("kerma.service.protection.urls")),
    path("papers/", include("kerma.service.records.papers.urls")),
    path("", include("kerma.service.records.urls")),
]
handler400 = "kerma.service.web.views.bad_request"
handler403 = "kerma.service.web.views.forbidden"
handler404 = "kerma.service.web.views.not_found"
handler500 = "kerma.service.web.views.server_error"
