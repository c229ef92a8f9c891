"""The protection app: calculations, shielding, rooms."""

from django.apps import AppConfig


class ProtectionConfig(AppConfig):
    """Registers the app under its short label, and what it adds to the rail."""

    name = "kerma.service.protection"
    label = "protection"

    def ready(self) -> None:
        """Fill the rail."""
        from kerma.service.protection import menus

        menus.register()
