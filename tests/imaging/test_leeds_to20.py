"""Leeds TO20 and TO10: detectability, threshold contrast and the detection index."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from kerma import imaging
from kerma.core import Analysis
from kerma.simulate import objects
from kerma.simulate.planar import as_image
from tests.imaging.helpers import curve, refused, u, value

NAMES = ("leeds-to20", "leeds-to10")
NOISE, SIGMA = 80.0, 0.12
SCANS = {
    "leeds-to20": objects.ObjectImage(
        "leeds-to20", side=(820, 820), pixels_per_mm=3.2, turn_deg=41.0, noise=0.0, sigma_mm=SIGMA
    ),
    "leeds-to10": objects.ObjectImage(
        "leeds-to10", side=(740, 740), pixels_per_mm=3.6, turn_deg=-128.0, noise=0.0,
        sigma_mm=SIGMA, mirrored=True, inverted=True,
    ),
}  # fmt: skip
COUNT = {"leeds-to20": 12, "leeds-to10": 9}
LARGE = ("11.1", "8", "5.6", "4", "2.8", "2")


def images(name: str, count: int) -> list:
    clean = objects.pixels(SCANS[name])
    spacing = 1 / SCANS[name].pixels_per_mm
    return [
        as_image(clean + np.random.default_rng(seed).normal(0, NOISE, clean.shape), spacing)
        for seed in range(count)
    ]


def table(name: str) -> dict[str, list[float]]:
    return {k: list(v) for k, v in objects.threshold_contrasts(COUNT[name]).items()}


@pytest.fixture(scope="module", params=NAMES)
def pooled(request) -> tuple[str, Analysis]:
    name = request.param
    return name, imaging.analyse(name, images(name, 5), contrasts=table(name))


@pytest.fixture(scope="module")
def single() -> list:
    return images("leeds-to20", 1)


def loss(radius_px: float, sigma_px: float) -> float:
    """Return the share of a blurred disc's signal within the disc: sub-pixel sums."""
    sub, half = 12, math.ceil(radius_px + 6 * sigma_px + 2)
    fine = (np.arange(2 * half * sub) + 0.5) / sub - half
    disc = (np.hypot(fine, fine[:, None]) <= radius_px).astype(float)
    soft = ndimage.gaussian_filter(disc, sigma_px * sub)
    return float((soft * disc).sum() / disc.sum())


def d_per_contrast(name: str, size: str) -> float:
    """Return the true d' for a contrast of 1: sqrt(pi r²) / sigma x level x loss."""
    scan = SCANS[name]
    radius = float(size) / 2 * scan.pixels_per_mm
    return math.sqrt(math.pi) * radius * scan.level / NOISE * loss(
        radius, SIGMA * scan.pixels_per_mm
    )  # fmt: skip


def test_d_prime_of_the_details(pooled) -> None:
    """Case 18: within 3 % over each series of details of 2 mm and more, mean of five images."""
    name, found = pooled
    ratios = []
    for size in LARGE:
        contrasts = np.array(table(name)[size])
        rows = found.facts["details_measured"][size]
        d = np.array([row["d_prime"] for row in rows])
        truth = d_per_contrast(name, size) * contrasts
        strong = truth > 8
        ratios.append(float((d / truth)[strong].mean()))
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.03)
    assert ratios == pytest.approx([1.0] * len(ratios), abs=0.06)


def test_threshold_is_where_d_prime_reaches_the_rule(pooled) -> None:
    name, found = pooled
    z = []
    for size in LARGE:
        truth = 100 * 5.0 / d_per_contrast(name, size)
        key = f"threshold_{size}mm".replace(".", "_")
        by_line = f"threshold_from_d_prime_{size}mm".replace(".", "_")
        assert value(found, by_line) == pytest.approx(truth, rel=0.06)
        assert value(found, key) == pytest.approx(truth, rel=0.35)
        z.append(math.log(value(found, key) / truth) * value(found, key) / u(found, key))
    assert np.sqrt(np.mean(np.square(z))) < 2.0


def test_the_detection_index_is_its_definition(pooled) -> None:
    _, found = pooled
    threshold = value(found, "threshold_5_6mm") / 100
    area = math.pi * 5.6**2 / 4
    index = value(found, "detection_index_5_6mm")
    assert index == pytest.approx(1 / (threshold * math.sqrt(area)))
    assert u(found, "detection_index_5_6mm") / index == pytest.approx(
        u(found, "threshold_5_6mm") / threshold / 100
    )
    x, y, _ = curve(found, "Automatic: H_T(A)")
    assert np.interp(math.sqrt(area), x, y) == pytest.approx(index)
    low_x, low, _ = curve(found, "Automatic: lower limit (95 %)")
    high_x, high, _ = curve(found, "Automatic: upper limit (95 %)")
    assert (np.interp(low_x, x, y) >= low).all()
    assert (np.interp(high_x, x, y) <= high).all()


def test_without_contrasts_there_is_no_threshold_and_it_says_so(single) -> None:
    found = imaging.analyse("leeds-to20", single)
    assert not [n for n in found.values if "threshold" in n or "index" in n]
    assert any("contrasts in this beam were not given" in w for w in found.warnings)
    assert value(found, "seen_11_1mm") > 3
    assert len(found.facts["details_measured"]["11.1"]) == 12


def test_the_number_seen_is_counted_to_the_first_not_seen(single) -> None:
    found = imaging.analyse("leeds-to20", single)
    for size, rows in found.facts["details_measured"].items():
        seen = int(value(found, f"seen_{size}mm".replace(".", "_")))
        assert all(row["d_prime"] >= 5 for row in rows[:seen])
        assert seen == len(rows) or rows[seen]["d_prime"] < 5


def test_people_have_a_curve_of_their_own(single) -> None:
    contrasts = table("leeds-to20")
    alone = imaging.analyse("leeds-to20", single, contrasts=contrasts)
    seen = {"11.1": [6, 7, 6], "5.6": 5, "2.0": 4}
    found = imaging.analyse("leeds-to20", single, contrasts=contrasts, human_seen=seen)
    automatic = [n for n in alone.values if not n.startswith("human")]
    assert {n: found.values[n] for n in automatic} == {n: alone.values[n] for n in automatic}
    assert value(found, "human_threshold_5_6mm") == pytest.approx(100 * contrasts["5.6"][4])
    x, y, _ = curve(found, "People: H_T(A)")
    assert len(x) == 3
    assert y[1] == pytest.approx(1 / (contrasts["5.6"][4] * math.sqrt(math.pi) * 2.8))
    step = math.log(contrasts["5.6"][4] / contrasts["5.6"][5])
    assert u(found, "human_threshold_5_6mm") == pytest.approx(
        value(found, "human_threshold_5_6mm") * step / math.sqrt(12)
    )
    spread = np.std([6, 7, 6], ddof=1) / math.sqrt(3)
    assert u(found, "human_seen_11_1mm") == pytest.approx(spread)
    assert u(found, "human_threshold_11_1mm") > value(found, "human_threshold_11_1mm") * step / 3.5


def test_people_who_see_none_or_all_have_no_threshold(single) -> None:
    found = imaging.analyse(
        "leeds-to20", single, contrasts=table("leeds-to20"), human_seen={"8": 0, "4": 12, "2": 5}
    )
    assert "human_threshold_8mm" not in found.values
    assert "human_threshold_4mm" not in found.values
    assert "human_threshold_2mm" in found.values
    assert sum("People saw" in w for w in found.warnings) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"contrasts": {"11.1": [0.1, 0.05]}}, {"contrasts": {"3.3": [0.1] * 12}},
        {"contrasts": {"11.1": [0.01 * i for i in range(1, 13)]}},
        {"contrasts": {"large": [0.1] * 12}}, {"human_seen": {"11.1": 13}},
        {"human_seen": {"11.1": []}}, {"human_seen": {"9": 3}}, {"rose": 0.0}, {"slope": 99.0},
    ],
)  # fmt: skip
def test_impossible_tables_are_refused(single, wrong: dict) -> None:
    refused("leeds-to20", single, "bad-parameter", **wrong)


def test_a_threshold_outside_the_contrasts_is_left_out_and_told() -> None:
    clean = objects.pixels(SCANS["leeds-to20"])
    quiet = as_image(clean + np.random.default_rng(1).normal(0, 4, clean.shape), 1 / 3.2)
    found = imaging.analyse("leeds-to20", [quiet], contrasts={"8": table("leeds-to20")["8"]})
    assert value(found, "seen_8mm") == 12
    assert not [n for n in found.values if n.startswith("threshold")]
    assert any("not extrapolated" in w for w in found.warnings)
    refused("leeds-to20", [as_image(clean, 1 / 3.2)], "no-noise")


def test_the_same_images_give_the_same_bits(single) -> None:
    given = {"contrasts": table("leeds-to20")}
    first = imaging.analyse("leeds-to20", single, **given)
    assert first.as_dict() == imaging.analyse("leeds-to20", single, **given).as_dict()
    assert first.provenance.parameters["seed"] == 20260101
