"""What comes in through the door: merged by event, stored once, in whatever order it arrives."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from kerma.dicom.dose import read_report
from kerma.dicom.dose.records import Identity
from kerma.service.doses import policy
from kerma.service.doses.ingest import ingest_bytes
from kerma.service.doses.models import DoseEvent, DoseObject, Quarantined, Study
from kerma.service.doses.storing_record import unpacked
from tests.service.doses_world import content, edited, real, rows, simulated, truths

pytestmark = pytest.mark.django_db


def take(*raws: bytes) -> list[str]:
    return [ingest_bytes(raw, name=f"{n}.dcm").outcome for n, raw in enumerate(raws)]


# Scenarios of the shared list ---------------------------------------------------------------------


@pytest.mark.shared
def test_continued_reports_are_one_study_with_both() -> None:
    first, second = (real(f"CT-RDSR-Siemens-Continued-{n}") for n in (1, 2))
    assert take(first) == ["stored"]
    assert DoseEvent.objects.count() == 2
    assert take(second, second) == ["stored", "unchanged"]
    study = Study.objects.get()
    assert study.event_count == study.events.count() == 4
    assert study.dlp_mgy_cm == pytest.approx(116.61)
    assert {o.sop_uid for o in study.objects_read.all()} == {
        read_report(raw).reports[0].sop_instance_uid for raw in (first, second)
    }


@pytest.mark.shared
def test_a_duplicate_changes_nothing() -> None:
    raw = real("DX-RDSR-Canon_CXDI")
    assert take(raw, raw) == ["stored", "unchanged"]
    assert Study.objects.count() == DoseObject.objects.count() == 1


@pytest.mark.shared
def test_processed_and_raw_image_of_one_exposure_count_once() -> None:
    names = ("1_ForProcessing", "1_ForPresentation", "2_ForPresentation")
    seen = []
    for name in names:
        take(real(f"MG-Im-GE_Seno_{name}"))
        study = Study.objects.get()
        seen.append((study.events.count(), study.agd_left_mgy))
    assert [n for n, _ in seen] == [1, 1, 2]
    assert [agd for _, agd in seen] == pytest.approx([0.547, 0.547, 1.956], rel=1e-6)
    assert study.agd_right_mgy is None


@pytest.mark.shared
def test_images_of_one_study_add_up() -> None:
    take(*(real(f"DX-Im-GE_XR220-{n}") for n in (1, 2, 3)))
    study = Study.objects.get()
    assert (study.event_count, study.objects_read.count()) == (3, 3)
    assert study.kap_gy_m2 == pytest.approx(3.28e-5)


@pytest.mark.shared
def test_a_report_without_dose_is_refused() -> None:
    assert take(real("ESR_non-dose")) == ["refused"]
    assert Study.objects.count() == 0
    row = Quarantined.objects.get()
    assert (row.status, row.attempts) == ("refused", 1)
    assert "not a dose report" in row.reason


@pytest.mark.shared
def test_two_days_of_one_patient_stay_two_studies_under_one_key() -> None:
    take(real("RF-RDSR-Siemens-Zee_adjusted"), real("RF-RDSR-Siemens-Zee"))
    early, late = Study.objects.order_by("date")
    assert early.patient_key
    assert early.patient_key == late.patient_key
    assert early.kap_gy_m2 == late.kap_gy_m2 == pytest.approx(1.6e-5)
    assert early.dose_rp_gy + late.dose_rp_gy == pytest.approx(0.00504)
    assert (late.date - early.date).days == 2


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "fluoroscopy", "acquisition"),
    [
        ("RF-RDSR-Siemens-Zee", (16.0, 0.00252, 28.0), (0, 0, 0)),
        (
            "RF-RDSR-Philips_Allura",
            (10.558274, 0.000293081169, 13.0),
            (143.010366, 0.003978199182, 14.75),
        ),
    ],
)
def test_fluoroscopy_and_acquisition_are_told_apart(
    name: str, fluoroscopy: tuple[float, ...], acquisition: tuple[float, ...]
) -> None:
    """KAP in cGy cm², dose at the reference point in Gy, time in s."""
    take(real(name))
    totals = unpacked(Study.objects.get()).totals
    for kind, wanted in (("fluoro", fluoroscopy), ("acquisition", acquisition)):
        kap, dose, time = (getattr(totals, f"{kind}_{q}").value for q in ("kap", "dose_rp", "time"))
        assert kap.number * 1e6 == pytest.approx(wanted[0], rel=1e-6)
        assert dose.number == pytest.approx(wanted[1], rel=1e-6, abs=1e-15)
        assert time.number == pytest.approx(wanted[2])


# The same of the simulated reports ----------------------------------------------------------------


def test_a_continuation_adds_its_events_and_its_totals() -> None:
    first, second = truths("continued")[:2]
    take(content(first), content(second))
    study = Study.objects.get()
    wanted = [e.uid for t in (first, second) for e in t.study.events]
    assert list(study.events.values_list("uid", flat=True)) == wanted
    total = sum(t.totals["kap_total_gy_m2"] for t in (first, second))
    assert study.kap_gy_m2 == pytest.approx(total)


def test_a_cumulative_report_replaces_what_it_repeats() -> None:
    first, second = truths("cumulative")[:2]
    take(content(first), content(second))
    study = Study.objects.get()
    assert study.event_count == len(second.study.events) == study.events.count()
    assert study.kap_gy_m2 == pytest.approx(second.totals["kap_total_gy_m2"])


def test_everything_simulated_is_stored_as_it_was_written() -> None:
    files = [t for t in simulated()[1] if t.readable][:30]
    assert take(*map(content, files)) == ["stored"] * 30
    for truth in files:
        study = Study.objects.get(study_uid=truth.study.uid)
        assert study.date == truth.study.started.date()
        assert study.serial == truth.device_serial
        if "dlp_mgy_cm" in truth.totals:
            assert study.dlp_mgy_cm == pytest.approx(truth.totals["dlp_mgy_cm"])
        for event, wrote in zip(study.events.all(), truth.study.events, strict=True):
            for column in ("kap_gy_m2", "ctdivol_mgy", "agd_mgy", "dose_rp_gy"):
                name = "kerma_rp_gy" if column == "dose_rp_gy" else column
                wanted = wrote.values.get(name)
                found = getattr(event, column)
                assert found is None if wanted is None else found == pytest.approx(wanted)


# Order, repetition, gaps --------------------------------------------------------------------------

SETS = {
    "continued": ["CT-RDSR-Siemens-Continued-1", "CT-RDSR-Siemens-Continued-2"],
    "multi": ["CT-RDSR-Siemens-Multi-1", "CT-RDSR-Siemens-Multi-3"],
    "mammography": [
        f"MG-Im-GE_Seno_{n}" for n in ("1_ForProcessing", "1_ForPresentation", "2_ForPresentation")
    ],
    "XR220": [f"DX-Im-GE_XR220-{n}" for n in (1, 2, 3)],
    "DR7500": ["DX-Im-Carestream_DR7500-1", "DX-Im-Carestream_DR7500-2"],
    "PET-CT": ["NM-CT-RDSR-Siemens", "NM-RRDSR-Siemens", "NM-RRDSR-Siemens-Extended"],
}


def same_in_any_order(raws: list[bytes]) -> None:
    seen = []
    for order in permutations(raws):
        Study.objects.all().delete()
        take(*order)
        seen.append(rows())
    assert all(found == seen[0] for found in seen[1:])


@pytest.mark.shared
@pytest.mark.parametrize("name", SETS)
def test_any_order_of_arrival_gives_the_same_rows(name: str) -> None:
    same_in_any_order([real(file) for file in SETS[name]])


@pytest.mark.parametrize("quirk", ["cumulative", "continued"])
def test_any_order_of_simulated_parts_gives_the_same_rows(quirk: str) -> None:
    same_in_any_order([content(t) for t in truths(quirk)[:2]])


def test_objects_that_disagree_on_the_patient_say_so_in_any_order() -> None:
    first, second = (content(t) for t in truths("continued")[:2])
    other = edited(second, PatientID="OTHER-77")
    same_in_any_order([first, other])
    study = Study.objects.get()
    assert any("disagree on the identifier of the patient" in w for w in unpacked(study).warnings)


def test_importing_everything_twice_changes_no_row() -> None:
    raws = [content(t) for t in simulated()[1]]
    once = take(*raws)
    before = rows(ids=True)
    again = take(*raws)
    after = rows(ids=True)
    assert set(once) == {"stored", "quarantined"}
    assert again == ["unchanged" if o == "stored" else o for o in once]
    assert before == after


def test_empty_values_are_null_and_never_zero() -> None:
    truth = truths("empty_values")[0]
    take(content(truth))
    event = DoseEvent.objects.order_by("-order").first()
    assert event is not None
    doses = {n: getattr(event, n) for n in ("kap_gy_m2", "dose_rp_gy", "ctdivol_mgy", "agd_mgy")}
    assert set(doses.values()) == {None}


@pytest.mark.shared
def test_a_dose_sent_without_a_value_is_null() -> None:
    take(real("DX-RDSR-Canon_CXDI"))
    study = Study.objects.get()
    assert study.dose_rp_gy is None
    assert study.events.get().dose_rp_gy is None
    missing = unpacked(study).events[0].dose_rp
    assert missing is not None
    assert (missing.numbers, missing.origin) == ((), "missing")


# Not a patient ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patient", "name", "wanted"),
    [
        ("278247623467", "Smith^Dolliquay", ""),
        ("QA12345", "Smith^Dolliquay", "id qa*"),
        ("12345", "Physics^LBDAlignment", "name physics*"),
        ("PHY12345", "Physics^LBDAlignmentTest", "id phy*; name *test*; name physics*"),
        ("", "", ""),
    ],
)
def test_test_objects_are_marked_by_pattern(patient: str, name: str, wanted: str) -> None:
    raw = edited(content(simulated()[1][0]), PatientID=patient, PatientName=name)
    take(raw)
    assert Study.objects.get().not_patient == wanted


def test_patterns_are_the_services_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert policy.not_patient(Identity(patient_id="QA1", name="A^B")) == ["id qa*"]
    monkeypatch.setattr(policy, "policy", lambda: {"not_patient": {"id": ["zz?"], "name": []}})
    assert policy.not_patient(Identity(patient_id="QA1", name="A^B")) == []
    assert policy.not_patient(replace(Identity(), patient_id="ZZ9")) == ["id zz?"]
