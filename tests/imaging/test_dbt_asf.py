"""Artefact spread function in tomosynthesis: case 30 of the closed forms, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Image
from kerma.simulate import planar
from kerma.simulate.tomosynthesis import DbtScan, matrix
from tests.imaging.helpers import refused, u, value

NAME = "dbt-asf"
SCAN = DbtScan(spheres=matrix(2, 2, spacing_mm=30.0, height_mm=15.3), shape=(320, 320), planes=33)


@pytest.fixture(scope="module")
def images() -> list[Image]:
    return SCAN.images()


@pytest.mark.parametrize(
    "scan",
    [
        SCAN,
        replace(SCAN, noise=10.0),
        replace(SCAN, height=-150.0),
        replace(SCAN, fwhm_z_mm=4.0),
        replace(SCAN, pitch_mm=0.5, planes=61, fwhm_z_mm=6.0),
        replace(SCAN, fwhm_z_mm=12.0, planes=37, pitch_mm=1.0),
    ],
    ids=["plain", "noisy", "dark spheres", "4 mm", "half a millimetre", "12 mm"],
)
def test_width_of_a_gaussian_spread(scan: DbtScan) -> None:
    """Case 30: the width within 2 %, by interpolation and by the Gaussian; the spots in focus."""
    found = imaging.analyse(NAME, scan.images())
    for name in ("fwhm_z", "fwhm_z_gauss"):
        assert value(found, name) == pytest.approx(scan.fwhm_z_mm, rel=0.02)
        assert abs(value(found, name) - scan.fwhm_z_mm) < 4 * u(found, name) + 0.01
    assert value(found, "plane_pitch") == scan.pitch_mm
    assert len(found.facts["spheres"]) == 4
    assert value(found, "fwhm_x") == pytest.approx(scan.fwhm_xy_mm[0], rel=0.05)
    assert value(found, "fwhm_y") == pytest.approx(scan.fwhm_xy_mm[1], rel=0.05)


def test_spheres_are_drawn_where_they_are_in_their_own_plane(images: list[Image]) -> None:
    found = imaging.analyse(NAME, images)
    middle = (SCAN.shape[0] - 1) / 2
    seen = {
        tuple(round((at - middle) * SCAN.pixel_mm) for at in region.points[0])
        for region in found.regions
    }
    assert seen == {(round(x), round(y)) for x, y, _ in SCAN.spheres}
    assert {r.frame for r in found.regions} == {15}
    for row in found.facts["spheres"]:
        assert row["z_mm"] == pytest.approx(15.3, abs=0.1)


def test_the_uncertainty_covers() -> None:
    pulls = []
    for seed in range(12):
        scan = replace(SCAN, seed=seed, noise=8.0, shape=(260, 260))
        found = imaging.analyse(NAME, scan.images())
        pulls.append((value(found, "fwhm_z") - 8.0) / u(found, "fwhm_z"))
    assert 0.5 < np.std(pulls) < 1.6
    assert np.mean(np.abs(pulls) < 2.5) > 0.8


def test_the_pitch_is_stated_given_or_refused(images: list[Image]) -> None:
    bare = [replace(i, z_mm=None) for i in images]
    refused(NAME, bare, "no-plane-pitch")
    header = [replace(i, facts={"SpacingBetweenSlices": 1.0}) for i in bare]
    assert imaging.analyse(NAME, header).facts["pitch_from"] == "SpacingBetweenSlices"
    given = imaging.analyse(NAME, bare, plane_pitch_mm=2.0)
    assert value(given, "fwhm_z") == pytest.approx(16.0, rel=0.02)
    assert given.provenance.parameters["plane_pitch_mm"] == 2.0
    assert any("by hand" in w for w in given.warnings)


def test_too_few_planes_within_the_spread_is_said() -> None:
    found = imaging.analyse(NAME, replace(SCAN, fwhm_z_mm=2.2).images())
    assert any("less than three planes" in w for w in found.warnings)


def test_a_spread_that_leaves_the_stack_is_left_out() -> None:
    spheres = [*matrix(2, 1, spacing_mm=30.0, height_mm=15.0), (0.0, 12.0, 1.0)]
    found = imaging.analyse(NAME, replace(SCAN, spheres=spheres).images())
    assert value(found, "fwhm_z") == pytest.approx(8.0, rel=0.02)
    assert any("1 of 3 spheres" in w for w in found.warnings)
    edge = replace(SCAN, spheres=matrix(2, 2, spacing_mm=30.0, height_mm=1.0))
    assert imaging.analyse(NAME, edge.images()).status == "not measurable"


def test_the_same_input_gives_the_same_bits(images: list[Image]) -> None:
    assert imaging.analyse(NAME, images).as_dict() == imaging.analyse(NAME, images).as_dict()


def test_what_is_refused(images: list[Image]) -> None:
    refused(NAME, [], "no-images")
    refused(NAME, images[:3], "too-few-images")
    refused(NAME, images[::-1], "planes-out-of-order")
    refused(NAME, [*images[:5], *images[7:]], "planes-out-of-order")
    refused(NAME, [images[0], *images], "same-frame")
    refused(
        NAME, [*images[:-1], replace(images[-1], pixels=images[-1].pixels[:-1])], "mixed-images"
    )
    refused(NAME, [replace(i, modality="CT") for i in images], "wrong-modality")
    refused(NAME, [replace(i, spacing_mm=None) for i in images], "no-pixel-spacing")
    empty = replace(SCAN, spheres=[])
    refused(NAME, empty.images(), "wrong-phantom")
    fields: dict[str, Any] = {"modality": "MG"}
    same = [
        planar.as_image(
            planar.flat_field((320, 320), mean=500.0, noise=4.0, seed=k)
            + 300.0 * (np.hypot(*(np.indices((320, 320)) - 160)) < 4), 0.2, z_mm=float(k), **fields
        )
        for k in range(9)
    ]  # fmt: skip
    refused(NAME, same, "wrong-phantom")  # it never goes out of focus: a projection, not planes
