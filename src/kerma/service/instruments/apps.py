"""The instruments app."""

from django.apps import AppConfig


class InstrumentsConfig(AppConfig):
    """Registers the app under its short label."""

    name = "kerma.service.instruments"
    label = "instruments"
