"""CDMAM 4.0 from images: layout, the phantom's own thicknesses, and what is provisional."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.imaging.mammography._cdmam_discs import Filters
from kerma.imaging.mammography._cdmam_place import place
from kerma.imaging.mammography._cdmam_spec import load_spec
from kerma.imaging.tools import psychometric
from kerma.simulate import planar
from kerma.simulate.cdmam import CdmamScan, cdmam_images
from tests.imaging.helpers import refused, value

NAME = "cdmam40"
# Coarser pixels than the example's keep the tests quick; noise is less to make up for them.
SCAN = CdmamScan(model=NAME, pixel_mm=0.15, shape=(1400, 1000), turn_deg=0.5, noise=22.0)
GIVEN = {
    "mu_per_um": SCAN.mu_per_um, "corners": SCAN.corner_rows, "magnification": SCAN.magnification,
    "thickness_um": [[float(t) for t in row] for row in SCAN.thickness_um], "draws": 50,
}  # fmt: skip


@pytest.fixture(scope="module")
def images() -> list[Image]:
    return cdmam_images(SCAN, 3)


@pytest.fixture(scope="module")
def found(images: list[Image]) -> Analysis:
    return imaging.analyse(NAME, images, **GIVEN)


def test_every_cell_of_every_block_is_found(found: Analysis) -> None:
    assert found.facts["cells"] == 336
    assert found.facts["arrangement"] == "blocks 10+4+4+3"
    assert value(found, "tilt") == pytest.approx(0.5, abs=0.002)
    assert value(found, "cell_pitch") == pytest.approx(SCAN.pitch_mm, abs=0.001)
    circles = np.array([r.points[0] for r in found.regions if r.shape == "circle"])
    truth = np.stack([v[1] for v in SCAN.discs_px], axis=1)
    assert np.hypot(*(circles - truth).T).max() < 0.4


def test_choices_are_right_as_often_as_an_ideal_observer_s(found: Analysis) -> None:
    """Case 20 for the other layout; see the 3.4 for the factor 1.1."""
    rate = psychometric.ideal_rate(SCAN.d_prime)
    right = sum(sum(r["right"]) for r in found.facts["diameters"])
    sd = np.sqrt(3 * (rate * (1 - rate)).sum())
    assert abs(right - 3 * rate.sum()) < 2 * 1.1 * sd


def test_what_it_predicts_for_people_is_provisional(found: Analysis) -> None:
    assert any("provisional" in w for w in found.warnings)
    assert any(name.startswith("auto_gold_") for name in found.values)


@pytest.mark.parametrize("arrangement", [1, 3])
def test_the_image_says_where_the_last_blocks_part(arrangement: int) -> None:
    scan = replace(SCAN, arrangement=arrangement, turn_deg=-89.0, shape=(1000, 1400), mirrored=True)
    placed = place(cdmam_images(scan, 1)[0], load_spec(NAME), Filters())
    assert placed.setting.matrix.label == scan.matrix.label
    assert placed.mirrored
    assert placed.agreement == 1.0


def test_recognised_as_itself_only(images: list[Image]) -> None:
    assert imaging.recognise(images[:1]).name == NAME


def test_its_own_thicknesses_are_asked_for(images: list[Image]) -> None:
    without = {k: v for k, v in GIVEN.items() if k != "thickness_um"}
    error = refused(NAME, images, "missing-thickness", **without)
    assert "certificate" in error.message
    falling = [row[::-1] for row in GIVEN["thickness_um"]]  # type: ignore[attr-defined]
    refused(NAME, images, "bad-parameter", **{**GIVEN, "thickness_um": falling})
    refused(NAME, images, "bad-parameter", **{**GIVEN, "thickness_um": [[0.1, 0.2]]})


def test_other_images_are_refused() -> None:
    other = CdmamScan(pixel_mm=0.15, shape=(870, 1270), noise=36.0)
    error = refused(NAME, cdmam_images(other, 1), "wrong-phantom", **GIVEN)
    assert "CDMAM 3.4" in error.message
    refused(NAME, cdmam_images(replace(SCAN, discs=False), 1), "wrong-phantom", **GIVEN)
    flat = planar.flat_field((1200, 1200), mean=1000.0, noise=20.0, seed=1)
    refused(NAME, [planar.as_image(flat, 0.1, modality="MG")], "wrong-phantom", **GIVEN)
    anatomy = planar.as_image(planar.anatomy((1024, 1024), seed=1), 0.1, modality="MG")
    refused(NAME, [anatomy], "wrong-phantom", **GIVEN)
