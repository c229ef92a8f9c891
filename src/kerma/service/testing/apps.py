"""The testing app."""

from django.apps import AppConfig


class TestingConfig(AppConfig):
    """Registers the app under its short label."""

    name = "kerma.service.testing"
    label = "testing"
