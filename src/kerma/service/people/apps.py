"""The people app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Registers the app under its short label, and what it adds to the rail and the search."""

    name = "kerma.service.people"
    label = "people"

    def ready(self) -> None:
        """Fill the rail and the search."""
        from kerma.service.people import menus

        menus.register()
