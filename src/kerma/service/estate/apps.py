"""The estate app."""

from django.apps import AppConfig


class EstateConfig(AppConfig):
    """Registers the app under its short label."""

    name = "kerma.service.estate"
    label = "estate"
