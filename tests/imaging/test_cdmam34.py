"""CDMAM 3.4 from images: cases 19 and 20 of the closed forms, and what must be refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image, InputError
from kerma.imaging.mammography import cdmam
from kerma.imaging.mammography._cdmam_discs import Filters
from kerma.imaging.mammography._cdmam_place import place
from kerma.imaging.mammography._cdmam_spec import load_spec, reading
from kerma.imaging.tools import psychometric
from kerma.imaging.tools.untyped import ndimage
from kerma.simulate import planar
from kerma.simulate.cdmam import CdmamScan, cdmam_images
from tests.imaging.helpers import u, value

# Coarser pixels than the example's keep the tests quick; noise is less to make up for them.
SCAN = CdmamScan(pixel_mm=0.15, shape=(870, 1270), noise=36.0)
MU = SCAN.mu_per_um
GIVEN = {"mu_per_um": MU, "corners": SCAN.corner_rows, "magnification": SCAN.magnification}
QUICK = {**GIVEN, "draws": 50}
NAME = "cdmam34"


@pytest.fixture(scope="module")
def images() -> list[Image]:
    return cdmam_images(SCAN, 8)


@pytest.fixture(scope="module")
def found(images: list[Image]) -> Analysis:
    return imaging.analyse(NAME, images, **GIVEN)


def right_map(analysis: Analysis) -> np.ndarray:
    """Return right choices of the corner discs, shape (images, rows, columns); -1 without cell."""
    signs = {"1": 1, "0": 0, ".": -1}
    rows: list[list[str]] = analysis.facts["right_by_image"]
    return np.array([[[signs[c] for c in row] for row in image] for image in rows])


def choices(analysis: Analysis) -> tuple[np.ndarray, np.ndarray]:
    """Return right choices and choices, by row of the table of diameters."""
    table = analysis.facts["diameters"]
    return np.array([sum(r["right"]) for r in table]), np.array([sum(r["total"]) for r in table])


def test_every_cell_is_found_where_it_is(found: Analysis) -> None:
    """Case 20: the cell map is complete, at 0.5 degrees, half a pixel from nowhere."""
    assert found.facts["cells"] == 205
    assert value(found, "tilt") == pytest.approx(0.5, abs=0.002)
    assert value(found, "cell_pitch") == pytest.approx(SCAN.pitch_mm, abs=0.001)
    polygons = [r for r in found.regions if r.shape == "polygon"]
    matrix = SCAN.matrix
    x, y = SCAN.place(matrix.x, matrix.y)
    seen = {r.name: np.mean(r.points, axis=0) for r in polygons}
    assert len(seen) == 205
    for k in range(205):
        size = SCAN.spec.diameters_mm[matrix.row[k]]
        thick = SCAN.spec.thickness_um[matrix.row[k], matrix.column[k]]
        at = seen[f"{size:g} mm, {thick:g} µm"]
        assert np.hypot(at[0] - x[k], at[1] - y[k]) < 0.1
    circles = [r for r in found.regions if r.shape == "circle"]
    middles = np.array([r.points[0] for r in circles])
    truth = np.stack([v[1] for v in SCAN.discs_px], axis=1)
    assert np.hypot(*(middles - truth).T).max() < 0.2


def test_choices_are_right_as_often_as_an_ideal_observer_s(found: Analysis) -> None:
    """Case 20: within two standard deviations of the binomial over all, three by diameter.

    Middle and corner disc are judged against the same three empty corners: their sum scatters by
    a tenth more than independent choices would (correlation 0.2 without signal).
    """
    rate = psychometric.ideal_rate(SCAN.d_prime)
    right, _ = choices(found)
    row = SCAN.matrix.row
    expected = 8 * np.bincount(row, rate.sum(axis=0))
    sd = np.sqrt(8 * np.bincount(row, (rate * (1 - rate)).sum(axis=0)))
    assert abs(right.sum() - expected.sum()) < 2 * 1.1 * np.sqrt((sd**2).sum())
    assert np.abs((right - expected) / (1.1 * np.maximum(sd, 0.5))).max() < 3.2
    corner = right_map(found)[:, row, SCAN.matrix.column]
    spread = np.sqrt(8 * (rate[1] * (1 - rate[1])).sum())
    assert abs(corner.sum() - 8 * rate[1].sum()) < 2 * spread


def test_thresholds_are_those_of_the_true_rates(found: Analysis) -> None:
    """The threshold of each diameter against a fit to the ideal observer's rates themselves."""
    rate = psychometric.ideal_rate(SCAN.d_prime)
    matrix = SCAN.matrix
    pulls = []
    for r, diameter in enumerate(SCAN.spec.diameters_mm):
        cells = np.flatnonzero(matrix.row == r)
        many = np.rint(1e5 * rate[:, cells].mean(axis=0))
        exact = psychometric.fit(
            list(SCAN.contrast[cells]), list(many), [1e5] * len(cells), draws=2
        )
        name = f"auto_gold_{diameter:g}mm".replace(".", "p")
        if exact.threshold is None or name not in found.values:
            continue
        truth = -np.log1p(-exact.threshold) / MU
        pulls.append(np.log(value(found, name) / truth) * value(found, name) / u(found, name))
    assert len(pulls) >= 11
    assert np.abs(pulls).max() < 3.0
    assert abs(np.mean(pulls)) < 3.0 / np.sqrt(len(pulls))


def test_thresholds_outside_the_thicknesses_are_left_out_with_the_reason(found: Analysis) -> None:
    assert "auto_gold_2mm" not in found.values
    assert "auto_gold_0p06mm" not in found.values
    assert any(w.startswith("2 mm: ") and "below the smallest" in w for w in found.warnings)
    assert any(w.startswith("0.06 mm: ") and "above the largest" in w for w in found.warnings)
    assert "gold_2mm" not in found.values  # no factor to human reading above 1 mm


def test_human_thresholds_are_the_factor_times_the_contrast(found: Analysis) -> None:
    table = {row["diameter_mm"]: row for row in found.facts["diameters"]}
    for diameter, factor in ((0.25, 1.82), (0.5, 1.98), (1.0, 2.11)):
        entry = table[diameter]
        share = factor * -np.expm1(-MU * entry["auto_um"])
        assert entry["human_um"] == pytest.approx(-np.log1p(-share) / MU, rel=1e-9)
    assert table[1.25]["factor"] is None
    assert any("1.25" in w for w in found.warnings)


def test_limits_stand_beside_and_nothing_is_judged(found: Analysis) -> None:
    limits = {r["diameter_mm"]: r for r in found.facts["limits"]["rows"]}
    assert limits[0.1]["acceptable_um"] == 1.68
    assert limits[0.1]["achievable_um"] == 1.10
    assert limits[0.1]["row"] == "qa-tests/mammography/gold_thickness_0p1mm"
    assert found.facts["limits"]["judged"] is False
    assert {c.name for c in found.curves} >= {"EUREF acceptable", "EUREF achievable", "Automatic"}


def test_the_description_says_what_is_only_recalled(found: Analysis) -> None:
    assert found.facts["description"]["confidence"]["thickness_um"] == "recalled"
    assert found.provenance.parameters["phantom_sha256"] == load_spec(NAME).sha256
    assert found.provenance.parameters["mu_per_um"] == MU


@pytest.fixture(scope="module")
def pair(images: list[Image]) -> list[Image]:
    return images[:2]


@pytest.fixture(scope="module")
def base(pair: list[Image]) -> np.ndarray:
    return right_map(imaging.analyse(NAME, pair, **QUICK))


def as_mg(pixels: np.ndarray) -> Image:
    return planar.as_image(np.ascontiguousarray(pixels), SCAN.pixel_mm, modality="MG")


def changed(images: Sequence[Image], turn: Any) -> list[Image]:
    return [as_mg(turn(image.pixels)) for image in images]


@pytest.mark.parametrize(
    ("turn", "mirrored", "least"),
    [
        (np.rot90, False, 0.97),
        (lambda p: p[::-1], True, 0.97),
        (lambda p: 4095.0 - 3.0 * p, False, 0.999),
    ],
    ids=["rotated", "mirrored", "another gain and offset, inverted"],
)
def test_the_reading_follows_however_the_image_is_turned(
    pair: list[Image], base: np.ndarray, turn: Any, mirrored: bool, least: float
) -> None:
    again = imaging.analyse(NAME, changed(pair, turn), **QUICK)
    same = (right_map(again) == base)[base >= 0]
    assert same.mean() >= least
    assert again.facts["placed"][0]["mirrored"] is mirrored
    assert any("mirrored" in w for w in again.warnings) is mirrored


def test_discs_that_do_not_lie_on_the_grid_are_followed() -> None:
    """Printed 0.15 mm off the lines: the lattice moves onto the discs, the rate stays ideal."""
    scan = replace(SCAN, discs_shift_mm=(0.12, -0.09), noise=40.0)
    again = imaging.analyse(NAME, cdmam_images(scan, 2, seed=5), **QUICK)
    rate = psychometric.ideal_rate(scan.d_prime)
    right, _ = choices(again)
    assert abs(right.sum() - 2 * rate.sum()) < 2.5 * np.sqrt(2 * (rate * (1 - rate)).sum())
    circles = np.array([r.points[0] for r in again.regions if r.shape == "circle"])
    truth = np.stack([v[1] for v in scan.discs_px], axis=1)
    assert np.hypot(*(circles - truth).T).max() < 0.5


def test_bands_over_the_image_do_not_pull_the_reading_off_the_discs(pair: list[Image]) -> None:
    pixels = pair[0].pixels.copy()
    for column in (480, 655, 700):
        pixels[:, column : column + 8] *= 0.85
    placed = place(as_mg(pixels), load_spec(NAME), Filters())
    x, y = placed.setting.places()
    truth_x, truth_y = SCAN.discs_px
    assert np.hypot(x[0] - truth_x[0], y[0] - truth_y[0]).max() < 0.4


def test_labels_an_open_beam_and_correlated_noise_are_put_up_with() -> None:
    scan = replace(SCAN, shape=(1000, 1400), noise=20.0)
    pixels = scan.drawn[0].copy()
    for k in range(15):  # letters beside the first column
        x, y = (int(v) for v in scan.place(-0.5, 1.0 + 0.5 * k))
        pixels[y : y + 3, x - 6 : x + 6] *= 0.6
    pixels[:, :40] *= 5.0
    pixels[-25:] *= 5.0
    random = np.random.default_rng(3)
    noise = ndimage.gaussian_filter(random.standard_normal(scan.shape), 0.6)
    pixels += 20.0 * noise / noise.std()
    placed = place(as_mg(pixels), load_spec(NAME), Filters())
    x, y = placed.setting.places()
    truth_x, truth_y = scan.discs_px
    assert np.hypot(x[0] - truth_x[0], y[0] - truth_y[0]).max() < 0.2
    assert placed.agreement > 0.98


def test_a_grid_set_by_hand_is_recorded(pair: list[Image], base: np.ndarray) -> None:
    (cx, cy), (ax, ay), (bx, by) = (SCAN.place(*p) for p in ((8, 8), (9, 8), (8, 9)))
    grid = [float(v) for v in (cx, cy, ax - cx, ay - cy, bx - cx, by - cy)]
    again = imaging.analyse(NAME, pair, **QUICK, grid_px=grid)
    assert "The grid was set by hand." in again.warnings
    assert again.provenance.parameters["grid_px"] == grid
    assert (right_map(again) == base).mean() > 0.99


def test_recognised_as_itself_only(pair: list[Image]) -> None:
    assert imaging.recognise(pair).name == NAME


def test_the_beam_of_the_data_file_follows_its_table() -> None:
    (beam,) = reading()["beams"]
    t, percent = np.array(beam["contrast_table"]).T
    assert np.mean(-np.log1p(-percent / 100) / t) == pytest.approx(beam["mu_per_um"], abs=0.0005)
    with pytest.raises(InputError):
        cdmam.analyse(NAME, [], mu_per_um=3.0)
