"""Noise split: known electronic, quantum and structural noise come back (methods, case 13)."""

from __future__ import annotations

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis
from kerma.imaging.tools import noise_model
from kerma.simulate import planar
from tests.imaging.helpers import curve, refused, u, value

NAME = "planar-noise-split"
KERMA = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]
ELECTRONIC, QUANTUM, STRUCTURAL = 8.0, 120.0, 0.6  # PV², PV²/µGy, PV²/µGy²
TRUTH = np.array([ELECTRONIC, QUANTUM, STRUCTURAL])
NAMES = ("electronic_variance", "quantum_coefficient", "structural_coefficient")
GAIN, OFFSET, P = 200.0, 50.0, 0.15


def fields(seed: int, side: int = 320, heel: float = 0.0) -> list[np.ndarray]:
    """Render a detector with one gain pattern, and fresh quantum and electronic noise."""
    rng = np.random.default_rng(seed)
    pattern = rng.normal(0, np.sqrt(STRUCTURAL), (side, side))
    slope = 1 + heel * (np.indices((side, side))[1] / side - 0.5)
    return [
        OFFSET
        + k * (GAIN * slope + pattern)
        + rng.normal(0, np.sqrt(ELECTRONIC + QUANTUM * k), (side, side))
        for k in KERMA
    ]


def measure(pixels: list[np.ndarray], **parameters: object) -> Analysis:
    images = [planar.as_image(p, P) for p in pixels]
    return imaging.analyse(NAME, images, **{"kerma_ugy": KERMA, **parameters})


def test_case_13_the_parts_lie_within_their_uncertainty() -> None:
    found = measure(fields(1))
    for name, truth in zip(NAMES, TRUTH, strict=True):
        assert value(found, name) == pytest.approx(truth, abs=3 * u(found, name))
    assert u(found, "quantum_coefficient") < 0.01 * QUANTUM
    assert 0.03 < u(found, "electronic_variance") / ELECTRONIC < 0.15
    assert value(found, "electronic_noise") == pytest.approx(np.sqrt(ELECTRONIC), rel=0.3)
    assert value(found, "structural_noise") == pytest.approx(np.sqrt(STRUCTURAL), rel=0.3)
    assert found.warnings == ()


def test_case_13_coverage_over_200_runs() -> None:
    """Stated ± 2 u holds the truth in 95 ± 3 % of runs, for each part."""
    z = []
    for seed in range(200):
        found = measure(fields(seed, side=128), roi=[0, 0, 128, 128])
        z.append([(value(found, n) - t) / u(found, n) for n, t in zip(NAMES, TRUTH, strict=True)])
    covered = (np.abs(z) <= 2.0).mean(axis=0)
    assert (covered >= 0.92).all(), covered
    assert (covered <= 0.98).all(), covered
    assert (np.abs(np.mean(z, axis=0)) < 0.25).all()  # 3.5 standard errors of the mean of 200


def test_case_13_coverage_of_the_fit_alone_over_1000_runs() -> None:
    """The fit on drawn variances: 95 ± 3 % within 2 u, and less when u is understated."""
    rng, relative = np.random.default_rng(11), 0.02
    expected = noise_model._powers(np.array(KERMA)) @ TRUTH
    z = []
    for _ in range(1000):
        drawn = expected * (1 + relative * rng.normal(size=len(KERMA)))
        found = noise_model.fit(KERMA, list(drawn), list(relative * drawn))
        z.append((found.parts - TRUTH) / found.u)
    covered = (np.abs(z) <= 2.0).mean(axis=0)
    assert (covered >= 0.92).all(), covered
    assert (covered <= 0.98).all(), covered
    assert ((np.abs(z) <= 1.0).mean(axis=0) < 0.80).all()  # negative control: half of u


def test_weights_from_the_measured_variances_would_be_biased(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Negative control for the repeated weighting: one round leans to the low points."""
    rng = np.random.default_rng(3)
    expected = noise_model._powers(np.array(KERMA)) @ TRUTH
    drawn = [expected * (1 + 0.1 * rng.normal(size=len(KERMA))) for _ in range(400)]

    def middle() -> float:
        fits = (noise_model.fit(KERMA, found, 0.1 * found) for found in drawn)
        return float(np.mean([fitted.variance(np.array([4.0]))[0] for fitted in fits]))

    assert middle() == pytest.approx(expected[3], rel=0.012)
    monkeypatch.setattr(noise_model, "_ROUNDS", 1)
    assert middle() < 0.985 * expected[3]


def test_the_quantum_limited_range() -> None:
    found = measure(fields(1))
    low, high = value(found, "quantum_limited_from"), value(found, "quantum_limited_to")
    assert low == pytest.approx(ELECTRONIC / QUANTUM, abs=3 * u(found, "quantum_limited_from"))
    assert high == pytest.approx(QUANTUM / STRUCTURAL, abs=3 * u(found, "quantum_limited_to"))
    model = noise_model.fit(KERMA, noise_model._powers(np.array(KERMA)) @ TRUTH, [1.0] * 6)
    assert model.ratio(0, 1)[0] == pytest.approx(ELECTRONIC / QUANTUM, rel=1e-9)  # type: ignore[index]
    at = model.components(np.array([1.001 * ELECTRONIC / QUANTUM, 0.999 * QUANTUM / STRUCTURAL]))
    assert (at[1] > at[[0, 2]].max(axis=0)).all()


def test_exact_variances_give_the_parts_exactly() -> None:
    model = noise_model.fit(KERMA, noise_model._powers(np.array(KERMA)) @ TRUTH, [1.0] * 6)
    assert model.parts == pytest.approx(TRUTH, rel=1e-9)
    assert model.chi_squared < 1e-12
    assert model.probability == pytest.approx(1.0)


def test_a_part_that_is_not_there_is_compatible_with_zero_and_said_so() -> None:
    rng = np.random.default_rng(2)
    pixels = [GAIN * k + rng.normal(0, np.sqrt(QUANTUM * k), (320, 320)) for k in KERMA]
    found = measure(pixels)
    for name in ("electronic_variance", "structural_coefficient"):
        assert abs(value(found, name)) < 3 * u(found, name)
    assert any("electronic part" in w for w in found.warnings)
    assert any("structural part" in w for w in found.warnings)


def test_the_heel_effect_is_not_structural_noise() -> None:
    plain, bent = measure(fields(4)), measure(fields(4, heel=0.05))
    tolerance = 0.5 * u(plain, "structural_coefficient")
    assert value(bent, "structural_coefficient") == pytest.approx(
        value(plain, "structural_coefficient"), abs=tolerance
    )
    raw = np.var(200.0 * (1 + 0.05 * (np.arange(266) / 320 - 0.5)))
    assert raw > 5 * STRUCTURAL  # what it would have been


def test_linearised_parts_are_in_air_kerma() -> None:
    linear = {"model": "linear", "a": OFFSET, "b": GAIN}
    one, two = measure(fields(1)), measure(fields(1), stp=linear)
    for name in NAMES:
        assert value(two, name) == pytest.approx(value(one, name) / GAIN**2, rel=1e-6)
    assert str(two.values["quantum_coefficient"].unit) == "uGy"
    assert value(two, "quantum_limited_to") == pytest.approx(value(one, "quantum_limited_to"))
    wrong = measure(fields(1), stp={**linear, "b": 150.0})
    assert any("stated air kermas" in w for w in wrong.warnings)


def test_a_curved_response_and_a_wrong_model_are_said() -> None:
    rng = np.random.default_rng(6)
    curved = [900 * np.sqrt(k) + rng.normal(0, 10, (320, 320)) for k in KERMA]
    assert any("straight line" in w for w in measure(curved).warnings)
    odd = fields(1)
    odd[3] = odd[3] + rng.normal(0, 20, odd[3].shape)
    found = measure(odd)
    assert any("do not describe" in w for w in found.warnings)


def test_the_curves_add_up() -> None:
    found = measure(fields(1))
    parts = [curve(found, n)[1] for n in ("Electronic", "Quantum", "Structural")]
    np.testing.assert_allclose(np.sum(parts, axis=0), curve(found, "Fit")[1])
    x, y, sd = curve(found, "Measured")
    assert list(x) == KERMA
    assert (sd > 0).all()
    assert y[-1] > y[0]


def test_order_of_images_does_not_matter_and_bits_repeat() -> None:
    pixels, order = fields(1), [3, 0, 5, 1, 4, 2]
    one = measure(pixels)
    two = measure([pixels[i] for i in order], kerma_ugy=[KERMA[i] for i in order])
    for name in NAMES:
        assert value(two, name) == pytest.approx(value(one, name), rel=1e-9)
    assert measure(fields(1)).as_dict() == one.as_dict()


def test_refusals() -> None:
    images = [planar.as_image(p, P) for p in fields(1)]
    refused(NAME, images, "kerma-count", kerma_ugy=KERMA[:-1])
    refused(NAME, images, "bad-kerma", kerma_ugy=[-1.0, *KERMA[1:]])
    refused(NAME, images[:4], "too-few-points", kerma_ugy=[1.0, 1.0, 2.0, 3.0])
    refused(NAME, images[:3], "too-few-images", kerma_ugy=KERMA[:3])
    refused(NAME, images, "missing-parameter")
    refused(NAME, [images[0], *images[:5]], "same-frame", kerma_ugy=KERMA)
    edge = planar.as_image(planar.edge((320, 320), pixel_mm=P, sigma_mm=0.1, tilt_deg=2), P)
    refused(NAME, [*images[:5], edge], "not-flat", kerma_ugy=KERMA)
    shown = planar.as_image(fields(1)[0], P, processing="presentation")
    refused(NAME, [*images[1:], shown], "processed-image", kerma_ugy=KERMA)
