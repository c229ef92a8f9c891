"""Where a beam falls: angles, table, orientation, reference point and field, by closed forms."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from kerma.physics.skin import Opening, Patient, SkinDoseMap, cylinder, plane
from kerma.physics.skin.geometry import beam_axes, table_rotation, to_table
from kerma.physics.skin.profile import AxisRule, KermaCalibration
from tests.physics.skin_cases import SKIN_AT_MM, dose, event, psd, room

FLAT = plane(400.0, 1200.0, grid_mm=5.0)
ROUND = cylinder(150.0, 150.0, 1200.0)


def footprint(found: SkinDoseMap) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper limits of the cells hit, in the patient's coordinates."""
    assert found.cells is not None
    hit = found.cells.points_mm[found.cells.hits > 0]
    assert len(hit)
    return hit.min(axis=0), hit.max(axis=0)


def middle(found: SkinDoseMap) -> np.ndarray:
    low, high = footprint(found)
    return (low + high) / 2


def side(found: SkinDoseMap) -> str:
    assert found.where is not None
    return found.where.side


def test_the_plain_case_is_the_inverse_square_law_in_every_cell() -> None:
    found = dose(event(), phantom=FLAT)
    assert found.cells is not None
    points = found.cells.points_mm
    # The beam's axis meets the back 600 mm from the head end; half the field is 50 mm at 600 mm.
    off = points - [0.0, 0.0, -600.0]
    half = 50.0 * SKIN_AT_MM / 600.0
    expected = np.where(
        np.abs(off[:, [0, 2]]).max(axis=1) <= half,
        10.0 * 600.0**2 / (SKIN_AT_MM**2 + (off[:, [0, 2]] ** 2).sum(axis=1)),
        0.0,
    )
    np.testing.assert_allclose(found.cells.dose_mgy, expected, rtol=1e-9, atol=0)
    assert psd(found) == pytest.approx(10 * (600 / SKIN_AT_MM) ** 2, rel=1e-4)
    assert found.psd is not None
    assert str(found.psd.unit) == "mGy"
    assert found.complete
    assert found.status == "validated"


@pytest.mark.parametrize(
    ("primary", "expected"),
    [(0, "back"), (90, "right side"), (-90, "left side"), (180, "front"),
     (45, "right side of the back"), (-45, "left side of the back")],
)  # fmt: skip
def test_the_tube_is_opposite_the_detector(primary: float, expected: str) -> None:
    """LAO is positive: the detector at the patient's left, so the beam enters at the right."""
    assert side(dose(event(primary_deg=float(primary)), phantom=ROUND)) == expected


@pytest.mark.parametrize("secondary", [-30.0, 20.0])
def test_a_cranial_detector_has_the_tube_towards_the_feet(secondary: float) -> None:
    found = dose(event(secondary_deg=secondary), phantom=FLAT)
    # The back is 100 mm below the isocentre along the vertical.
    expected = -600.0 - 100.0 * np.tan(np.radians(secondary))
    axis = np.array([0.0, np.cos(np.radians(secondary)), np.sin(np.radians(-secondary))])
    assert found.cells is not None
    d = found.cells.points_mm - [0.0, -100.0, -600.0] - 750.0 * axis
    along = -(d @ axis)
    across = np.abs(d[:, 0]) / along
    up = np.array([0.0, np.sin(np.radians(secondary)), np.cos(np.radians(secondary))])
    tangent = np.abs(d @ up) / along
    edge = 50.0 / 600.0
    np.testing.assert_array_equal(found.cells.hits > 0, (across <= edge) & (tangent <= edge))
    assert abs(middle(found)[2] - expected) < 12  # the footprint is wider on the far side


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"table_longitudinal_mm": 50.0}, (-50.0, -600.0)),
        ({"table_lateral_mm": 700.0}, (0.0, -700.0)),
    ],
)
def test_a_table_that_moves_takes_the_patient_along(
    changed: dict[str, float], expected: tuple[float, float]
) -> None:
    """Towards LAO by *longitudinal*, towards the head by *lateral*, as the standard has it."""
    at = middle(dose(event(**changed), phantom=FLAT))
    assert (at[0], at[2]) == pytest.approx(expected, abs=1.5)


def test_a_lower_table_is_nearer_to_the_tube() -> None:
    found = dose(event(table_height_mm=190.0), phantom=FLAT)
    assert psd(found) == pytest.approx(10.0, rel=1e-4)  # the skin is at the reference point


def test_a_room_that_names_its_axes_the_other_way_round() -> None:
    """The trap: the same movement, named by the other words, needs the profile to say so."""
    swapped = room(across=AxisRule("table_lateral", 1), along=AxisRule("table_longitudinal", 1))
    moved = event(table_longitudinal_mm=600.0, table_lateral_mm=50.0)
    straight = dose(event(table_longitudinal_mm=50.0), phantom=FLAT)
    assert psd(dose(moved, profile=swapped, phantom=FLAT)) == pytest.approx(psd(straight))
    np.testing.assert_allclose(middle(dose(moved, profile=swapped, phantom=FLAT)), middle(straight))


def test_signs_zeros_and_zero_items_of_a_room() -> None:
    """Position = offset + sign × (item − zero)."""
    profile = room(
        down=AxisRule("table_height", -1, -10.0, zero="isocentre_height", zero_default_mm=1065.0),
        along=AxisRule("table_lateral", 1, -11.5, zero="beam_along"),
        across=AxisRule("table_longitudinal", -1, 7.0),
    )
    reported = event(
        table_height_mm=1134.0 - 10.0 - 140.0, isocentre_height_mm=1134.0,
        table_lateral_mm=611.5 + 1519.0, beam_along_mm=1519.0, table_longitudinal_mm=-43.0,
    )  # fmt: skip
    found = dose(reported, profile=profile, phantom=FLAT)
    same = dose(event(table_longitudinal_mm=50.0), phantom=FLAT)
    assert psd(found) == pytest.approx(psd(same), rel=1e-12)
    np.testing.assert_allclose(middle(found), middle(same), atol=1e-9)
    by_default = dose(
        replace(reported, isocentre_height_mm=None, table_height_mm=1065.0 - 150.0),
        profile=profile, phantom=FLAT,
    )  # fmt: skip
    assert psd(by_default) == pytest.approx(psd(same), rel=1e-12)
    assert any("1065 mm was used" in a for a in by_default.assumptions)


@pytest.mark.parametrize("signs", [(1, 1), (-1, 1), (1, -1)])
def test_signs_of_angles_are_the_rooms(signs: tuple[Any, Any]) -> None:
    profile = room(primary_sign=signs[0], secondary_sign=signs[1], primary_zero_deg=5.0)
    reported = event(primary_deg=signs[0] * 35.0, secondary_deg=signs[1] * 10.0)
    plain = dose(event(primary_deg=30.0, secondary_deg=10.0), phantom=ROUND)
    found = dose(reported, profile=profile, phantom=ROUND)
    assert psd(found) == pytest.approx(psd(plain), rel=1e-9)
    assert found.where == plain.where


ROOM_SIDES = {
    "HFS": ("back", "right side"), "FFS": ("back", "left side"),
    "HFP": ("front", "left side"), "FFP": ("front", "right side"),
}  # fmt: skip


@pytest.mark.parametrize("lying", list(ROOM_SIDES))
def test_how_the_patient_lies_decides_which_skin_is_hit(lying: Any) -> None:
    from_below, from_left = ROOM_SIDES[lying]
    assert side(dose(event(orientation=lying), phantom=ROUND)) == from_below
    assert side(dose(event(orientation=lying, primary_deg=90.0), phantom=ROUND)) == from_left
    where = dose(event(orientation=lying), phantom=ROUND).where
    assert where is not None
    # 600 mm from the head end of the table: from the crown head first, from the soles feet first.
    expected = -600.0 if lying.startswith("HF") else -1200.0 + 600.0
    assert where.cranial_mm == pytest.approx(expected, abs=60)


@pytest.mark.parametrize("lying", list(ROOM_SIDES))
def test_angles_about_the_patient_follow_the_patient(lying: Any) -> None:
    profile = room(angles="patient")
    for primary, expected in ((0.0, "back"), (90.0, "right side"), (-90.0, "left side")):
        found = dose(event(orientation=lying, primary_deg=primary), profile=profile, phantom=ROUND)
        assert side(found) == expected


def test_a_patient_off_the_middle_lies_mirrored_feet_first() -> None:
    moved = event(table_longitudinal_mm=60.0)
    assert middle(dose(moved, phantom=FLAT))[0] == pytest.approx(-60, abs=1.5)
    feet_first = dose(replace(moved, orientation="FFS"), phantom=FLAT)
    assert middle(feet_first)[0] == pytest.approx(60, abs=1.5)


def test_how_the_patient_lies_can_be_set_by_hand() -> None:
    found = dose(event(orientation=None), phantom=ROUND, patient=Patient(orientation="HFP"))
    assert side(found) == "front"
    assert any("set by hand" in a for a in found.assumptions)


def test_axes_are_at_right_angles_and_turn_the_right_way() -> None:
    angles = np.array([[p, s, c] for p in (-70, 0, 130) for s in (-40, 0, 30) for c in (0, 25)])
    axes = np.stack(beam_axes(*angles.T), axis=1)
    np.testing.assert_allclose(axes @ axes.transpose(0, 2, 1), np.tile(np.eye(3), (18, 1, 1)),
                               atol=1e-12)  # fmt: skip
    axis, transverse, along = (a[0] for a in beam_axes(0, 0, 0))
    np.testing.assert_allclose(axis, [0, -1, 0], atol=1e-15)  # up, to a detector above
    np.testing.assert_allclose(transverse, [1, 0, 0], atol=1e-15)
    np.testing.assert_allclose(along, [0, 0, 1], atol=1e-15)
    _, transverse, along = (a[0] for a in beam_axes(0, 0, 90))
    np.testing.assert_allclose(transverse, [0, 0, 1], atol=1e-15)


def test_table_angles_turn_as_the_standard_says() -> None:
    head, left, nothing = np.array([0, 0, 1.0]), np.array([1.0, 0, 0]), 0.0
    np.testing.assert_allclose(table_rotation(90, 0, 0) @ head, left, atol=1e-12)
    assert (table_rotation(0, 10, 0) @ head)[1] < nothing  # up
    assert (table_rotation(0, 0, 10) @ left)[1] < nothing
    for angles in ((30, 0, 0), (0, 20, 0), (0, 0, -15), (40, 10, 5)):
        turn = table_rotation(*angles)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(turn) == pytest.approx(1.0)


def test_the_pivot_stays_where_it_is() -> None:
    pivot, at = np.array([10.0, 20.0, -900.0]), np.array([5.0, 140.0, 600.0])
    turn = table_rotation(25, 10, -5)
    seen = to_table((at + pivot)[None], at, turn, pivot)
    np.testing.assert_allclose(seen[0], pivot, atol=1e-12)
    # About the isocentre: what is at the isocentre stays there.
    np.testing.assert_allclose(to_table(np.zeros((1, 3)), at, turn, None)[0], -at, atol=1e-12)


def test_a_table_turned_half_round_swaps_the_sides() -> None:
    profile = room(pivot="isocentre")
    turned = event(table_rotation_deg=180.0, primary_deg=90.0)
    found = dose(turned, profile=profile, phantom=ROUND)
    plain = dose(event(primary_deg=-90.0), phantom=ROUND)
    assert side(found) == side(plain) == "left side"
    assert psd(found) == pytest.approx(psd(plain), rel=1e-9)


def test_a_tilted_table_and_a_tilted_arm_are_the_same_to_the_skin() -> None:
    """Head up by 15° about the isocentre, or the tube swung 15° towards the head end."""
    profile = room(pivot="isocentre")
    tilted = dose(event(table_head_tilt_deg=15.0), profile=profile, phantom=FLAT)
    swung = dose(event(secondary_deg=15.0), phantom=FLAT)
    assert tilted.cells is not None
    assert swung.cells is not None
    np.testing.assert_allclose(tilted.cells.dose_mgy, swung.cells.dose_mgy, rtol=1e-9)


@pytest.mark.parametrize(
    ("changed", "reference_mm"),
    [
        ({}, 600.0),
        ({"reference_point_code": None, "reference_point": "15cm below BeamIsocenter"}, 600.0),
        ({"reference_point_code": "113861", "source_detector_mm": 1100.0}, 800.0),
        # The couch is 140 mm below the isocentre, so 610 mm from the focus.
        ({"reference_point_code": "113862"}, 620.0),
        ({"reference_point_code": "113863"}, 910.0),
        (
            {"reference_point_code": None, "reference_point": None, "source_reference_mm": 700.0},
            700.0,
        ),
    ],
)  # fmt: skip
def test_the_reference_point_is_where_its_definition_says(
    changed: dict[str, Any], reference_mm: float
) -> None:
    found = dose(event(**changed), phantom=FLAT)
    assert found.events[0].reference_mm == pytest.approx(reference_mm)
    assert psd(found) == pytest.approx(10 * (reference_mm / SKIN_AT_MM) ** 2, rel=2e-4)


def test_the_room_may_overrule_the_reference_point() -> None:
    found = dose(event(), profile=room(reference_point="detector-300"), phantom=FLAT)
    assert psd(found) == pytest.approx(10 * (900 / SKIN_AT_MM) ** 2, rel=1e-3)


FIELDS: list[tuple[str, dict[str, Any]]] = [
    ("opening", {"opening": Opening(transverse_mm=(-50, 50), along_mm=(-50, 50), distance_mm=600)}),
    ("size", {"field_transverse_mm": 200.0, "field_along_mm": 200.0}),
    ("area", {"field_area_mm2": 40_000.0}),
    ("kap", {}),
]


@pytest.mark.parametrize(("source", "given"), FIELDS)
def test_every_source_of_the_field_gives_the_same_field(source: str, given: dict[str, Any]) -> None:
    found = dose(event(**given), phantom=FLAT)
    assert found.events[0].field_from == source
    low, high = footprint(found)
    assert (high - low)[[0, 2]] == pytest.approx([105.0, 105.0])  # 108.3 mm, in cells of 5 mm
    ratio = found.events[0].kap_ratio
    assert ratio is None if source == "kap" else ratio == pytest.approx(1.0)


def test_the_best_source_of_the_field_comes_first() -> None:
    given: dict[str, Any] = {}
    for source, more in reversed(FIELDS):
        given |= more
        assert dose(event(**given), phantom=FLAT).events[0].field_from == source
    only = room(field_from=("kap",))
    assert dose(event(**given), profile=only, phantom=FLAT).events[0].field_from == "kap"


def test_a_field_of_zero_is_no_field() -> None:
    found = dose(event(field_area_mm2=0.0, field_transverse_mm=0.0, field_along_mm=-2.0),
                 phantom=FLAT)  # fmt: skip
    assert found.events[0].field_from == "kap"


def test_a_field_that_contradicts_the_kerma_area_product_is_pointed_out() -> None:
    found = dose(event(field_area_mm2=80_000.0), phantom=FLAT)
    assert found.events[0].kap_ratio == pytest.approx(2.0)
    assert any("differ by more than" in w for w in found.warnings)
    agreeing = dose(event(field_area_mm2=42_000.0), phantom=FLAT)
    assert not any("differ" in w for w in agreeing.warnings)


def test_a_lopsided_opening_falls_on_its_own_side() -> None:
    opening = Opening(transverse_mm=(-10.0, 60.0), along_mm=(-20.0, 40.0), distance_mm=650.0)
    low, high = footprint(dose(event(opening=opening), phantom=FLAT))
    assert low == pytest.approx([-10.0, 0.0, -620.0], abs=2.6)
    assert high == pytest.approx([60.0, 0.0, -560.0], abs=2.6)


def test_a_collimator_turned_a_quarter_swaps_width_and_length() -> None:
    given = {"field_transverse_mm": 300.0, "field_along_mm": 100.0}
    low, high = footprint(dose(event(**given), phantom=FLAT))
    turned = footprint(dose(event(**given, collimator_deg=90.0), phantom=FLAT))
    assert (turned[1] - turned[0])[[2, 0]] == pytest.approx((high - low)[[0, 2]], abs=5.1)


def test_kerma_from_kap_where_none_is_displayed() -> None:
    for kerma in (None, 0.0):
        found = dose(event(reference_kerma_mgy=kerma, field_area_mm2=40_000.0), phantom=FLAT)
        assert found.events[0].kerma_mgy == pytest.approx(10.0)
        assert psd(found) == pytest.approx(10 * (600 / SKIN_AT_MM) ** 2, rel=1e-4)
        assert any("kerma-area product" in a for a in found.assumptions)
    calibrated = room(calibrations=(KermaCalibration(1.2, 0.03, date(2024, 1, 1)),))
    # The factor of the display is not that of the kerma-area product.
    again = dose(
        event(reference_kerma_mgy=None, field_area_mm2=40_000.0), profile=calibrated, phantom=FLAT
    )
    assert again.events[0].kerma_mgy == pytest.approx(10.0)


def test_a_flat_patient_face_down_has_the_front_to_the_table() -> None:
    found = dose(event(orientation="HFP"), phantom=FLAT)
    assert side(found) == "front"
    assert psd(found) == pytest.approx(psd(dose(event(), phantom=FLAT)), rel=1e-12)


def test_a_table_may_turn_about_a_point_of_its_own() -> None:
    """Half round about the point over the beam: the same skin, seen from the other side."""
    point = room(pivot="table point", pivot_mm=(0.0, 0.0, -600.0))
    opening = Opening(transverse_mm=(-10.0, 60.0), along_mm=(-50.0, 50.0), distance_mm=600.0)
    plain = dose(event(opening=opening), phantom=FLAT)
    turned = dose(event(opening=opening, table_rotation_deg=180.0), profile=point, phantom=FLAT)
    assert psd(turned) == pytest.approx(psd(plain), rel=1e-6)
    assert middle(turned) == pytest.approx([-middle(plain)[0], 0.0, middle(plain)[2]], abs=1e-6)
