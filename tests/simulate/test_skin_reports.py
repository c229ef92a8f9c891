"""Simulated reports with a table in them: read back as they were meant, the same every time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from kerma.dicom.dose import read_report
from kerma.dicom.dose.skin_input import exposure_events
from kerma.physics.skin import skin_dose
from kerma.simulate.department import build_department
from kerma.simulate.skin_reports import PROCEDURES, profile_found, write_skin_reports

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("skin"))


def written(folder: Path) -> Path:
    department = build_department(today=TODAY)
    write_skin_reports(folder, department, department.system("sq-hyb"), TODAY)
    return folder


def test_the_same_bytes_every_time(folder: Path, tmp_path: Path) -> None:
    names = sorted(p.name for p in folder.iterdir())
    assert len(names) == len(PROCEDURES)
    again = written(tmp_path)
    assert [(again / n).read_bytes() for n in names] == [(folder / n).read_bytes() for n in names]


def test_every_event_says_where_table_and_patient_are(folder: Path) -> None:
    for path, (kerma_gy, _, ends) in zip(sorted(folder.iterdir()), PROCEDURES, strict=True):
        record = read_report(path)
        events = exposure_events(record)
        assert record.warnings == ()
        assert {e.orientation for e in events} == {"HFS"}
        assert all(e.table_height_mm and 850 < e.table_height_mm < 960 for e in events)
        turned = [e for e in events if e.kind == "rotational"]
        assert all((e.primary_end_deg is not None) == ends for e in turned)
        total = sum(e.reference_kerma_mgy or 0 for e in events)
        assert total == pytest.approx(1000 * kerma_gy, rel=1e-3)


def test_the_true_geometry_puts_the_beams_on_the_back(folder: Path) -> None:
    profile = profile_found(build_department(today=TODAY).system("sq-hyb"), date(2024, 3, 1))
    events = exposure_events(read_report(sorted(folder.iterdir())[-1]))
    found = skin_dose(events, replace(profile, status="validated"))
    assert found.where is not None
    assert found.where.side == "back"
    assert -900 < found.where.cranial_mm < -300
    assert found.psd is not None
    assert 0.5 < found.psd.value / found.kerma_placed_mgy < 1.5
    assert profile.across is not None
    wrong = replace(profile, across=replace(profile.across, offset_mm=900.0))
    missed = skin_dose(events, wrong)
    assert missed.psd is not None
    assert missed.psd.value == 0.0
    assert np.isfinite(found.psd.value)
