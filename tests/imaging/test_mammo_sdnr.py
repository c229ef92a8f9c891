"""SDNR of aluminium on PMMA: known contrast and noise, the square found, what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Image
from kerma.imaging.mammography.sdnr import target_sdnr
from kerma.simulate import planar
from kerma.simulate.mammography import PmmaScan
from tests.imaging.helpers import refused, u, value

NAME = "mammo-sdnr"
SCAN = PmmaScan(shape=(900, 800))


def one(scan: PmmaScan, **parameters: Any) -> Any:
    return imaging.analyse(NAME, [scan.image()], **parameters)


@pytest.mark.parametrize(
    "scan",
    [
        SCAN,
        replace(SCAN, noise=25.0),
        replace(SCAN, contrast=0.05),
        replace(SCAN, side_mm=8.0),
        replace(SCAN, covered=0.75),
        replace(SCAN, pixel_mm=0.07, shape=(1200, 1100)),
        replace(SCAN, pixel_mm=0.05, shape=(1500, 1400), blur_mm=0.15),
    ],
    ids=["plain", "noisy", "weak", "smaller", "open beam beside", "70 µm", "50 µm"],
)
def test_sdnr_of_known_contrast_and_noise(scan: PmmaScan) -> None:
    """Case 18: CNR = contrast over noise, for both conventions."""
    found = one(scan)
    for name, truth in (
        ("sdnr_background_noise", scan.sdnr_background_noise),
        ("sdnr_rms_noise", scan.sdnr_rms_noise),
    ):
        assert value(found, name) == pytest.approx(truth, abs=3 * u(found, name))
        assert value(found, name) == pytest.approx(truth, rel=0.04)
    region = next(r for r in found.regions if r.name == "Aluminium")
    left, top, right, bottom = scan.corners_px
    x, y = np.mean(region.points, axis=0)
    assert abs(x - (left + right) / 2) < 3
    assert abs(y - (top + bottom) / 2) < 3
    assert left < region.points[0][0] < region.points[1][0] < right


def test_the_two_conventions_differ_as_they_must() -> None:
    """On the aluminium there is less signal, so less noise: the mean of both is smaller."""
    found = one(replace(SCAN, contrast=0.3))
    ratio = value(found, "sdnr_rms_noise") / value(found, "sdnr_background_noise")
    assert ratio == pytest.approx(1 / np.sqrt(1 - 0.15), rel=0.02)


def test_the_uncertainty_covers() -> None:
    pulls = []
    for seed in range(40):
        scan = replace(SCAN, shape=(500, 500), middle_mm=(0.0, 0.0), seed=seed, heel=0.0)
        found = one(scan)
        pulls.append(
            (value(found, "sdnr_background_noise") - scan.sdnr_background_noise)
            / u(found, "sdnr_background_noise")
        )
    assert 0.75 < np.std(pulls) < 1.3
    assert abs(np.mean(pulls)) < 0.6


def test_gain_rotation_and_mirror_change_nothing() -> None:
    pixels = SCAN.pixels()
    base = imaging.analyse(NAME, [planar.as_image(pixels, 0.1, modality="MG")])
    for changed in (4.0 * pixels + 30.0, np.rot90(pixels), pixels[:, ::-1], 1000.0 - pixels):
        image = planar.as_image(np.ascontiguousarray(changed), 0.1, modality="MG")
        again = imaging.analyse(NAME, [image])
        # Regions sit on whole pixels, which a turn may shift by one.
        assert value(again, "sdnr_background_noise") == pytest.approx(
            value(base, "sdnr_background_noise"), rel=0.01
        )


SERIES = {20.0: 0.16, 45.0: 0.13, 50.0: 0.12, 70.0: 0.09}


def series() -> tuple[list[Image], dict[float, PmmaScan]]:
    scans = {t: replace(SCAN, contrast=c, seed=round(t)) for t, c in SERIES.items()}
    return [s.image() for s in scans.values()], scans


def test_a_series_of_thicknesses() -> None:
    images, scans = series()
    aims = {"threshold_gold_um": 1.2, "target_gold_um": 1.68, "mu_per_um": 0.157}
    found = imaging.analyse(NAME, images, pmma_mm=list(SERIES), **aims)
    base = scans[50.0].sdnr_rms_noise
    for t, scan in scans.items():
        if t != 50.0:
            name = f"relative_{t:g}mm"
            truth = 100 * scan.sdnr_rms_noise / base
            assert value(found, name) == pytest.approx(truth, abs=3 * u(found, name))
    ratio = np.expm1(-0.157 * 1.2) / np.expm1(-0.157 * 1.68)
    aim = value(found, "sdnr_rms_noise_50mm") * ratio
    assert value(found, "target_sdnr") == pytest.approx(aim, rel=1e-9)
    assert value(found, "relative_to_target_50mm") == pytest.approx(100 / ratio, rel=1e-9)
    assert [c.x for c in found.curves] == [tuple(sorted(SERIES))] * 2
    without = imaging.analyse(NAME, images[:2], pmma_mm=[20.0, 45.0])
    assert any("50 mm" in w for w in without.warnings)
    assert not any(n.startswith("relative") for n in without.values)


def test_the_target_link() -> None:
    """A threshold twice as high in contrast asks for twice the SDNR."""
    t = -np.log1p(-2 * -np.expm1(-0.157 * 0.8)) / 0.157
    assert target_sdnr(5.0, t, 0.8, 0.157) == pytest.approx(10.0, rel=1e-12)
    assert target_sdnr(5.0, 1.0, 1.0, 0.19) == pytest.approx(5.0)


def test_a_transfer_property_gives_contrast_without_offset() -> None:
    stp = {"model": "linear", "a": SCAN.offset, "b": 4.0}
    found = one(SCAN, stp=stp)
    assert value(found, "contrast") == pytest.approx(12.0, abs=3 * u(found, "contrast"))
    assert str(found.values["mean_background"].unit) == "uGy"
    plain = one(SCAN)
    assert value(plain, "contrast") < 11.2
    assert any("offset" in w for w in plain.warnings)


def test_regions_by_hand_are_recorded() -> None:
    left, top, right, bottom = (round(v) for v in SCAN.corners_px)
    inner = [left + 25, top + 25, right - 25, bottom - 25]
    beside = [
        [left - 90, top + 25, left - 40, top + 75],
        [right + 40, top + 25, right + 90, top + 75],
    ]
    found = one(SCAN, object_roi=inner, background_rois=beside)
    assert value(found, "sdnr_background_noise") == pytest.approx(
        SCAN.sdnr_background_noise, rel=0.04
    )
    assert "The regions were set by hand." in found.warnings
    assert found.provenance.parameters["object_roi"] == inner
    refused(NAME, [SCAN.image()], "bad-parameter", object_roi=inner)
    refused(NAME, [SCAN.image()], "region-outside-image", object_roi=[0, 0, 9000, 20],
            background_rois=beside)  # fmt: skip


def as_mg(pixels: np.ndarray, **more: Any) -> Image:
    return planar.as_image(pixels, 0.1, **{"modality": "MG", **more})


def test_images_without_the_aluminium_are_refused() -> None:
    refused(NAME, [replace(SCAN, contrast=0.0).image()], "no-contrast-object")
    refused(NAME, [replace(SCAN, side_mm=25.0).image()], "no-contrast-object")
    refused(NAME, [replace(SCAN, middle_mm=(-37.0, 0.0)).image()], "no-contrast-object")
    other = replace(SCAN, middle_mm=(15.0, -20.0), noise=0.0)
    both = SCAN.pixels() + other.pixels() - replace(other, contrast=0.0).pixels()
    refused(NAME, [as_mg(both)], "several-objects")
    refused(NAME, [as_mg(planar.anatomy((1024, 1024), seed=1))], "clinical-looking")
    edge = planar.edge((900, 900), pixel_mm=0.1, sigma_mm=0.1, tilt_deg=2.0)
    noise = np.random.default_rng(1).normal(0.0, 10.0, edge.shape)
    refused(NAME, [as_mg(edge + noise)], "no-contrast-object")


def test_images_that_must_not_be_measured_are_refused() -> None:
    image = SCAN.image()
    refused(NAME, [], "no-images")
    refused(NAME, [replace(image, processing="presentation")], "processed-image")
    refused(NAME, [replace(image, modality="DX")], "wrong-modality")
    refused(NAME, [replace(image, spacing_mm=None)], "no-pixel-spacing")
    refused(NAME, [image, SCAN.image(KVP=29.0)], "same-frame", pmma_mm=[20, 30])
    refused(NAME, [image, replace(SCAN, seed=2).image()], "missing-parameter")
    refused(NAME, [image, replace(SCAN, seed=2).image()], "bad-parameter", pmma_mm=[45, 45])
    refused(NAME, [image], "missing-parameter", threshold_gold_um=1.0, target_gold_um=1.68,
            mu_per_um=0.157)  # fmt: skip
    refused(NAME, [as_mg(np.full((300, 300), 9.0))], "constant-image")
    refused(NAME, [as_mg(SCAN.pixels(), saturated_at=400.0)], "saturated-image")
    refused(NAME, [as_mg(SCAN.pixels()[:1])], "image-too-small")
    broken = SCAN.pixels()
    broken[5, 5] = np.nan
    refused(NAME, [as_mg(broken)], "not-finite")


def test_the_same_input_gives_the_same_bits() -> None:
    assert one(SCAN).as_dict() == one(SCAN).as_dict()
