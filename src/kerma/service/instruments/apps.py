"""The instruments app."""

from django.apps import AppConfig


class InstrumentsConfig(AppConfig):
    """Registers the app under its short label, and what it adds to the rail and the search."""

    name = "kerma.service.instruments"
    label = "instruments"

    def ready(self) -> None:
        """Fill the rail and the search."""
        from kerma.service.instruments import menus

        menus.register()
