"""Skin dose maps: made of what is known, refused by name for what is not, never zero."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma.core import InputError, IntegrityError, NotEntitled
from kerma.dicom.dose.skin_input import day_of_study, exposure_events, patient_of
from kerma.physics import skin
from kerma.service.doses import columnar
from kerma.service.doses.edits import study_correct
from kerma.service.doses.models import Alert, AlertRule, SkinDose, Study
from kerma.service.doses.policy import policy
from kerma.service.doses.skin import selectors, services
from kerma.service.doses.skin.packing import ByHand, by_hand_of, packed, unpacked
from kerma.service.doses.skin.services import skin_dose_work_out as work_out
from kerma.service.doses.skin.working import Task, is_due
from kerma.service.doses.storing_record import unpacked as record_of
from kerma.service.records.integrity import verify
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast
from tests.service.doses_world import content, real, simulated
from tests.service.skin_world import (
    GAP,
    LONG,
    LOW,
    MEASURED,
    PLAIN,
    aside,
    commission,
    measured_profile,
    reports,
    room,
    taken,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten members and no box: what is tested here is not the interval."""
    monkeypatch.setitem(policy()["skin"], "runs", 10)
    monkeypatch.setitem(policy()["skin"], "box_mm", [0, 0, 0])


@pytest.fixture
def who() -> Cast:
    return play.cast()


def measured(who: Cast, report: int = PLAIN) -> Study:
    """A study of a commissioned room."""
    commission(who, room(who, reports()[report]))
    return taken(reports()[report])


# A map ------------------------------------------------------------------------------------------


def test_a_measured_room_gives_the_librarys_map(who: Cast) -> None:
    study = measured(who)
    row = work_out(by=who.colleague, study=study)
    record = record_of(study)
    profile = replace(measured_profile(), status="validated", reason="Measured.")
    found = skin.skin_dose(exposure_events(record), profile, patient_of(record))
    assert found.psd is not None
    assert row.peak_mgy == found.psd.value
    assert row.low_mgy is not None
    assert row.low_mgy < row.peak_mgy < (row.high_mgy or 0)
    assert (row.status, row.by) == ("validated", who.colleague)
    assert row.profile == study.system.skin_profiles.get()
    assert verify().sound


def test_what_is_kept_is_the_whole_map(who: Cast) -> None:
    row = SkinDose.objects.get(pk=work_out(by=None, study=measured(who)).pk)
    found = unpacked(row)
    again = SkinDose(record=packed(found, ByHand("HFP", (1.0, 0.0, -2.0), "seen")))
    assert unpacked(again).as_dict() == found.as_dict()
    assert by_hand_of(again) == ByHand("HFP", (1.0, 0.0, -2.0), "seen")
    assert found.cells is not None
    assert np.array_equal(unpacked(again).cells.quads, found.cells.quads)  # type: ignore[union-attr]
    assert len(bytes(row.record)) < 120_000


def test_a_damaged_map_is_not_read(who: Cast) -> None:
    for raw in (b"", b"x", packed(skin.SkinDoseMap(status="refused"), ByHand())[:-9]):
        with pytest.raises(IntegrityError, match="damaged") as refusal:
            unpacked(SkinDose(record=raw))
        assert refusal.value.code == "map-damaged"


def test_the_same_again_is_no_new_row(who: Cast) -> None:
    study = measured(who)
    first = work_out(by=None, study=study)
    assert work_out(by=who.colleague, study=study) == first
    assert SkinDose.objects.count() == 1


def test_what_goes_in_makes_a_new_map(who: Cast) -> None:
    study = measured(who)
    rows = [work_out(by=None, study=study)]
    study_correct(by=who.technologist, study=study, field="mass_kg", value="130", reason="Scales")
    rows.append(work_out(by=None, study=study))
    assert unpacked(rows[1]).provenance.parameters["patient"]["mass_kg"] == 130  # type: ignore[union-attr]
    commission(who, study.system, profile=aside(40.0), valid_from=MEASURED)
    rows.append(work_out(by=None, study=study))
    assert len({r.pk for r in rows}) == len({r.peak_mgy for r in rows}) == 3
    assert rows[2].profile != rows[0].profile
    assert selectors.newest_of(study.pk) == rows[2]


def test_the_profile_of_the_day_is_used(who: Cast) -> None:
    study = measured(who)
    later = commission(who, study.system, profile=aside(40.0), valid_from=factory.today())
    assert (study.date or factory.today()) < factory.today()
    assert work_out(by=None, study=study).profile != later


def test_a_room_nobody_measured_is_indicative_or_refused(who: Cast) -> None:
    raw = reports()[PLAIN]
    room(who, raw)
    row = work_out(by=None, study=taken(raw))
    assert (row.status, row.peak_mgy, row.profile) == ("refused", None, None)
    assert "no room profile" in row.reason


def test_the_built_in_profile_is_indicative(who: Cast) -> None:
    raw = real("RF-RDSR-Siemens-Zee")
    room(who, raw, manufacturer="Siemens", model="AXIOM-Artis")
    row = work_out(by=None, study=taken(raw))
    assert (row.status, row.profile) == ("indicative", None)
    assert row.peak_mgy == pytest.approx(1.5377, abs=1e-4)


def test_the_day_of_a_report_is_read() -> None:
    from kerma.dicom.dose import read_report

    record = read_report(reports()[PLAIN])
    assert day_of_study(record) is not None
    assert day_of_study(record).isoformat() == record.header.study_date  # type: ignore[union-attr]


# Refusals ---------------------------------------------------------------------------------------

REFUSED = {
    "RF-RDSR-Philips_Azurion": "do not tie the table to the beam",
    "RF-RDSR-GE": "no room profile",
    "RF-RDSR-Canon-Ultimaxi-mGyDoseAtRP": "no room profile",
    "Dual-RDSR-RF": "no room profile",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_a_reason_and_never_zero(who: Cast, name: str) -> None:
    raw = real(name)
    room(who, raw)
    study = taken(raw)
    row = work_out(by=None, study=study)
    assert row.status == "refused"
    assert (row.peak_mgy, row.low_mgy, row.high_mgy) == (None, None, None)
    assert REFUSED[name] in row.reason
    browser = factory.client(who.colleague)
    page = browser.get(f"/doses/skin/{row.pk}/").content.decode()
    assert "No dose is stated" in page
    assert "→" not in page  # drawn by the style sheet
    assert 'class="do"' in page
    assert "0 mGy" not in page
    assert browser.get(f"/doses/skin/{row.pk}/map.json").status_code == 404
    columnar.refresh()
    kept = columnar.store().scan("studies").collect()
    assert kept["skin_peak_mgy"].to_list() == [None]


def test_events_left_out_are_named_with_their_reason(who: Cast) -> None:
    row = work_out(by=None, study=measured(who, GAP))
    found = unpacked(row)
    assert row.peak_mgy
    assert not found.complete
    page = factory.client(who.colleague).get(f"/doses/skin/{row.pk}/").content.decode()
    assert "The end angle of the rotation is not stated." in page
    assert "the peak may be higher" in page


def test_beams_beside_the_patient_are_a_refusal(who: Cast) -> None:
    system = room(who, reports()[PLAIN])
    commission(who, system, profile=aside(3000.0))
    row = work_out(by=None, study=taken(reports()[PLAIN]))
    assert (row.status, row.peak_mgy) == ("refused", None)
    assert "beside the patient" in row.reason


def test_a_study_without_a_date_has_no_profile(who: Cast) -> None:
    study = measured(who)
    Study.objects.update(date=None)
    row = work_out(by=None, study=study)
    assert row.status == "refused"
    assert "does not state its date" in row.reason


def test_a_refused_room_refuses_with_its_reason(who: Cast) -> None:
    study = measured(who)
    work_out(by=None, study=study)
    commission(
        who, study.system, status="refused", reason="The table was replaced.", by=who.trainee
    )
    row = work_out(by=None, study=study)
    assert (row.status, row.peak_mgy, row.reason) == ("refused", None, "The table was replaced.")


def test_other_examinations_have_no_map(who: Cast) -> None:
    study = taken(content(next(t for t in simulated()[1] if t.modality == "CT" and not t.quirks)))
    with pytest.raises(InputError, match="fluoroscopy"):
        work_out(by=None, study=study)
    assert (
        "Skin dose</h2>"
        not in factory.client(who.colleague).get(f"/doses/{study.pk}/").content.decode()
    )


# By hand ----------------------------------------------------------------------------------------


def test_what_is_set_by_hand_stands_and_is_said(who: Cast) -> None:
    study = measured(who)
    plain = work_out(by=None, study=study)
    moved = ByHand(None, (60.0, 0.0, 0.0), "The cardiologist's sketch")
    row = work_out(by=who.colleague, study=study, by_hand=moved)
    assert row.peak_mgy != plain.peak_mgy
    assert any("moved by hand by 60 mm" in a for a in unpacked(row).assumptions)
    assert work_out(by=None, study=study) == row
    assert work_out(by=who.colleague, study=study, by_hand=ByHand()).peak_mgy == plain.peak_mgy


def test_a_profile_that_does_not_hold_for_how_the_patient_lies_refuses(who: Cast) -> None:
    prone = ByHand("HFP", reason="Operation note")
    row = work_out(by=who.colleague, study=measured(who), by_hand=prone)
    assert row.status == "refused"
    assert "face down" in row.reason


@pytest.mark.parametrize(("by", "reason", "code"), [("colleague", " ", "no-reason"),
                                                    (None, "x", "nobody")])  # fmt: skip
def test_by_hand_needs_somebody_and_a_reason(
    who: Cast, by: str | None, reason: str, code: str
) -> None:
    person = getattr(who, by) if by else None
    with pytest.raises(InputError) as refusal:
        work_out(by=person, study=measured(who), by_hand=ByHand("HFP", reason=reason))
    assert refusal.value.code == code


@pytest.mark.parametrize("role", ["technologist", "manager", "administrator", "nurse", "assistant"])
def test_asking_for_a_map_is_a_scientists(who: Cast, role: str) -> None:
    with pytest.raises(NotEntitled):
        work_out(by=getattr(who, role), study=measured(who))
    assert not SkinDose.objects.exists()


# What follows -----------------------------------------------------------------------------------


def rule(who: Cast, threshold_gy: float) -> AlertRule:
    from kerma.service.doses.alerts.services import rule_set

    return rule_set(by=who.colleague, name="Skin", kind="skin", quantity_key="skin",
                    threshold=threshold_gy, symbol="Gy", source="Service")  # fmt: skip


def test_an_alert_is_raised_once(who: Cast) -> None:
    rule(who, 1.0)
    study = measured(who, LONG)
    assert not Alert.objects.exists()
    row = work_out(by=None, study=study)
    assert Alert.objects.get().value == pytest.approx((row.peak_mgy or 0) / 1000)
    work_out(by=None, study=study)
    assert Alert.objects.count() == 1


def test_the_columnar_copy_takes_the_peak_over(who: Cast) -> None:
    study = measured(who)
    columnar.refresh()
    row = work_out(by=None, study=study)
    assert columnar.waiting() == 1
    columnar.refresh()
    assert columnar.store().scan("studies").collect()["skin_peak_mgy"].to_list() == [row.peak_mgy]


def test_a_study_written_meanwhile_is_taken_up_again(
    who: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = measured(who)
    solved, done = Task.solved, []

    def slowly(task: Task) -> skin.SkinDoseMap:
        found = solved(task)
        if not done:
            study_correct(by=who.technologist, study=study, field="mass_kg", value="130",
                          reason="Scales")  # fmt: skip
        done.append(found)
        return found

    monkeypatch.setattr(Task, "solved", slowly)
    row = work_out(by=None, study=study)
    assert len(done) == 2
    assert SkinDose.objects.get() == row
    assert unpacked(row).provenance.parameters["patient"]["mass_kg"] == 130  # type: ignore[union-attr]


# Which are due ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({"dose_rp_gy": 0.5}, True),
        ({"dose_rp_gy": 0.499}, False),
        ({"kap_gy_m2": 0.005}, True),
        ({"kap_gy_m2": 0.0049, "dose_rp_gy": None}, False),
        ({}, False),  # not stated is neither high nor low
        ({"dose_rp_gy": 5.0, "not_patient": "qa*"}, False),
        ({"dose_rp_gy": 5.0, "modality": "CT"}, False),
    ],
)
def test_a_map_is_due_from_the_services_threshold(
    who: Cast, fields: dict[str, Any], due: bool
) -> None:
    study = Study.objects.create(**{"study_uid": "1.2", "modality": "RF", "record": b"", **fields})
    assert is_due(study) is due
    assert selectors.waiting(who.colleague) == int(due)


def test_a_run_of_the_night_does_what_is_due_and_repeats_nothing(who: Cast) -> None:
    system = room(who, reports()[PLAIN])
    commission(who, system)
    low, _ = (taken(reports()[report]) for report in (LOW, PLAIN))
    Study.objects.filter(pk=low.pk).update(kap_gy_m2=None)
    assert dict(services.studies_work_out()) == {"validated": 1}
    assert dict(services.studies_work_out()) == {"unchanged": 1}
    steps: list[tuple[int, int]] = []
    counts = services.studies_work_out(every=True, progress=lambda n, of: steps.append((n, of)))
    assert dict(counts) == {"unchanged": 1, "validated": 1}
    assert steps == [(1, 2), (2, 2)]


def test_one_that_fails_does_not_stop_the_others(who: Cast) -> None:
    system = room(who, reports()[PLAIN])
    commission(who, system)
    damaged, other = taken(reports()[LONG]), taken(reports()[PLAIN])
    work_out(by=None, study=damaged)
    SkinDose.objects.filter(study=damaged).update(record=b"x")
    assert dict(services.studies_work_out()) == {"map-damaged": 1, "validated": 1}
    assert selectors.newest_of(other.pk) is not None


def test_recalculate_takes_up_what_rests_on_another_profile(
    who: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = room(who, reports()[PLAIN])
    commission(who, system)
    for report in (LONG, PLAIN):
        work_out(by=None, study=taken(reports()[report]))
    assert dict(services.recalculate(by=who.colleague, system=system)[0]) == {}
    commission(who, system, profile=aside(40.0))
    monkeypatch.setitem(policy()["skin"], "at_once", 1)
    counts, left = services.recalculate(by=who.colleague, system=system)
    assert (dict(counts), left) == ({"validated": 1}, 1)
    counts, left = services.recalculate(by=who.colleague, system=system)
    assert (dict(counts), left) == ({"validated": 1}, 0)
    with pytest.raises(NotEntitled):
        services.recalculate(by=who.technologist, system=system)


def test_a_profile_put_in_force_again_as_it_was_is_taken_up_too(who: Cast) -> None:
    study = measured(who)
    first = work_out(by=None, study=study)
    commission(who, study.system)
    assert selectors.outdated(study.system) == [study]
    services.recalculate(by=who.colleague, system=study.system)
    assert selectors.outdated(study.system) == []
    newest = selectors.newest_of(study.pk)
    assert newest is not None
    assert (newest.peak_mgy, newest.pk == first.pk) == (first.peak_mgy, False)
