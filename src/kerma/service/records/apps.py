"""The records app."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """Registers the app under its short label, and what it adds to the rail and the search."""

    name = "kerma.service.records"
    label = "records"

    def ready(self) -> None:
        """Fill the rail and the search."""
        from kerma.service.records import menus

        menus.register()
