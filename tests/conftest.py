"""What every test shares: passwords that are cheap to hash."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Hash passwords quickly: a million rounds prove nothing about Kerma."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def fresh_log_head() -> None:
    """Forget the newest log entry of the test before: its database is gone."""
    from tests.home import HOME

    (HOME / "secrets" / "log-head").unlink(missing_ok=True)
