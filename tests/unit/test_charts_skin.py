"""The picture of a skin dose map: every cell in its place and its colour, the scale in order."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from kerma.charts.skin import RAMP, UNDOSED, Scale, grids, legend, scale_for, unrolled
from kerma.physics.skin import Patient, Phantom, cylinder, plane, sized
from kerma.physics.skin.body import lying
from kerma.physics.skin.result import Cells


def cells(phantom: Phantom) -> Cells:
    """A map of nothing on a phantom."""
    body = lying(phantom, "HFS", 40.0, 0.0, 2.0)
    every = np.arange(int(body.firsts[-1]))
    middle = np.full(every.size, 0.5)
    points, normals = body.in_cells(every, middle, middle)
    areas = [np.full(p.shape[0] * p.shape[1], np.prod(p.cell_mm)) for p in body.patches]
    vertices, quads = body.corners()
    return Cells(points_mm=points, normals=normals, area_mm2=np.concatenate(areas),
                 dose_mgy=np.zeros(every.size), hits=np.zeros(every.size, np.int64),
                 vertices=vertices, quads=quads)  # fmt: skip


def dosed(
    on: Cells, x: float, y: float, z: float, mgy: float = 1000.0, reach: float = 30.0
) -> Cells:
    """The map with dose on the cells about a point."""
    away = np.linalg.norm(on.points_mm - [x, y, z], axis=1)
    return replace(on, dose_mgy=np.where(away < reach, mgy, on.dose_mgy))


TRUNK = cells(cylinder(200.0, 100.0, 1200.0))


# The scale --------------------------------------------------------------------------------------


def lightness(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    y = float(np.dot([0.2126, 0.7152, 0.0722], linear))
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


@pytest.mark.parametrize("largest", [0.002, 1.5, 9.9, 10.0, 99.0, 100.0, 101.0, 7299.0, 25_000.0])
def test_more_dose_is_darker_by_what_an_eye_can_tell(largest: float) -> None:
    scale = scale_for(largest)
    greys = [lightness(c) for c in (UNDOSED, *(s.colour for s in scale.steps))]
    falls = -np.diff(greys)
    assert falls.min() > 3.5
    assert falls[1:].min() > 6.0
    assert lightness(RAMP[-1]) < 10


@pytest.mark.parametrize("largest", np.geomspace(1e-3, 1e5, 60))
def test_the_scale_reaches_the_largest_dose_in_round_steps(largest: float) -> None:
    scale = scale_for(float(largest))
    top = scale.steps[-1].high
    assert 5 <= len(scale.steps) <= 10
    assert top * (1 + 1e-9) >= largest * scale.per_mgy > scale.steps[-1].low * (1 - 1e-9)
    assert [float(scale.text(s.high)) for s in scale.steps] == pytest.approx(
        [s.high for s in scale.steps], rel=1e-9
    )
    assert scale.unit == ("Gy" if largest >= 100 else "mGy")


def test_a_dose_is_in_the_step_its_legend_says() -> None:
    scale = scale_for(8000.0)
    assert [s.high for s in scale.steps] == [1, 2, 3, 4, 5, 6, 7, 8]
    found = scale.index(np.array([0.0, 1e-9, 999.9, 1000.0, 7999.0, 8000.0]))
    assert found.tolist() == [-1, 0, 0, 1, 7, 7]


# Surfaces ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phantom", "expected"),
    [
        (cylinder(200.0, 100.0, 1200.0), [(97, 120, True)]),
        (plane(400.0, 1200.0), [(40, 120, False)]),
        (sized(Patient(), head=True), [(97, 155, True), (57, 24, True)]),
        (cylinder(20.0, 10.0, 10.0), [(10, 1, True)]),
    ],
)
def test_surfaces_are_found_again(phantom: Phantom, expected: list[tuple[int, int, bool]]) -> None:
    found = grids(cells(phantom))
    assert [(g.nu, g.nv, g.closed) for g in found] == expected
    assert [p.shape for p in phantom.patches] == [(g.nu, g.nv) for g in found]


# The picture ------------------------------------------------------------------------------------


def rectangles(svg: str, colour: str) -> list[tuple[float, float, float, float]]:
    """Return x, y, width and height of each run of cells of a colour."""
    (path,) = re.findall(rf'<path fill="{colour}"[^>]* d="([^"]*)"', svg)
    found = re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)H", path)
    return [(float(x), float(y), float(w), float(h)) for x, y, w, h in found]


def frame(svg: str) -> tuple[float, float, float, float]:
    """Return x, y, width and height of the map's frame."""
    found = re.search(r'<rect x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)"', svg)
    assert found is not None
    x, y, wide, tall = (float(n) for n in found.groups())
    return x, y, wide, tall


def box(svg: str, colour: str) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of a colour, as shares of the map's frame."""
    runs = rectangles(svg, colour)
    x, y, wide, tall = frame(svg)
    return (
        (min(r[0] for r in runs) - x) / wide, (min(r[1] for r in runs) - y) / tall,
        (max(r[0] + r[2] for r in runs) - x) / wide, (max(r[1] + r[3] for r in runs) - y) / tall,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("point", "middle"),
    [((0, 100, -600), 0.5), ((200, 0, -600), 0.25), ((-200, 0, -600), 0.75)],
)
def test_back_in_the_middle_and_the_patients_left_on_the_left(
    point: tuple[float, float, float], middle: float
) -> None:
    on = dosed(TRUNK, *point)
    scale = scale_for(1000.0)
    left, top, right, bottom = box(unrolled(on, scale), scale.steps[-1].colour)
    assert (left + right) / 2 == pytest.approx(middle, abs=0.006)
    assert (top + bottom) / 2 == pytest.approx(0.5, abs=0.02)


def test_the_head_is_up() -> None:
    on = dosed(dosed(TRUNK, 0, 100, -300, mgy=2000.0), 0, 100, -900, mgy=500.0)
    scale = scale_for(2000.0)
    svg = unrolled(on, scale)
    high, low = box(svg, scale.steps[-1].colour), box(svg, scale.steps[2].colour)
    assert high[3] < low[1]


def test_every_dosed_cell_is_drawn_once_and_no_other() -> None:
    on = dosed(TRUNK, 120, 80, -640, reach=70.0)
    scale = scale_for(1000.0)
    runs = rectangles(unrolled(on, scale), scale.steps[-1].colour)
    grid = grids(on)[0]
    width = 0.62 * float(on.area_mm2[0]) / 10.0
    assert sum(r[2] for r in runs) / width == pytest.approx((on.dose_mgy > 0).sum(), rel=2e-3)
    assert len({r[1] for r in runs}) == (grid.cells(on.dose_mgy) > 0).any(axis=1).sum()


def test_ticks_tell_the_distance_from_the_top() -> None:
    svg = unrolled(dosed(TRUNK, 0, 100, -600), scale_for(1000.0))
    texts = [t.text for t in ElementTree.fromstring(svg).iter() if t.tag.endswith("text")]
    assert [t for t in texts if t and t.isdigit() and int(t) >= 100] == ["500", "600", "700"]
    assert {"front", "left side", "back", "right side", "mm from top"} <= set(texts)


def test_the_peak_is_ringed_where_it_is() -> None:
    svg = unrolled(dosed(TRUNK, 0, 100, -600), scale_for(1000.0), peak_mm=(0, 100, -600))
    rings = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)
    left, top, right, bottom = box(svg, scale_for(1000.0).steps[-1].colour)
    assert len(rings) == 2
    x, y, wide, tall = frame(svg)
    assert left < (float(rings[0][0]) - x) / wide < right
    assert top < (float(rings[0][1]) - y) / tall < bottom
    assert "<circle" not in unrolled(TRUNK, scale_for(1000.0))


def test_marks_stand_at_their_dose_and_only_within_the_scale() -> None:
    scale = scale_for(8000.0)
    svg = legend(scale, [(2000.0, "A2"), (10_000.0, "C")])
    assert ">A2<" in svg
    assert ">C<" not in svg
    y = {w: float(y) for y, w in re.findall(r'y="([\d.]+)"[^>]*>([^<]+)<', svg)}
    assert y["A2"] - 4 == pytest.approx(y["2"] - 4.5, abs=0.1)


def test_words_cannot_leave_their_place() -> None:
    svg = unrolled(TRUNK, scale_for(1.0), alt='"><script>', marks=[(0.5, "<b>")])
    assert "<script" not in svg
    assert "<b>" not in svg
    ElementTree.fromstring(svg)


@pytest.mark.parametrize("phantom", [plane(400.0, 1200.0), sized(Patient(), head=True)])
def test_other_surfaces_are_drawn_too(phantom: Phantom) -> None:
    on = cells(phantom)
    scale = scale_for(1000.0)
    at = on.points_mm[-5]
    ElementTree.fromstring(unrolled(dosed(on, *at), scale))
    ElementTree.fromstring(unrolled(on, scale))


def test_a_scale_is_plain_data() -> None:
    assert isinstance(scale_for(5.0), Scale)
    assert scale_for(0.0).steps
