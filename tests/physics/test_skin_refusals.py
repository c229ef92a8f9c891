"""What is missing is named, event by event; it is never zero, and never silently assumed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from kerma.core import InputError
from kerma.physics.skin import ExposureEvent, Opening, Patient, cylinder, plane, skin_dose
from kerma.physics.skin.profile import (
    AxisRule,
    KermaCalibration,
    RoomProfile,
    Transmission,
    TransmissionPoint,
    built_in,
    profile_for,
)
from tests.physics.skin_cases import FREE_IN_AIR, ROOM, dose, event, psd, room

FLAT = plane(400.0, 1200.0)

MISSING: list[tuple[dict[str, Any], str, str]] = [
    ({"reference_kerma_mgy": None, "kap_gy_m2": None}, "no-kerma", "neither reference kerma"),
    ({"reference_kerma_mgy": None}, "no-kerma", "no field"),
    ({"reference_kerma_mgy": 0.0}, "no-kerma", "stated as 0"),
    ({"kap_gy_m2": None}, "no-field", "no field"),
    ({"reference_kerma_mgy": -1.0}, "bad-kerma", "negative"),
    ({"primary_deg": None}, "no-angle", "primary angle"),
    ({"secondary_deg": None}, "no-angle", "secondary angle"),
    ({"source_isocentre_mm": None}, "no-distance", "focus to isocentre"),
    ({"kv": None}, "no-kv", "tube voltage"),
    ({"copper_mm": None}, "no-filter", "filtration"),
    ({"aluminium_mm": -0.5}, "no-filter", "negative"),
    ({"orientation": None}, "no-orientation", "how the patient lies"),
    ({"table_longitudinal_mm": None}, "no-table-position", "table longitudinal position"),
    ({"table_lateral_mm": None}, "no-table-position", "table lateral position"),
    ({"table_height_mm": None}, "no-table-position", "table height"),
    ({"table_head_tilt_deg": None}, "no-table-angle", "head tilt"),
    ({"table_rotation_deg": None}, "no-table-angle", "rotation"),
    ({"table_cradle_deg": None}, "no-table-angle", "cradle"),
    ({"table_rotation_deg": 10.0}, "table-turned", "about which point"),
    ({"reference_point": None, "reference_point_code": None}, "no-reference-point", "not stated"),
    (
        {"reference_point": "26.0 cm Chamber Patient Distance", "reference_point_code": None},
        "no-reference-point", "26.0 cm Chamber Patient Distance",
    ),
    (
        {"reference_point_code": "113861", "source_detector_mm": None},
        "no-reference-point", "image receptor",
    ),
    ({"source_reference_mm": 260.0}, "no-reference-point", "stated at 260 mm"),
    ({"kind": "rotational"}, "no-end-angle", "end angle"),
    ({"kind": "rotational", "primary_end_deg": 0.0}, "no-end-angle", "end where it begins"),
    ({"started": "2019-05-06T10:00:00"}, "profile-date", "does not hold on 2019-05-06"),
    ({"reference_point_code": "113862", "primary_deg": 90.0}, "no-reference-point", "not pass"),
    ({"reference_point_code": "113862", "primary_deg": 80.0}, "no-reference-point", "not pass"),
    (
        {"reference_point_code": "113862", "primary_deg": 180.0, "table_height_mm": -1500.0},
        "no-reference-point", "not pass",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "code", "words"), MISSING)
def test_each_thing_missing_refuses_its_event_by_name(
    changed: dict[str, Any], code: str, words: str
) -> None:
    found = dose(event(), event(**changed), phantom=FLAT)
    good, bad = found.events
    assert good.status == "placed"
    assert bad.status == "refused"
    assert code in bad.codes
    assert words.casefold() in bad.reason.casefold()
    assert bad.reason.endswith(".")
    assert not found.complete
    assert "1 of 2 events" in found.warnings[0]
    assert psd(found) == psd(dose(event(), phantom=FLAT))
    assert found.kerma_refused_mgy == pytest.approx(bad.kerma_mgy or 0.0)
    alone = dose(event(**changed), phantom=FLAT)
    assert alone.status == "refused"
    assert alone.psd is None
    assert alone.cells is None
    assert bad.reason in alone.reason


def test_everything_an_event_lacks_is_named_at_once() -> None:
    bare = ExposureEvent(uid="1", kind="fluoroscopy", reference_kerma_mgy=1.0)
    (outcome,) = dose(bare).events
    assert set(outcome.codes) == {
        "no-angle", "no-distance", "no-kv", "no-orientation", "no-table-position",
        "no-table-angle", "no-filter", "no-reference-point",
    }  # fmt: skip
    for words in ("primary", "secondary", "table height", "how the patient lies"):
        assert words in outcome.reason


def test_an_event_without_radiation_is_neither_refused_nor_missed() -> None:
    nothing = ExposureEvent(uid="2", reference_kerma_mgy=0.0, kap_gy_m2=0.0)
    found = dose(event(), nothing, ExposureEvent(kap_gy_m2=0.0), phantom=FLAT)
    assert [e.status for e in found.events] == ["placed", "no radiation", "no radiation"]
    assert found.complete
    alone = dose(nothing)
    assert alone.status == "refused"
    assert alone.reason == "No event gave radiation."


def test_without_a_room_profile_every_event_says_so() -> None:
    found = skin_dose([event()], None)
    assert found.status == "refused"
    assert found.events[0].codes == ("no-profile",)
    assert "no room profile" in found.reason


def test_a_refused_profile_gives_its_reason() -> None:
    azurion = next(p for p in built_in() if p.name == "philips-azurion")
    found = skin_dose([event()], azurion)
    assert found.reason == azurion.reason
    assert found.events[0].codes == ("profile-refused",)


def test_a_patient_said_to_lie_in_different_ways_is_refused_until_set_by_hand() -> None:
    both = [event(), event(orientation="HFP")]
    found = dose(*both, phantom=FLAT)
    assert {e.codes for e in found.events} == {("mixed-orientation",)}
    by_hand = dose(*both, phantom=FLAT, patient=Patient(orientation="HFS"))
    assert by_hand.complete


def test_an_orientation_the_profile_does_not_cover_is_refused() -> None:
    found = dose(event(orientation="FFS"), profile=room(orientations=("HFS",)), phantom=FLAT)
    assert found.events[0].codes == ("no-orientation",)
    assert "feet first" in found.events[0].reason


def test_absent_table_angles_are_zero_only_where_the_room_says_so_and_then_said() -> None:
    absent = event(table_head_tilt_deg=None, table_rotation_deg=None, table_cradle_deg=None)
    found = dose(absent, profile=room(absent_table_angles="zero"), phantom=FLAT)
    assert found.complete
    assert any("table angle is not stated" in a for a in found.assumptions)


def test_an_absent_filter_is_none_only_where_the_room_says_so_and_then_said() -> None:
    found = dose(
        event(copper_mm=None, aluminium_mm=None), profile=room(absent_filter="none"), phantom=FLAT
    )
    assert found.complete
    assert any("filtration is not stated" in a for a in found.assumptions)


def test_a_beam_that_misses_the_patient_is_pointed_out() -> None:
    found = dose(event(table_lateral_mm=-900.0), phantom=FLAT)
    assert psd(found) == 0.0
    assert "no beam enters the patient" in found.warnings[0]
    assert found.where is None


def test_a_peak_at_the_end_of_the_patient_is_pointed_out() -> None:
    found = dose(event(table_lateral_mm=0.0), phantom=FLAT)
    assert any("end of the patient" in w for w in found.warnings)
    assert not dose(event(), phantom=FLAT).warnings


def test_what_lies_beyond_the_tables_is_pointed_out() -> None:
    found = dose(event(kv=45.0), phantom=FLAT, settings=type(FREE_IN_AIR)())
    assert any("tube voltage beyond the backscatter table" in w for w in found.warnings)
    small = dose(event(kap_gy_m2=10.0 * 900 / 1e9), phantom=FLAT, settings=type(FREE_IN_AIR)())
    assert any("smaller than 50 mm" in w for w in small.warnings)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: event(kv=float("nan")), "not-finite"),
        (lambda: event(orientation="HFDR"), "bad-orientation"),
        (lambda: Patient(height_mm=1.75), "bad-patient"),
        (lambda: Patient(mass_kg=7000.0), "bad-patient"),
        (lambda: Patient(orientation="upside down"), "bad-orientation"),
        (lambda: Opening(transverse_mm=(5, -5), along_mm=(-1, 1), distance_mm=1000), "bad-opening"),
        (lambda: plane(0.0, 100.0), "bad-phantom"),
        (lambda: cylinder(200.0, float("nan"), 100.0), "bad-phantom"),
        (lambda: cylinder(2000.0, 2000.0, 5000.0, grid_mm=1.0), "bad-phantom"),
        (lambda: type(FREE_IN_AIR)(fine_mm=0.0), "bad-settings"),
        (lambda: type(FREE_IN_AIR)(offset_mm=(0.0, float("inf"), 0.0)), "bad-settings"),
        (lambda: room(across=None), "bad-profile"),
        (lambda: room(status="refused"), "bad-profile"),
        (lambda: room(pivot="table point"), "bad-profile"),
        (lambda: room(inherent_al_mm=0.0), "bad-profile"),
        (lambda: room(calibrations=(KermaCalibration(0.0, 0.1, date(2024, 1, 1)),)), "bad-profile"),
        (lambda: room(transmission=Transmission((TransmissionPoint(80, 0, 1.2),))), "bad-profile"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_made(make: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert caught.value.code == code
    assert caught.value.message.endswith(".")


def test_built_in_profiles_are_indicative_or_refused_and_say_where_they_come_from() -> None:
    for profile in built_in():
        assert profile.status in ("indicative", "refused")
        assert profile.reason.endswith(".")
        assert any("seen" in s for s in profile.sources)
        assert RoomProfile.from_dict(profile.as_dict()) == profile


def test_the_services_own_profile_comes_before_the_built_in_one() -> None:
    own = room(manufacturer="Siemens", models=("AXIOM-Artis",), valid_from=date(2024, 1, 1))
    for_one = room(
        name="one", manufacturer="Siemens", models=("AXIOM-Artis",), serials=("7",),
        valid_from=date(2023, 1, 1),
    )  # fmt: skip
    find = profile_for
    assert find("SIEMENS", "axiom-artis") is find("Siemens Healthineers", "AXIOM-Artis")
    assert find("Siemens", "AXIOM-Artis").name == "siemens-axiom-artis"
    assert find("Siemens", "AXIOM-Artis", "8", None, [own, for_one]) is own
    assert find("Siemens", "AXIOM-Artis", "7", None, [own, for_one]) is for_one
    before = find("Siemens", "AXIOM-Artis", "8", date(2023, 6, 1), [own])
    assert before is not None
    assert before.name == "siemens-axiom-artis"
    assert find("Canon", "AXIOM-Artis") is None
    assert find(None, "AXIOM-Artis") is not None
    assert find("Siemens", None) is None


def test_a_calibration_counts_from_its_day_and_for_its_plane() -> None:
    profile = room(
        calibrations=(
            KermaCalibration(0.9, 0.03, date(2022, 1, 1)),
            KermaCalibration(1.1, 0.03, date(2024, 1, 1)),
            KermaCalibration(1.3, 0.03, date(2024, 1, 1), plane="B"),
        )
    )
    plain = psd(dose(event(), phantom=FLAT))
    for changed, factor in (
        ({"started": "2023-01-01T00:00:00"}, 0.9),
        ({}, 1.1),
        ({"plane": "B"}, 1.3),
        ({"plane": "B", "started": "2023-01-01T00:00:00"}, 0.9),
        ({"started": "2021-01-01T00:00:00"}, 1.0),
        ({"started": None}, 1.1),
    ):
        found = dose(event(**changed), profile=profile, phantom=FLAT)
        assert psd(found) == pytest.approx(factor * plain, rel=1e-12)
        told = any("no calibration" in a for a in found.assumptions)
        assert told == (factor == 1.0)


def test_the_zero_of_an_axis_must_be_known() -> None:
    profile = room(along=AxisRule("table_lateral", 1, zero="beam_along"))
    found = dose(event(), profile=profile, phantom=FLAT)
    assert "C-arm's position along the table is not stated" in found.events[0].reason
    assert ROOM.as_dict() != profile.as_dict()
    assert ROOM.sha256 != profile.sha256
