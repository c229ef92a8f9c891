"""The people app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Registers the app under its short label."""

    name = "kerma.service.people"
    label = "people"
