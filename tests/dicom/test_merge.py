"""Cumulative, continued, repeated and late objects: the same study in whatever order they come."""

from __future__ import annotations

from functools import reduce
from itertools import permutations
from typing import Any

import pytest

from kerma.core import InputError
from kerma.dicom.dose import StudyRecord, merge, read_report
from tests.dicom import build
from tests.shared import shared_path

FOLDER = "dicom/dose-reports"


def fluoro(sop: str, numbers: list[int], kap: str, **header: Any) -> StudyRecord:
    """A report whose events give 1e-06 Gy·m² each."""
    events = [build.fluoro(number) for number in numbers]
    dataset = build.report([build.total(kap, None), *events], SOPInstanceUID=sop, **header)
    return read_report(build.encode(dataset))


CUMULATIVE = [
    fluoro("1.1", [1], "1e-06", ContentTime="100000"),
    fluoro("1.2", [1, 2], "2e-06", ContentTime="101000"),
    fluoro("1.3", [1, 2, 3], "3e-06", ContentTime="102000"),
]
CONTINUED = [
    fluoro("2.1", [1, 2], "2e-06", ContentTime="100000"),
    fluoro("2.2", [3, 4], "2e-06", ContentTime="110000"),
    fluoro("2.3", [5], "1e-06", ContentTime="120000"),
]
OVERLAPPING = [
    fluoro("3.1", [1, 2], "2e-06", ContentTime="100000"),
    fluoro("3.2", [2, 3], "2e-06", ContentTime="110000"),
]


def together(records: list[StudyRecord]) -> StudyRecord:
    return reduce(merge, records)


@pytest.mark.parametrize("records", [CUMULATIVE, CONTINUED, OVERLAPPING])
def test_any_order_gives_the_same_study(records: list[StudyRecord]) -> None:
    wanted = together(records)
    for order in permutations(records):
        assert together(list(order)) == wanted
        assert together([*order, *reversed(order)]) == wanted


def test_grouping_does_not_matter_either() -> None:
    a, b, c = CUMULATIVE
    assert merge(a, merge(b, c)) == merge(merge(a, b), c)


def test_a_repeated_report_changes_nothing() -> None:
    record = CONTINUED[0]
    twice = merge(record, record)
    assert twice.events == record.events
    assert twice.totals == record.totals
    assert twice.reports == record.reports


def test_cumulative_reports_count_each_event_once() -> None:
    study = together(CUMULATIVE)
    assert len(study.events) == 3
    assert len(study.reports) == 3
    assert study.totals.kap.stated is not None
    assert study.totals.kap.stated.number == pytest.approx(3e-6)


def test_continued_reports_are_summed() -> None:
    study = together(CONTINUED)
    assert len(study.events) == 5
    assert study.totals.kap.value is not None
    assert study.totals.kap.value.number == pytest.approx(5e-6)
    assert study.totals.kap.stated is not None


def test_overlapping_reports_are_summed_by_event() -> None:
    total = together(OVERLAPPING).totals.kap
    assert total.stated is None
    assert total.value is not None
    assert total.value.origin == "summed"
    assert total.value.number == pytest.approx(3e-6)
    assert "share" in total.note


def test_the_later_version_of_an_event_is_used() -> None:
    early = fluoro("1.1", [1], "1e-06", ContentTime="100000")
    changed = build.report(
        [build.fluoro(1, kap="5e-06")], SOPInstanceUID="1.9", ContentTime="120000"
    )
    late = read_report(build.encode(changed))
    for study in (merge(early, late), merge(late, early)):
        assert study.events[0].kap is not None
        assert study.events[0].kap.number == pytest.approx(5e-6)


def test_different_studies_are_not_merged() -> None:
    other = fluoro("9.9", [1], "1e-06", StudyInstanceUID="1.2.3")
    with pytest.raises(InputError, match="different studies"):
        merge(CUMULATIVE[0], other)


def test_disagreement_on_the_patient_is_told() -> None:
    other = fluoro("9.9", [7], "1e-06", PatientID="SOMEBODY-ELSE")
    for study in (merge(CUMULATIVE[0], other), merge(other, CUMULATIVE[0])):
        assert any("patient id" in warning for warning in study.warnings)


def test_an_empty_patient_id_does_not_hide_a_stated_one() -> None:
    other = fluoro("9.9", [7], "1e-06", PatientID="")
    study = merge(CUMULATIVE[0], other)
    assert study.identity.patient_id == "XR-000042"
    assert not any("disagree" in warning for warning in study.warnings)


def image_header(sop: str) -> StudyRecord:
    import numpy as np

    dataset = build.image(
        np.zeros((2, 2), dtype=np.uint16), Modality="DX", SOPInstanceUID=sop,
        StudyInstanceUID="1.2.826.0.1.3680043.8.498.1",
    )  # fmt: skip
    dataset.ImageAndFluoroscopyAreaDoseProduct = "0.01"
    dataset.KVP = 80
    return read_report(build.encode(dataset))


def test_an_image_the_report_names_is_counted_once_and_the_report_wins() -> None:
    dataset = build.report([build.fluoro(1, items=[build.image_ref("1.7.7")])])
    reported = read_report(build.encode(dataset))
    named, other = image_header("1.7.7"), image_header("1.8.8")
    records = [reported, named, other]
    for order in permutations(records):
        study = together(list(order))
        assert len(study.events) == 2
        assert {event.report_uid for event in study.events} == {
            reported.reports[0].sop_instance_uid,
            "1.8.8",
        }


def shared(*names: str) -> list[StudyRecord]:
    return [read_report(shared_path(f"{FOLDER}/{name}")) for name in names]


@pytest.mark.shared
def test_shared_continued_ct() -> None:
    one, two = shared("CT-RDSR-Siemens-Continued-1.dcm", "CT-RDSR-Siemens-Continued-2.dcm")
    assert len(one.events) == len(two.events) == 2
    for order in ((one, two, two), (two, one, one), (two, two, one)):
        study = together(list(order))
        assert len(study.reports) == 2
        assert len(study.events) == 4
        assert study.totals.dlp.value is not None
        assert study.totals.dlp.value.number == pytest.approx(116.61)


@pytest.mark.shared
def test_shared_cumulative_ct() -> None:
    one, three = shared("CT-RDSR-Siemens-Multi-1.dcm", "CT-RDSR-Siemens-Multi-3.dcm")
    for study in (merge(one, three), merge(three, one), together([three, one, three])):
        assert len(study.events) == 3
        assert study.totals.dlp.value is not None
        assert study.totals.dlp.value.number == pytest.approx(236.09)


@pytest.mark.shared
def test_shared_duplicate_dx() -> None:
    (record,) = shared("DX-RDSR-Canon_CXDI.dcm")
    study = merge(record, record)
    assert (len(study.reports), len(study.events)) == (1, 1)


@pytest.mark.shared
def test_shared_mammography_pairs_count_once() -> None:
    records = shared(
        "MG-Im-GE_Seno_1_ForProcessing.dcm",
        "MG-Im-GE_Seno_1_ForPresentation.dcm",
        "MG-Im-GE_Seno_2_ForPresentation.dcm",
    )
    processing, presentation, second = records
    for one, other in ((processing, presentation), (presentation, processing)):
        assert left(one) == pytest.approx(0.547)
        pair = merge(one, other)
        assert len(pair.events) == 1
        assert left(pair) == pytest.approx(0.547)
        study = merge(pair, second)
        assert len(study.events) == 2
        assert left(study) == pytest.approx(1.956)
    assert len({repr(together(list(order))) for order in permutations(records)}) == 1


def left(study: StudyRecord) -> float | None:
    total = study.totals.agd_left.value
    return total.number if total else None


@pytest.mark.shared
def test_shared_radiographs_build_one_study() -> None:
    records = shared(*(f"DX-Im-GE_XR220-{number}.dcm" for number in (1, 2, 3)))
    for order in permutations(records):
        study = together(list(order))
        assert len(study.events) == 3
        assert study.totals.kap.value is not None
        assert study.totals.kap.value.number == pytest.approx(3.28e-5)


@pytest.mark.shared
def test_shared_reports_merge_to_the_same_study_from_either_reader() -> None:
    path = shared_path(f"{FOLDER}/RF-RDSR-GE.dcm")
    assert read_report(path) == read_report(path, engine="pydicom")
