"""Start Django on the data folder; what every command does first."""

from __future__ import annotations

import os


def start_service(*, migrate: bool = True) -> None:
    """Set Django up, making or updating the database if asked."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kerma.service.config.settings")
    import django

    django.setup()
    if migrate:
        from django.core.management import call_command

        call_command("migrate", verbosity=0, interactive=False)
