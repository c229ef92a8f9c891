"""Statistical threshold contrast: white and coloured noise against the closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage, special

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.imaging.planar.tcdd import disc_weights
from kerma.simulate import planar
from tests.imaging.helpers import curve, refused, u, value

NAME = "planar-tcdd"
P, MEAN, SIGMA, SHAPE = 0.15, 1000.0, 20.0, (1024, 1200)
DIAMETERS = (0.5, 1.0, 2.0, 4.0, 8.0)


def white(seed: int = 1, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return planar.flat_field(shape, mean=MEAN, noise=SIGMA, seed=seed)


def measure(*pixels: np.ndarray, **parameters: object) -> Analysis:
    images = [planar.as_image(p, P) for p in pixels]
    return imaging.analyse(NAME, images, **{"margin_mm": 0.0, **parameters})


def truth(diameter: float, sigma: float = SIGMA) -> float:
    """Return 3.29 σ / mean over the root of the pixels a disc holds, for white noise."""
    weights = disc_weights(diameter, (P, P))
    assert weights is not None
    return 100 * 3.29 * sigma / MEAN * math.sqrt(float((weights**2).sum()))


@pytest.fixture(scope="module")
def found() -> Analysis:
    return measure(white(), white(2))


def test_white_noise_has_its_closed_form(found: Analysis) -> None:
    for d in DIAMETERS:
        at = f"tcdd_at_{str(d).removesuffix('.0').replace('.', '_')}"
        assert value(found, at) == pytest.approx(truth(d), abs=3.5 * u(found, at)), d
        assert u(found, at) < 0.06 * truth(d)
        if d >= 1:  # many pixels: sigma p / sqrt(pi r²)
            plain = 100 * 3.29 * SIGMA / MEAN * P / math.sqrt(math.pi * d**2 / 4)
            assert truth(d) == pytest.approx(plain, rel=0.07)  # pixels cut by the rim
    large = measure(white(), diameters_mm=[2, 4, 8])  # small discs are part cut pixels
    assert value(large, "slope") == pytest.approx(-1, abs=3.5 * u(large, "slope") + 0.02)
    assert value(found, "slope") < -0.85
    x, y, sd = curve(found, "Threshold contrast")
    assert list(x) == list(DIAMETERS)
    assert (np.diff(y) < 0).all()
    assert (sd > 0).all()


def test_coloured_noise_does_not_average_out_as_white_noise_does() -> None:
    """Gaussian blur s: variance of a disc's mean from the spectrum, by integration."""
    s_px = 1.5
    grain = ndimage.gaussian_filter(np.random.default_rng(3).normal(0, 1, (1400, 1400)), s_px)
    grain = grain[100:-100, 100:-100] * SIGMA / grain.std()
    found = measure(MEAN + grain, diameters_mm=[1.0, 2.0, 4.0])
    f = np.linspace(1e-5, 0.6, 40000)  # cycles per pixel
    # white noise of variance SIGMA² 4 pi s² before the blur
    spectrum = SIGMA**2 * 4 * math.pi * s_px**2 * np.exp(-4 * (math.pi * s_px * f) ** 2)
    for d in (1.0, 2.0, 4.0):
        r = d / P / 2
        disc = 2 * special.j1(2 * math.pi * f * r) / (2 * math.pi * f * r)
        variance = float(np.trapezoid(spectrum * disc**2 * 2 * math.pi * f, f))
        at = f"tcdd_at_{d:g}"
        expected = 100 * 3.29 * math.sqrt(variance) / MEAN
        assert value(found, at) == pytest.approx(expected, abs=3.5 * u(found, at)), d
        assert value(found, at) > 1.5 * truth(d)  # negative control
    assert value(found, "slope") > -0.9


def test_uncertainty_covers_the_truth() -> None:
    z = []
    for seed in range(60):
        found = measure(white(seed, (400, 400)), diameters_mm=[1.0, 2.0])
        z += [(value(found, n) - truth(d)) / u(found, n)
              for n, d in (("tcdd_at_1", 1.0), ("tcdd_at_2", 2.0))]  # fmt: skip
    assert (np.abs(z) <= 2).mean() >= 0.9
    assert 0.8 < np.std(z) < 1.2


def test_the_disc_is_a_disc_of_its_area() -> None:
    for d in (0.5, 1.0, 2.37):
        weights = disc_weights(d, (P, P))
        assert weights is not None
        assert weights.sum() == pytest.approx(1)
        assert 1 / weights.max() == pytest.approx(math.pi * d**2 / 4 / P**2, rel=0.02)
        np.testing.assert_allclose(weights, weights[::-1])
        np.testing.assert_allclose(weights, weights.T)
    flat = disc_weights(2.0, (0.1, 0.2))
    assert flat is not None
    assert flat.shape == (20, 10)
    assert disc_weights(0.14, (P, P)) is None


def test_the_heel_effect_is_taken_off_and_noise_with_it_hardly() -> None:
    rows, columns = np.indices(SHAPE) / SHAPE[0] - 0.5
    heel = MEAN * (0.1 * columns - 0.1 * columns**2 + 0.03 * rows)
    plain, bent = measure(white()), measure(white() + heel)
    ratio = value(bent, "tcdd_at_8") / value(plain, "tcdd_at_8")
    assert ratio == pytest.approx(1, abs=0.02)  # the mean moves by 1 %
    raw = 100 * 3.29 * (heel / MEAN).std()
    assert raw > 10 * value(plain, "tcdd_at_8")  # negative control: what it would have been


def test_what_does_not_fit_is_left_out_and_said() -> None:
    found = measure(white(shape=(400, 400)), diameters_mm=[0.1, 1.0, 12.0, 30.0])
    assert set(found.values) == {"tcdd_at_1", "tcdd_at_12", "slope"}
    assert any("smaller than a pixel" in w for w in found.warnings)
    assert any("30 mm" in w and "Too few" in w for w in found.warnings)
    assert any("12 mm" in w and "Only" in w for w in found.warnings)
    none = measure(white(shape=(400, 400)), diameters_mm=[0.1])
    assert none.status == "not measurable"
    assert none.reason


def test_gain_turning_and_linearisation() -> None:
    pixels = white(shape=(600, 600))
    one = measure(pixels)
    for other in (pixels * 5, np.rot90(pixels).copy()):
        two = measure(other)
        for name in one.values:
            assert value(two, name) == pytest.approx(value(one, name), abs=2 * u(one, name))
    offset = measure(pixels + 1000)
    linear = measure(pixels + 1000, stp={"model": "linear", "a": 1000.0, "b": 300.0})
    assert value(linear, "tcdd_at_1") == pytest.approx(value(one, "tcdd_at_1"), rel=1e-9)
    assert value(offset, "tcdd_at_1") == pytest.approx(value(one, "tcdd_at_1") / 2, rel=1e-3)
    assert any("proportional" in w for w in offset.warnings)


def test_twice_the_noise_is_twice_the_contrast() -> None:
    one = measure(white(shape=(600, 600)))
    two = measure(MEAN + 2 * (white(shape=(600, 600)) - MEAN))
    assert value(two, "tcdd_at_1") == pytest.approx(2 * value(one, "tcdd_at_1"), rel=1e-3)


def test_the_same_images_give_the_same_bits(found: Analysis) -> None:
    assert measure(white(), white(2)).as_dict() == found.as_dict()


def test_refusals() -> None:
    flat = white(shape=(400, 400))
    image = planar.as_image(flat, P)

    def no(code: str, images: list[Image], **more: object) -> None:
        refused(NAME, images, code, **more)

    no("same-frame", [image, image])
    no("bad-parameter", [image], diameters_mm=[])
    no("bad-parameter", [image], diameters_mm=[1.0, 1.0])
    no("bad-parameter", [image], diameters_mm=[-1.0])
    no("no-pixel-spacing", [planar.as_image(flat, None)])
    no("processed-image", [planar.as_image(flat, P, processing="presentation")])
    no("saturated-field", [planar.as_image(np.minimum(flat, 1020), P, saturated_at=1020.0)])
    no("no-signal", [planar.as_image(flat - 1000.1, P)], roi=[0, 0, 400, 400])
    no("constant-image", [planar.as_image(np.full((400, 400), 5.0), P)])
    no("clinical-looking", [planar.as_image(planar.anatomy(seed=3), P)])
    no("mixed-images", [image, planar.as_image(white(2, (300, 400)), P)])
    edge = planar.edge((400, 400), pixel_mm=P, sigma_mm=0.1, tilt_deg=2)
    no("not-flat", [planar.as_image(edge, P)], roi=[0, 0, 400, 400])
    no("region-outside-image", [image], roi=[0, 0, 500, 400])
