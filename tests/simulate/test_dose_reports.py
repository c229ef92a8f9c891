"""Simulated dose reports say what their truth says, to the last digit."""

import time
from pathlib import Path

import pydicom
import pytest

from kerma.core import InputError
from kerma.dicom.dose import read_report
from kerma.dicom.dose.records import Event
from kerma.simulate.dose_reports import write_reports
from kerma.simulate.dose_truth import EventTruth, Truth
from kerma.simulate.examinations import emitting_systems
from kerma.simulate.models import Department
from tests.simulate.conftest import TODAY

ALL = 80


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def truths(folder: Path, department: Department) -> list[Truth]:
    return write_reports(folder, department, ALL, 1, TODAY)


def _seen(event: Event) -> dict[str, float | None]:
    """Everything dose-like the reader found in an event, by the names of the truth."""
    source = event.sources[0]
    found = {
        "kap_gy_m2": event.kap,
        "kerma_rp_gy": event.dose_rp,
        "kv": source.kvp,
        "ma": source.tube_current,
        "exposure_uas": source.exposure,
        "field_area_m2": source.field_area,
        "pulses": source.pulses,
        "duration_s": event.irradiation_time,
    }
    if event.ct:
        found |= {
            "ctdivol_mgy": event.ct.ctdivol,
            "dlp_mgy_cm": event.ct.dlp,
            "length_mm": event.ct.scan_length,
            "pitch": event.ct.pitch,
            "time_s": event.ct.exposure_time,
            "rotation_s": source.time_per_rotation,
            "total_collimation_mm": event.ct.total_collimation,
        }
    if event.breast:
        found |= {"agd_mgy": event.breast.agd, "hvl_mm": event.breast.half_value_layer}
    if event.mechanics:
        found |= {
            "thickness_mm": event.mechanics.compression_thickness,
            "force_n": event.mechanics.compression_force,
            "primary_angle_deg": event.mechanics.primary_angle,
        }
    if event.detector:
        found |= {"exposure_index": event.detector.exposure_index}
    return {name: value.number for name, value in found.items() if value is not None}


def _same(event: Event, truth: EventTruth) -> int:
    assert event.uid == truth.uid
    assert event.protocol == truth.protocol
    assert event.kind.replace(" ", "_") == truth.kind
    seen = _seen(event)
    for name in truth.values.keys() & seen.keys():
        expected = truth.values[name]
        if expected is None:
            assert seen[name] is None, name
        else:
            assert seen[name] == pytest.approx(expected, rel=1e-9, abs=1e-15), name
    return len(truth.values.keys() & seen.keys())


def test_every_readable_file_is_read_back_exactly(folder: Path, truths: list[Truth]) -> None:
    for truth in truths:
        if not truth.readable:
            continue
        record = read_report(folder / truth.file)
        study = truth.study
        assert record.study_uid == study.uid
        assert record.header.accession_number == study.accession
        assert record.header.description == study.description
        assert record.identity.patient_id == study.patient.id
        assert record.header.patient.sex == study.patient.sex
        assert record.header.device.station == truth.station_name
        assert record.header.device.serial == truth.device_serial
        assert record.modality == {"XA": "RF"}.get(truth.modality, truth.modality)
        assert len(record.events) == len(study.events)
        compared = [_same(e, t) for e, t in zip(record.events, study.events, strict=True)]
        assert min(compared) >= 4, truth.file
        assert not [item for event in record.events for item in event.remaining]


def test_stated_totals_are_the_sums_of_the_events(folder: Path, truths: list[Truth]) -> None:
    pairs = {
        "dlp_mgy_cm": "dlp",
        "kap_total_gy_m2": "kap",
        "kerma_rp_total_gy": "dose_rp",
        "fluoro_time_total_s": "fluoro_time",
        "agd_left_mgy": "agd_left",
    }
    seen = set()
    for truth in (t for t in truths if t.readable and "empty_values" not in t.quirks):
        totals = read_report(folder / truth.file).totals
        for mine, theirs in pairs.items():
            if truth.totals.get(mine):
                total = getattr(totals, theirs)
                assert total.stated.number == pytest.approx(truth.totals[mine], rel=1e-9)
                assert not total.flagged, (truth.file, theirs)
                seen.add(mine)
    assert seen == set(pairs)


def test_dlp_is_ctdivol_times_length_and_kerma_is_kap_over_area(truths: list[Truth]) -> None:
    for event in (e for t in truths for e in t.study.events):
        v = event.values
        if v.get("dlp_mgy_cm"):
            assert v["dlp_mgy_cm"] == pytest.approx(
                v["ctdivol_mgy"] * v["length_mm"] / 10, rel=0.01
            )
        if v.get("kerma_rp_gy"):
            assert v["kerma_rp_gy"] == pytest.approx(v["kap_gy_m2"] / v["field_area_m2"], rel=2e-3)


def test_every_system_that_irradiates_patients_reports(
    truths: list[Truth], department: Department
) -> None:
    expected = {s.key for s in emitting_systems(department)}
    assert expected == {s.key for s in department.systems if s.equipment_type != "display"}
    assert {t.study.system for t in truths} == expected
    assert {t.modality for t in truths} == {"CT", "MG", "DX", "RF", "XA"}


def test_each_quirk_is_there_and_is_what_it_says(folder: Path, truths: list[Truth]) -> None:
    by_quirk: dict[str, list[Truth]] = {}
    for truth in truths:
        for quirk in truth.quirks:
            by_quirk.setdefault(quirk, []).append(truth)
    assert set(by_quirk) == {
        *("cumulative", "continued", "dgy_cm2", "empty_values"),
        *("unknown_device", "high_dose", "truncated"),
    }
    first, second = by_quirk["cumulative"][:2]
    early, late = ({e.uid for e in t.study.events} for t in (first, second))
    assert early < late
    assert second.earlier == first.sop_uid != second.sop_uid
    first, second = by_quirk["continued"][:2]
    early, late = ({e.uid for e in t.study.events} for t in (first, second))
    assert not early & late
    assert first.study.uid == second.study.uid
    assert b"dGy.cm2" in (folder / by_quirk["dgy_cm2"][0].file).read_bytes()
    assert b"Gy.m2" not in (folder / by_quirk["dgy_cm2"][0].file).read_bytes()
    assert None in by_quirk["empty_values"][0].study.events[-1].values.values()
    assert by_quirk["unknown_device"][0].system == ""
    assert by_quirk["high_dose"][0].totals["kerma_rp_total_gy"] > 3
    with pytest.raises(InputError):
        read_report(folder / by_quirk["truncated"][0].file)


def test_same_seed_same_bytes_other_seed_other_doses(
    tmp_path: Path, folder: Path, truths: list[Truth], department: Department
) -> None:
    again = write_reports(tmp_path / "again", department, ALL, 1, TODAY)
    assert again == truths
    for truth in truths:
        assert (tmp_path / "again" / truth.file).read_bytes() == (folder / truth.file).read_bytes()
    other = write_reports(tmp_path / "other", department, 5, 2, TODAY)
    assert [t.study.uid for t in other] != [t.study.uid for t in truths[:5]]


def test_pydicom_writes_the_content_back_unchanged(folder: Path, truths: list[Truth]) -> None:
    """The fast encoder's bytes are those of an independent encoder."""
    from io import BytesIO

    for truth in (truths[0], truths[15], next(t for t in truths if t.modality == "MG")):
        raw = (folder / truth.file).read_bytes()
        dataset = pydicom.dcmread(BytesIO(raw))
        assert "X-Ray Radiation Dose Report" in str(dataset)  # every element is decoded
        for item in dataset.ContentSequence:
            item.is_undefined_length_sequence_item = False
        buffer = BytesIO()
        dataset.save_as(buffer)
        assert buffer.getvalue() == raw


def test_thousands_a_minute(tmp_path: Path, department: Department) -> None:
    """A generous bound (1,500 a minute) so that a busy machine does not fail it."""
    start = time.process_time()
    made = write_reports(tmp_path, department, 60, 3, TODAY)
    assert time.process_time() - start < len(made) * 60 / 1500
