"""Whole examinations: sums, sweeps, planes, tables, patients, the record that comes out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.physics.skin import (
    ExposureEvent,
    Patient,
    Settings,
    SkinDoseMap,
    cylinder,
    plane,
    sized,
)
from kerma.physics.skin.factors import beam_factors
from kerma.physics.skin.phantom import EllipticCylinder, corners, design
from tests.physics.skin_cases import (
    EVENT,
    FREE_IN_AIR,
    HALF,
    SKIN_AT_MM,
    dose,
    event,
    psd,
    room,
)

FLAT = plane(400.0, 1200.0)
# A cylinder about the isocentre: its lowest line lies on the pad, 160 mm below.
CENTRED = cylinder(160.0, 160.0, 1200.0)
AXIAL = event(table_height_mm=200.0)
SPIN = replace(AXIAL, kind="rotational", primary_deg=-180.0, primary_end_deg=180.0)


def cells(found: SkinDoseMap) -> np.ndarray:
    assert found.cells is not None
    return found.cells.dose_mgy


def test_the_whole_formula_at_the_peak() -> None:
    """K (l_ref/l)² BSF (μen/ρ) T, each figure by hand."""
    found = dose(
        event(copper_mm=0.3), profile=room(transmission=HALF), phantom=FLAT, settings=Settings()
    )
    side_cm = 10.0 * SKIN_AT_MM / 600.0
    backscatter, water_air = beam_factors(80.0, 3.1, 0.3).at(side_cm)
    expected = 10.0 * (600 / SKIN_AT_MM) ** 2 * backscatter * water_air * 0.5
    assert psd(found) == pytest.approx(expected, rel=2e-4)
    (share,) = found.shares
    assert share.fraction == pytest.approx(1.0, abs=1e-9)
    assert share.inverse_square == pytest.approx((600 / SKIN_AT_MM) ** 2, rel=2e-4)
    assert share.backscatter == pytest.approx(backscatter, rel=1e-6)
    assert share.water_air == pytest.approx(water_air, rel=1e-6)
    assert share.transmission == pytest.approx(0.5, rel=1e-4)
    assert share.side_mm == pytest.approx(10 * side_cm, rel=1e-6)
    product = share.inverse_square * share.backscatter * share.water_air * share.transmission
    assert 10.0 * product == pytest.approx(share.dose_mgy, rel=1e-6)


def test_the_table_attenuates_from_below_only() -> None:
    profile = room(transmission=HALF)
    for angle, factor in ((0.0, 0.5), (180.0, 1.0), (90.0, 1.0)):
        with_table = dose(replace(AXIAL, primary_deg=angle), profile=profile, phantom=CENTRED)
        without = dose(replace(AXIAL, primary_deg=angle), phantom=CENTRED)
        assert psd(with_table) == pytest.approx(factor * psd(without), rel=2e-3), angle


def test_events_add_up_cell_by_cell() -> None:
    angles = (-40.0, 0.0, 25.0, 90.0)
    apart = [dose(replace(AXIAL, primary_deg=a), phantom=CENTRED) for a in angles]
    together = dose(*(replace(AXIAL, primary_deg=a) for a in angles), phantom=CENTRED)
    np.testing.assert_allclose(cells(together), sum(cells(m) for m in apart), rtol=1e-12)
    assert together.cells is not None
    np.testing.assert_array_equal(together.cells.hits, sum(m.cells.hits for m in apart if m.cells))
    assert together.kerma_placed_mgy == pytest.approx(40.0)


def test_a_whole_turn_about_a_centred_cylinder_is_even_to_one_per_cent() -> None:
    found = dose(SPIN, phantom=CENTRED)
    assert found.cells is not None
    ring = np.abs(found.cells.points_mm[:, 2] + 600.0) < 6
    doses = found.cells.dose_mgy[ring]
    assert doses.min() > 0
    assert doses.max() / doses.min() - 1 < 0.01
    # By hand: the mean over the turn of K (l/d)² while the cell is in the field and facing.
    turn = np.radians((np.arange(400_000) + 0.5) / 400_000 * 360.0)
    across, depth = 160.0 * np.sin(turn), 750.0 - 160.0 * np.cos(turn)
    facing = np.cos(turn) * 750.0 > 160.0
    lit = facing & (np.abs(across) <= 50.0 / 600.0 * depth)
    expected = np.mean(np.where(lit, 10.0 * 600.0**2 / (across**2 + depth**2), 0.0))
    assert doses.mean() == pytest.approx(expected, rel=5e-3)
    assert any("evenly" in a for a in found.assumptions)


def test_a_narrow_field_turned_once_is_even_too() -> None:
    """A fifth as wide: the steps get finer with the field."""
    narrow = replace(SPIN, field_transverse_mm=40.0, field_along_mm=100.0, reference_kerma_mgy=50.0)
    found = dose(narrow, phantom=CENTRED)
    assert found.cells is not None
    ring = np.abs(found.cells.points_mm[:, 2] + 600.0) < 6
    doses = found.cells.dose_mgy[ring]
    assert doses.max() / doses.min() - 1 < 0.01


@pytest.mark.parametrize("table", [False, True])
def test_a_sweep_is_the_sum_of_its_frames(table: bool) -> None:
    """Part by part, each at the middle of its step, an equal share of the kerma."""
    ends = {"primary_end_deg": 40.0, "secondary_end_deg": 10.0}
    if table:
        ends = {"table_lateral_end_mm": 750.0, "table_height_end_mm": 230.0}
    sweep = replace(AXIAL, primary_deg=-30.0, **ends)
    whole = dose(sweep, phantom=CENTRED)
    n = whole.events[0].beams
    assert n >= 35

    def at(share: float) -> ExposureEvent:
        def between(name: str, unit: str) -> float:
            start = getattr(sweep, name + unit)
            end = getattr(sweep, f"{name}_end{unit}")
            return float(start + share * ((start if end is None else end) - start))

        return replace(
            AXIAL,
            primary_deg=between("primary", "_deg"), secondary_deg=between("secondary", "_deg"),
            table_lateral_mm=between("table_lateral", "_mm"),
            table_height_mm=between("table_height", "_mm"),
            reference_kerma_mgy=10.0 / n, kap_gy_m2=EVENT.kap_gy_m2 / n,
        )  # fmt: skip

    frames = dose(*(at((i + 0.5) / n) for i in range(n)), phantom=CENTRED)
    np.testing.assert_allclose(cells(whole), cells(frames), rtol=1e-9, atol=1e-15)
    assert psd(whole) == pytest.approx(psd(frames), rel=1e-9)


def test_no_part_of_a_sweep_turns_by_more_than_two_degrees() -> None:
    wide = replace(SPIN, field_transverse_mm=900.0, field_along_mm=900.0)
    assert dose(wide, phantom=CENTRED).events[0].beams >= 180


def test_a_spin_backwards_is_the_same_spin() -> None:
    there = replace(AXIAL, kind="rotational", primary_deg=-100.0, primary_end_deg=100.0)
    back = replace(AXIAL, kind="rotational", primary_deg=100.0, primary_end_deg=-100.0)
    found = [dose(s, phantom=CENTRED) for s in (there, back)]
    np.testing.assert_allclose(cells(found[0]), cells(found[1]), rtol=1e-9, atol=1e-12)
    assert psd(found[0]) == pytest.approx(psd(found[1]), rel=1e-9)


def test_two_planes_meet_in_one_map() -> None:
    frontal = replace(AXIAL, plane="A")
    lateral = replace(AXIAL, plane="B", primary_deg=-90.0)
    found = dose(frontal, lateral, phantom=CENTRED)
    assert psd(found) == pytest.approx(psd(dose(frontal, phantom=CENTRED)), rel=1e-9)
    assert {e.plane for e in found.events} == {"A", "B"}
    oblique = dose(
        replace(frontal, primary_deg=-2.0), replace(lateral, primary_deg=2.0), phantom=CENTRED
    )
    assert psd(oblique) == pytest.approx(2 * psd(found), rel=2e-3)
    assert len(oblique.shares) == 2


@settings(max_examples=15, deadline=None)
@given(
    primary=st.floats(-120, 120), secondary=st.floats(-40, 40), scale=st.floats(0.01, 100),
    lying=st.sampled_from(["HFS", "FFS", "HFP", "FFP"]),
)  # fmt: skip
def test_dose_is_proportional_to_kerma_wherever(
    primary: float, secondary: float, scale: float, lying: str
) -> None:
    one = replace(AXIAL, primary_deg=primary, secondary_deg=secondary, orientation=lying)
    other = replace(
        one,
        reference_kerma_mgy=10.0 * scale,
        kap_gy_m2=scale * 1e-4,  # the field stays
    )
    first, second = (dose(e, phantom=CENTRED) for e in (one, other))
    assert psd(first) > 0
    assert psd(second) == pytest.approx(scale * psd(first), rel=1e-9)


def test_left_and_right_are_mirror_images() -> None:
    left = dose(replace(AXIAL, primary_deg=33.0, table_longitudinal_mm=20.0), phantom=CENTRED)
    right = dose(replace(AXIAL, primary_deg=-33.0, table_longitudinal_mm=-20.0), phantom=CENTRED)
    assert psd(left) == pytest.approx(psd(right), rel=1e-6)
    assert left.where is not None
    assert right.where is not None
    assert left.where.left_mm == pytest.approx(-right.where.left_mm, abs=1e-6)


def test_the_peak_hardly_depends_on_the_grid() -> None:
    found = [
        psd(dose(replace(AXIAL, primary_deg=20.0), phantom=cylinder(160, 160, 1200, grid_mm=g)))
        for g in (5.0, 8.0, 10.0)
    ]
    assert found == pytest.approx([found[-1]] * 3, rel=2e-4)


def test_the_patient_moved_by_hand_is_told() -> None:
    moved = dose(
        event(), phantom=FLAT, settings=replace(FREE_IN_AIR, offset_mm=(30.0, -50.0, 20.0))
    )
    assert psd(moved) == pytest.approx(10.0 * (600 / 700) ** 2, rel=2e-4)
    assert moved.where is not None
    assert any("moved by hand by 30 mm, -50 mm, 20 mm" in a for a in moved.assumptions)
    still = dose(event(), phantom=FLAT)
    assert still.cells is not None
    assert moved.cells is not None
    shift = [
        m.cells.points_mm[m.cells.hits > 0].mean(axis=0)[[0, 2]] for m in (still, moved) if m.cells
    ]
    assert shift[1] - shift[0] == pytest.approx([-30.0, -20.0], abs=5)


def test_normals_of_any_ellipse_are_at_right_angles_to_it() -> None:
    for a, b in ((200, 100), (90, 160), (150, 150), (250, 60)):
        patch = EllipticCylinder(a, b, 500.0)
        u = np.linspace(0, patch.shape[0], 500, endpoint=False)
        points, normals = patch.at(u, np.zeros_like(u))
        # (x/a², y/b²) is the gradient of the ellipse.
        gradient = points * [1 / a**2, 1 / b**2, 0]
        gradient /= np.linalg.norm(gradient, axis=1, keepdims=True)
        np.testing.assert_allclose(normals, gradient, atol=1e-12)
        on_it = (points[:, 0] / a) ** 2 + (points[:, 1] / b) ** 2
        np.testing.assert_allclose(on_it, 1.0, atol=1e-12)
        around, _ = corners(patch)
        steps = np.linalg.norm(np.diff(around[: patch.shape[0]], axis=0), axis=1)
        assert steps.max() / steps.min() < (1.02 if max(a, b) < 3 * min(a, b) else 1.3)


def test_the_patient_is_scaled_from_height_and_mass() -> None:
    about = design()["patient"]
    same = sized(Patient(height_mm=about["height_mm"], mass_kg=about["mass_kg"])).patches[0]
    assert isinstance(same, EllipticCylinder)
    assert (same.half_width_mm, same.half_depth_mm) == (200.0, 100.0)
    double = sized(Patient(height_mm=about["height_mm"], mass_kg=2 * about["mass_kg"])).patches[0]
    assert isinstance(double, EllipticCylinder)
    area = double.half_width_mm * double.half_depth_mm
    assert area == pytest.approx(2 * 200 * 100)  # one density: the cross-section doubles
    assert double.half_width_mm == pytest.approx(2 * double.half_depth_mm)
    assert not sized(Patient(height_mm=1700.0, mass_kg=70.0)).assumptions
    assert len(sized(Patient()).assumptions) == 2


def test_a_head_lies_above_the_trunk_and_is_hit_there() -> None:
    at_head = event(table_lateral_mm=100.0)
    found = dose(at_head, settings=replace(FREE_IN_AIR, head=True))
    assert found.where is not None
    assert found.where.part == "head"
    assert dose(event(), settings=replace(FREE_IN_AIR, head=True)).where.part == "trunk"


def test_a_map_survives_the_store_unchanged() -> None:
    found = dose(AXIAL, replace(AXIAL, kv=None), phantom=CENTRED, settings=Settings())
    text = json.dumps(found.as_dict(), allow_nan=False)
    back = SkinDoseMap.from_dict(json.loads(text))
    assert back.as_dict() == found.as_dict()
    np.testing.assert_array_equal(cells(back), cells(found))
    assert back.psd == found.psd
    assert back.events == found.events
    small = found.as_dict(cells=False)
    assert "cells" not in small
    assert SkinDoseMap.from_dict(small).cells is None


def test_the_mesh_faces_outwards_and_carries_the_dose() -> None:
    for phantom, inside in ((CENTRED, True), (FLAT, False)):
        found = dose(AXIAL, phantom=phantom)
        assert found.cells is not None
        mesh = found.cells.mesh()
        corners_of = np.array(mesh["vertices_mm"])[np.array(mesh["triangles"])]
        across = np.cross(corners_of[:, 1] - corners_of[:, 0], corners_of[:, 2] - corners_of[:, 0])
        normals = np.repeat(found.cells.normals, 2, axis=0)
        assert (np.einsum("ij,ij->i", across, normals) > 0).all()
        area = np.linalg.norm(across, axis=1).sum() / 2
        expected = 2 * np.pi * 160.0 * 1200.0 if inside else 400.0 * 1200.0
        assert area == pytest.approx(expected, rel=1e-3)
        assert found.cells.area_mm2.sum() == pytest.approx(expected, rel=1e-3)
        assert len(mesh["dose_mgy"]) == len(mesh["triangles"])
        assert max(mesh["dose_mgy"]) == cells(found).max()
        json.dumps(mesh)


def test_fine_cells_about_the_peak_are_kept() -> None:
    found = dose(AXIAL, phantom=CENTRED)
    fine = found.fine
    assert len(fine["points_mm"]) == len(fine["dose_mgy"]) == 49 * 25
    assert found.psd_point is not None
    assert fine["dose_mgy"].max() == pytest.approx(found.psd_point.value, rel=1e-12)
    gaps = np.linalg.norm(np.diff(fine["points_mm"][:5], axis=0), axis=1)
    assert gaps.max() < 2.1  # finer than half a centimetre


def test_the_result_says_how_it_was_obtained() -> None:
    found = dose(AXIAL, phantom=CENTRED, settings=Settings())
    assert found.provenance is not None
    about = found.provenance.as_dict()
    assert about["algorithm"] == "skin-dose"
    assert about["parameters"]["profile"] == "test-room"
    assert len(about["inputs"]) == 1
    assert {row.split("/")[0] for row in found.rests_on} == {"bsf"}
    assert any("elliptical cylinder" in a for a in found.assumptions)
    assert any("head end" in a for a in found.assumptions)
    other = dose(replace(AXIAL, kv=81.0), phantom=CENTRED, settings=Settings())
    assert other.provenance is not None
    assert other.provenance.inputs != found.provenance.inputs
    assert dose(AXIAL, phantom=CENTRED, settings=Settings()).as_dict() == found.as_dict()
