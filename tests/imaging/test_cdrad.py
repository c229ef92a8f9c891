"""CDRAD: choices at the rate of the ideal observer, thresholds, however it lies."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from kerma import imaging
from kerma.core import Analysis
from kerma.imaging.tools import psychometric
from kerma.simulate import cdrad
from tests.imaging.helpers import curve, u, value

NAME = "cdrad"
SCAN = cdrad.CdradImage(side=(1020, 1020), pixel_mm=0.25, turn_deg=0.5, noise=45.0)
KEY = cdrad.key()
COUNT = 6


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    return cdrad.expected(SCAN)


@pytest.fixture(scope="module")
def found(clean) -> Analysis:
    images = [cdrad.image(cdrad.with_seed(SCAN, seed), clean) for seed in range(COUNT)]
    return imaging.analyse(NAME, images, corners=KEY)


def true_d_prime(row: int, column: int) -> float:
    """Return d' of a disc template on a blurred disc in white noise."""
    radius = cdrad.diameter_mm(row) / 2 / SCAN.pixel_mm
    sub, half = 12, math.ceil(radius + 4)
    fine = (np.arange(2 * half * sub) + 0.5) / sub - half
    disc = (np.hypot(fine, fine[:, None]) <= radius).astype(float)
    soft = ndimage.gaussian_filter(disc, math.hypot(SCAN.sigma_mm / SCAN.pixel_mm, 0.29) * sub)
    loss = float((soft * disc).sum() / disc.sum())
    return SCAN.contrast(column) * SCAN.level / SCAN.noise * math.sqrt(math.pi) * radius * loss


def test_choices_are_right_at_the_rate_of_the_ideal_observer(found) -> None:
    """Case 20: P = integral of phi(x - d') Phi(x)^3, within 2 sd of the binomial."""
    right = np.array(found.facts["correct_by_square"]) * COUNT
    rows = [r for r in range(3, 15) if cdrad.diameter_mm(r) >= 1.0]
    rates = psychometric.ideal_rate(
        np.array([[true_d_prime(r, c) for c in range(15)] for r in rows])
    )
    z = []
    for row, p in zip(rows, rates, strict=True):
        sd = math.sqrt(COUNT * float((p * (1 - p)).sum()))
        z.append((float(right[row].sum()) - COUNT * float(p.sum())) / sd)
    whole = math.sqrt(COUNT * float((rates * (1 - rates)).sum()))
    assert abs(right[rows].sum() - COUNT * rates.sum()) < 2 * whole
    assert np.mean(np.abs(z) < 2) >= 0.85
    assert np.abs(z).max() < 3.2


def test_a_d_prime_lower_by_a_third_would_show(found) -> None:
    """Negative control of the test above."""
    right = np.array(found.facts["correct_by_square"]) * COUNT
    rows = [r for r in range(3, 15) if cdrad.diameter_mm(r) >= 1.0]
    rates = psychometric.ideal_rate(
        0.67 * np.array([[true_d_prime(r, c) for c in range(15)] for r in rows])
    )
    sd = math.sqrt(COUNT * float((rates * (1 - rates)).sum()))
    assert right[rows].sum() - COUNT * rates.sum() > 3 * sd


def test_thresholds_are_where_the_ideal_observer_is_right_in_five_of_eight(found) -> None:
    """The fitted depth at p = 0.625 against the depth at which P(d') = 0.625."""
    d_at = psychometric.ideal_d_prime(0.625)
    z = []
    for row in range(3, 12):
        depths = np.linspace(0.05, 12, 4000)
        per = true_d_prime(row, 0) / SCAN.contrast(0)
        d = per * (np.exp(SCAN.mu_per_mm * depths) - 1)
        truth = float(depths[np.argmin(np.abs(d - d_at))])
        name = f"threshold_depth_{cdrad.diameter_mm(row):g}mm".replace(".", "_")
        if name in found.values and 0.4 < truth < 7:
            z.append((value(found, name) - truth) / u(found, name))
    assert len(z) >= 4
    assert np.sqrt(np.mean(np.square(z))) < 1.8
    x, y, _ = curve(found, "Contrast-detail curve")
    assert np.polyfit(np.log(x), np.log(y), 1)[0] < -0.6  # depth falls as diameter rises


def test_geometry_comes_back(found) -> None:
    assert value(found, "rotation") == pytest.approx(0.5, abs=0.02)
    assert value(found, "pitch") == pytest.approx(16.0, rel=0.02)
    assert found.facts["corner_offset"][6] == pytest.approx(0.25, abs=0.005)
    assert found.facts["mirrored"] is False


@pytest.mark.parametrize(
    ("turn", "mirrored", "inverted"),
    [(90.0, False, True), (180.0, True, False), (-38.0, True, True)],
)  # fmt: skip
def test_read_whichever_way_it_lies(turn: float, mirrored: bool, inverted: bool) -> None:
    side = 1020 if turn % 90 < 2 else 1380
    scan = replace(SCAN, side=(side, side), turn_deg=turn, mirrored=mirrored, inverted=inverted)
    one = imaging.analyse(NAME, [cdrad.image(scan)], corners=KEY)
    assert (value(one, "rotation") - turn + 180) % 360 - 180 == pytest.approx(0, abs=0.05)
    assert one.facts["mirrored"] is mirrored
    assert ("higher" in one.facts["attenuation_is"]) is inverted
    assert value(one, "correct") > 65


def test_a_slope_of_the_field_does_not_choose_corners(clean) -> None:
    scan = replace(SCAN, slope_percent_per_cm=0.8, noise=45.0)
    sloped = imaging.analyse(NAME, [cdrad.image(cdrad.with_seed(scan, s)) for s in range(1)],
                             corners=KEY)  # fmt: skip
    flat = imaging.analyse(
        NAME, [cdrad.image(cdrad.with_seed(SCAN, s), clean) for s in range(1)], corners=KEY
    )
    assert value(sloped, "correct") == pytest.approx(value(flat, "correct"), abs=8)


def test_noise_alone_is_right_in_a_quarter() -> None:
    """Holes in the middle only: the corners hold nothing, so choices are guesses."""
    scan = replace(SCAN, offset=0.0)
    holes = cdrad.expected(scan)
    grid = imaging.analyse(NAME, [cdrad.image(scan, holes)])
    assert any("No corner hole is clear" in w for w in grid.warnings)
    one = imaging.analyse(NAME, [cdrad.image(cdrad.with_seed(scan, s), holes) for s in range(2)],
                          corners=KEY)  # fmt: skip
    share, sd = value(one, "correct"), 100 * math.sqrt(0.25 * 0.75 / (2 * 180))
    assert share == pytest.approx(25.0, abs=3 * sd)
    assert len([n for n in one.values if n.startswith("threshold")]) <= 1


def test_the_same_images_give_the_same_bits(clean) -> None:
    images = [cdrad.image(SCAN, clean)]
    first = imaging.analyse(NAME, images, corners=KEY)
    assert first.as_dict() == imaging.analyse(NAME, images, corners=KEY).as_dict()
