"""Nothing is lost or doubled when the listener and the worker are killed while reports arrive."""

from __future__ import annotations

from pathlib import Path

from tests.dicom.killing import trial


def test_reports_arrive_through_kills(tmp_path: Path) -> None:
    found = trial(tmp_path / "home", 150, 9, lives_s=3.0)
    assert found.kills["listener"] > 0
    assert found.kills["worker"] > 0
    assert (found.lost, found.doubled, found.left, found.sound) == ([], 0, 0, True)
