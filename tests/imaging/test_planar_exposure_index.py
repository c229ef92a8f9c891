"""Exposure index of IEC 62494-1 and makers' own indices against known air kerma."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.simulate import planar
from tests.imaging.helpers import curve, refused, u, value

NAME = "planar-exposure-index"
P, SIDE = 0.2, 256
KERMA = [0.6, 1.2, 2.5, 2.5, 2.5, 2.5, 5.0, 10.0]
OFFSET, GAIN = 40.0, 150.0


def image(kerma: float, seed: int = 0, /, **facts: object) -> Image:
    mean = OFFSET + GAIN * kerma
    pixels = planar.flat_field((SIDE, SIDE), mean=mean, noise=math.sqrt(mean), seed=seed)
    return planar.as_image(pixels, P, facts=facts)


def series(index: object, kermas: list[float] = KERMA, **facts: object) -> list[Image]:
    """Return images whose header states index(kerma)."""
    made = []
    for i, k in enumerate(kermas):
        stated = index(k) if callable(index) else index
        made.append(image(k, i, ExposureIndex=stated, **facts))
    return made


def measure(images: list[Image], **parameters: object) -> Analysis:
    chosen = {"kerma_ugy": KERMA, "u_kerma_percent": 2.0, **parameters}
    return imaging.analyse(NAME, images, **chosen)


def test_an_index_that_is_right_has_no_deviation() -> None:
    found = measure(series(lambda k: str(100 * k)))
    assert value(found, "max_deviation") == pytest.approx(0, abs=1e-9)
    assert value(found, "slope") == pytest.approx(100, rel=1e-9)
    assert value(found, "intercept") == pytest.approx(0, abs=1e-9)
    assert value(found, "r_squared") == pytest.approx(1)
    assert value(found, "max_fit_deviation") == pytest.approx(0, abs=1e-9)
    assert value(found, "repeatability") == pytest.approx(0, abs=1e-9)
    assert u(found, "max_deviation") == pytest.approx(2.0)
    assert u(found, "slope") == pytest.approx(2.0)
    assert str(found.values["slope"].unit) == "1/uGy"


@pytest.mark.parametrize("factor", [0.8, 1.15])
def test_a_miscalibrated_index(factor: float) -> None:
    found = measure(series(lambda k: 100 * factor * k))
    assert value(found, "max_deviation") == pytest.approx(100 * abs(factor - 1), abs=1e-9)
    assert value(found, "mean_deviation") == pytest.approx(100 * (factor - 1), abs=1e-9)
    assert value(found, "slope") == pytest.approx(100 * factor)
    assert value(found, "max_fit_deviation") == pytest.approx(0, abs=1e-9)  # linear all the same


def test_an_index_that_is_bent_or_offset() -> None:
    offset = measure(series(lambda k: 100 * k + 12))
    assert value(offset, "intercept") == pytest.approx(12)
    assert value(offset, "slope") == pytest.approx(100)
    assert value(offset, "max_deviation") == pytest.approx(12 / 60 * 100)
    bent = measure(series(lambda k: 100 * k**0.9))
    assert value(bent, "max_fit_deviation") > 2
    assert value(bent, "r_squared") < 1


def test_repeatability_of_known_scatter() -> None:
    rng = np.random.default_rng(3)
    kermas = [2.5] * 150
    scatter = rng.normal(1.0, 0.03, 150)
    small = image(2.5)
    images = [
        Image(small.pixels, small.spacing_mm, "DX", "raw", facts={"ExposureIndex": 250 * float(s)})
        for s in scatter
    ]
    found = imaging.analyse(NAME, images, kerma_ugy=kermas, u_kerma_percent=0.0)
    assert value(found, "repeatability") == pytest.approx(3.0, abs=3 * u(found, "repeatability"))
    assert u(found, "repeatability") == pytest.approx(3.0 / math.sqrt(2 * 149), rel=0.2)
    assert "slope" not in found.values
    assert any("no line" in w for w in found.warnings)


def test_repeats_follow_small_changes_of_output() -> None:
    """Air kermas within 2 % are one setting, and what counts is the index over its own kerma."""
    kermas = [2.50, 2.52, 2.48, 5.0, 10.0]
    images = series(lambda k: 100 * k, kermas)
    found = imaging.analyse(NAME, images, kerma_ugy=kermas)
    assert value(found, "repeatability") == pytest.approx(0, abs=1e-9)


def test_uncertainty_of_the_slope_covers_the_truth() -> None:
    rng, z = np.random.default_rng(5), []
    base = [image(k, i) for i, k in enumerate(KERMA)]
    for _ in range(40):
        readings = [100 * k * float(rng.normal(1, 0.02)) for k in KERMA]
        found = measure(base, readings=readings, u_kerma_percent=0.0)
        z.append((value(found, "slope") - 100) / u(found, "slope"))
    assert 0.80 <= (np.abs(z) <= 2).mean() <= 1.0  # Student's t, 6 degrees of freedom: 0.91
    assert 0.7 < np.std(z) < 1.5


def test_the_deviation_index_is_checked() -> None:
    def facts(k: float, error: float = 0.0) -> dict[str, object]:
        return {
            "ExposureIndex": 100 * k, "TargetExposureIndex": 250.0,
            "DeviationIndex": round(10 * math.log10(100 * k / 250.0) + error, 1),
        }  # fmt: skip

    right = [image(k, i, **facts(k)) for i, k in enumerate(KERMA)]
    found = measure(right)
    assert value(found, "di_max_difference") <= 0.05 + 1e-9
    assert found.facts["images"][7]["deviation_index_calculated"] == pytest.approx(6.02, abs=0.01)
    wrong = [*right[:-1], image(KERMA[-1], 9, **facts(KERMA[-1], 1.0))]
    assert value(measure(wrong), "di_max_difference") == pytest.approx(1.0, abs=0.06)
    assert "di_max_difference" not in measure(series(lambda k: 100 * k)).values


@pytest.mark.parametrize(
    ("relation", "keyword", "index", "slope"),
    [
        ("inverse", "Sensitivity", lambda k: 1740 / k, 1740.0),
        ("log", "RelativeXRayExposure", lambda k: 1059 + 1000 * math.log10(k), 1000.0),
        ("linear", "RelativeXRayExposure", lambda k: 50 * k + 3, 50.0),
    ],
)
def test_makers_own_indices(relation: str, keyword: str, index: object, slope: float) -> None:
    images = [image(k, i, **{keyword: index(k)}) for i, k in enumerate(KERMA)]  # type: ignore[operator]
    found = measure(images, index=keyword, relation=relation)
    assert value(found, "slope") == pytest.approx(slope, rel=1e-6)
    assert value(found, "max_fit_deviation") == pytest.approx(0, abs=1e-6)
    assert "max_deviation" not in found.values
    assert found.facts["index_from"] == keyword
    # Negative control: the wrong relation does not fit.
    other = "linear" if relation != "linear" else "inverse"
    wrong = measure(images, index=keyword, relation=other)
    assert wrong.values.get("max_fit_deviation") is None or value(wrong, "max_fit_deviation") > 5


def test_the_pixels_own_air_kerma_is_compared_when_it_is_known() -> None:
    stp = {"model": "linear", "a": OFFSET, "b": GAIN}
    found = measure(series(lambda k: 110 * k), stp=stp)
    assert value(found, "max_deviation_from_pixels") == pytest.approx(10, abs=0.2)
    assert u(found, "max_deviation_from_pixels") < 0.2
    assert found.facts["images"][0]["pixels_ugy"] == pytest.approx(0.6, rel=0.01)
    assert str(found.regions[0].values["mean"].unit) == "uGy"


def test_images_in_the_wrong_order_are_said() -> None:
    images = series(lambda k: 100 * k)[::-1]
    found = measure(images)
    assert any("same order" in w for w in found.warnings)
    assert value(found, "max_deviation") > 100


def test_order_does_not_matter_and_bits_repeat() -> None:
    images = series(lambda k: 100 * k + 5)
    one = measure(images)
    order = [3, 7, 0, 5, 1, 2, 6, 4]
    two = measure([images[i] for i in order], kerma_ugy=[KERMA[i] for i in order])
    for name in one.values:
        assert value(two, name) == pytest.approx(value(one, name), rel=1e-9), name
    assert measure(series(lambda k: 100 * k + 5)).as_dict() == one.as_dict()
    x, y, _ = curve(two, "Index")
    assert list(x) == sorted(KERMA)
    assert y == pytest.approx(100 * x + 5)


def test_one_image_gives_its_deviation_and_says_what_is_missing() -> None:
    found = imaging.analyse(NAME, [image(2.5, ExposureIndex=260)], kerma_ugy=[2.5])
    assert value(found, "max_deviation") == pytest.approx(4.0)
    assert "repeatability" not in found.values
    assert len(found.warnings) == 3
    own = imaging.analyse(
        NAME, [image(2.5, Sensitivity=400)], kerma_ugy=[2.5], index="Sensitivity",
        relation="inverse",
    )  # fmt: skip
    assert own.status == "not measurable"
    assert own.reason
    assert own.values == {}


def test_refusals() -> None:
    images = series(lambda k: 100 * k)

    def no(code: str, images: list[Image] = images, **more: object) -> None:
        refused(NAME, images, code, **{"kerma_ugy": KERMA, **more})

    no("kerma-count", kerma_ugy=KERMA[:-1])
    no("bad-kerma", kerma_ugy=[-1.0, *KERMA[1:]])
    for nothing in (None, "", "0", 0, -3, "high"):
        no("no-exposure-index", [*images[:-1], image(10.0, 9, ExposureIndex=nothing)])
    no("no-exposure-index", index="Sensitivity", relation="inverse")
    no("reading-count", readings=[100.0])
    no("bad-parameter", readings=[0.0] * 8)
    no("bad-parameter", index="EI")
    no("bad-parameter", relation="square")
    no("bad-parameter", index="Sensitivity")
    no("bad-parameter", u_kerma_percent=-2.0)
    mixed = [image(k, i, ExposureIndex=100 * k, DetectorID="AB"[i % 2])
             for i, k in enumerate(KERMA)]  # fmt: skip
    no("mixed-detectors", mixed)
    edge = planar.edge((SIDE, SIDE), pixel_mm=P, sigma_mm=0.1, tilt_deg=2)
    no("not-flat", [*images[:-1], planar.as_image(edge, P, facts={"ExposureIndex": 1000})])
    shown = [planar.as_image(i.pixels, P, facts=i.facts, processing="presentation") for i in images]
    assert measure(shown).values["max_deviation"].value == pytest.approx(0, abs=1e-9)
    no("processed-image", shown, stp={"model": "linear", "a": OFFSET, "b": GAIN})
    refused(NAME, images, "missing-parameter")
    no("no-images", [])
    patient = planar.as_image(planar.anatomy(seed=3), P, facts={"ExposureIndex": 250})
    no("clinical-looking", [patient], kerma_ugy=[2.5])
