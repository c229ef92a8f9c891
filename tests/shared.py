"""Where the reference material kept beside the project is, for the tests that can use it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("KERMA_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def shared_path(relative: str) -> Path:
    """Return a path under the shared folder, or skip the test and say so."""
    path = ROOT / relative
    if not path.exists():
        pytest.skip(f"SHARED MATERIAL ABSENT: {relative} is not beside the project")
    return path
