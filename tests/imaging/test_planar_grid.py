"""Grid lines of known amplitude (methods, case 9) and a known cut-off."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from kerma import imaging
from kerma.core import Analysis
from kerma.imaging.planar import _lines
from kerma.imaging.planar.grid import folded
from kerma.imaging.tools.regions import Rectangle
from kerma.simulate import planar
from tests.imaging.helpers import curve, refused, u, value

NAME = "planar-grid"
P, MEAN, SIGMA, SHAPE = 0.15, 1000.0, 4.0, (900, 1024)
STEP = 1 / (256 * P)


def lines(
    amplitude: float, frequency: float, angle_deg: float = 0.0, seed: int = 1,
    shape: tuple[int, int] = SHAPE, sigma: float = SIGMA,
) -> np.ndarray:  # fmt: skip
    """Return a flat field with a sinusoid of `amplitude` pixel values."""
    rows, columns = np.indices(shape)
    t = math.radians(angle_deg)
    phase = 2 * math.pi * frequency * P * (columns * math.cos(t) + rows * math.sin(t)) + 0.3
    flat = planar.flat_field(shape, mean=MEAN, noise=sigma, seed=seed)
    return np.asarray(flat + amplitude * np.cos(phase))


def measure(*pixels: np.ndarray, **parameters: object) -> Analysis:
    images = [planar.as_image(p, P) for p in pixels]
    return imaging.analyse(NAME, images, **{"margin_mm": 0.0, **parameters})


@pytest.mark.parametrize("frequency", [40 * STEP, 40.5 * STEP, 40.3 * STEP, 0.4, 3.1])
@pytest.mark.parametrize("angle", [0.0, 90.0, 1.0])
def test_case_9_amplitude_and_power_wherever_the_line_lies(frequency: float, angle: float) -> None:
    amplitude = 10.0
    found = measure(lines(amplitude, frequency, angle))
    assert value(found, "lines") == 1
    assert value(found, "amplitude") == pytest.approx(100 * amplitude / MEAN, rel=0.01)
    assert value(found, "power") == pytest.approx((amplitude / MEAN) ** 2 / 4, rel=0.01)
    assert value(found, "frequency") == pytest.approx(frequency, abs=0.05 * STEP)
    assert value(found, "angle") == pytest.approx(angle, abs=0.05)


def test_a_single_step_of_the_spectrum_misses_a_line_between_steps() -> None:
    """Negative control: the height of the highest step alone."""
    field = Rectangle(0, 0, SHAPE[1], SHAPE[0])
    one = np.hanning(257)[:-1]
    at_peak = one.sum() ** 4 / (256**2 * (one**2).sum() ** 2)
    for offset, share in ((0.0, 1.0), (0.5, 0.85)):
        found = _lines.find(lines(10.0, (40 + offset) * STEP), field, (P, P))
        height = math.sqrt(found.power.max() / at_peak) * MEAN
        assert height == pytest.approx(10.0 * share, abs=0.12)
        assert found.peaks[0].amplitude * MEAN == pytest.approx(10.0, rel=0.01)


def test_a_pitch_that_varies_over_the_field_does_not_lower_the_amplitude() -> None:
    columns = np.indices(SHAPE)[1]
    phase = 2 * math.pi * 1.0 * P * columns * (1 + 0.005 * columns / SHAPE[1])
    wave = 10.0 * np.cos(phase)
    found = measure(planar.flat_field(SHAPE, mean=MEAN, noise=SIGMA, seed=3) + wave)
    assert value(found, "amplitude") == pytest.approx(1.0, rel=0.015)
    whole = np.abs(np.fft.rfft2(wave)).max() * 2 / wave.size
    assert whole < 8.0  # negative control: one transform of the whole field


def test_several_sets_of_lines_in_order_of_strength() -> None:
    both = lines(6.0, 1.2) + lines(3.0, 2.4, seed=2) - MEAN + lines(10.0, 0.8, 90.0, seed=4) - MEAN
    found = measure(both)
    assert value(found, "lines") == 3
    seen = [(row["frequency_per_mm"], row["amplitude_percent"]) for row in found.facts["lines"]]
    for (f, a), (truth, amplitude) in zip(seen, ((0.8, 1.0), (1.2, 0.6), (2.4, 0.3)), strict=True):
        assert f == pytest.approx(truth, abs=0.1 * STEP)
        assert a == pytest.approx(amplitude, rel=0.03)


@pytest.mark.parametrize(
    ("grid", "shows"), [(1.0, 1.0), (4.0, 2.6667), (6.0, 0.6667), (7.0, 0.3333)]
)
def test_a_grid_finer_than_the_pixels_shows_folded(grid: float, shows: float) -> None:
    assert folded(grid, P) == pytest.approx(shows, abs=1e-4)
    found = measure(lines(10.0, grid), grid_per_mm=grid)
    assert value(found, "expected_frequency") == pytest.approx(shows, abs=1e-4)
    assert value(found, "frequency") == pytest.approx(shows, abs=0.05 * STEP)
    assert value(found, "grid_amplitude") == value(found, "amplitude")
    other = measure(lines(10.0, grid), grid_per_mm=grid + 0.4)
    assert "grid_amplitude" not in other.values


def test_a_clean_field_has_no_lines_and_says_what_it_would_have_seen() -> None:
    for seed in range(3):
        found = measure(planar.flat_field(SHAPE, mean=MEAN, noise=SIGMA, seed=seed))
        assert value(found, "lines") == 0
        assert "amplitude" not in found.values
    limit = value(found, "detectable_amplitude")
    assert 0 < limit < 0.05
    assert value(measure(lines(2 * limit * MEAN / 100, 1.0)), "lines") == 1
    assert value(measure(lines(0.3 * limit * MEAN / 100, 1.0)), "lines") == 0


def test_coloured_noise_is_not_taken_for_lines() -> None:
    for seed in range(4):
        grain = np.random.default_rng(seed).normal(0, 60, SHAPE)
        found = measure(MEAN + ndimage.gaussian_filter(grain, 1.2, mode="wrap"))
        assert value(found, "lines") == 0


def test_uncertainty_covers_the_truth() -> None:
    z, z_frequency = [], []
    for seed in range(25):
        pixels = lines(2.0, 1.13, seed=seed, shape=(512, 512), sigma=10.0)
        found = measure(pixels)
        z.append((value(found, "amplitude") - 0.2) / u(found, "amplitude"))
        z_frequency.append((value(found, "frequency") - 1.13) / u(found, "frequency"))
    for found_z in (z, z_frequency):
        assert (np.abs(found_z) <= 2).mean() >= 0.86
        assert 0.6 < np.std(found_z) < 1.35


def cut_off(left: float, right: float, top: float = 0.0) -> np.ndarray:
    """Return a transmission that falls straight from the middle by these shares at the rims."""
    rows, columns = np.indices(SHAPE)
    x = (columns - (SHAPE[1] - 1) / 2) / (SHAPE[1] / 2)
    y = (rows - (SHAPE[0] - 1) / 2) / (SHAPE[0] / 2)
    loss = np.where(x < 0, -left * x, right * x) + np.where(y < 0, -top * y, 0.0)
    return np.asarray(1.0 - loss)


def test_cut_off_against_a_reference_without_grid() -> None:
    heel = 1 + 0.06 * (np.indices(SHAPE)[1] / SHAPE[1] - 0.5)
    grid = planar.flat_field(SHAPE, mean=MEAN, noise=SIGMA, seed=1) * heel * cut_off(0.20, 0.05)
    plain = planar.flat_field(SHAPE, mean=1.8 * MEAN, noise=SIGMA, seed=2) * heel
    found = measure(grid, plain)
    # squares of 20 mm: their middles lie 10 mm inside the rim
    inside = 1 - 10.0 / (SHAPE[1] * P / 2)
    middle = 1 - 0.125 * (10.0 / 2) / (SHAPE[1] * P / 2)  # of the square at the middle
    for side, loss in (("left", 0.20), ("right", 0.05)):
        expected = 100 * (1 - (1 - loss * inside) / middle)
        assert value(found, f"loss_{side}") == pytest.approx(expected, abs=0.15)
    assert value(found, "asymmetry_x") == pytest.approx(100 * 0.15 * inside, abs=0.2)
    assert abs(value(found, "asymmetry_y")) < 0.1
    assert not any("without the grid" in w for w in found.warnings)
    alone = measure(grid)
    assert any("without the grid" in w for w in alone.warnings)
    # negative control: the heel effect counts
    assert value(alone, "asymmetry_x") > value(found, "asymmetry_x") + 4


def test_mirrored_and_turned_cut_off() -> None:
    grid = planar.flat_field(SHAPE, mean=MEAN, noise=SIGMA, seed=1) * cut_off(0.2, 0.05, 0.1)
    one = measure(grid)
    mirrored = measure(np.ascontiguousarray(grid[:, ::-1]))
    assert value(mirrored, "asymmetry_x") == pytest.approx(-value(one, "asymmetry_x"), abs=0.1)
    assert value(mirrored, "loss_left") == pytest.approx(value(one, "loss_right"), abs=0.1)
    turned = measure(np.rot90(grid).copy())
    assert value(turned, "asymmetry_y") == pytest.approx(-value(one, "asymmetry_x"), abs=0.1)


def test_curves_show_the_line_where_it_is() -> None:
    x, y, _ = curve(measure(lines(10.0, 1.0)), "Amplitude along x")
    assert x[np.argmax(y)] == pytest.approx(1.0, abs=STEP)
    assert y.max() > 0.5


def test_gain_and_linearisation_do_not_change_the_share() -> None:
    pixels = lines(10.0, 1.0)
    one = measure(pixels)
    assert value(measure(pixels * 4), "amplitude") == pytest.approx(value(one, "amplitude"))
    linear = measure(pixels + 1000, stp={"model": "linear", "a": 1000.0, "b": 300.0})
    assert value(linear, "amplitude") == pytest.approx(value(one, "amplitude"))
    offset = measure(pixels + 1000)
    assert value(offset, "amplitude") == pytest.approx(value(one, "amplitude") / 2, rel=0.01)


def test_the_same_image_gives_the_same_bits() -> None:
    assert measure(lines(10.0, 1.0)).as_dict() == measure(lines(10.0, 1.0)).as_dict()


def test_refusals() -> None:
    flat = lines(5.0, 1.0)
    image = planar.as_image(flat, P)
    refused(NAME, [image] * 3, "too-many-images")
    refused(NAME, [image, image], "same-frame")
    refused(NAME, [image, planar.as_image(lines(5.0, 1.0, shape=(800, 800)), P)], "mixed-images")
    refused(NAME, [planar.as_image(flat[:300, :300], P)], "region-too-small", margin_mm=0)
    refused(NAME, [planar.as_image(flat, None)], "no-pixel-spacing")
    refused(NAME, [planar.as_image(flat, P, processing="presentation")], "processed-image")
    refused(NAME, [image], "bad-parameter", grid_per_mm=0)
    refused(NAME, [image], "bad-parameter", side_mm=-1)
    refused(NAME, [planar.as_image(flat - 1000.5, P)], "no-signal", roi=[0, 0, 1000, 900])
    edge = planar.edge((600, 600), pixel_mm=P, sigma_mm=0.1, tilt_deg=2)
    refused(NAME, [planar.as_image(edge, P)], "not-flat", roi=[0, 0, 600, 600])
    refused(NAME, [planar.as_image(planar.anatomy(seed=3), P)], "clinical-looking")
    clipped = planar.as_image(np.minimum(flat, 1002), P, saturated_at=1002.0)
    refused(NAME, [clipped], "saturated-field")
