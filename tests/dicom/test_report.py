"""Dose reports: what is stated, summed, derived and missing, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from kerma.core import InputError, UnsupportedError
from kerma.dicom.dose import StudyRecord, read_report, to_json
from kerma.dicom.dose.records import Total
from tests.dicom import build
from tests.shared import shared_path

FOLDER = "dicom/dose-reports"


def read(*items: Dataset, **header: Any) -> StudyRecord:
    return read_report(build.encode(build.report(items, **header)))


def number(total: Total) -> float | None:
    return total.value.number if total.value else None


def test_an_empty_measured_value_stays_missing() -> None:
    study = read(build.total(None, None), build.fluoro(1, kap=None, dose=None))
    (event,) = study.events
    assert event.kap is not None
    assert event.kap.number is None
    assert event.kap.origin == "missing"
    assert number(study.totals.kap) is None
    assert json.loads(to_json(study))["totals"]["kap_gy_m2"] is None


def test_an_unknown_unit_stops_the_value_and_the_total() -> None:
    study = read(build.fluoro(1, kap_unit="zGy.m2"), build.fluoro(2))
    assert study.events[0].kap is not None
    assert study.events[0].kap.sent == ("1e-06",)
    assert any("zGy.m2" in warning for warning in study.warnings)
    assert study.totals.kap.value is not None
    assert study.totals.kap.value.reason == "sum of 1 of 2 events"


def test_a_total_of_zero_gives_way_to_the_sum() -> None:
    total = read(build.total("0", "0"), build.fluoro(1, dose="0.000035")).totals.dose_rp
    assert number(total) == pytest.approx(3.5e-5)
    assert total.value is not None
    assert total.value.origin == "summed"
    assert total.stated is not None
    assert total.flagged
    assert "states 0" in total.note


def test_a_total_coarser_than_the_sum_gives_way_to_it() -> None:
    study = read(
        build.total("1e-06", "0.00010"),
        build.fluoro(1, dose="0.000053"),
        build.fluoro(2, dose="0.000013"),
    )
    assert number(study.totals.dose_rp) == pytest.approx(6.6e-5)
    assert study.totals.dose_rp.difference == pytest.approx(-0.34)


def test_a_total_as_fine_as_the_events_is_used_and_the_difference_shown() -> None:
    events = [build.fluoro(n, dose="0.00083") for n in (1, 2, 3)]
    total = read(build.total("3e-06", "0.00252"), *events).totals.dose_rp
    assert number(total) == pytest.approx(0.00252)
    assert total.value is not None
    assert total.value.origin == "stated"
    assert total.flagged
    assert total.difference == pytest.approx(0.00249 / 0.00252 - 1)


def test_a_difference_within_one_per_cent_is_not_flagged() -> None:
    events = [build.fluoro(n, dose="0.00083") for n in (1, 2, 3)]
    assert not read(build.total("3e-06", "0.00250"), *events).totals.dose_rp.flagged


def test_localisers_without_dose_are_missing_not_zero() -> None:
    study = read(
        build.ct_total("502.4"),
        build.ct_event(1, None, None),
        build.ct_event(2, "5.3", "502.4", "mGycm"),
    )
    assert study.modality == "CT"
    assert study.events[0].ct is not None
    assert study.events[0].ct.dlp is None
    assert study.events[1].kind == "spiral"
    assert number(study.totals.dlp) == 502.4


def test_makers_items_are_kept_untouched() -> None:
    private = build.num(("42", "99MAKER", "Secret Sauce"), "7", "1")
    (event,) = read(build.fluoro(1, items=[private])).events
    (kept,) = event.remaining
    assert kept.concept is not None
    assert kept.concept[:2] == ("42", "99MAKER")
    assert kept.numbers == ("7",)


def test_meanings_play_no_part() -> None:
    item = build.num(("113733", "DCM", "Dose Area Product"), "81", "kV")
    (event,) = read(build.fluoro(1, items=[item])).events
    assert event.sources[0].kvp is not None
    assert event.sources[0].kvp.numbers == (80.0, 81.0)
    assert event.kap is not None
    assert event.kap.number == 1e-6


@pytest.mark.parametrize("scheme", ["SRT", "SNM3", "99SDM"])
def test_older_names_of_a_code_system_are_the_same_system(scheme: str) -> None:
    item = build.code(("T-D0005", scheme, "Anatomical structure"), ("T-1", "SRT", "Hip"))
    (event,) = read(build.fluoro(1, items=[item])).events
    assert event.anatomy is not None


def test_a_wrong_scheme_is_not_recognised() -> None:
    item = build.num(("113733", "99OTHER", "KVP"), "999", "kV")
    (event,) = read(build.fluoro(1, items=[item])).events
    assert event.sources[0].kvp is not None
    assert event.sources[0].kvp.number == 80.0


def test_filters_are_put_in_order() -> None:
    wrong = build.item(
        "CONTAINER",
        build.dcm("113771", "X-Ray Filters"),
        [
            build.num(build.dcm("113758"), "0.9", "mm"),
            build.num(build.dcm("113773"), "0.1", "mm"),
        ],
    )
    study = read(build.fluoro(1, items=[wrong]))
    (found,) = study.events[0].sources[0].filters
    assert found.thickness_min is not None
    assert found.thickness_max is not None
    assert found.thickness_min.number == 0.1
    assert found.thickness_max.number == 0.9
    assert any("exchanged" in warning for warning in study.warnings)


def test_date_times_keep_their_offset() -> None:
    item = build.moment(build.dcm("113809", "Start"), "20200105123456.789000+0130")
    (report,) = read(item).reports
    assert report.started == "2020-01-05T12:34:56.789000+01:30"


def test_events_without_a_uid_of_their_own_are_counted_and_told() -> None:
    study = read(build.fluoro(1, uid="1.9"), build.fluoro(2, uid="1.9"), build.fluoro(3, uid=""))
    assert len(study.events) == 3
    assert [event.uid_origin for event in study.events] == ["stated", "derived", "derived"]
    assert len(study.warnings) == 2


def test_a_plain_repetition_inside_a_report_counts_once() -> None:
    study = read(build.fluoro(1), build.fluoro(1))
    assert len(study.events) == 1


@pytest.mark.parametrize(
    ("born", "age"),
    [("19600229", 56.0), ("18991230", None), ("20990101", None), ("rubbish", None)],
)
def test_ages_come_only_from_possible_birth_dates(born: str, age: float | None) -> None:
    patient = read(PatientBirthDate=born).header.patient
    assert (patient.age.number if patient.age else None) == age


def test_the_observer_names_the_device_the_header_does_not() -> None:
    study = read(
        build.text(build.dcm("121014", "Device Observer Manufacturer"), "Other"),
        build.text(build.dcm("121015", "Device Observer Model Name"), "Model X"),
    )
    assert study.header.device.manufacturer == "Invented Imaging"
    assert study.header.device.model == "Model X"
    assert study.header.device.from_observer == ("model",)


def test_another_report_is_refused_with_its_title() -> None:
    dataset = build.report([], ("18748-4", "LN", "Diagnostic Imaging Report"))
    dataset.SOPClassUID = build.ENHANCED_SR
    with pytest.raises(UnsupportedError, match="Diagnostic Imaging Report") as error:
        read_report(build.encode(dataset))
    assert error.value.code == "not-a-dose-report"


def test_a_dose_report_in_the_enhanced_class_is_read() -> None:
    dataset = build.report([build.ct_event(1, "1", "2")])
    dataset.SOPClassUID = build.ENHANCED_SR
    assert len(read_report(build.encode(dataset)).events) == 1


def test_a_report_of_no_study_is_refused() -> None:
    dataset = build.report([])
    del dataset.StudyInstanceUID
    with pytest.raises(InputError, match="which study"):
        read_report(build.encode(dataset))


def test_an_image_without_dose_is_refused() -> None:
    dataset = build.image(np.zeros((2, 2), dtype=np.uint16), Modality="DX")
    with pytest.raises(UnsupportedError, match="no dose"):
        read_report(build.encode(dataset))


def test_json_is_flat_and_names_nobody() -> None:
    study = read(build.total("2e-06", "0.0002"), build.fluoro(1), build.fluoro(2))
    plain = json.loads(to_json(study))
    assert plain["event_count"] == 2
    assert plain["totals"]["kap_gy_m2"] == 2e-6
    assert plain["total_origins"]["kap_gy_m2"]["origin"] == "stated"
    assert plain["events"][0]["kvp_kv"] == 80
    assert plain["study_date"] == "2016-03-15"
    assert "Testperson" not in to_json(study)
    assert "XR-000042" not in to_json(study)
    named = json.loads(to_json(study, identifiers=True))
    assert named["identity"]["patient_id"] == "XR-000042"


def shared(name: str) -> StudyRecord:
    return read_report(shared_path(f"{FOLDER}/{name}"))


@pytest.mark.shared
def test_every_shared_report_is_read_or_refused_with_a_reason() -> None:
    refused = []
    for path in sorted(shared_path(FOLDER).glob("*.dcm")):
        try:
            study = read_report(path)
        except UnsupportedError as error:
            refused.append((path.name, error.code))
        else:
            assert study.events or study.administrations
            json.loads(to_json(study))
    assert refused == [("ESR_non-dose.dcm", "not-a-dose-report")]


@pytest.mark.shared
def test_both_readers_give_identical_records_of_every_shared_report() -> None:
    for path in sorted(shared_path(FOLDER).glob("*RDSR*.dcm")):
        if path.stat().st_size < 100_000:
            assert read_report(path) == read_report(path, engine="pydicom"), path.name


@pytest.mark.shared
def test_quirk_dual_totals_rounded_away() -> None:
    totals = shared("Dual-RDSR-RF.dcm").totals
    assert number(totals.dose_rp) == pytest.approx(6.6e-5)
    assert totals.dose_rp.value is not None
    assert totals.dose_rp.value.origin == "summed"
    assert number(totals.kap) == pytest.approx(2.12e-6)
    assert totals.kap.flagged


@pytest.mark.shared
def test_quirk_zee_event_values_rounded() -> None:
    for name in ("RF-RDSR-Siemens-Zee.dcm", "RF-RDSR-Siemens-Zee_adjusted.dcm"):
        total = shared(name).totals.dose_rp
        assert number(total) == pytest.approx(0.00252)
        assert total.summed is not None
        assert total.summed.number == pytest.approx(0.00249)
        assert total.flagged


@pytest.mark.shared
def test_quirk_canon_empty_values_are_missing() -> None:
    study = shared("DX-RDSR-Canon_CXDI.dcm")
    assert number(study.totals.dose_rp) is None
    assert study.events[0].dose_rp is not None
    assert study.events[0].dose_rp.origin == "missing"
    assert number(study.totals.kap) == pytest.approx(1.07e-5)


@pytest.mark.shared
def test_quirk_long_angiography_report() -> None:
    study = shared("RF-Pat-Orientation-Modifier-Missing.dcm")
    assert study.modality == "RF"
    assert study.header.device.model == "Allura Xper"
    assert "model" in study.header.device.from_observer
    assert number(study.totals.dose_rp) == pytest.approx(7.689, abs=5e-4)
    assert number(study.totals.kap) == pytest.approx(0.046881)
    assert number(study.totals.fluoro_time) == 2827
    assert sum(event.kind == "fluoroscopy" for event in study.events) == 247
    known = [e.mechanics.source_detector for e in study.events if e.mechanics]
    assert sum(distance is not None for distance in known) == 73


@pytest.mark.shared
def test_quirk_azurion_is_fluoroscopy_whatever_the_device_type_says() -> None:
    study = shared("RF-RDSR-Philips_Azurion.dcm")
    assert study.modality == "RF"
    assert number(study.totals.fluoro_kap) == pytest.approx(0.00101567)
    (calibration,) = study.reports[0].accumulated[0].calibrations
    assert calibration.factor is not None
    assert calibration.factor.number is None
    without = [e for e in study.events if not (e.sources and e.sources[0].kvp)]
    assert len(without) == 3


@pytest.mark.shared
def test_quirk_third_party_reports_are_marked() -> None:
    for name in ("CT-RDSR-GEPixelMed.dcm", "CT-RDSR-ToshibaPixelMed.dcm"):
        study = shared(name)
        assert study.reports[0].third_party
        assert all(event.region is None for event in study.events if "GE" in name)


@pytest.mark.shared
def test_quirk_implausible_exposure_time_is_flagged_not_rescaled() -> None:
    study = shared("CT-RDSR-Philips_BigBore4DCT.dcm")
    assert study.events[0].ct is not None
    assert study.events[0].ct.exposure_time is not None
    assert study.events[0].ct.exposure_time.number == 11912
    assert any("longer than" in warning for warning in study.warnings)


@pytest.mark.shared
def test_quirk_tomosynthesis_pulses_and_agd_by_side() -> None:
    study = shared("MG-RDSR-GEPristina-DBT.dcm")
    kvp = study.events[0].sources[0].kvp
    assert kvp is not None
    assert len(kvp.numbers) == 10
    assert (min(kvp.numbers), max(kvp.numbers)) == (34.07, 34.1)
    assert number(study.totals.agd_left) == 0
    assert number(study.totals.agd_right) == pytest.approx(1.09)
    mix = shared("MG-RDSR-Hologic_mix.dcm")
    assert number(mix.totals.agd_left) == pytest.approx(0.87)
    assert number(mix.totals.agd_right) == pytest.approx(2.71)


@pytest.mark.shared
def test_quirk_fluoroscopy_and_acquisition_are_split() -> None:
    zee, allura = (
        shared(name).totals for name in ("RF-RDSR-Siemens-Zee.dcm", "RF-RDSR-Philips_Allura.dcm")
    )
    assert [number(t) for t in (zee.fluoro_kap, zee.fluoro_dose_rp, zee.fluoro_time)] == (
        pytest.approx([16e-6, 0.00252, 28])
    )
    acquired = (zee.acquisition_kap, zee.acquisition_dose_rp, zee.acquisition_time)
    assert [number(t) for t in acquired] == [0, 0, 0]
    assert number(allura.fluoro_kap) == pytest.approx(10.558274e-6)
    assert number(allura.fluoro_dose_rp) == pytest.approx(0.000293081169)
    assert number(allura.fluoro_time) == 13.0
    assert number(allura.acquisition_kap) == pytest.approx(143.010366e-6)
    assert number(allura.acquisition_dose_rp) == pytest.approx(0.003978199182)
    assert number(allura.acquisition_time) == 14.75
    assert number(allura.kap) == pytest.approx(153.56864e-6)
    assert number(allura.dose_rp) == pytest.approx(0.004271280351)


@pytest.mark.shared
def test_twelve_week_accumulation_can_be_made_of_the_records() -> None:
    earlier, later = (
        shared(name) for name in ("RF-RDSR-Siemens-Zee_adjusted.dcm", "RF-RDSR-Siemens-Zee.dcm")
    )
    assert (earlier.header.study_date, later.header.study_date) == ("2016-05-10", "2016-05-12")
    assert earlier.identity.patient_id == later.identity.patient_id
    kap = [number(s.totals.kap) or 0 for s in (earlier, later)]
    dose = [number(s.totals.dose_rp) or 0 for s in (earlier, later)]
    assert sum(kap) == pytest.approx(3.2e-5)
    assert sum(dose) == pytest.approx(0.00504)


@pytest.mark.shared
def test_quirk_decimals_in_integer_fields() -> None:
    study = shared("DX-Im-DRGEM.dcm")
    assert study.modality == "DX"
    (source,) = study.events[0].sources
    assert source.exposure_time is not None
    assert source.exposure_time.number == 161.3
    assert source.exposure is not None
    assert source.exposure.number == pytest.approx(40196)
    assert any("whole number" in warning for warning in study.warnings)


@pytest.mark.shared
def test_quirk_image_filters_in_order_and_makers_index_named() -> None:
    study = shared("DX-Im-Carestream_DR7500-1.dcm")
    (found,) = study.events[0].sources[0].filters
    assert found.thickness_min is not None
    assert found.thickness_max is not None
    assert (found.thickness_min.number, found.thickness_max.number) == (0.94, 1.06)
    assert study.events[0].detector is not None
    assert study.events[0].detector.maker_index_type == "RelativeXRayExposure"
    second = shared("DX-Im-Carestream_DR7500-2.dcm").events[0].sources[0].filters
    assert [f.material.meaning.split()[0] for f in second if f.material] == ["Aluminum", "Copper"]


@pytest.mark.shared
def test_quirk_impossible_birth_date_and_empty_patient_id() -> None:
    study = shared("PX-Im-NewTom_Go.dcm")
    assert study.modality == "PX"
    assert study.identity.patient_id is None
    assert study.header.patient.age is None
    assert any("birth date" in warning for warning in study.warnings)


@pytest.mark.shared
def test_quirk_multi_byte_names() -> None:
    performing = shared("RF-RDSR-Philips_Allura.dcm").staff.performing
    assert performing == "Yamada^Tarou=山田^太郎=やまだ^たろう"
