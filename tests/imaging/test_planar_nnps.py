"""Noise power spectra against the closed form (methods, cases 6 to 9)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.imaging.tools import noise_power
from kerma.imaging.tools.regions import Rectangle
from kerma.simulate import planar
from tests.imaging.helpers import curve, refused, u, value

NAME = "planar-nnps"
P, MEAN, SIGMA = 0.15, 1000.0, 20.0
TRUTH = (SIGMA / MEAN) ** 2 * P**2
SHAPE = (1536, 1536)


def white(seed: int = 1, shape: tuple[int, int] = SHAPE, sigma: float = SIGMA) -> np.ndarray:
    return planar.flat_field(shape, mean=MEAN, noise=sigma, seed=seed)


def measure(*pixels: np.ndarray, pixel_mm: float = P, **parameters: object) -> Analysis:
    images = [planar.as_image(p, pixel_mm) for p in pixels]
    return imaging.analyse(NAME, images, **{"margin_mm": 0.0, **parameters})


def full_map(found: Analysis) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    held = found.facts["map"]
    return tuple(np.array(held[k]) for k in ("across_per_mm", "down_per_mm", "nnps"))  # type: ignore[return-value]


def whole(pixels: np.ndarray, size: int = 256) -> noise_power.NoisePower:
    field = Rectangle(0, 0, pixels.shape[1], pixels.shape[0])
    return noise_power.measure([(pixels, field)], (P, P), size)


@pytest.fixture(scope="module")
def flat() -> Analysis:
    return measure(white(), map_bins=256)


def test_case_6_white_noise_is_flat_and_of_its_height(flat: Analysis) -> None:
    _, _, shown = full_map(flat)
    assert shown.mean() == pytest.approx(TRUTH, rel=0.003)
    assert value(flat, "noise") == pytest.approx(SIGMA, rel=0.002)
    assert value(flat, "mean") == pytest.approx(MEAN, abs=4 * u(flat, "mean"))
    for name in ("NNPS x", "NNPS y", "NNPS radial"):
        f, y, sd = curve(flat, name)
        z = ((y - TRUTH) / sd)[3:]  # the polynomial takes the first steps
        assert 0.6 <= z.std() <= 1.15, name
        assert np.abs(z).max() < 4.5
        assert f[-1] == pytest.approx(0.5 / P, rel=0.005)


def test_case_6_noise_half_a_per_cent_higher_would_be_seen(flat: Analysis) -> None:
    """Negative control for the 0.3 %: noise power goes with the square."""
    louder = measure(MEAN + 1.005 * (white() - MEAN), map_bins=256)
    assert full_map(louder)[2].mean() / TRUTH > 1.003
    assert full_map(louder)[2].mean() / full_map(flat)[2].mean() == pytest.approx(1.01, abs=1e-3)


def test_case_6_parseval_and_the_scatter_of_single_frequencies(flat: Analysis) -> None:
    across, down, shown = full_map(flat)
    area = (across[1] - across[0]) * (down[1] - down[0])
    relative = (value(flat, "noise") / value(flat, "mean")) ** 2
    assert shown.sum() * area == pytest.approx(relative, rel=1e-5)
    assert value(flat, "parseval") == pytest.approx(1.0, abs=1e-9)
    _, y, sd = curve(flat, "NNPS on the x axis")
    single = sd / y
    assert single == pytest.approx(single[0])
    assert (shown / TRUTH).std() == pytest.approx(single[0], rel=0.05)
    # 121 half-overlapped squares are worth 57 independent ones: neighbours share half their pixels
    assert flat.facts["squares"] == 121
    assert single[0] == pytest.approx((11 + 2 * 10 * 0.25) / 121, rel=1e-9)


def test_case_7_coloured_noise_follows_its_filter() -> None:
    s = 0.10
    rng = np.random.default_rng(5)
    fields = []
    for _ in range(2):
        f = np.hypot(np.fft.fftfreq(2048, P)[:, None], np.fft.rfftfreq(2048, P)[None, :])
        spectrum = np.fft.rfft2(rng.normal(0, SIGMA, (2048, 2048)))
        fields.append(MEAN + np.fft.irfft2(spectrum * np.exp(-2 * (math.pi * s * f) ** 2)))
    found = measure(*fields)
    f, y, _ = curve(found, "NNPS radial")
    ratio = y / (TRUTH * np.exp(-4 * (math.pi * s * f) ** 2))
    reach = (f > 0.2) & (f < 3.2)  # beyond, a square without a window leaks into a spectrum of 1/70
    assert np.abs(ratio[reach] - 1).max() < 0.05
    assert ratio[reach].mean() == pytest.approx(1, abs=0.01)
    # Negative control: a blur 5 % off does not describe it.
    other = y / (TRUTH * np.exp(-4 * (math.pi * 1.05 * s * f) ** 2))
    assert np.abs(other[reach] - 1).max() > 0.2
    assert abs(other[reach].mean() - 1) > 0.05


def test_case_8_the_heel_trend_is_removed() -> None:
    rows, columns = np.indices(SHAPE) / SHAPE[0] - 0.5
    heel = MEAN * (0.10 * columns - 0.15 * columns**2 + 0.05 * rows * columns - 0.04 * rows**2)
    plain, bent = measure(white()), measure(white() + heel)
    for name in ("NNPS x", "NNPS y", "NNPS radial"):
        f, y, _ = curve(bent, name)
        _, truth, _ = curve(plain, name)
        # the mean moves with the heel by 1.6 %; the noise does not
        scale = (value(bent, "mean") / value(plain, "mean")) ** 2
        assert (y * scale / truth)[f > 0.2] == pytest.approx(1, abs=0.01), name


def test_case_8_without_detrending_low_frequencies_are_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Negative control: only the mean taken off."""
    columns = np.indices(SHAPE)[1] / SHAPE[0] - 0.5
    bent = white() + MEAN * 0.2 * columns
    right = whole(bent).on_axis("x").value[2]
    monkeypatch.setattr(
        noise_power, "detrended", lambda p: p - p.mean(axis=(-2, -1), keepdims=True)
    )
    wrong = whole(bent).on_axis("x").value[2]
    assert right == pytest.approx(TRUTH, rel=0.5)
    assert wrong > 20 * TRUTH


@pytest.mark.parametrize("axis", ["x", "y"])
def test_case_9_a_grid_line_has_power_a_squared_over_4(axis: str) -> None:
    amplitude, k = 10.0, 40
    f0 = k / (256 * P)
    rows, columns = np.indices((1024, 1024))
    wave = amplitude * np.cos(2 * math.pi * f0 * P * (columns if axis == "x" else rows) + 0.3)
    found = measure(white(shape=(1024, 1024), sigma=2.0) + wave, map_bins=256)
    across, down, shown = full_map(found)
    area = (across[1] - across[0]) * (down[1] - down[0])
    at = (128, 128 + k) if axis == "x" else (128 + k, 128)
    mirrored = (128, 128 - k) if axis == "x" else (128 - k, 128)
    for place in (at, mirrored):
        power = shown[place] * area * value(found, "mean") ** 2
        assert power == pytest.approx(amplitude**2 / 4, rel=0.01)
    f, y, _ = curve(found, f"NNPS on the {axis} axis")
    assert f[np.argmax(y)] == pytest.approx(f0)
    # the cut leaves the axis out, so the line does not raise it
    f, y, _ = curve(found, f"NNPS {axis}")
    assert y[np.argmin(np.abs(f - f0))] < 2 * (2.0 / MEAN) ** 2 * P**2


def test_axes_with_different_spacing_have_their_own_frequencies() -> None:
    wave = np.cos(2 * math.pi * 32 / 256 * np.indices((768, 768))[0]) * 10
    pixels = white(shape=(768, 768), sigma=3.0) + wave
    image = Image(pixels, (0.1, 0.2), modality="DX", processing="raw")
    found = imaging.analyse(NAME, [image], margin_mm=0, at_per_mm=[1.0])
    f, y, _ = curve(found, "NNPS on the y axis")
    assert f[np.argmax(y)] == pytest.approx(32 / (256 * 0.1))
    x, _, _ = curve(found, "NNPS x")
    assert x[-1] == pytest.approx(2.5, rel=0.005)
    assert f[-1] == pytest.approx(5.0, rel=0.005)
    assert value(found, "nnps_x_at_1") == pytest.approx(
        (3 / MEAN) ** 2 * 0.02, abs=4 * u(found, "nnps_x_at_1")
    )


def test_uncertainties_cover_the_truth() -> None:
    z = [
        (band.value - TRUTH) / band.u
        for seed in range(12)
        for band in [whole(white(seed, (640, 640)), 128).radial()]
    ]
    flat = np.concatenate([v[3:] for v in z])
    assert 0.6 <= flat.std() <= 1.1
    assert (np.abs(flat) <= 2).mean() >= 0.94


def test_several_fields_lower_the_uncertainty_and_count_their_pixels() -> None:
    small = (768, 768)
    one, four = measure(white(1, small)), measure(*(white(i, small) for i in range(4)))
    assert u(four, "nnps_radial_at_1") == pytest.approx(u(one, "nnps_radial_at_1") / 2, rel=0.1)
    assert value(one, "independent_pixels") == 768**2
    assert value(four, "independent_pixels") == 4 * 768**2
    assert any("4 million" in w for w in four.warnings)
    eight = measure(*(white(i, small) for i in range(7)))
    assert not any("4 million" in w for w in eight.warnings)


def test_linearised_by_the_transfer_property() -> None:
    kerma = white(shape=(768, 768)) / 400
    power = {"model": "power", "a": 30.0, "b": 900.0, "c": 0.5}
    stored = 30 + 900 * np.sqrt(kerma)
    one = measure(stored, stp=power)
    two = measure(kerma * 400)
    assert str(one.values["mean"].unit) == "uGy"
    assert value(one, "mean") == pytest.approx(2.5, rel=1e-3)
    assert value(one, "nnps_x_at_1") == pytest.approx(value(two, "nnps_x_at_1"), rel=1e-6)
    assert value(measure(stored), "nnps_x_at_1") < 0.5 * value(one, "nnps_x_at_1")
    assert any("proportional" in w for w in two.warnings)
    assert not any("proportional" in w for w in one.warnings)


def test_gain_and_turning_do_not_matter() -> None:
    pixels = white(shape=(768, 768))
    one = measure(pixels)
    two, turned = measure(pixels * 7), measure(np.rot90(pixels).copy())
    for name in ("nnps_x_at_1", "nnps_radial_at_2"):
        assert value(two, name) == pytest.approx(value(one, name), rel=1e-9)
    assert value(turned, "nnps_y_at_1") == pytest.approx(value(one, "nnps_x_at_1"), rel=1e-6)
    assert value(turned, "nnps_radial_at_1") == pytest.approx(value(one, "nnps_radial_at_1"))


def test_the_map_is_symmetric_and_its_centre_is_zero_frequency() -> None:
    field = white(shape=(512, 512))
    across, down, shown = whole(field).plane(256)
    assert across[128] == 0 == down[128]
    np.testing.assert_allclose(shown[1:, 1:], shown[:0:-1, :0:-1])
    small = whole(field).plane(64)[2]
    assert small.mean() == pytest.approx(shown.mean())


@settings(max_examples=15, deadline=None)
@given(
    spacing=st.tuples(st.floats(0.05, 0.4), st.floats(0.05, 0.4)),
    shape=st.tuples(st.integers(64, 200), st.integers(64, 200)),
    size=st.sampled_from([32, 64]),
    seed=st.integers(0, 1000),
)
def test_the_power_adds_up_to_the_variance_whatever_the_shape(
    spacing: tuple[float, float], shape: tuple[int, int], size: int, seed: int
) -> None:
    pixels = np.random.default_rng(seed).normal(100, 3, shape)
    field = (pixels, Rectangle(0, 0, shape[1], shape[0]))
    found = noise_power.measure([field], spacing, size)
    assert found.integral == pytest.approx(found.variance / found.mean**2, rel=1e-9)
    finer = noise_power.measure([field], (spacing[0] / 2, spacing[1] / 2), size)
    np.testing.assert_allclose(finer.value, found.value / 4)  # an area
    assert finer.radial().frequency_per_mm == pytest.approx(2 * found.radial().frequency_per_mm)


def test_frequencies_beyond_the_detector_are_named_not_extrapolated() -> None:
    found = measure(white(shape=(768, 768)), at_per_mm=[1.0, 5.0])
    assert "nnps_x_at_5" not in found.values
    assert any("5 mm" in w and "absent" in w for w in found.warnings)


def test_the_same_image_gives_the_same_bits(flat: Analysis) -> None:
    assert measure(white(), map_bins=256).as_dict() == flat.as_dict()


def test_refusals() -> None:
    flat = white(shape=(600, 600))
    image = planar.as_image(flat, P)
    edge = planar.edge((600, 600), pixel_mm=P, sigma_mm=0.1, tilt_deg=2)
    refused(NAME, [image, image], "same-frame")
    refused(NAME, [image, planar.as_image(white(2, (600, 600)) * 2, P)], "mixed-exposures")
    refused(NAME, [image, planar.as_image(white(2, (500, 600)), P)], "mixed-images")
    refused(NAME, [planar.as_image(edge, P)], "not-flat", roi=[0, 0, 600, 600])
    refused(NAME, [planar.as_image(edge, P)], "no-field")
    refused(NAME, [planar.as_image(white(shape=(200, 200)), P)], "region-too-small", margin_mm=0)
    refused(NAME, [planar.as_image(flat, None)], "no-pixel-spacing")
    refused(NAME, [planar.as_image(flat, P, processing="presentation")], "processed-image")
    refused(NAME, [planar.as_image(flat, P, modality="CT")], "wrong-modality")
    refused(NAME, [planar.as_image(np.minimum(flat, 1020), P, saturated_at=1020.0)],
            "saturated-field")  # fmt: skip
    refused(NAME, [planar.as_image(flat - 1000.1, P)], "no-signal", roi=[0, 0, 600, 600])
    refused(NAME, [planar.as_image(planar.anatomy(seed=3), P)], "clinical-looking")
    refused(NAME, [image], "bad-parameter", square_px=255)
    refused(NAME, [image], "bad-parameter", map_bins=60)
    refused(NAME, [image], "bad-parameter", at_per_mm=[0.0])
