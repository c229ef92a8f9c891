"""The estate app."""

from django.apps import AppConfig


class EstateConfig(AppConfig):
    """Registers the app under its short label, and what it adds to the rail and the search."""

    name = "kerma.service.estate"
    label = "estate"

    def ready(self) -> None:
        """Fill the rail and the search."""
        from kerma.service.estate import menus

        menus.register()
