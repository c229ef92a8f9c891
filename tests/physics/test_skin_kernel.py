"""The sum over beams and cells against closed forms, against numpy, and its upper bound."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from kerma.physics.skin import cylinder, plane
from kerma.physics.skin.factors import beam_factors
from kerma.physics.skin.kernel import Beams, Skin, Slab, blocked, total
from kerma.physics.skin.peak import find
from kerma.physics.skin.plain import parts
from tests.physics import skin_cases as cases

NO_SLAB = replace(cases.slab(), low=(-1.0, 5000.0, -1.0), high=(1.0, 5090.0, 1.0))


def straight_up(half_tan: float = 0.1, kerma: float = 10.0, transmission: float = 1.0) -> Beams:
    """One beam from 1000 mm below the origin, straight up (towards −y)."""
    return Beams(
        focus=np.array([[0.0, 1000.0, 0.0]]),
        axis=np.array([[0.0, -1.0, 0.0]]),
        transverse=np.array([[1.0, 0.0, 0.0]]),
        along=np.array([[0.0, 0.0, 1.0]]),
        edges=np.array([[-half_tan, half_tan, -half_tan, half_tan]]),
        weight=np.array([kerma * 600.0**2]),
        event=np.array([0]),
        log_transmission=np.log([transmission]),
        spline=np.array([[[1.0, 0.0, 0.0, 0.0]] * 4]),
    )


def facing_down(points: np.ndarray) -> Skin:
    points = np.asarray(points, dtype=float)
    normals = np.tile([0.0, 1.0, 0.0], (len(points), 1))
    return blocked(points, normals, np.zeros(len(points), np.int64))


def test_inverse_square_is_exact_everywhere_in_the_field() -> None:
    rng = np.random.default_rng(1)
    points = np.stack(
        [rng.uniform(-60, 60, 500), rng.uniform(-200, 300, 500), rng.uniform(-60, 60, 500)], -1
    )
    found = total(facing_down(points), straight_up(), NO_SLAB)
    distance2 = points[:, 0] ** 2 + (1000 - points[:, 1]) ** 2 + points[:, 2] ** 2
    np.testing.assert_allclose(found.dose, 10.0 * 600.0**2 / distance2, rtol=1e-12)
    assert (found.hits == 1).all()


def test_edges_of_the_field_are_exact() -> None:
    depth, half = 1000.0, 0.1
    edge = half * depth
    inside, outside = edge * (1 - 1e-12), edge * (1 + 1e-12)
    points = [[x, 0, z] for x in (-inside, inside) for z in (-inside, 0, inside)]
    beyond = [[x, 0, z] for x, z in ((outside, 0), (-outside, 0), (0, outside), (0, -outside))]
    found = total(facing_down(np.array(points + beyond)), straight_up(), NO_SLAB)
    assert (found.hits == [1] * 6 + [0] * 4).all()
    assert (found.dose[6:] == 0).all()


def test_a_lopsided_field_lies_where_its_edges_say() -> None:
    beam = replace(straight_up(), edges=np.array([[-0.02, 0.10, -0.05, 0.01]]))
    grid = np.array([[x, 0.0, z] for x in range(-150, 151, 5) for z in range(-150, 151, 5)], float)
    hit = total(facing_down(grid), beam, NO_SLAB).hits > 0
    x, z = grid[:, 0], grid[:, 2]
    assert (hit == ((x >= -20) & (x <= 100) & (z >= -50) & (z <= 10))).all()


def test_a_turned_collimator_turns_the_field() -> None:
    turn = np.radians(30.0)
    beam = replace(
        straight_up(),
        transverse=np.array([[np.cos(turn), 0.0, np.sin(turn)]]),
        along=np.array([[-np.sin(turn), 0.0, np.cos(turn)]]),
        edges=np.array([[-0.1, 0.1, -0.02, 0.02]]),
    )
    along_arm = np.array([[95 * np.cos(turn), 0, 95 * np.sin(turn)]])
    off_arm = np.array([[95.0, 0, 0]])
    found = total(facing_down(np.concatenate([along_arm, off_arm])), beam, NO_SLAB)
    assert found.hits.tolist() == [1, 0]


@pytest.mark.parametrize("wanted", [0, 1, 2, 3])
def test_few_cells_are_hit_as_surely_as_many(wanted: int) -> None:
    points = np.array([[-200.0, 0, 0], [-10, 0, 0], [0, 0, 0], [10, 0, 0], [200, 0, 0]])
    widths = {0: (0.003, 0.007), 1: (-0.005, 0.005), 2: (-0.005, 0.015), 3: (-0.015, 0.015)}
    low, high = widths[wanted]
    beam = replace(straight_up(), edges=np.array([[low, high, -0.01, 0.01]]))
    found = total(facing_down(points), beam, NO_SLAB)
    assert (found.hits > 0).sum() == wanted
    expected = np.where(
        (points[:, 0] >= 1000 * low) & (points[:, 0] <= 1000 * high),
        10.0 * 600.0**2 / (1e6 + points[:, 0] ** 2),
        0.0,
    )
    np.testing.assert_allclose(found.dose, expected, rtol=1e-12)


def test_only_where_the_beam_enters() -> None:
    skin = cases.body(cylinder(160.0, 160.0, 1000.0)).skin
    focus = np.array([0.0, 800.0, -500.0])
    beam = replace(straight_up(0.5), focus=focus[None])
    found = total(skin, beam, NO_SLAB)
    towards = np.einsum("ij,ij->i", skin.points - focus, skin.normals)
    assert ((found.hits > 0) <= (towards < 0)).all()
    # Seen from 984 mm away a cylinder of 160 mm shows the arc of half angle arccos(R/d).
    middle = np.array([0.0, -200.0])
    shown = np.arccos(160.0 / (800.0 + 200.0))
    turn = np.arctan2(skin.points[:, 0] - middle[0], skin.points[:, 1] - middle[1])
    ring = np.abs(skin.points[:, 2] + 500) < 6
    np.testing.assert_array_equal(found.hits[ring] > 0, np.abs(turn[ring]) < shown)


@pytest.mark.parametrize("tilt", [0.0, 20.0, 45.0])
def test_a_slanted_ray_is_attenuated_over_its_way_through_the_slab(tilt: float) -> None:
    a = np.radians(tilt)
    wide = Slab((-5000.0, -40.0, -5000.0), (5000.0, 50.0, 5000.0))
    focus = np.array([1000.0 * np.sin(a), -40 + 1000.0 * np.cos(a), 0.0])
    beam = replace(
        straight_up(0.001, transmission=0.7),
        focus=focus[None],
        axis=np.array([[-np.sin(a), -np.cos(a), 0.0]]),
        transverse=np.array([[np.cos(a), -np.sin(a), 0.0]]),
    )
    skin = facing_down(np.array([[0.0, -40.0, 0.0]]))
    expected = 10.0 * 0.36 * 0.7 ** (1 / np.cos(a))
    assert total(skin, beam, wide).dose[0] == pytest.approx(expected, rel=1e-12)
    flat = replace(wide, obliquity=False)
    assert total(skin, beam, flat).dose[0] == pytest.approx(3.6 * 0.7, rel=1e-12)


def test_a_ray_beside_or_above_the_table_is_not_attenuated() -> None:
    skin = cases.body(cylinder(160.0, 160.0, 1000.0)).skin
    sideways = replace(
        straight_up(0.02, transmission=0.5),
        focus=np.array([[800.0, -200.0, -500.0]]),
        axis=np.array([[-1.0, 0.0, 0.0]]),
        transverse=np.array([[0.0, -1.0, 0.0]]),
    )
    from_above = replace(
        straight_up(0.02, transmission=0.5),
        focus=np.array([[0.0, -1000.0, -500.0]]),
        axis=np.array([[0.0, 1.0, 0.0]]),
    )
    for beam in (sideways, from_above):
        with_table = total(skin, beam, cases.slab()).dose
        without = total(skin, replace(beam, log_transmission=np.zeros(1)), cases.slab()).dose
        assert with_table.max() > 0
        np.testing.assert_array_equal(with_table, without)


def test_the_edge_of_the_table_is_where_it_is() -> None:
    """A ray that leaves the slab through its side has only the way inside taken off."""
    beam = replace(straight_up(5.0, transmission=0.5), focus=np.array([[-700.0, 120.0, -500.0]]))
    corner = np.array([-225.0, 50.0])  # the table's near lower edge
    focus = np.array([-700.0, 120.0])
    target = np.array([-100.0, -40.0])
    slope = (target - focus) / np.linalg.norm(target - focus)
    enters_side = focus + slope * ((corner[0] - focus[0]) / slope[0])
    way = np.linalg.norm(target - enters_side)
    assert -40 < enters_side[1] < 50  # so it is the side it enters by
    skin = facing_down(np.array([[target[0], target[1], -500.0]]))
    free = total(skin, replace(beam, log_transmission=np.zeros(1)), cases.slab()).dose[0]
    found = total(skin, beam, cases.slab()).dose[0]
    assert found / free == pytest.approx(0.5 ** (way / 90.0), rel=1e-9)


def test_kerma_area_product_is_conserved() -> None:
    """The kerma over a plane across the beam, times its area, is KAP wherever the plane is."""
    for distance in (500.0, 700.0, 950.0):
        n = 400
        half = 0.08 * distance
        x = (np.arange(n) + 0.5) / n * 2 * half - half
        points = np.stack(np.meshgrid(x, [1000.0 - distance], x, indexing="ij"), -1).reshape(-1, 3)
        beam = straight_up(0.08)
        found = total(facing_down(points), beam, NO_SLAB).dose
        # Kerma on the axis is K (l/d)²; off it, that times cos² of the angle.
        cos2 = distance**2 / ((points[:, 0] ** 2 + points[:, 2] ** 2) + distance**2)
        area = (2 * half / n) ** 2
        assert (found / cos2).sum() * area == pytest.approx(10.0 * (0.16 * 600.0) ** 2, rel=1e-9)


@pytest.mark.parametrize("obliquity", [True, False])
@pytest.mark.parametrize(
    "shape", [plane(400, 1200), cylinder(200, 100, 1500), cylinder(90, 160, 900)]
)
def test_compiled_and_plain_agree(shape: object, obliquity: bool) -> None:
    skin = cases.body(shape).skin
    beams = cases.beams(40, 3, beam_factors(77.0, 3.1, 0.6))
    slab = cases.slab(obliquity=obliquity)
    found = total(skin, beams, slab)
    expected = parts(skin.points, skin.normals, beams, slab)
    assert found.dose.max() > 0
    np.testing.assert_allclose(found.dose, expected.dose.sum(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(found.hits, expected.hit.sum(axis=0))


def test_blocks_leave_no_cell_out() -> None:
    """One block for all, and a block for each cell, give the same as blocks of neighbours."""
    skin = cases.body(cylinder(200, 100, 1500)).skin
    beams = cases.beams(60, 4)
    expected = total(skin, beams, cases.slab()).dose
    n = len(skin.points)
    for blocks in (np.zeros(n, np.int64), np.arange(n)):
        other = blocked(skin.points, skin.normals, blocks)
        np.testing.assert_array_equal(total(other, beams, cases.slab()).dose, expected)


def test_hits_count_events_not_parts_of_a_sweep() -> None:
    beams = replace(cases.beams(30, 5), event=np.repeat(np.arange(10), 3))
    skin = cases.body(cylinder(200, 100, 1500)).skin
    expected = parts(skin.points, skin.normals, beams, cases.slab()).hit
    by_event = expected.reshape(10, 3, -1).any(axis=1).sum(axis=0)
    np.testing.assert_array_equal(total(skin, beams, cases.slab()).hits, by_event)


@pytest.mark.parametrize("seed", range(6))
def test_no_fine_cell_exceeds_the_bound_of_its_coarse_one(seed: int) -> None:
    """Else the search could miss the peak."""
    shape = (cylinder(200, 100, 1200), cylinder(70, 110, 900), plane(400, 1200))[seed % 3]
    body = cases.body(shape)
    beams = cases.beams(25, seed, beam_factors(60.0 + 10 * seed, 3.1, 0.1 * seed), 0.6)
    bound = body.in_order(total(body.skin, beams, cases.slab(), bound=True).bound)
    every = np.arange(len(bound))
    points, normals = body.fine(every)
    of = np.repeat(every, body.divide**2)
    fine = blocked(body.on_table(points), normals @ body.turn.T, of)
    dose = total(fine, beams, cases.slab()).dose.reshape(len(every), -1)
    assert dose.max() > 0
    assert (dose.max(axis=1) <= bound * (1 + 1e-12)).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_peak_is_that_of_a_search_of_every_fine_cell(seed: int) -> None:
    body = cases.body(cylinder(200, 100, 1000))
    beams = cases.beams(15, 10 + seed)
    _, peak = find(body, beams, cases.slab())
    every, n = np.arange(int(body.firsts[-1])), body.divide
    points, normals = body.fine(every)
    skin = blocked(body.on_table(points), normals @ body.turn.T, np.repeat(every, n * n))
    nu, nv = body.patches[0].shape
    grid = total(skin, beams, cases.slab()).dose.reshape(nv, nu, n, n)
    assert peak.point == pytest.approx(grid.max(), rel=1e-12)
    assert peak.tile == pytest.approx(grid.mean(axis=(2, 3)).max(), rel=1e-12)
    whole = grid.transpose(0, 2, 1, 3).reshape(nv * n, nu * n)
    wrapped = np.concatenate([whole, whole[:, : n - 1]], axis=1)
    squares = np.lib.stride_tricks.sliding_window_view(wrapped, (n, n)).mean(axis=(2, 3))
    assert peak.square == pytest.approx(squares.max(), rel=1e-9)
    assert peak.divided < 0.2 * nu * nv
    assert peak.tile <= peak.square <= peak.point


def test_a_strip_of_overlap_narrower_than_a_cell_is_found() -> None:
    """Two fields share 4 mm; by the middles of 10 mm cells alone the sum there may go unseen."""
    body = cases.body(plane(400, 1000), fine_mm=1.0)
    seen = []
    for shift in (0.0, 2.3, 5.0):
        low = replace(straight_up(), focus=np.array([[0.0, 800.0, -500.0]]))
        edge = (shift + np.array([-60.0, 2.0, -2.0, 60.0])) / 840.0
        both = replace(
            low,
            focus=np.repeat(low.focus, 2, axis=0), axis=np.repeat(low.axis, 2, axis=0),
            transverse=np.repeat(low.transverse, 2, axis=0), along=np.repeat(low.along, 2, axis=0),
            edges=np.array([[edge[0], edge[1], -0.1, 0.1], [edge[2], edge[3], -0.1, 0.1]]),
            weight=np.repeat(low.weight, 2), event=np.array([0, 1]),
            log_transmission=np.zeros(2), spline=np.repeat(low.spline, 2, axis=0),
        )  # fmt: skip
        _, peak = find(body, both, NO_SLAB)
        seen.append((peak.point, peak.square))
    one = 10.0 * 600.0**2 / 840.0**2
    for point, square in seen:
        assert point == pytest.approx(2 * one, rel=2e-3)
        assert square == pytest.approx(1.4 * one, rel=2e-3)  # 4 mm of 10 mm twice


def test_five_thousand_events_and_speed() -> None:
    """Beyond what recursion bears; and 10 000 cells × 1000 events in a quarter of a second."""
    skin = cases.body(cylinder(200, 100, 1032)).skin
    assert len(skin.points) > 9900
    found = total(skin, cases.beams(5000, 7, beam_factors(80.0, 3.1, 0.3)), cases.slab())
    assert np.isfinite(found.dose).all()
    assert found.dose.max() > 0
    beams = cases.beams(1000, 8, beam_factors(80.0, 3.1, 0.3))
    spent = []
    for _ in range(3):
        began = time.process_time()
        total(skin, beams, cases.slab())
        spent.append(time.process_time() - began)
    assert min(spent) <= 0.25


def test_no_cells_and_no_beams_are_no_failure() -> None:
    empty = facing_down(np.zeros((1, 3)))
    assert total(empty, cases.beams(0), cases.slab()).dose.tolist() == [0.0]


def test_numba_and_spectra_wait_until_they_are_needed() -> None:
    code = "import sys, kerma.physics.skin; print({'numba', 'spekpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_place_that_cannot_be_written_to_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled code is kept on disk; where it cannot be, it is compiled each time."""
    from kerma.physics.skin import _compiled

    real = _compiled.njit

    def locked(**options: object) -> object:
        if options.get("cache"):
            raise RuntimeError("no locator available")
        return real(**options)

    monkeypatch.setattr(_compiled, "njit", locked)
    assert _compiled.jit(lambda x: x + 1)(1) == 2
