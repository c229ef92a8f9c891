"""The doses app: patient studies and events."""

from django.apps import AppConfig


class DosesConfig(AppConfig):
    """Registers the app under its short label, and what it adds to the rail."""

    name = "kerma.service.doses"
    label = "doses"

    def ready(self) -> None:
        """Fill the rail."""
        from kerma.service.doses import menus

        menus.register()
