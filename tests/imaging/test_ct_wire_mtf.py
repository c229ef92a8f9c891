"""MTF from a wire against the closed form (methods, case 21), and refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma import imaging
from kerma.core import Analysis, Image, KermaError
from kerma.imaging.registry import find
from kerma.imaging.tools.wire import wire_transform
from kerma.simulate import ct
from tests.imaging.helpers import centre_of_points, curve, refused, u, value
from tests.imaging.real import MODULES, module, siemens
from tests.shared import shared_path

NAME = "ct-wire-mtf"
SHAPE, P, SIGMA = (300, 300), 0.1, 0.3
MTF50 = float(np.sqrt(np.log(2) / 2) / np.pi / SIGMA)


def image(
    x: float = 150.3,
    y: float = 139.6,
    *,
    sd: float = 0.0,
    seed: int = 1,
    background: float = 0.0,
    peak: float = 3000.0,
    **more: object,
) -> Image:
    pixels = ct.wires(
        SHAPE, [(x, y)], pixel_mm=P, sigma_mm=SIGMA, peak_hu=peak, background_hu=background
    )
    if sd:
        pixels = pixels + ct.noise(SHAPE, sd_hu=sd, seed=seed, correlation_px=1.2)
    return ct.as_image(pixels, P, **more)


def measure(*images: Image, **parameters: object) -> Analysis:
    return imaging.analyse(NAME, images, **parameters)


@pytest.mark.parametrize("background", [-1000.0, 0.0, 120.0])
def test_case_21_a_gaussian_wire(background: float) -> None:
    found = measure(image(background=background))
    f, y, _ = curve(found, "MTF")
    assert np.abs(y - np.exp(-2 * (np.pi * SIGMA * f) ** 2)).max() < 1e-6
    for name, level in (("mtf50", 0.5), ("mtf10", 0.1), ("mtf02", 0.02)):
        truth = np.sqrt(-np.log(level) / 2) / np.pi / SIGMA
        assert value(found, name) == pytest.approx(truth, rel=5e-4)
    assert value(found, "fwhm") == pytest.approx(2.354820 * SIGMA, rel=0.003)


def test_the_wire_is_found_where_it_is() -> None:
    found = measure(image(88.25, 201.75))
    assert centre_of_points(found, "Wire") == pytest.approx((88.25, 201.75), abs=0.02)


def test_a_sloping_background_is_taken_off() -> None:
    ramp = np.add.outer(np.linspace(0, 60, 300), np.linspace(0, -90, 300))
    sloped = ct.as_image(image().pixels + ramp, P)
    assert value(measure(sloped), "mtf50") == pytest.approx(MTF50, rel=1e-4)


def test_the_uncertainty_covers_the_truth_in_correlated_noise() -> None:
    z = []
    for seed in range(12):
        found = measure(image(150 + 0.06 * seed, 150, sd=25.0, seed=seed))
        z.append((value(found, "mtf50") - MTF50) / u(found, "mtf50"))
    assert (np.abs(z) <= 2).sum() >= 9
    assert 0.4 <= np.sqrt(np.mean(np.square(z))) <= 1.5


def test_slices_of_a_tilted_wire_are_averaged_without_blur() -> None:
    slices = [image(150 + 1.7 * i, 150 - 0.9 * i, z_mm=float(i)) for i in range(3)]
    found = measure(*slices)
    assert value(found, "mtf10") == pytest.approx(value(measure(slices[0]), "mtf10"), rel=1e-4)
    noisy = [image(150 + i, 150, sd=25.0, seed=i, z_mm=float(i)) for i in range(4)]
    assert u(measure(*noisy), "mtf50") < 0.8 * u(measure(noisy[0]), "mtf50")


@pytest.mark.parametrize("change", ["turn", "mirror"])
def test_turned_images_give_the_same_mtf(change: str) -> None:
    first = image(sd=5.0)
    other = np.rot90(first.pixels) if change == "turn" else first.pixels[::-1]
    one, two = measure(first), measure(ct.as_image(np.ascontiguousarray(other), P))
    assert np.abs(curve(one, "MTF")[1] - curve(two, "MTF")[1]).max() < 0.001


@settings(max_examples=3, deadline=None)
@given(scale=st.floats(0.7, 1.4))
def test_frequencies_scale_with_the_pixel(scale: float) -> None:
    other = ct.as_image(image().pixels, P * scale)
    assert value(measure(other), "mtf50") == pytest.approx(MTF50 / scale, rel=1e-4)


@settings(max_examples=3, deadline=None)
@given(gain=st.floats(0.2, 3.0), offset=st.floats(-900, 200))
def test_gain_and_offset_do_not_matter(gain: float, offset: float) -> None:
    other = ct.as_image(offset + gain * image().pixels, P)
    assert value(measure(other), "mtf50") == pytest.approx(MTF50, rel=1e-4)


def test_correction_for_the_wire_raises_the_curve_by_its_transform() -> None:
    f, bare, _ = curve(measure(image()), "MTF")
    corrected = curve(measure(image(), wire_diameter_mm=0.2), "MTF")[1]
    assert np.abs(corrected * wire_transform(f, 0.2) - bare).max() < 1e-9
    # 2 J1(x)/x to second order is 1 - x²/8.
    assert wire_transform(np.array([0.0, 0.1]), 0.2) == pytest.approx(
        [1.0, 1 - (np.pi * 0.02) ** 2 / 8], abs=1e-5
    )


def test_coarse_pixels_are_warned_of() -> None:
    pixels = ct.wires((200, 200), [(100.2, 99.7)], pixel_mm=0.6, sigma_mm=SIGMA, peak_hu=3000)
    assert any("coarse" in w for w in measure(ct.as_image(pixels, 0.6)).warnings)
    assert not measure(image()).warnings


def test_a_level_lost_in_noise_is_left_out_and_said_so() -> None:
    found = measure(image(sd=100.0))
    assert "mtf02" not in found.values
    assert any("mtf02" in w for w in found.warnings)


def test_refusals() -> None:
    flat = ct.noise(SHAPE, sd_hu=5, seed=1)
    refused(NAME, [ct.as_image(flat, P)], "no-wire")
    pair = ct.wires(SHAPE, [(100, 100), (190, 180)], pixel_mm=P, sigma_mm=SIGMA, peak_hu=2000)
    refused(NAME, [ct.as_image(pair + flat, P)], "two-wires")
    clipped = np.minimum(image().pixels + flat, 1500.0)
    refused(NAME, [ct.as_image(clipped, P)], "wire-saturated")
    refused(NAME, [ct.as_image(clipped, P, saturated_at=1500.0)], "wire-saturated")
    refused(NAME, [image(45.0, 150.0)], "wire-near-border")
    refused(NAME, [image()], "bad-parameter", roi_fwhm=5)
    water = ct.as_image(ct.water_phantom() + ct.noise((512, 512), sd_hu=4, seed=1), 0.5)
    refused(NAME, [water], "no-wire")


@pytest.mark.parametrize("spacing", [(P, 2 * P), (2 * P, P)])
def test_pixels_that_are_not_square_are_refused(spacing: tuple[float, float]) -> None:
    # Measured along one side, MTF50 would be 35 % low or 31 % high.
    refused(NAME, [dataclasses.replace(image(), spacing_mm=spacing)], "not-square")


def test_recognition_is_of_one_wire_alone() -> None:
    recognise = find(NAME).recognise
    assert recognise is not None
    assert "0.7" in recognise([image(sd=5.0)])
    pair = ct.wires(SHAPE, [(100, 100), (190, 180)], pixel_mm=P, sigma_mm=SIGMA, peak_hu=2000)
    water = ct.water_phantom() + ct.noise((512, 512), sd_hu=4, seed=1)
    for other in (
        ct.as_image(pair, P),
        ct.as_image(water, 0.5),
        ct.as_image(ct.anatomy(seed=1), 0.7),
    ):
        with pytest.raises(KermaError):
            recognise([other])


def test_a_spot_whose_height_changes_is_a_bead_and_is_refused() -> None:
    stack = [image(peak=h, sd=5.0, z_mm=float(k)) for k, h in enumerate((1500.0, 3000.0, 1200.0))]
    assert "bead" in refused(NAME, stack, "mixed-phantoms").message


def test_the_same_images_give_the_same_bits() -> None:
    one = measure(image(sd=20.0))
    assert one.as_dict() == measure(image(sd=20.0)).as_dict()


def test_the_real_wire_with_a_sharp_kernel() -> None:
    found = measure(*siemens("002"))
    assert value(found, "mtf50") == pytest.approx(1.13, abs=0.03)
    assert value(found, "mtf10") == pytest.approx(1.335, abs=0.03)
    assert value(found, "mtf50") < value(found, "mtf10") < value(found, "mtf02")
    # An edge-enhancing kernel: the curve rises above 1 before it falls.
    assert curve(found, "MTF")[1].max() > 1.2
    singles = [value(measure(i), "mtf50") for i in siemens("002")]
    assert np.std(singles) < 3 * u(found, "mtf50")


def test_real_things_that_are_not_wires() -> None:
    refused(NAME, siemens("001"), "localiser")
    refused(NAME, siemens("003"), "no-wire")
    for name in sorted(p.name for p in shared_path(MODULES).iterdir()):
        code = "two-wires" if name.startswith("CTP591") else "no-wire"
        refused(NAME, module(name), code)
