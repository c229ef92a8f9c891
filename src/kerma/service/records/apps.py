"""The records app."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """Registers the app under its short label."""

    name = "kerma.service.records"
    label = "records"
