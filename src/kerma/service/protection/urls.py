"""Addresses of protection."""

from django.urls import include, path

urlpatterns = [
    path("calculators/", include("kerma.service.protection.calculators.urls")),
    path("shielding/", include("kerma.service.protection.shielding.urls")),
    path("rooms/", include("kerma.service.protection.rooms.urls")),
]
