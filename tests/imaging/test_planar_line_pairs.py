"""Bar patterns whose contrast is the closed-form MTF at their frequencies."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma import imaging
from kerma.core import Analysis
from kerma.dicom.pixels import read_images
from kerma.simulate import planar
from tests.imaging.helpers import curve, refused, u, value
from tests.shared import shared_path

NAME = "planar-line-pairs"
P, SHAPE, SIGMA = 0.15, (400, 560), 0.12
FREQUENCIES = (0.5, 0.7, 1.0, 1.4, 1.8, 2.2, 2.6)
NYQUIST = 0.5 / P


def pattern(**more: object) -> planar.Bars:
    return planar.Bars(**{"frequencies_per_mm": FREQUENCIES, **more})  # type: ignore[arg-type]


def render(sigma: float = SIGMA, noise: float = 0.0, seed: int = 1, **more: object) -> np.ndarray:
    clean = planar.bar_pattern(SHAPE, pattern(**more), pixel_mm=P, sigma_mm=sigma)
    return clean + np.random.default_rng(seed).normal(0, noise, SHAPE)


def measure(pixels: np.ndarray, pixel_mm: float = P, **parameters: object) -> Analysis:
    return imaging.analyse(NAME, [planar.as_image(pixels, pixel_mm)], **parameters)


def truth(f: float, sigma: float = SIGMA, angle: float = 3.0, reference: float = 0.5) -> float:
    both = planar.edge_mtf(np.array([f, reference]), sigma, P, angle)
    return float(both[0] / both[1])


def name(f: float) -> str:
    return "rmtf_at_" + f"{f:g}".replace(".", "_")


@pytest.mark.parametrize("angle", [3.0, -20.0, 45.0, 88.0, 0.01])
@pytest.mark.parametrize("bars", [4, 5])
def test_relative_contrast_is_the_closed_form(angle: float, bars: int) -> None:
    frequencies = FREQUENCIES[:6]
    found = measure(render(angle_deg=angle, bars=bars, frequencies_per_mm=frequencies),
                    frequencies_per_mm=frequencies)  # fmt: skip
    for f in frequencies[1:]:
        assert value(found, name(f)) == pytest.approx(truth(f, angle=angle), abs=0.002), f
    assert value(found, "angle") == pytest.approx(angle, abs=0.02)
    assert value(found, "magnification") == pytest.approx(1, abs=0.001)
    assert value(found, "reference_frequency") == 0.5


def test_frequencies_are_found_when_they_are_not_stated() -> None:
    found = measure(render())
    seen = [row["frequency_per_mm"] for row in found.facts["groups"]]
    assert seen == pytest.approx(FREQUENCIES, rel=0.003)
    assert [row["bars"] for row in found.facts["groups"]] == [5] * 7
    x, y, sd = curve(found, "Relative contrast")
    for f, r in zip(x, y, strict=True):
        assert r == pytest.approx(truth(f), abs=0.003)
    assert (sd[1:] >= 0.002).all()
    assert "magnification" not in found.values
    assert value(found, "rmtf_group_2") == pytest.approx(truth(0.7), abs=0.002)
    assert {n for n in found.values if n.startswith("rmtf")} == {
        f"rmtf_group_{i}" for i in range(2, 8)
    }


@pytest.mark.parametrize("sigma", [0.14, 0.18, 0.22])
def test_limiting_frequency_is_where_the_curve_falls_to_the_limit(sigma: float) -> None:
    found = measure(render(sigma), limit_percent=10.0)
    f = np.linspace(0.5, 3.3, 5000)
    curve_at = planar.edge_mtf(f, sigma, P, 3.0) / planar.edge_mtf(np.array([0.5]), sigma, P, 3.0)
    at = float(f[np.argmax(curve_at < 0.10)])
    assert value(found, "limiting_frequency") == pytest.approx(at, rel=0.01)
    sharper = measure(render(0.05))
    assert "limiting_frequency" not in sharper.values
    assert any("does not fall to" in w for w in sharper.warnings)
    assert value(sharper, "highest_resolved") == pytest.approx(2.6, rel=0.01)


def test_noise_hides_the_finest_groups() -> None:
    quiet = measure(render(0.18, noise=1.0), frequencies_per_mm=FREQUENCIES)
    loud = measure(render(0.18, noise=60.0), frequencies_per_mm=FREQUENCIES)
    assert 1.0 <= value(loud, "highest_resolved") < value(quiet, "highest_resolved")


def test_three_bars_are_measured_with_a_warning() -> None:
    frequencies = FREQUENCIES[:5]
    found = measure(render(bars=3, frequencies_per_mm=frequencies), frequencies_per_mm=frequencies)
    for f in frequencies[1:]:
        assert value(found, name(f)) == pytest.approx(truth(f), abs=0.004), f
    assert any("three bars" in w for w in found.warnings)


def test_bright_bars_in_a_dark_field() -> None:
    inverted = 1300.0 - render(bars=4, frequencies_per_mm=FREQUENCIES[:6])
    found = measure(inverted)
    assert [row["bars"] for row in found.facts["groups"]] == [4] * 6
    for row in found.facts["groups"][1:]:
        f = row["frequency_per_mm"]
        assert row["relative_contrast"] == pytest.approx(truth(f), abs=0.003)


def test_the_extremes_of_a_profile_would_not_be_the_mtf() -> None:
    """Negative control: (max - min)/(max + min) over the coarsest is the square-wave response."""
    clean = planar.bar_pattern(SHAPE, pattern(frequencies_per_mm=(0.5, 1.8), angle_deg=0.01),
                               pixel_mm=P, sigma_mm=SIGMA)  # fmt: skip
    row = clean[SHAPE[0] // 2]
    (a, b), (c, d) = ([round(v / P + (SHAPE[1] - 1) / 2) for v in span] for span in
                      pattern(frequencies_per_mm=(0.5, 1.8)).spans_mm())  # fmt: skip
    coarse, fine = row[a : b + 1], row[c + 2 : d - 1]
    extremes = np.ptp(fine) / np.ptp(coarse)
    assert extremes > truth(1.8, angle=0.01) + 0.05
    found = measure(clean)
    assert found.facts["groups"][1]["relative_contrast"] == pytest.approx(
        truth(1.8, angle=0.01), abs=0.003
    )


def test_uncertainty_covers_the_truth() -> None:
    frequencies = (0.5, 1.0, 1.8)
    z = []
    for seed in range(30):
        pixels = render(noise=25.0, seed=seed, bars=4, frequencies_per_mm=frequencies)
        found = measure(pixels, frequencies_per_mm=frequencies)
        z += [(value(found, name(f)) - truth(f)) / u(found, name(f)) for f in (1.0, 1.8)]
    assert (np.abs(z) <= 2).mean() >= 0.9
    assert 0.7 < np.std(z) < 1.25


def test_groups_given_by_hand() -> None:
    """A pattern in two rows, each group boxed by hand; frequencies as stated."""
    spans = pattern().spans_mm()
    boxes = []
    for f, (start, stop) in zip(FREQUENCIES, spans, strict=True):
        x0, x1 = ((v / P + (SHAPE[1] - 1) / 2) for v in (start + 0.75 / f, stop - 0.75 / f))
        y = (SHAPE[0] - 1) / 2 + math.tan(math.radians(3)) * ((x0 + x1) / 2 - (SHAPE[1] - 1) / 2)
        boxes.append([round(x0) - 3, round(y) - 20, max(round(x1) + 3, round(x0) + 6),
                      round(y) + 20])  # fmt: skip
    chosen = FREQUENCIES[:4]
    found = measure(render(noise=5.0), frequencies_per_mm=list(chosen), groups=boxes[:4])
    for f in chosen[1:]:
        assert value(found, name(f)) == pytest.approx(truth(f), abs=0.02), f
    assert any("by hand" in w for w in found.warnings)
    assert found.provenance.parameters["groups"] == boxes[:4]
    beyond = measure(render(), frequencies_per_mm=[0.5, 0.7, 4.0], groups=boxes[:3])
    assert any("Nyquist" in w for w in beyond.warnings)
    assert "rmtf_at_4" not in beyond.values


def test_a_direction_set_by_hand_is_used_and_said() -> None:
    found = measure(render(), angle_deg=3.0)
    assert any("direction" in w for w in found.warnings)
    assert value(found, "angle") == pytest.approx(3.0)
    wrong = measure(render(), angle_deg=8.0)
    assert wrong.facts["groups"][-1]["relative_contrast"] < 0.5 * truth(2.2)  # negative control


def test_a_part_of_the_image_and_other_things_in_it() -> None:
    big = np.full((900, 1000), 1000.0) + np.random.default_rng(2).normal(0, 5, (900, 1000))
    big[100:500, 200:760] += render() - 1000.0
    big[700:760, 100:900] = 200.0  # a plate beside the pattern
    found = measure(big, roi=[200, 100, 760, 500], frequencies_per_mm=FREQUENCIES)
    for f in FREQUENCIES[1:6]:
        assert value(found, name(f)) == pytest.approx(truth(f), abs=4 * u(found, name(f)))
    points = np.array([p for r in found.regions for p in r.points])
    assert points[:, 0].min() > 250
    assert points[:, 1].min() > 220
    assert points[:, 1].max() < 380


def test_the_regions_lie_on_the_bars() -> None:
    found = measure(render(), frequencies_per_mm=FREQUENCIES)
    assert len(found.regions) == len(FREQUENCIES)
    middle = ((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2)
    for region, (start, stop) in zip(found.regions, pattern().spans_mm(), strict=True):
        x, y = np.array(region.points).mean(axis=0) - middle
        t = math.radians(3.0)
        along = (x * math.cos(t) + y * math.sin(t)) * P
        assert along == pytest.approx((start + stop) / 2, abs=0.1)


def test_magnification_is_found_and_a_wrong_list_refused() -> None:
    pixels = render()
    found = measure(pixels, P * 1.2, frequencies_per_mm=FREQUENCIES)  # the object is 1.2 times off
    assert value(found, "magnification") == pytest.approx(1.2, rel=0.003)
    part = measure(pixels, frequencies_per_mm=[*FREQUENCIES, 3.1, 3.7])
    assert value(part, "magnification") == pytest.approx(1.0, rel=0.003)
    image = [planar.as_image(pixels, P)]
    refused(NAME, image, "frequencies-do-not-fit",
            frequencies_per_mm=[0.5, 0.6, 0.75, 0.9, 1.0, 1.2, 1.4])  # fmt: skip
    refused(NAME, image, "frequencies-do-not-fit", frequencies_per_mm=[0.5, 0.7])


TOR_18FG = [0.5, 0.56, 0.63, 0.71, 0.8, 0.9, 1.0, 1.12, 1.25, 1.4, 1.6, 1.8, 2.0, 2.24, 2.5, 2.8]


def test_a_real_leeds_tor_18fg() -> None:
    """Three columns of groups; the steps are those of the R10 series (frequencies recalled)."""
    path = shared_path("dicom/phantoms/leeds-tor-18fg/leeds.dcm")
    image = replace(read_images(path)[0], modality="DX", processing="raw")
    found = imaging.analyse(NAME, [image], roi=[430, 290, 620, 470], frequencies_per_mm=TOR_18FG)
    rows = found.facts["groups"]
    assert [row["frequency_per_mm"] for row in rows] == TOR_18FG[:13]
    assert all(row["bars"] >= 4 for row in rows)
    # stated at the detector, seen magnified: one factor for all
    assert value(found, "magnification") == pytest.approx(1.49, abs=0.02)
    contrast = [row["relative_contrast"] for row in rows]
    assert all(b < a for a, b in pairwise(contrast))
    assert contrast[-1] == pytest.approx(0.30, abs=0.02)


@settings(max_examples=6, deadline=None)
@given(gain=st.floats(0.1, 20), quarter=st.integers(0, 3), mirrored=st.booleans())
def test_gain_and_turning_do_not_matter(gain: float, quarter: int, mirrored: bool) -> None:
    pixels = np.rot90(render(noise=1.0, bars=4), quarter)
    changed = 50 + gain * (pixels[:, ::-1] if mirrored else pixels)
    found = measure(np.ascontiguousarray(changed), frequencies_per_mm=FREQUENCIES)
    for f in FREQUENCIES[1:6]:
        assert value(found, name(f)) == pytest.approx(truth(f), abs=0.01), f


def test_linearisation_undoes_a_logarithmic_detector() -> None:
    stored = 400 + 300 * np.log(render(bars=4, frequencies_per_mm=FREQUENCIES[:5]) / 100)
    stp = {"model": "log", "a": 400.0, "b": 300.0}
    found = measure(stored, stp=stp, frequencies_per_mm=FREQUENCIES[:5])
    assert value(found, name(1.4)) == pytest.approx(truth(1.4), abs=0.003)
    raw = measure(stored, frequencies_per_mm=FREQUENCIES[:5])
    assert abs(value(raw, name(1.4)) - truth(1.4)) > 0.01  # negative control
    assert any("proportional" in w for w in raw.warnings)


def test_the_same_image_gives_the_same_bits() -> None:
    pixels = render(noise=10.0)
    assert measure(pixels).as_dict() == measure(pixels.copy()).as_dict()


def test_refusals() -> None:
    def no(pixels: np.ndarray, code: str, **more: object) -> None:
        image = {k: more.pop(k) for k in ("processing", "saturated_at", "modality") if k in more}
        refused(NAME, [planar.as_image(pixels, P, **image)], code, **more)

    bars = render(noise=5.0)
    no(planar.flat_field(SHAPE, mean=1000, noise=10, seed=1), "no-bar-pattern")
    edge = planar.edge(SHAPE, pixel_mm=P, sigma_mm=0.1, tilt_deg=2)
    no(edge + np.random.default_rng(1).normal(0, 5, SHAPE), "no-bar-pattern")
    disc = planar.with_disc(planar.flat_field(SHAPE, mean=1000, noise=5, seed=1), x=320, y=240,
                            radius_px=80, change=-0.4)  # fmt: skip
    no(disc, "no-bar-pattern")
    no(render(frequencies_per_mm=(1.0,)), "no-bar-pattern")
    no(bars, "bad-parameter", frequencies_per_mm=[1.0, 1.0])
    no(bars, "bad-parameter", groups=[[0, 0, 20, 20]], frequencies_per_mm=[1.0])
    no(bars, "bad-parameter", groups=[[0, 0, 20, 20], [30, 0, 50, 20]])
    no(bars, "bad-parameter", limit_percent=0)
    no(bars, "region-outside-image", roi=[0, 0, 900, 100])
    bright = 1300.0 - bars
    no(np.minimum(bright, 990.0), "saturated-field", saturated_at=990.0)
    no(bars, "processed-image", processing="presentation")
    no(bars, "wrong-modality", modality="CT")
    no(planar.anatomy(seed=4), "clinical-looking")
    no(np.full(SHAPE, 3.0), "constant-image")
    no(bars * math.nan, "not-finite")
    no(bars[:1], "image-too-small")
    refused(NAME, [planar.as_image(bars, None)], "no-pixel-spacing")
