"""Task transfer function of rods against the closed form (methods, case 23), and refusals."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.imaging.tools import radial_edge, rod_centre
from kerma.imaging.tools.mtf import first_crossing
from kerma.simulate import ct, ct_objects
from tests.imaging.helpers import centre_of_points, curve, refused, u, value
from tests.imaging.real import module, siemens

NAME = "ct-ttf"
SHAPE, P, SIGMA = (320, 320), 0.5, 0.6
PLACES = ((225.2, 160.3), (120.7, 200.4))


@cache
def plain() -> np.ndarray:
    return ct.water_phantom(SHAPE, pixel_mm=P, diameter_mm=150.0, wall_mm=4.0)


@cache
def rods(
    contrasts: tuple[float, ...] = (120.0, -200.0), radius: float = 9.0, sigma: float = SIGMA
) -> np.ndarray:
    signal = plain().copy()
    for place, contrast in zip(PLACES, contrasts, strict=False):
        signal = signal + ct_objects.rod(
            SHAPE, place, pixel_mm=P, radius_mm=radius, sigma_mm=sigma, contrast_hu=contrast
        )
    return signal


def stack(
    signal: np.ndarray, count: int = 1, *, sd: float = 0.0, seed: int = 0, pixel: float = P
) -> list[Image]:
    made = []
    for k in range(count):
        grain = 0.0
        if sd:
            grain = ct.noise(SHAPE, sd_hu=sd, seed=100 * seed + k, correlation_px=1.2)
        made.append(ct.as_image(signal + grain, pixel, z_mm=2.5 * k))
    return made


def measure(images: list[Image], **parameters: object) -> Analysis:
    return imaging.analyse(NAME, images, **parameters)


def level(share: float, sigma: float = SIGMA) -> float:
    return float(np.sqrt(-np.log(share) / 2) / np.pi / sigma)


def edge_of(
    radius: float, sigma: float, pixel: float, *, aperture: bool
) -> tuple[radial_edge.RadialEdge, np.ndarray, np.ndarray]:
    signal = ct_objects.rod(
        (128, 128), (64.2, 63.7), pixel_mm=pixel, radius_mm=radius, sigma_mm=sigma,
        contrast_hu=120.0, aperture=aperture,
    )  # fmt: skip
    reach = (radius - pixel) / pixel
    centre = rod_centre.refine_centre(signal, (64, 64), radius / pixel + reach)
    assert centre == pytest.approx((64.2, 63.7), abs=1e-3)
    edge = radial_edge.measure([signal], np.array([centre]), pixel, radius / pixel, reach)
    f = np.arange(201) * (0.5 / pixel / 200)
    truth = np.exp(-2 * (np.pi * sigma * f) ** 2)
    if aperture:
        turn = np.linspace(0, np.pi / 2, 91)
        along, across = np.outer(f, np.cos(turn)), np.outer(f, np.sin(turn))
        truth = truth * np.mean(np.sinc(along * pixel) * np.sinc(across * pixel), axis=1)
    return edge, f, truth


@pytest.mark.parametrize("aperture", [False, True])
@pytest.mark.parametrize(
    ("radius", "sigma", "pixel"), [(12.5, 0.5, 0.4), (6.0, 0.6, 0.4), (6.0, 1.0, 0.5)]
)
def test_case_23_a_rod(radius: float, sigma: float, pixel: float, *, aperture: bool) -> None:
    edge, f, truth = edge_of(radius, sigma, pixel, aperture=aperture)
    found = radial_edge.transfer(edge, f)
    for share in (0.5, 0.1):
        at, expected = (first_crossing(f, y, share) for y in (found.value, truth))
        if expected is not None:
            assert at == pytest.approx(expected, rel=0.0015)  # tolerance of case 23: 0.5 %
    assert np.abs(found.value - truth).max() < 0.002
    assert edge.contrast_hu == pytest.approx(120.0, abs=0.3)


def test_without_its_corrections_the_curve_is_lower() -> None:
    edge, f, _ = edge_of(12.5, 0.5, 0.4, aperture=False)
    ratio = (
        radial_edge.transfer(edge, f, corrected=False).value / radial_edge.transfer(edge, f).value
    )
    h = edge.bin_mm
    assert ratio == pytest.approx(np.sinc(f * h) * np.sinc(2 * f * h), abs=1e-9)


def test_a_hann_window_raises_the_half_frequency_by_its_law() -> None:
    edge, f, truth = edge_of(12.5, 0.5, 0.4, aperture=False)
    for half in (5.0, 10.0):
        windowed = radial_edge.transfer(edge, f, hann_mm=half).value
        raised = first_crossing(f, windowed, 0.5) / first_crossing(f, truth, 0.5) - 1
        # Methods 4.2: about pi² s²/(4 L²); 0.62 % at L = 20 s fails case 23's 0.5 %.
        assert raised == pytest.approx((np.pi * 0.5 / half) ** 2 / 4, rel=0.12)


def test_rods_are_found_and_measured() -> None:
    found = measure(stack(rods(), 4, sd=2.0))
    assert value(found, "ttf50_rod1") == pytest.approx(level(0.5), rel=0.03)
    assert value(found, "contrast_rod1") == pytest.approx(-200.0, abs=1.0)
    assert value(found, "contrast_rod2") == pytest.approx(120.0, abs=1.0)
    assert value(found, "noise_rod1") == pytest.approx(2.0, abs=4 * u(found, "noise_rod1"))
    assert value(found, "total_cnr_rod2") == pytest.approx(120.0, rel=0.1)
    assert centre_of_points(found, "rod2")[1] == pytest.approx(PLACES[0][1], abs=0.05)
    assert {r.name for r in found.regions} >= {"rod1", "rod2", "rod1, range used"}


@pytest.mark.parametrize("contrasts", [(200.0, -500.0), (60.0, -90.0)])
def test_the_uncertainty_covers_the_truth(contrasts: tuple[float, float]) -> None:
    z = []
    for seed in range(7):
        images = stack(rods(contrasts), 5, sd=0.06 * abs(contrasts[0]), seed=seed)
        found = measure(images, centres=PLACES, names=("a", "b"))
        for name in ("a", "b"):
            z.append((value(found, f"ttf50_{name}") - level(0.5)) / u(found, f"ttf50_{name}"))
    assert (np.abs(z) <= 2).mean() >= 0.78
    assert 0.4 <= np.sqrt(np.mean(np.square(z))) <= 1.6


def test_a_rod_too_faint_is_not_reported_but_its_contrast_is() -> None:
    images = stack(rods((25.0, -200.0)), 2, sd=8.0)
    found = measure(images, centres=PLACES, radius_mm=9.0)
    assert "ttf50_rod1" not in found.values
    assert value(found, "contrast_rod1") == pytest.approx(25.0, abs=4 * u(found, "contrast_rod1"))
    assert value(found, "total_cnr_rod1") < 15 < value(found, "total_cnr_rod2")
    assert any("15 is needed" in w for w in found.warnings)
    again = measure(images, centres=PLACES, radius_mm=9.0, least_total_cnr=1.0)
    assert "ttf50_rod1" in again.values
    none = measure(images[:1], centres=PLACES[:1], radius_mm=9.0)
    assert none.status == "not measurable"
    assert none.reason


def test_a_leaning_rod_is_followed() -> None:
    images = []
    for k in range(6):
        signal = plain() + ct_objects.rod(
            SHAPE, (225.0 + 0.8 * k, 160.0 - 0.5 * k), pixel_mm=P, radius_mm=9.0, sigma_mm=SIGMA,
            contrast_hu=300.0,
        )  # fmt: skip
        grain = ct.noise(SHAPE, sd_hu=3.0, seed=k, correlation_px=1.2)
        images.append(ct.as_image(signal + grain, P, z_mm=5.0 * k))
    found = measure(images)
    assert value(found, "ttf50_rod1") == pytest.approx(level(0.5), abs=3 * u(found, "ttf50_rod1"))
    assert any("leans" in w for w in found.warnings)
    # Not followed, the mean of the slices would be blurred by 5 mm² of variance.
    assert value(found, "ttf50_rod1") > 1.5 * level(0.5, np.hypot(SIGMA, 0.67))


def test_a_slice_in_which_the_rod_ends_is_left_out() -> None:
    images = [
        *stack(rods(), 4, sd=2.0),
        ct.as_image(plain() + ct.noise(SHAPE, sd_hu=2, seed=9), P, z_mm=50.0),
    ]
    found = measure(images, centres=PLACES)
    assert found.facts["rods"][0]["slices"] == 4
    assert any("image 5" in w for w in found.warnings)


@pytest.mark.parametrize("turn", ["quarter", "mirror"])
def test_turned_images_give_the_same_curve(turn: str) -> None:
    images = stack(rods(), 2, sd=1.0)
    other = [
        dataclasses.replace(
            i,
            pixels=np.ascontiguousarray(
                np.rot90(i.pixels) if turn == "quarter" else i.pixels[::-1]
            ),
        )
        for i in images
    ]
    one, two = curve(measure(images), "TTF rod1")[1], curve(measure(other), "TTF rod1")[1]
    assert np.abs(one - two)[:120].max() < 0.01


def test_gain_offset_and_pixel_size() -> None:
    base = value(measure(stack(rods(), sd=1.0)), "ttf50_rod1")
    grey = measure(stack(0.8 * rods() + 30.0, sd=0.8), centres=PLACES[1:])
    assert value(grey, "ttf50_rod1") == pytest.approx(base, rel=0.01)
    wide = measure(stack(rods(), sd=1.0, pixel=1.2 * P))
    assert value(wide, "ttf50_rod1") == pytest.approx(base / 1.2, rel=1e-3)


def test_given_centres_are_recorded_and_said() -> None:
    found = measure(stack(rods(), sd=1.0), centres=((224, 161),), names=("poly",))
    assert found.provenance.parameters["centres"] == [[224, 161]]
    assert any("set by hand" in w for w in found.warnings)
    assert value(found, "contrast_poly") == pytest.approx(120.0, abs=1.0)


def test_refusals() -> None:
    refused(NAME, stack(plain(), sd=3.0), "no-rods")
    refused(NAME, stack(plain(), sd=3.0), "no-rod", centres=((160.0, 160.0),))
    refused(NAME, stack(rods(), sd=3.0), "centre-outside-image", centres=((-5.0, 20.0),))
    refused(NAME, stack(rods(), sd=3.0), "bad-parameter", centres=PLACES, names=("one",))
    refused(NAME, stack(rods(), sd=3.0), "bad-parameter", names=("one", "two"))
    refused(NAME, [ct.as_image(ct.anatomy(seed=1), 0.7)], "clinical-looking")
    refused(NAME, stack(np.full(SHAPE, 7.0)), "constant-image")
    refused(NAME, [ct.as_image(rods()[160:161], P)], "image-too-small")
    refused(NAME, stack(np.where(rods() > 100, np.nan, rods())), "not-finite")
    refused(NAME, [dataclasses.replace(stack(rods())[0], spacing_mm=None)], "no-pixel-spacing")
    apart = [
        dataclasses.replace(i, facts={"SeriesInstanceUID": str(k)})
        for k, i in enumerate(stack(rods(), 2, sd=1.0))
    ]
    refused(NAME, apart, "mixed-series")
    assert measure(apart, several_series=True).status == "measured"


def test_the_same_images_give_the_same_bits() -> None:
    images = stack(rods(), 2, sd=4.0)
    assert measure(images).as_dict() == measure(images).as_dict()


def test_the_real_insert_module() -> None:
    found = measure(module("CTP404_FOV150"))
    # The vial above is thin walled; the others are of one kernel and agree.
    solid = [value(found, f"ttf50_rod{k}") for k in (2, 3, 4, 5, 6, 7)]
    assert np.mean(solid) == pytest.approx(0.336, abs=0.01)
    assert np.std(solid) < 0.012
    assert "ttf50_rod8" not in found.values  # acrylic: 25 HU, total CNR 10
    assert value(found, "contrast_rod8") == pytest.approx(25.0, abs=1.5)
    refused(NAME, siemens("003"), "no-rods")
