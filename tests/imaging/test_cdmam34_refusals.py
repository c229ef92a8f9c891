"""What the CDMAM 3.4 measurement must not read, and what it must be told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma.core import Image
from kerma.dicom.pixels import read_images
from kerma.imaging.mammography._cdmam_spec import load_spec
from kerma.simulate import planar
from kerma.simulate.cdmam import CdmamScan, cdmam_images
from tests.imaging.helpers import refused
from tests.shared import shared_path

# Coarser pixels than the example's keep the tests quick; noise is less to make up for them.
SCAN = CdmamScan(pixel_mm=0.15, shape=(870, 1270), noise=36.0)
PIXEL = SCAN.pixel_mm
NAME = "cdmam34"
QUICK = {
    "mu_per_um": SCAN.mu_per_um, "corners": SCAN.corner_rows, "draws": 50,
    "magnification": SCAN.magnification,
}  # fmt: skip


@pytest.fixture(scope="module")
def pair() -> list[Image]:
    return cdmam_images(SCAN, 2, seed=3)


def as_mg(pixels: np.ndarray, **more: Any) -> Image:
    return planar.as_image(pixels, PIXEL, **{"modality": "MG", **more})


def test_other_phantoms_are_refused() -> None:
    other = replace(SCAN, model="cdmam40", shape=(1400, 1000), turn_deg=0.5, noise=30.0)
    error = refused(NAME, cdmam_images(other, 1), "wrong-phantom", **QUICK)
    assert "CDMAM 4.0" in error.message
    bare = replace(SCAN, discs=False)
    assert "discs" in refused(NAME, cdmam_images(bare, 1), "wrong-phantom", **QUICK).message


@pytest.mark.parametrize(("side", "turn"), [(15, 0.0), (16, 0.0), (15, -44.5)])
def test_a_square_grid_of_discs_is_refused(side: int, turn: float) -> None:
    """CDRAD-like and TO20-like: as many cells, discs in every one, no cut corners."""
    plain = load_spec(NAME)
    rows, columns = (v.ravel() for v in np.indices((side, side)))
    matrix = replace(
        plain.matrices[0], row=rows, column=columns, x=columns + 0.5, y=rows + 0.5,
        size=(float(side), float(side)),
    )  # fmt: skip
    described = replace(plain, matrices=(matrix,))
    size = 1300 if turn else 1000
    scan = replace(SCAN, described=described, shape=(size, size), turn_deg=turn)
    refused(NAME, cdmam_images(scan, 1), "wrong-phantom", **QUICK)


def test_images_without_a_phantom_are_refused() -> None:
    flat = planar.flat_field((1200, 1200), mean=1000.0, noise=20.0, seed=1)
    refused(NAME, [as_mg(flat)], "wrong-phantom", **QUICK)
    refused(NAME, [as_mg(planar.anatomy((1024, 1024), seed=1))], "wrong-phantom", **QUICK)
    refused(NAME, [], "no-images", **QUICK)
    refused(NAME, [as_mg(np.full((500, 500), 7.0))], "constant-image", **QUICK)
    refused(NAME, [as_mg(flat[:1])], "image-too-small", **QUICK)
    broken = flat.copy()
    broken[3, 4] = np.nan
    refused(NAME, [as_mg(broken)], "not-finite", **QUICK)
    refused(NAME, [as_mg(flat, saturated_at=900.0)], "saturated-image", **QUICK)
    refused(NAME, [as_mg(flat, modality="DX")], "wrong-modality", **QUICK)


def test_images_that_must_not_be_measured_are_refused(pair: list[Image]) -> None:
    first = pair[0]
    shown = replace(first, processing="presentation")
    refused(NAME, [shown], "processed-image", **QUICK)
    refused(NAME, [replace(first, spacing_mm=None)], "no-pixel-spacing", **QUICK)
    refused(NAME, [replace(first, spacing_mm=(0.1, 0.12))], "pixels-not-square", **QUICK)
    refused(NAME, [first, first], "same-frame", **QUICK)
    cut = as_mg(first.pixels[:, :800])
    refused(NAME, [cut], "wrong-phantom", **QUICK)
    refused(NAME, [first], "too-few-images", **QUICK)
    other = as_mg(first.pixels[:-1])
    refused(NAME, [first, other], "mixed-images", **QUICK)
    refused(NAME, [first, as_mg(pair[1].pixels[:, ::-1])], "mixed-images", **QUICK)


def test_what_is_not_known_is_asked_for_and_never_assumed(pair: list[Image]) -> None:
    without = {k: v for k, v in QUICK.items() if k != "mu_per_um"}
    refused(NAME, pair, "missing-parameter", **without)
    refused(NAME, pair, "missing-parameter", **QUICK, beam="mo-mo-28-euref")
    refused(NAME, pair, "unknown-beam", **without, beam="w-rh")
    tungsten = [replace(i, facts={**i.facts, "AnodeTargetMaterial": "TUNGSTEN"}) for i in pair]
    refused(NAME, tungsten, "beam-quality", **without, beam="mo-mo-28-euref")
    unmapped = {k: v for k, v in QUICK.items() if k != "corners"}
    error = refused(NAME, pair, "missing-corners", **unmapped)
    assert "corners_from_images" in error.message
    refused(NAME, pair, "too-few-images", **unmapped, corners_from_images=True)


def test_a_map_of_corners_of_another_phantom_is_refused(pair: list[Image]) -> None:
    wrong = replace(SCAN, corner_seed=8).corner_rows
    refused(NAME, pair, "wrong-corners", **{**QUICK, "corners": wrong})
    refused(NAME, pair, "bad-parameter", **{**QUICK, "corners": wrong[::-1]})
    refused(NAME, pair, "bad-parameter", **{**QUICK, "corners": wrong[1:]})
    holed = [SCAN.corner_rows[0].replace("1", ".").replace("2", "."), *SCAN.corner_rows[1:]]
    refused(NAME, pair, "bad-parameter", **{**QUICK, "corners": holed})


@pytest.mark.shared
def test_real_headers_without_a_phantom_are_refused() -> None:
    """Thumbnails of real mammograms: too small to hold anything, or processed."""
    folder = shared_path("dicom/dose-reports")
    files = sorted(folder.glob("MG-Im-*.dcm"))
    assert files
    for file in files:
        images = read_images(file)
        assert images[0].modality == "MG"
        refused(NAME, images, "image-too-small", **QUICK)
        refused("mammo-sdnr", images, "image-too-small")
