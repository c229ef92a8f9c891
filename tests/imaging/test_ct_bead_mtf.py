"""MTF from a bead against closed forms (methods, cases 21 and 22), and refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.simulate import ct, ct_objects
from tests.imaging.helpers import centre_of_points, curve, refused, u, value
from tests.imaging.real import MODULES, module, siemens
from tests.shared import shared_path

NAME = "ct-bead-mtf"
SHAPE, P, SIGMA, D = (220, 220), 0.15, 0.35, 0.5


def pixels(x: float = 110.3, y: float = 104.8, diameter: float = D) -> np.ndarray:
    return ct_objects.bead(
        SHAPE, (x, y), pixel_mm=P, diameter_mm=diameter, sigma_mm=SIGMA, hu_mm2=2000.0
    )


def image(signal: np.ndarray, *, sd: float = 0.0, seed: int = 1, z: float = 0.0) -> Image:
    if sd:
        signal = signal + ct_objects.ramp_noise(
            SHAPE, pixel_mm=P, sd_hu=sd, peak_per_mm=0.5, seed=seed
        )
    return ct.as_image(signal, P, z_mm=z)


def measure(*images: Image, **parameters: object) -> Analysis:
    return imaging.analyse(NAME, images, **parameters)


def gaussian(f: np.ndarray) -> np.ndarray:
    return np.exp(-2 * (np.pi * SIGMA * f) ** 2)


@pytest.mark.parametrize("background", [-1000.0, 40.0])
def test_case_22_a_gaussian_times_the_sphere(background: float) -> None:
    bead = image(pixels() + background)
    bare, corrected = measure(bead), measure(bead, bead_diameter_mm=D)
    for name in ("MTF", "MTF x", "MTF y"):
        f, y, _ = curve(bare, name)
        assert np.abs(y - gaussian(f) * ct_objects.sphere_transform(f, D)).max() < 1e-4, name
        f, y, _ = curve(corrected, name)
        assert np.abs(y - gaussian(f)).max() < 1e-4, name
    for axis in ("", "_x", "_y"):
        truth = np.sqrt(np.log(2) / 2) / np.pi / SIGMA
        assert value(corrected, f"mtf50{axis}") == pytest.approx(truth, rel=1e-3)
    assert any("diameter was not given" in w for w in bare.warnings)


def test_leaving_the_bead_in_fails_case_22() -> None:
    f, y, _ = curve(measure(image(pixels())), "MTF")
    assert np.abs(y - gaussian(f)).max() > 0.01


def test_the_sphere_has_the_published_value() -> None:
    # Methods 4.7: 0.925 at 1/mm for 0.28 mm.
    assert ct_objects.sphere_transform(np.array([1.0]), 0.28)[0] == pytest.approx(0.925, abs=5e-4)


def test_the_axes_are_told_apart() -> None:
    rows, columns = np.indices(SHAPE, dtype=float)
    r2 = ((columns - 110.2) * P / 0.3) ** 2 + ((rows - 109.7) * P / 0.45) ** 2
    found = measure(image(3000.0 * np.exp(-r2 / 2)))
    half = np.sqrt(np.log(2) / 2) / np.pi
    assert value(found, "mtf50_x") == pytest.approx(half / 0.3, rel=1e-3)
    assert value(found, "mtf50_y") == pytest.approx(half / 0.45, rel=1e-3)
    assert value(found, "mtf50_y") < value(found, "mtf50") < value(found, "mtf50_x")


def test_slices_add_up_and_those_without_the_bead_are_left_out() -> None:
    shares = (0.02, 0.5, 1.0, 0.6, 0.0)
    stack = [image(s * pixels(), sd=4.0, seed=i, z=float(i)) for i, s in enumerate(shares)]
    found = measure(*stack, bead_diameter_mm=D)
    assert found.facts["slices_used"] == [1, 2, 3]
    assert any("image 1, 5" in w for w in found.warnings)


def test_the_uncertainty_covers_the_truth() -> None:
    truth = {"mtf50": np.sqrt(np.log(2) / 2) / np.pi / SIGMA}
    truth["mtf50_x"] = truth["mtf50"]
    z = []
    for seed in range(14):
        noisy = image(pixels(110 + 0.07 * seed), sd=12.0, seed=seed)
        found = measure(noisy, bead_diameter_mm=D)
        z += [(value(found, k) - v) / u(found, k) for k, v in truth.items()]
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert 0.4 <= np.sqrt(np.mean(np.square(z))) <= 1.4


def test_the_place_can_be_given_and_is_said() -> None:
    two = image(pixels(70, 70) + pixels(150.2, 160.4), sd=3.0)
    assert "bead_px" in refused(NAME, [two], "two-wires").message
    found = measure(two, bead_px=(150, 161), bead_diameter_mm=D)
    assert centre_of_points(found, "Bead") == pytest.approx((150.2, 160.4), abs=0.1)
    assert any("set by hand" in w for w in found.warnings)
    assert found.provenance.parameters["bead_px"] == [150, 161]


def test_frequencies_scale_with_the_pixel_and_gain_does_not_matter() -> None:
    other = ct.as_image(50 + 0.7 * pixels(), 1.3 * P)
    first = value(measure(image(pixels())), "mtf50")
    assert value(measure(other), "mtf50") == pytest.approx(first / 1.3, rel=1e-4)


def test_a_large_bead_ends_the_curve_early_and_says_so() -> None:
    found = measure(image(pixels(diameter=1.0)), bead_diameter_mm=1.0)
    assert curve(found, "MTF")[0][-1] < 1.1
    assert any("30%" in w for w in found.warnings)


def test_refusals() -> None:
    flat = ct.noise(SHAPE, sd_hu=5, seed=1)
    refused(NAME, [ct.as_image(flat, P)], "no-wire")
    refused(NAME, [image(np.minimum(pixels() + flat, 900.0))], "wire-saturated")
    refused(NAME, [image(pixels(12.0, 110.0))], "wire-near-border", bead_px=(12.0, 110.0))
    refused(NAME, [image(flat)], "no-wire", bead_px=(110.0, 110.0))
    refused(NAME, [image(pixels())], "bad-parameter", roi_fwhm=4)
    refused(NAME, [image(pixels())], "bad-parameter", bead_diameter_mm=-1.0)
    refused(NAME, [dataclasses.replace(image(pixels()), spacing_mm=(P, 2 * P))], "not-square")
    refused(NAME, [dataclasses.replace(image(pixels()), spacing_mm=None)], "no-pixel-spacing")
    refused(NAME, [], "no-images")
    refused(NAME, [ct.as_image(ct.anatomy(seed=2), 0.7)], "clinical-looking")
    refused(NAME, [image(np.where(pixels() > 500, np.nan, pixels()))], "not-finite")


def test_the_same_images_give_the_same_bits() -> None:
    one = measure(image(pixels(), sd=8.0))
    assert one.as_dict() == measure(image(pixels(), sd=8.0)).as_dict()


def test_the_real_bead_module() -> None:
    slices = module("CTP591_06mm")
    small = measure(*slices, bead_px=(257, 207))
    assert value(small, "mtf50") == pytest.approx(0.73, abs=0.15)
    thin = measure(*slices, bead_px=(257, 399))  # the wire of the same module
    assert abs(value(thin, "mtf50") - value(small, "mtf50")) < 2 * np.hypot(
        u(thin, "mtf50"), u(small, "mtf50")
    )
    refused(NAME, slices, "wire-saturated", bead_px=(257, 304))
    refused(NAME, slices, "two-wires")


def test_real_things_without_a_bead() -> None:
    refused(NAME, siemens("001"), "localiser")
    refused(NAME, siemens("003"), "no-wire")
    assert shared_path(MODULES).exists()
    refused(NAME, module("CTP486"), "no-wire")
