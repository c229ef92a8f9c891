"""Uniformity of a mammography detector: planted slopes and spots, offsets, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Image
from kerma.simulate import planar
from kerma.simulate.mammography import PmmaScan
from tests.imaging.helpers import refused, u, value

NAME = "mammo-uniformity"
PIXEL = 0.1
SHAPE = (1200, 1000)


def as_mg(pixels: np.ndarray, **more: Any) -> Image:
    return planar.as_image(pixels, PIXEL, **{"modality": "MG", **more})


def flat(seed: int = 1, noise: float = 8.0, across: float = 0.0) -> np.ndarray:
    return planar.flat_field(
        SHAPE, mean=400.0, noise=noise, seed=seed, gradient_percent_per_cm=(across, 0.0),
        pixel_mm=PIXEL,
    )  # fmt: skip


def test_a_planted_slope() -> None:
    """Case 15: g %/cm over the distance of the outermost squares' middles, within 0.05 %."""
    found = imaging.analyse(NAME, [as_mg(flat(noise=0.05, across=0.4))], offset=0.0)
    # 100 mm less margins of 5 mm and half a square at each end: 40 mm to either side.
    assert value(found, "mean_deviation") == pytest.approx(0.4 * 4.0, abs=0.05)
    assert value(found, "mean_high") == pytest.approx(1.6, abs=0.05)
    assert value(found, "mean_low") == pytest.approx(-1.6, abs=0.05)


def test_a_planted_spot_is_drawn_where_it_is() -> None:
    spotted = planar.with_disc(flat(), x=300.0, y=800.0, radius_px=70.0, change=0.02)
    found = imaging.analyse(NAME, [as_mg(spotted)], offset=0.0)
    assert value(found, "mean_deviation") == pytest.approx(2.0, abs=0.1)
    region = next(r for r in found.regions if r.name == "Largest deviation of the mean")
    (x0, y0), (x1, y1) = region.points
    assert x0 < 300 < x1
    assert y0 < 800 < y1


def test_noise_that_is_higher_in_one_place() -> None:
    pixels = flat()
    extra = np.random.default_rng(9).normal(0.0, 8.0, (150, 150))
    pixels[600:750, 400:550] += extra
    found = imaging.analyse(NAME, [as_mg(pixels)], offset=0.0)
    # Twice the variance: SNR lower by 1 - 1/sqrt(2).
    assert value(found, "snr_deviation") == pytest.approx(29.3, abs=2.0)
    assert value(found, "variance_deviation") == pytest.approx(100.0, abs=8.0)
    assert value(found, "snr") == pytest.approx(50.0, rel=0.02)
    region = next(r for r in found.regions if r.name == "Largest deviation of the SNR")
    assert 390 < np.mean([p[0] for p in region.points]) < 560


def test_an_offset_hides_deviations_unless_it_is_taken_off() -> None:
    pixels = flat(noise=0.05, across=0.4) + 400.0
    hidden = imaging.analyse(NAME, [as_mg(pixels)])
    shown = imaging.analyse(NAME, [as_mg(pixels)], offset=400.0)
    assert value(hidden, "mean_deviation") == pytest.approx(0.8, abs=0.03)
    assert value(shown, "mean_deviation") == pytest.approx(1.6, abs=0.05)
    assert any("offset" in w for w in hidden.warnings)
    stp = {"model": "linear", "a": 400.0, "b": 2.0}
    linear = imaging.analyse(NAME, [as_mg(pixels)], stp=stp)
    assert value(linear, "mean_deviation") == pytest.approx(1.6, abs=0.05)
    assert str(linear.values["signal"].unit) == "uGy"


def test_several_images_know_the_mean_better() -> None:
    many = [as_mg(flat(seed=k)) for k in range(6)]
    single, pooled = (imaging.analyse(NAME, i, offset=0.0) for i in (many[:1], many))
    assert value(pooled, "mean_deviation") < 0.7 * value(single, "mean_deviation")
    assert u(pooled, "mean_deviation") == pytest.approx(
        u(single, "mean_deviation") / np.sqrt(6), rel=0.3
    )


def test_invariances() -> None:
    pixels = flat(across=0.3)
    base = imaging.analyse(NAME, [as_mg(pixels)], offset=0.0)
    for changed in (3.0 * pixels, pixels[:, ::-1], pixels[::-1]):
        again = imaging.analyse(NAME, [as_mg(np.ascontiguousarray(changed))], offset=0.0)
        for name in ("mean_deviation", "snr_deviation"):
            assert value(again, name) == pytest.approx(value(base, name), rel=1e-6)


def test_a_field_by_hand_is_recorded() -> None:
    field = [100, 100, 700, 900]
    found = imaging.analyse(NAME, [as_mg(flat())], offset=0.0, field_px=field)
    assert found.provenance.parameters["field_px"] == field
    assert "The field was set by hand." in found.warnings


def test_what_is_refused() -> None:
    good = as_mg(flat())
    refused(NAME, [], "no-images")
    refused(NAME, [PmmaScan(contrast=0.35).image()], "not-flat")
    refused(NAME, [as_mg(planar.anatomy((1024, 1024), seed=1))], "clinical-looking")
    refused(NAME, [replace(good, processing="presentation")], "processed-image")
    refused(NAME, [replace(good, spacing_mm=None)], "no-pixel-spacing")
    refused(NAME, [replace(good, modality="CR")], "wrong-modality")
    refused(NAME, [good, good], "same-frame")
    refused(NAME, [good, as_mg(flat(seed=2)[:-1])], "mixed-images")
    refused(NAME, [good], "offset-too-high", offset=500.0)
    refused(NAME, [good], "bad-parameter", offset=5.0, stp={"model": "linear", "a": 0, "b": 1})
    refused(NAME, [as_mg(flat()[:600, :600])], "region-too-small", side_mm=45.0)
    refused(NAME, [as_mg(np.full(SHAPE, 3.0))], "constant-image")
    refused(NAME, [as_mg(flat(), saturated_at=300.0)], "saturated-image")
    refused(NAME, [as_mg(flat()[:1])], "image-too-small")
    broken = flat()
    broken[2, 2] = np.inf
    refused(NAME, [as_mg(broken)], "not-finite")
