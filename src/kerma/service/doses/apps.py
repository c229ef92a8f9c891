"""The doses app: patient studies and events."""

from django.apps import AppConfig


class DosesConfig(AppConfig):
    """Registers the app under its short label."""

    name = "kerma.service.doses"
    label = "doses"
