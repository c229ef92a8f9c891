"""Focal spot through a pinhole and a slit, in closed form."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.simulate import focal, geometry, planar
from tests.imaging.helpers import refused, u, value

NAME = "focal-spot-pinhole"
P = 0.1
SHAPE = (240, 260)


@cache
def pinhole(**given: Any) -> np.ndarray:
    return focal.pinhole(SHAPE, **given)


def image(*, share: float = 0.005, seed: int = 1, extra: dict[str, Any] | None = None,
          **more: Any) -> Image:  # fmt: skip
    given = {"pixel_mm": P, "spot_mm": (1.0, 1.4), "enlargement": 4.0, "centre_mm": (1.3, -0.7)}
    clean = pinhole(**{**given, **more})
    return planar.as_image(geometry.noisy(50 + 2000 * clean, seed=seed, share=share), P,
                           **(extra or {}))  # fmt: skip


def measure(one: Image, **parameters: Any) -> Analysis:
    return imaging.analyse(NAME, [one], **{"enlargement": 4.0, **parameters})


def test_uniform_spot_at_half_and_at_15_percent() -> None:
    """The spread function is the spot's box over the hole's: at 15 % it is 0.7 holes wider."""
    found = measure(image(hole_mm=0.03), tube_axis="y")
    for axis, size in (("x", 1.0), ("y", 1.4)):
        assert value(found, f"focal_spot_{axis}_fwhm") == pytest.approx(size, rel=0.01)
        assert size < value(found, f"focal_spot_{axis}") < size + 0.05
    assert value(found, "focal_spot_length") == value(found, "focal_spot_y")
    assert value(found, "focal_spot_width_fwhm") == value(found, "focal_spot_x_fwhm")


def test_gaussian_spot_closed_form() -> None:
    found = measure(image(kind="gaussian", spot_mm=(0.3, 0.4)))
    for axis, sigma in (("x", 0.3), ("y", 0.4)):
        assert value(found, f"focal_spot_{axis}_fwhm") == pytest.approx(2.3548 * sigma, rel=0.01)
        at_15 = 2 * sigma * math.sqrt(-2 * math.log(0.15))
        assert value(found, f"focal_spot_{axis}") == pytest.approx(at_15, rel=0.01)


@pytest.mark.parametrize("turn", [0.0, 2.0])
def test_a_slit_gives_the_size_across_it(turn: float) -> None:
    down = image(slit_mm=2.5, slit_turn_deg=turn, spot_mm=(1.0, 0.6))
    found = measure(down, kind="slit")
    assert value(found, "focal_spot_x_fwhm") == pytest.approx(1.0, rel=0.02)
    assert "focal_spot_y" not in found.values
    pixels = np.ascontiguousarray(down.pixels.T)
    across = measure(planar.as_image(pixels, P), kind="slit")
    assert value(across, "focal_spot_y_fwhm") == pytest.approx(1.0, rel=0.02)


def test_enlargement_from_the_distances() -> None:
    one = image(extra={"facts": {"DistanceSourceToDetector": 1000.0}})
    found = imaging.analyse(NAME, [one], camera_mm=200.0)
    assert value(found, "enlargement") == pytest.approx(4.0)
    refused(NAME, [one], "no-distance")
    refused(NAME, [one], "bad-parameter", camera_mm=1200.0)


def test_uncertainty_covers_the_truth() -> None:
    z = []
    for seed in range(20):
        found = measure(image(kind="gaussian", spot_mm=(0.3, 0.4), share=0.03, seed=seed))
        z += [(value(found, f"focal_spot_{a}_fwhm") - 2.3548 * s) / u(found, f"focal_spot_{a}_fwhm")
              for a, s in (("x", 0.3), ("y", 0.4))]  # fmt: skip
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert np.sqrt(np.mean(np.square(z))) <= 1.4


@pytest.mark.parametrize("change", ["inverted", "gain", "mirror"])
def test_the_same_spot_however_the_image_lies(change: str) -> None:
    pixels = image().pixels
    other = {"inverted": 4000 - pixels, "gain": 2 * pixels + 9, "mirror": pixels[:, ::-1]}[change]
    polarity = "dark" if change == "inverted" else "auto"
    found = measure(planar.as_image(np.ascontiguousarray(other), P), polarity=polarity)
    assert value(found, "focal_spot_x_fwhm") == pytest.approx(1.0, rel=0.01)


def test_too_few_pixels_are_pointed_out() -> None:
    found = measure(image(spot_mm=(0.5, 1.2)))
    assert any("along x" in w and "IEC 60336" in w for w in found.warnings)


def test_refusals() -> None:
    flat = planar.flat_field(SHAPE, mean=1000, noise=20, seed=1)
    refused(NAME, [planar.as_image(flat, P)], "no-spot", enlargement=4.0)
    refused(NAME, [image()], "wrong-shape", enlargement=4.0, kind="slit")
    refused(NAME, [image(slit_mm=2.5)], "wrong-shape", enlargement=4.0)
    two = np.maximum(image(centre_mm=(-6, 0)).pixels, image(centre_mm=(6, 0)).pixels)
    refused(NAME, [planar.as_image(two, P)], "two-spots", enlargement=4.0)
    refused(NAME, [image(centre_mm=(-12.5, 0))], "no-spot", enlargement=4.0)
    top = planar.as_image(np.minimum(image().pixels, 800.0), P, saturated_at=800.0)
    refused(NAME, [top], "saturated-image", enlargement=4.0)
    refused(NAME, [image(extra={"processing": "presentation"})], "processed-image", enlargement=4.0)


def test_other_bright_or_dark_things_are_no_focal_spots() -> None:
    cover = geometry.rectangle((400, 400), pixel_mm=0.2, edges_mm=(-25, -20, 24, 22), sigma_mm=0.8)
    field = planar.as_image(geometry.noisy(50 + 2000 * cover, seed=1), 0.2)
    error = refused(NAME, [field], "no-spot", enlargement=4.0)
    assert "focal spot of" in error.message
    dark = planar.as_image(4000.0 - image().pixels, P)
    refused(NAME, [dark], "no-spot", enlargement=4.0)
    said = planar.as_image(dark.pixels, P, facts={"PixelIntensityRelationshipSign": -1})
    assert value(measure(said), "focal_spot_x_fwhm") == pytest.approx(1.0, rel=0.01)


def test_the_same_image_gives_the_same_bits() -> None:
    assert measure(image()).as_dict() == measure(image()).as_dict()
