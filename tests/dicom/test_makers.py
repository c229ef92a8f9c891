"""What makers send is read right: invented reports of many habits against known values."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from kerma.core import UnsupportedError
from kerma.dicom.dose import StudyRecord, as_dict, merge, read_report
from tests.dicom import build, maker_images, makers
from tests.dicom.maker_parts import STATIONARY, ct_dose, event, mean_dose, totals


def at(plain: Any, path: str) -> Any:
    """Return what a dotted path leads to."""
    for step in path.split("."):
        plain = plain[int(step)] if isinstance(plain, list) else plain[step]
    return plain


CASES = makers.REPORTS | maker_images.IMAGES


@pytest.mark.parametrize("name", CASES)
def test_a_makers_object(name: str) -> None:
    dataset, truth = CASES[name]
    plain = as_dict(read_report(build.encode(dataset)))
    found = {path: at(plain, path) for path in truth}
    assert found == {
        path: pytest.approx(value) if isinstance(value, (float, list)) else value
        for path, value in truth.items()
    }


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("name", makers.REPORTS)
def test_both_readers_agree_on_it(name: str, syntax: str) -> None:
    data = build.encode(makers.REPORTS[name][0], syntax)
    assert read_report(data) == read_report(data, engine="pydicom")


def test_slices_of_a_dental_volume_are_one_exposure() -> None:
    dataset = maker_images.IMAGES["dental cone beam"][0]
    first = read_report(build.encode(dataset))
    dataset.SOPInstanceUID += ".2"
    both = merge(first, read_report(build.encode(dataset)))
    assert len(both.events) == 1
    assert as_dict(both)["totals"]["kap_gy_m2"] == pytest.approx(6.1e-5)


def test_a_slice_of_a_scanner_is_refused() -> None:
    dataset = maker_images.image(
        maker_images.CT_IMAGE, "CT", KVP="120", XRayTubeCurrent="200", CTDIvol=9.1
    )
    with pytest.raises(UnsupportedError, match="dose report"):
        read_report(build.encode(dataset))


def read(*items: Dataset, **header: Any) -> StudyRecord:
    data = build.encode(build.report(items, **header))
    study = read_report(data)
    assert study == read_report(data, engine="pydicom")
    return study


def kap_of(study: StudyRecord) -> float | None:
    value = study.totals.kap.value
    return value.number if value else None


@pytest.mark.parametrize(
    ("concept", "sent", "unit"),
    [("122130", "-1", "Gy.m2"), ("113733", "-1", "kV"), ("113735", "-0.5", "ms")],
)
def test_minus_one_is_no_measurement(concept: str, sent: str, unit: str) -> None:
    study = read(event("1.2", STATIONARY, (concept, sent, unit)))
    assert any("below zero" in warning for warning in study.warnings)
    plain = as_dict(study)["events"][0]
    assert [plain["kap_gy_m2"], plain["kvp_kv"], plain["exposure_time_ms"]] == [None] * 3
    assert kap_of(study) is None


def test_angles_and_table_positions_may_be_below_zero() -> None:
    values = (("112011", "-30", "deg"), ("113751", "-12", "mm"), ("113847", "-1.5", "1"))
    (found,) = read(event("1.2", STATIONARY, *values)).events
    assert found.mechanics is not None
    assert found.detector is not None
    assert [
        value.number if value else None
        for value in (
            found.mechanics.primary_angle,
            found.mechanics.table_longitudinal,
            found.detector.deviation_index,
        )
    ] == [-30.0, -12.0, -1.5]


def test_a_unit_that_is_only_named_is_the_unit() -> None:
    item = build.num(build.dcm("122130"), "15", "Gy.m2")
    unit = build.coded(("", "", "dGy.cm2"))
    del unit.CodeValue, unit.CodingSchemeDesignator
    item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence = [unit]
    assert kap_of(read(event("1.2", STATIONARY, items=[item]))) == pytest.approx(1.5e-4)


@pytest.mark.parametrize(
    ("sent", "kap"), [("12.5 µGy·m²", 1.25e-5), ("1.5e-5", 1.5e-5), ("unknown", None)]
)
def test_a_text_where_a_number_belongs(sent: str, kap: float | None) -> None:
    item = build.text(build.dcm("122130"), sent)
    found = kap_of(read(event("1.2", STATIONARY, items=[item]), SpecificCharacterSet="ISO_IR 192"))
    assert found == (None if kap is None else pytest.approx(kap))


def test_a_number_without_a_value_type_is_read() -> None:
    item = build.num(build.dcm("122130"), "0.0001", "Gy.m2")
    del item.ValueType
    assert kap_of(read(event("1.2", STATIONARY, items=[item]))) == 1e-4


def test_one_dose_with_two_different_values_counts_the_first_and_keeps_both() -> None:
    again = build.num(build.dcm("122130"), "0.0003", "Gy.m2")
    study = read(event("1.2", STATIONARY, ("122130", "0.0002", "Gy.m2"), items=[again]))
    assert kap_of(study) == 2e-4
    assert study.events[0].remaining[0].numbers == ("0.0003",)
    assert any("more than once" in warning for warning in study.warnings)


@pytest.mark.parametrize(
    "sent",
    ["2024-02-05T10:11:12", "20240205 101112", "2024.02.05 10:11:12", "2024-02-05 10:11:12.000"],
)
def test_moments_with_marks_between_are_read(sent: str) -> None:
    item = build.text(build.dcm("113809", "Start of X-Ray Irradiation"), sent)
    assert read(item).reports[0].started == "2024-02-05T10:11:12"


@pytest.mark.parametrize("sent", ["MÃ¼ller", "Müller"])
@pytest.mark.parametrize("declared", ["ISO_IR 192", "ISO_IR 100"])
def test_text_encoded_twice_is_mended(sent: str, declared: str) -> None:
    study = read(StudyDescription=sent, SpecificCharacterSet=declared)
    assert study.header.description == "Müller"


@pytest.mark.parametrize(("keyword", "sent"), [("PatientSize", "172"), ("PatientWeight", "70000")])
def test_sizes_no_person_has_are_not_used(keyword: str, sent: str) -> None:
    study = read(**{keyword: sent})
    patient = study.header.patient
    assert [v.number for v in (patient.height, patient.mass) if v] == [None]
    assert any("no person's" in warning for warning in study.warnings)


def test_a_dose_report_without_its_title_is_known_by_its_class() -> None:
    dataset = build.report([totals("single", ("113722", "1", "Gy.cm2"))])
    del dataset.ConceptNameCodeSequence
    study = read_report(build.encode(dataset))
    assert kap_of(study) == 1e-4
    assert any("no title" in warning for warning in study.warnings)


def test_another_document_in_its_class_is_refused() -> None:
    dataset = build.report([], ("128401", "DCM", "Patient Radiation Dose Report"))
    with pytest.raises(UnsupportedError, match="its title is “Patient Radiation Dose Report”"):
        read_report(build.encode(dataset))


def test_ct_doses_without_their_container_are_read() -> None:
    found = mean_dose("1.7", ("P5-08001", "SRT", "Spiral"))
    found.ContentSequence.extend(ct_dose("5", "100", "mGy.cm", None))
    total = read(found).totals.dlp.value
    assert total is not None
    assert total.number == 100.0


def test_an_aborted_examination_is_told() -> None:
    assert read().warnings == ("the report holds neither events nor totals",)


def test_of_several_reports_of_totals_alone_the_latest_counts_and_it_is_told() -> None:
    first, second = (
        read_report(
            build.encode(
                build.report([totals("single", ("113722", kap, "Gy.cm2"))], ContentTime=time)
            )
        )
        for kap, time in (("1", "100000"), ("3", "110000"))
    )
    for both in (merge(first, second), merge(second, first)):
        assert kap_of(both) == pytest.approx(3e-4)
        assert "only the latest counts" in both.totals.kap.note


def test_a_private_total_without_a_unit_is_not_used() -> None:
    """Nothing fixes the unit: with the dose left out it is no dose report, and says so."""
    report, _ = makers.private_totals(None)
    with pytest.raises(UnsupportedError, match="not a dose report"):
        read_report(build.encode(report))


def test_a_private_report_of_something_else_is_refused() -> None:
    own = "99MAKER"
    items = [build.num(("7", own, "Cumulative fluoro time"), "93", "s")]
    report = build.report(items, ("9", own, "Room log"), SOPClassUID=build.ENHANCED_SR)
    with pytest.raises(UnsupportedError, match="not a dose report"):
        read_report(build.encode(report))
