"""Slanted-edge MTF against the closed form (methods, cases 1 to 5)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma import imaging
from kerma.core import Analysis
from kerma.imaging.tools import edge as edges
from kerma.imaging.tools import esf, mtf
from kerma.simulate import planar
from tests.imaging.helpers import curve, refused, u, value

NAME = "planar-mtf-edge"
P, SHAPE = 0.15, (512, 512)
NYQUIST = 0.5 / P


def measure(pixels: np.ndarray, pixel_mm: float = P, **parameters: object) -> Analysis:
    return imaging.analyse(NAME, [planar.as_image(pixels, pixel_mm)], **parameters)


def render(sigma: float = 0.12, tilt: float = 2.0, **more: object) -> np.ndarray:
    return planar.edge(SHAPE, pixel_mm=P, sigma_mm=sigma, tilt_deg=tilt, **more)  # type: ignore[arg-type]


def noisy(cnr: float, seed: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    clean = planar.edge(shape, pixel_mm=P, sigma_mm=0.12, tilt_deg=2.0)
    return clean + np.random.default_rng(seed).normal(0, 1000.0 / cnr, shape)


def error_to_nyquist(found: Analysis, sigma: float, tilt: float, axis: str = "x") -> float:
    f, y, _ = curve(found, f"MTF {axis}")
    inside = f <= NYQUIST + 1e-9
    return float(np.abs(y - planar.edge_mtf(f, sigma, P, tilt))[inside].max())


@pytest.mark.parametrize("sigma", [0.10, 0.15])
@pytest.mark.parametrize("tilt", [1.5, 2.0, 3.0, -2.5])
def test_case_1_closed_form(sigma: float, tilt: float) -> None:
    found = measure(render(sigma, tilt))
    assert error_to_nyquist(found, sigma, tilt) < 0.0006  # the stated tolerance is 0.002
    assert abs(value(found, "edge_angle_x")) == pytest.approx(abs(tilt), abs=1e-4)
    f = np.linspace(0.01, NYQUIST, 20000)
    truth = f[np.argmax(planar.edge_mtf(f, sigma, P, tilt) < 0.5)]
    assert value(found, "mtf50") == pytest.approx(truth, abs=3 * u(found, "mtf50"))


@pytest.mark.parametrize("tilt", [1.62, 1.73, 2.17, 2.43, 2.77, 2.94, -2.83])
def test_case_1_at_angles_that_do_not_fill_the_bins_evenly(tilt: float) -> None:
    """Without moving the means of bins to their middles 2.77 degrees would miss by 0.003."""
    assert error_to_nyquist(measure(render(0.10, tilt)), 0.10, tilt) < 0.0006
    pixels = render(0.10, tilt)
    line = edges.fit_line(pixels, edges.search(pixels, (1.5, 3.0)), 160)
    spread = esf.project(pixels, line, (P, P), 0.25)
    bare = replace(spread, offsets=np.zeros_like(spread.counts))
    f = np.linspace(0, NYQUIST, 101)
    truth = planar.edge_mtf(f, 0.10, P, tilt)
    error = [np.abs(mtf.from_edge(s, f, replicates=2).value - truth).max() for s in (spread, bare)]
    assert error[0] < 0.5 * error[1] or error[1] < 3e-4
    if tilt == 2.77:
        assert error[1] > 0.002  # negative control


@pytest.mark.parametrize("tilt", [1.5, 2.0, 2.77, 3.0, -2.5])
def test_case_1_line_by_line(tilt: float) -> None:
    found = measure(render(0.12, tilt), mode="lines")
    assert error_to_nyquist(found, 0.12, tilt) < 0.0015  # the stated tolerance is 0.002
    assert found.provenance.edition.endswith("line by line")
    x, _, _ = curve(found, "ESF x")
    lines = round(1 / np.tan(np.radians(abs(tilt))))
    assert np.diff(x) == pytest.approx(P / lines)
    other = measure(render(0.12, tilt))
    assert value(other, "mtf50") == pytest.approx(value(found, "mtf50"), rel=0.002)
    assert other.provenance.edition.endswith("projection binning")


def test_line_by_line_has_its_limits_and_its_uncertainty() -> None:
    image = [planar.as_image(render(), P)]
    refused(NAME, image, "bad-parameter", mode="model")
    refused(NAME, image, "bad-parameter", mode="lines", angle_limits_deg=[1.0, 5.0])
    two = [planar.as_image(render(tilt=t), P) for t in (2.0, 2.6)]
    refused(NAME, two, "edge-angles-differ", mode="lines")
    refused(NAME, [planar.as_image(render()[:100], P)], "edge-too-short", mode="lines")
    f = np.linspace(0.01, NYQUIST, 20000)
    truth = f[np.argmax(planar.edge_mtf(f, 0.12, P, 2.0) < 0.5)]
    z = []
    for seed in range(20):
        pixels = noisy(60, seed=400 + seed, shape=(300, 260))
        found = measure(pixels, mode="lines", half_width_mm=6.0)
        z.append((value(found, "mtf50") - truth) / u(found, "mtf50"))
    assert (np.abs(z) <= 2).sum() >= 16
    assert 0.5 <= np.sqrt(np.mean(np.square(z))) <= 1.5


def test_one_image_for_each_axis_gives_both_axes() -> None:
    """H and V from two images are what each image gives alone; nothing is averaged across."""
    across = planar.edge(SHAPE, pixel_mm=P, sigma_mm=0.20, tilt_deg=2.5)
    images = [planar.as_image(render(), P), planar.as_image(np.rot90(across).copy(), P)]
    found = imaging.analyse(NAME, images)
    assert found.facts["axes"] == ["x", "y"]
    for axis, sigma, tilt, image in (("x", 0.12, 2.0, images[0]), ("y", 0.20, 2.5, images[1])):
        alone = imaging.analyse(NAME, [image])
        assert value(found, f"mtf50_{axis}") == value(alone, "mtf50")
        assert error_to_nyquist(found, sigma, tilt, axis) < 0.0006
    assert value(found, "mtf50_y") < 0.75 * value(found, "mtf50_x")
    mean = (value(found, "mtf50_x") + value(found, "mtf50_y")) / 2
    assert value(found, "mtf50") == pytest.approx(mean)


@pytest.mark.parametrize("cnr", [200, 50, 20])
def test_case_2_noise_stays_within_the_stated_uncertainty(cnr: float) -> None:
    f, y, sd = curve(measure(noisy(cnr, seed=7)), "MTF x")
    inside = f <= NYQUIST
    error = np.abs(y - planar.edge_mtf(f, 0.12, P, 2.0))[inside]
    assert (error <= 3 * sd[inside]).mean() >= 0.97
    assert (error <= 5 * sd[inside]).all()


def test_case_2_an_uncorrected_curve_is_not_within_it() -> None:
    """Negative control: the stated uncertainty is small enough to tell the missing corrections."""
    pixels = noisy(200, seed=7)
    line = edges.fit_line(pixels, edges.search(pixels, (1.5, 3.0)), 160)
    f = np.linspace(0, NYQUIST, 101)
    bare = mtf.from_edge(esf.project(pixels, line, (P, P), 0.25), f, corrected=False)
    error = np.abs(bare.value - planar.edge_mtf(f, 0.12, P, 2.0))
    assert (error <= 3 * bare.u).mean() < 0.85


def test_case_2_uncertainty_of_mtf50_covers_the_truth() -> None:
    f = np.linspace(0.01, NYQUIST, 20000)
    truth = f[np.argmax(planar.edge_mtf(f, 0.12, P, 2.0) < 0.5)]
    z = []
    for seed in range(20):
        found = measure(noisy(60, seed=100 + seed, shape=(300, 260)))
        z.append((value(found, "mtf50") - truth) / u(found, "mtf50"))
    assert (np.abs(z) <= 2).sum() >= 16  # 95 % coverage gives 16 or more of 20 in 99.7 %
    assert 0.6 <= np.sqrt(np.mean(np.square(z))) <= 1.4


@pytest.mark.parametrize(("sigma", "least"), [(0.10, 0.015), (0.15, 0.008)])
def test_case_3_without_its_corrections_the_mtf_is_wrong(sigma: float, least: float) -> None:
    """Negative control: the same edge without bin and derivative correction fails case 1."""
    pixels = render(sigma)
    line = edges.fit_line(pixels, edges.search(pixels, (1.5, 3.0)), 160)
    spread = esf.project(pixels, line, (P, P), 0.25)
    f = np.linspace(0, NYQUIST, 101)
    truth = planar.edge_mtf(f, sigma, P, 2.0)
    bare = mtf.from_edge(spread, f, corrected=False, replicates=2)
    assert least < np.abs(bare.value - truth).max() < 0.02
    assert np.abs(mtf.from_edge(spread, f, replicates=2).value - truth).max() < 0.0006


@pytest.mark.parametrize("change", ["turn", "mirror", "flip", "invert", "shift", "turn back"])
def test_case_4_the_mtf_does_not_depend_on_how_the_edge_lies(change: str) -> None:
    pixels, axis = render(), "x"
    reference = curve(measure(pixels), "MTF x")[1]
    if change == "shift":
        other = render(shift_px=0.13)
    else:
        other = {
            "turn": np.rot90(pixels), "turn back": np.rot90(pixels, 3),
            "mirror": pixels[:, ::-1], "flip": pixels[::-1], "invert": 1200.0 - pixels,
        }[change]  # fmt: skip
        axis = "y" if change.startswith("turn") else "x"
    found = measure(np.ascontiguousarray(other))
    assert np.abs(curve(found, f"MTF {axis}")[1] - reference)[:101].max() < 0.001
    assert found.facts["axes"] == [axis]


def test_case_4_another_blur_is_told_from_it() -> None:
    """Negative control: one per cent more blur is more than the tolerance of case 4."""
    one, two = (curve(measure(render(sigma)), "MTF x")[1] for sigma in (0.12, 0.1212))
    assert np.abs(one - two)[:101].max() > 0.001


@pytest.mark.parametrize(("gain", "radius"), [(0.3, 2.0), (0.5, 4.0), (0.15, 15.0)])
def test_case_5_a_sharpened_edge_is_refused(gain: float, radius: float) -> None:
    pixels = planar.unsharp(noisy(200, seed=1), radius_px=radius, gain=gain)
    refused(NAME, [planar.as_image(pixels, P)], "edge-overshoot")


def test_noise_alone_is_not_taken_for_overshoot() -> None:
    for seed in range(3):
        measure(noisy(15, seed=seed))


@pytest.mark.parametrize("tilt", [0.4, 1.2, 3.4, 8.0])
def test_an_edge_tilted_outside_the_limits_is_refused_with_its_angle(tilt: float) -> None:
    error = refused(NAME, [planar.as_image(render(tilt=tilt), P)], "edge-angle")
    assert error.detail["angle_deg"] == pytest.approx(tilt, abs=0.01)


def test_wider_limits_can_be_chosen_and_are_recorded() -> None:
    found = measure(render(tilt=5.0), angle_limits_deg=[1, 10])
    assert error_to_nyquist(found, 0.12, 5.0) < 0.001
    assert found.provenance.parameters["angle_limits_deg"] == [1.0, 10.0]


def test_a_noisy_edge_is_refused() -> None:
    refused(NAME, [planar.as_image(noisy(6, seed=1), P)], "edge-contrast")


def test_a_clipped_edge_is_refused() -> None:
    pixels = noisy(100, seed=1)
    top = planar.as_image(np.minimum(pixels, 1095.0), P, saturated_at=1095.0)
    refused(NAME, [top], "saturated-edge")
    refused(NAME, [planar.as_image(np.minimum(pixels, 1050.0), P)], "edge-clipped")


def test_a_flat_field_has_no_edge() -> None:
    flat = planar.flat_field(SHAPE, mean=1000, noise=5, seed=1)
    with pytest.raises(Exception, match=r"edge|step"):
        measure(flat)


def test_a_curved_edge_is_refused() -> None:
    rows, columns = np.indices(SHAPE, dtype=float)
    bent = 256 + 0.035 * (rows - 256) + 3e-4 * (rows - 256) ** 2
    pixels = 100 + 1000 / (1 + np.exp(-(columns - bent)))
    refused(NAME, [planar.as_image(pixels, P)], "edge-not-straight")


def plate(shape: tuple[int, int] = (900, 900)) -> np.ndarray:
    """A tilted opaque plate inside a collimated field: four plate edges, four blade edges."""
    big = {"pixel_mm": P, "sigma_mm": 0.12, "tilt_deg": 2.0, "low": 0.0, "high": 1.0}
    right = planar.edge(shape, shift_px=150.0, **big)
    left = planar.edge(shape, shift_px=-350.0, **big)
    lower = planar.edge(shape, shift_px=100.0, **big).T[:, ::-1]
    upper = planar.edge(shape, shift_px=-350.0, **big).T[:, ::-1]
    field = np.zeros(shape)
    field[40:-30, 20:-25] = 1.0
    return 60.0 + 1000.0 * field * (1.0 - 0.97 * left * (1 - right) * upper * (1 - lower))


def test_a_plate_in_a_collimated_field_gives_both_axes() -> None:
    pixels = plate() + np.random.default_rng(3).normal(0, 3, (900, 900))
    found = measure(pixels)
    assert found.facts["axes"] == ["x", "y"]
    for axis in "xy":
        assert error_to_nyquist(found, 0.12, 2.0, axis) < 0.03
    both = (value(found, "mtf50_x") + value(found, "mtf50_y")) / 2
    assert value(found, "mtf50") == pytest.approx(both)


def test_several_images_are_averaged_as_edge_spreads() -> None:
    images = [planar.as_image(noisy(40, seed=s), P) for s in range(4)]
    one = imaging.analyse(NAME, images[:1])
    four = imaging.analyse(NAME, images)
    assert u(four, "mtf50") < 0.75 * u(one, "mtf50")
    assert {r.frame for r in four.regions} == {0, 1, 2, 3}


def test_linearisation_undoes_a_logarithmic_detector() -> None:
    stp = {"model": "log", "a": 500.0, "b": 300.0}
    kerma = render(low=0.5, high=10.0)
    pixels = 500.0 + 300.0 * np.log(kerma)
    assert error_to_nyquist(measure(pixels, stp=stp), 0.12, 2.0) < 0.0006
    with_log = curve(measure(pixels), "MTF x")[1]
    truth = planar.edge_mtf(curve(measure(pixels), "MTF x")[0], 0.12, P, 2.0)
    assert np.abs(with_log - truth)[:101].max() > 0.02  # negative control: not linearised


@settings(max_examples=4, deadline=None)
@given(gain=st.floats(0.1, 50), offset=st.floats(-500, 5000))
def test_gain_and_offset_do_not_matter(gain: float, offset: float) -> None:
    assert error_to_nyquist(measure(offset + gain * render()), 0.12, 2.0) < 0.0006


@settings(max_examples=4, deadline=None)
@given(scale=st.floats(0.3, 3.0))
def test_frequencies_scale_with_the_pixel(scale: float) -> None:
    pixels = noisy(100, seed=2)
    one, two = measure(pixels, P), measure(pixels, P * scale, half_width_mm=25.0 * scale)
    assert value(two, "mtf50") * scale == pytest.approx(value(one, "mtf50"), rel=0.002)


def test_the_same_image_gives_the_same_bits() -> None:
    pixels = noisy(50, seed=9)
    assert measure(pixels).as_dict() == measure(pixels.copy()).as_dict()


def test_the_regions_lie_on_the_edge() -> None:
    found = measure(render(shift_px=30.0))
    line = next(r for r in found.regions if r.name == "Edge")
    for x, y in line.points:
        truth = 255.5 + 30.0 + np.tan(np.radians(2.0)) * (y - 255.5)
        assert x == pytest.approx(truth, abs=0.01)


def test_unknown_processing_is_measured_with_a_warning() -> None:
    found = imaging.analyse(NAME, [planar.as_image(render(), P, processing="unknown")])
    assert any("raw" in w for w in found.warnings)
