"""CT number linearity of inserts at given places."""

from __future__ import annotations

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.imaging.ct.linearity import fit
from kerma.simulate import ct, ct_objects
from tests.imaging.helpers import refused, u, value
from tests.imaging.real import module

NAME = "ct-linearity"
SHAPE, P = (300, 300), 0.6
NOMINAL = (-1000.0, -200.0, -100.0, 120.0, 350.0, 900.0)
PLACES = tuple(
    (149.5 + 80 * float(np.cos(t)), 149.5 + 80 * float(np.sin(t)))
    for t in 2 * np.pi * np.arange(6) / 6
)
BASE = ct.water_phantom(SHAPE, pixel_mm=P, diameter_mm=160.0)


def images(
    values: tuple[float, ...] = NOMINAL, *, slope: float = 1.0, offset: float = 0.0,
    sd: float = 5.0, seed: int = 1, count: int = 2,
) -> list[Image]:  # fmt: skip
    pixels = BASE.copy()
    for (x, y), v in zip(PLACES, values, strict=True):
        pixels = pixels + ct_objects.rod(
            SHAPE, (x, y), pixel_mm=P, radius_mm=7.0, sigma_mm=0.6, contrast_hu=slope * v + offset
        )
    return [
        ct.as_image(
            pixels + ct.noise(SHAPE, sd_hu=sd, seed=100 * seed + k, correlation_px=1.2), P,
            z_mm=5.0 * k,
        )
        for k in range(count)
    ]  # fmt: skip


def measure(given: list[Image], **parameters: object) -> Analysis:
    chosen = {"places": PLACES, "nominal": NOMINAL, **parameters}
    return imaging.analyse(NAME, given, **chosen)


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (1.03, -6.0), (0.95, 4.0)])
def test_slope_and_intercept_come_back(slope: float, offset: float) -> None:
    found = measure(images(slope=slope, offset=offset))
    assert value(found, "slope") == pytest.approx(slope, abs=0.002)
    assert value(found, "intercept") == pytest.approx(offset, abs=1.0)
    assert value(found, "r2") > 0.9999
    assert value(found, "hu_insert1") == pytest.approx(slope * -1000 + offset, abs=1.5)
    far = max(abs(slope * v + offset - v) for v in NOMINAL)
    assert value(found, "max_deviation") == pytest.approx(far, abs=2.0)


def test_the_line_is_the_textbook_one() -> None:
    x = np.array([0.0, 1.0, 2.0, 3.0])
    line = fit(x, np.array([1.0, 3.0, 4.0, 8.0]))
    assert (line.slope, line.intercept) == pytest.approx((2.2, 0.7))
    assert line.residuals == pytest.approx([0.3, 0.1, -1.1, 0.7])
    # s² = 1.8/2; u(slope)² = s²/Sxx = 0.9/5; u(intercept)² = s² (1/4 + 1.5²/5).
    assert line.u_slope == pytest.approx(np.sqrt(0.18))
    assert line.u_intercept == pytest.approx(np.sqrt(0.9 * 0.7))
    assert line.r2 == pytest.approx(1 - 1.8 / 26)


def test_an_insert_that_is_off_is_the_residual() -> None:
    values = (*NOMINAL[:4], 350.0 + 40.0, 900.0)
    found = measure(images(values))
    assert value(found, "max_deviation") == pytest.approx(40.0, abs=1.5)
    worst = max(found.facts["inserts"], key=lambda i: abs(i["residual_hu"]))
    assert worst["name"] == "insert5"
    assert value(found, "max_residual") == pytest.approx(abs(worst["residual_hu"]))


def test_against_attenuation_it_gives_that_of_water() -> None:
    mu_water = 0.19
    mu = tuple(mu_water * (1 + v / 1000) for v in NOMINAL)
    found = measure(images(), nominal=mu, against="mu")
    assert value(found, "mu_water") == pytest.approx(mu_water, rel=0.003)
    assert value(found, "slope") == pytest.approx(1000 / mu_water, rel=0.003)
    assert str(found.values["slope"].unit) == "HU.cm"
    assert "max_deviation" not in found.values


def test_the_uncertainty_covers_the_truth() -> None:
    z = []
    for seed in range(12):
        found = measure(images(sd=8.0, seed=seed, count=1))
        z += [
            (value(found, f"hu_insert{k}") - v) / u(found, f"hu_insert{k}")
            for k, v in enumerate(NOMINAL, 1)
        ]
        z.append((value(found, "slope") - 1.0) / u(found, "slope"))
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert 0.6 <= np.sqrt(np.mean(np.square(z))) <= 1.45


def test_names_and_an_uneven_disc() -> None:
    names = ("air", "pmp", "ldpe", "acrylic", "delrin", "teflon")
    found = measure(images(), names=names)
    assert {f"hu_{n}" for n in names} <= found.values.keys()
    moved = [(x + 9, y) for x, y in PLACES]
    assert any("not even" in w for w in measure(images(), places=moved).warnings)


def test_refusals() -> None:
    refused(NAME, images(), "missing-parameter", places=PLACES)
    one = {"places": PLACES, "nominal": NOMINAL}
    refused(NAME, images(), "bad-parameter", places=PLACES[:2], nominal=NOMINAL[:2])
    refused(NAME, images(), "bad-parameter", places=PLACES, nominal=NOMINAL[:5])
    refused(NAME, images(), "bad-parameter", **one, against="density")
    refused(NAME, images(), "bad-parameter", **one, against="mu")
    refused(NAME, images(), "bad-parameter", **one, names=("a", "a", "b", "c", "d", "e"))
    outside = {"places": ((-3.0, 5.0), *PLACES[1:]), "nominal": NOMINAL}
    refused(NAME, images(), "region-outside-image", **outside)
    water = [ct.as_image(BASE + ct.noise(SHAPE, sd_hu=5, seed=1, correlation_px=1.2), P)]
    refused(NAME, water, "no-contrast", **one)
    body = [ct.as_image(ct.anatomy(seed=1), 0.7)]
    refused(NAME, body, "clinical-looking", **one)
    refused(NAME, [], "no-images", **one)


def test_the_same_images_give_the_same_bits() -> None:
    assert measure(images()).as_dict() == measure(images()).as_dict()


def test_real_inserts() -> None:
    found = imaging.analyse(
        NAME, module("CTP404_FOV150"),
        places=((249.6, 456.6), (149.8, 429.5), (349.5, 430.2), (50.5, 256.5), (449.8, 257.5),
                (350.3, 84.2), (150.7, 83.9)),
        nominal=(-1000, 1000, -196, 366, -104, -47, 115),
        names=("air", "teflon", "pmp", "delrin", "ldpe", "polystyrene", "acrylic"),
    )  # fmt: skip
    assert value(found, "hu_acrylic") == pytest.approx(125.8, abs=1.0)
    assert value(found, "hu_air") == pytest.approx(-1001, abs=4.0)
    assert value(found, "slope") == pytest.approx(0.97, abs=0.01)
