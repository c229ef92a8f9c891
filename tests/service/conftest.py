"""What every test of the service starts from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kerma.service.doses import columnar

_DATABASE = {"db", "transactional_db", "live_server"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On another database run only what opens one: the rest would prove the same again.

    What starts processes with database files of their own is part of the rest.
    """
    if not os.environ.get("KERMA_DATABASE"):
        return
    here = Path(__file__).parent
    left = [i for i in items if here in i.path.parents and not _opens_a_database(i)]
    config.hook.pytest_deselected(items=left)
    gone = set(left)
    items[:] = [item for item in items if item not in gone]


def _opens_a_database(item: pytest.Item) -> bool:
    asked = _DATABASE & set(getattr(item, "fixturenames", ()))
    return bool(asked) or item.get_closest_marker("django_db") is not None


@pytest.fixture(autouse=True)
def own_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a columnar copy of its own: the database is rolled back, files are not."""
    monkeypatch.setattr(columnar, "folder", lambda: tmp_path / "columns")
