"""What every test of the service starts from."""

from __future__ import annotations

from pathlib import Path

import pytest

from kerma.service.doses import columnar


@pytest.fixture(autouse=True)
def own_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a columnar copy of its own: the database is rolled back, files are not."""
    monkeypatch.setattr(columnar, "folder", lambda: tmp_path / "columns")
