"""What every test shares: a data folder of its own, and passwords that are cheap to hash."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

# Always a new folder, one for each worker process: never the one a service keeps its data in.
HOME = Path(tempfile.mkdtemp(prefix="kerma-test-"))
(HOME / "static").mkdir()
os.environ["KERMA_HOME"] = str(HOME)


def pytest_configure(config: pytest.Config) -> None:
    """Hash passwords quickly: a million rounds prove nothing about Kerma."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    shutil.rmtree(HOME, ignore_errors=True)
