"""The web app."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Registers the app under its short label."""

    name = "kerma.service.web"
    label = "web"
