"""Leeds TOR CDR: three series of details of three sizes, and bars to 14.3 per mm."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from kerma import imaging
from kerma.core import Analysis
from kerma.imaging.objects import _spec
from kerma.simulate import objects
from kerma.simulate.planar import as_image
from tests.imaging.helpers import curve, value

NAME = "leeds-tor-cdr"
SCALE, NOISE, TURN = 3.4, 20.0, -33.0
SCAN = objects.ObjectImage(
    NAME, side=(740, 740), pixels_per_mm=SCALE, turn_deg=TURN, mirrored=True, noise=0.0
)
SIZES = {"large": 11.0, "step": 5.6, "small": 0.5}


@pytest.fixture(scope="module")
def many() -> list[Analysis]:
    clean = objects.pixels(SCAN)
    made = []
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(0.0, NOISE, clean.shape)
        made.append(imaging.analyse(NAME, [as_image(clean + noise, 1 / SCALE)]))
    return made


def loss(radius_px: float, sigma_px: float) -> float:
    """Return the share of a blurred disc's signal within the disc: sub-pixel sums."""
    sub, half = 16, math.ceil(radius_px + 6 * sigma_px + 2)
    fine = (np.arange(2 * half * sub) + 0.5) / sub - half
    disc = (np.hypot(fine, fine[:, None]) <= radius_px).astype(float)
    soft = ndimage.gaussian_filter(disc, sigma_px * sub)
    return float((soft * disc).sum() / disc.sum())


def test_every_series_is_measured(many) -> None:
    assert [len(many[0].facts[g]) for g in ("large", "step", "small")] == [17, 10, 17]
    assert value(many[0], "large_seen") >= 15
    assert value(many[0], "step_seen") == 10


@pytest.mark.parametrize("group", ["large", "step"])
def test_contrast_to_noise_and_d_prime_of_the_larger_details(many, group: str) -> None:
    """Case 18: CNR and d' within 3 % over the series and five images."""
    contrast = np.array(SCAN.contrast(group)) * SCAN.level
    rows = [list(m.facts[group]) for m in many]
    cnr = np.array([[r["cnr"] for r in rs] for rs in rows])
    strong = contrast / NOISE > 2
    assert (cnr / (contrast / NOISE))[:, strong].mean() == pytest.approx(1.0, abs=0.03)
    radius = SIZES[group] / 2 * SCALE
    d = np.array([[r["d_prime"] for r in rs] for rs in rows])
    truth = contrast / NOISE * math.sqrt(math.pi) * radius * loss(radius, 0.12 * SCALE)
    assert (d / truth)[:, strong].mean() == pytest.approx(1.0, abs=0.03)


def test_grey_steps_are_the_attenuations(many) -> None:
    measured = np.mean([[r["contrast"] for r in m.facts["step"]] for m in many], axis=0)
    truth = np.array(SCAN.contrast("step")) * SCAN.level
    assert measured == pytest.approx(truth, rel=0.01)


def test_details_smaller_than_two_pixels_are_still_told_apart_from_nothing(many) -> None:
    """A 0.5 mm detail spreads over its neighbours: d' falls with the pixels, never rises above."""
    contrast = np.array(SCAN.contrast("small")) * SCAN.level
    ideal = contrast / NOISE * math.sqrt(math.pi) * 0.25 * SCALE
    d = np.mean([[r["d_prime"] for r in m.facts["small"]] for m in many], axis=0)
    assert (np.diff(d[:8]) < 0).all()
    assert (d[:8] < ideal[:8]).all()
    assert (d[:8] > 0.25 * ideal[:8]).all()


def test_modulation_of_the_bars(many) -> None:
    f, modulation, _ = curve(many[0], "Modulation of the bars")
    t, p = math.radians(TURN), 1 / SCALE
    truth = (
        np.exp(-2 * (math.pi * SCAN.sigma_mm * f) ** 2)
        * np.sinc(f * p * math.cos(t)) * np.sinc(f * p * math.sin(t))
    )  # fmt: skip
    assert modulation == pytest.approx(truth, abs=0.015)
    assert any("Nyquist" in w for w in many[0].warnings)


def test_places_that_are_assumed_are_said_to_be(many) -> None:
    unchecked = many[0].facts["not_checked"]
    assert unchecked["places"].startswith("assumed")
    assert any("nobody has checked" in w for w in many[0].warnings)


def test_too_little_free_space_is_said_and_taken_for_white() -> None:
    """Discs so close that no try fits between: the pixel noise stands in, with a warning."""
    ring = {"diameter_mm": 12, "ring_mm": 15, "clock_deg": [0, 90, 180, 270]}
    crowd = {"diameter_mm": 12, "ring_mm": 33, "clock_deg": [i * 36 for i in range(10)],
             "weights": [1.0] * 6 + [0.5] * 4}  # fmt: skip
    layout = {"object": "crowd", "title": "crowd", "circle_mm": 44, "reach_mm": 41,
              "series": {"inner": ring, "outer": crowd}}  # fmt: skip
    spec = _spec.given(layout)
    scan = replace(
        SCAN, spec=spec, side=(420, 420), pixels_per_mm=4.0, turn_deg=0.0, mirrored=False,
        noise=20.0, contrasts={"inner": (0.5, 0.4, 0.3, 0.2),
                               "outer": tuple(0.5 - 0.04 * i for i in range(10))},
    )  # fmt: skip
    found = imaging.analyse(NAME, [objects.image(scan)], layout=layout)
    assert any("taken for white" in w or "nothing is free" in w for w in found.warnings)
