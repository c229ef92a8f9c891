"""What every test shares: passwords that are cheap to hash, examples without a stopwatch."""

from __future__ import annotations

import pytest
from hypothesis import settings as examples

# How long an example takes says nothing of Kerma: the first one reads the reference data.
examples.register_profile("kerma", deadline=None)
examples.load_profile("kerma")


def pytest_configure(config: pytest.Config) -> None:
    """Hash passwords quickly: a million rounds prove nothing about Kerma."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def fresh_log_head() -> None:
    """Forget the newest log entry of the test before: its database is gone."""
    from tests.home import HOME

    (HOME / "secrets" / "log-head").unlink(missing_ok=True)
