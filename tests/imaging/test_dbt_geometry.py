"""Geometry of tomosynthesis planes: case 30 of the closed forms, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Image
from kerma.simulate.cdmam import CdmamScan, cdmam_images
from kerma.simulate.tomosynthesis import DbtScan, matrix
from tests.imaging.helpers import refused, u, value

NAME = "dbt-geometry"
SCAN = DbtScan(spheres=matrix(3, 2), shape=(400, 620), planes=31, pixel_mm=0.2)


@pytest.fixture(scope="module")
def images() -> list[Image]:
    return SCAN.images()


@pytest.mark.parametrize(
    ("turn", "tilt", "scale"),
    [
        (0.0, (0.0, 0.0), (1.0, 1.0)),
        (4.0, (1.0, -0.6), (1.01, 1.01)),
        (-2.0, (0.0, 0.8), (1.0, 1.0)),
    ],
)
def test_spacing_height_and_tilt(
    turn: float, tilt: tuple[float, float], scale: tuple[float, float]
) -> None:
    """Case 30: spacing and height within 0.1 mm; angles with them."""
    spheres = matrix(3, 2, turn_deg=turn, tilt_deg=tilt, scale=scale, middle_mm=(1.3, -0.7))
    found = imaging.analyse(NAME, replace(SCAN, spheres=spheres).images(), nominal_z_mm=19.0)
    for axis, stretch in zip("xy", scale, strict=True):
        assert value(found, f"spacing_{axis}") == pytest.approx(50.0 * stretch, abs=0.03)
        assert value(found, f"scale_{axis}") == pytest.approx(100 * (stretch - 1), abs=0.05)
        assert abs(value(found, f"spacing_{axis}") - 50.0 * stretch) < 5 * u(
            found, f"spacing_{axis}"
        )
    assert value(found, "turn") == pytest.approx(turn, abs=0.05)
    assert value(found, "height") == pytest.approx(20.0, abs=0.1)
    assert value(found, "height_difference") == pytest.approx(1.0, abs=0.1)
    # Spheres move with the stretched image, their heights do not.
    for axis, lean, stretch in zip("xy", tilt, scale, strict=True):
        truth = np.degrees(np.arctan(np.tan(np.radians(lean)) / stretch))
        assert value(found, f"tilt_{axis}") == pytest.approx(truth, abs=0.08)
    assert value(found, "distortion") < 0.1
    assert value(found, "flatness") < 0.2
    assert abs(value(found, "skew")) < 0.05


def test_unequal_scales_and_skew() -> None:
    spheres = matrix(3, 2, scale=(1.02, 0.985))
    found = imaging.analyse(NAME, replace(SCAN, spheres=spheres).images())
    assert value(found, "scale_x") == pytest.approx(2.0, abs=0.05)
    assert value(found, "scale_y") == pytest.approx(-1.5, abs=0.05)


def test_one_sphere_out_of_place_is_the_distortion() -> None:
    spheres = matrix(3, 3)
    x, y, z = spheres[4]
    spheres[4] = (x + 0.9, y, z + 1.8)
    found = imaging.analyse(NAME, replace(SCAN, spheres=spheres, shape=(620, 620)).images())
    # The fit of nine takes up a ninth of the shift of the middle one.
    assert value(found, "distortion") == pytest.approx(0.8, abs=0.03)
    assert value(found, "flatness") == pytest.approx(1.6, abs=0.1)
    rows = [r for r in found.facts["spheres"] if (r["matrix_column"], r["matrix_row"]) == (1, 1)]
    assert rows[0]["off_x_mm"] == pytest.approx(0.8, abs=0.03)


def test_rotation_and_mirror(images: list[Image]) -> None:
    base = imaging.analyse(NAME, images)
    turned = [replace(i, pixels=np.ascontiguousarray(np.rot90(i.pixels))) for i in images]
    again = imaging.analyse(NAME, turned)
    assert value(again, "spacing_x") == pytest.approx(value(base, "spacing_y"), abs=0.01)
    mirrored = [replace(i, pixels=np.ascontiguousarray(i.pixels[:, ::-1])) for i in images]
    assert value(imaging.analyse(NAME, mirrored), "height") == pytest.approx(
        value(base, "height"), abs=0.01
    )


def test_recognised(images: list[Image]) -> None:
    assert imaging.recognise(images).name == NAME


def test_what_is_refused(images: list[Image]) -> None:
    refused(NAME, images, "wrong-phantom", spacing_mm=40.0)
    refused(NAME, replace(SCAN, spheres=matrix(3, 1)).images(), "wrong-phantom")
    refused(NAME, replace(SCAN, spheres=[]).images(), "wrong-phantom")
    random = np.random.default_rng(3)
    strewn = [(float(x), float(y), 15.0) for x, y in random.uniform((-50, -30), (50, 30), (14, 2))]
    refused(NAME, replace(SCAN, spheres=strewn).images(), "wrong-phantom")
    refused(NAME, images[::-1], "planes-out-of-order")
    refused(NAME, images[:4], "too-few-images")
    refused(NAME, [replace(i, z_mm=None) for i in images], "no-plane-pitch")
    refused(NAME, images, "bad-parameter", spacing_mm=500.0)
    cdmam = cdmam_images(CdmamScan(pixel_mm=0.15, shape=(870, 1270), noise=36.0), 5)
    refused(NAME, cdmam, "wrong-phantom", plane_pitch_mm=1.0)
