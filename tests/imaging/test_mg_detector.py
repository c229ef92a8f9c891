"""The detector measurements take mammography images: small pixels, mammographic qualities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Image
from kerma.simulate import planar
from tests.imaging.helpers import curve, refused, value

FACTS = {"KVP": 28.0, "AnodeTargetMaterial": "MOLYBDENUM", "FilterMaterial": "MOLYBDENUM"}
SNR2_RQA_M2 = 4981.0
KERMA, SHARE = 100.0, 0.6


def as_mg(pixels: np.ndarray, pixel_mm: float, **facts: Any) -> Image:
    return planar.as_image(pixels, pixel_mm, modality="MG", facts={**FACTS, **facts})


def edge(pixel_mm: float, sigma_mm: float, side: int = 700) -> Image:
    clean = planar.edge(
        (side, side), pixel_mm=pixel_mm, sigma_mm=sigma_mm, tilt_deg=2.0, low=30.0, high=1030.0
    )
    return as_mg(clean + np.random.default_rng(1).normal(0.0, 3.0, clean.shape), pixel_mm)


@pytest.mark.parametrize("pixel_mm", [0.05, 0.07, 0.1])
def test_mtf_of_an_edge(pixel_mm: float) -> None:
    found = imaging.analyse("planar-mtf-edge", [edge(pixel_mm, 0.04)])
    (name,) = [c.name for c in found.curves if "MTF" in c.name][:1]
    f, mtf, _ = curve(found, name)
    kept = f < 0.5 / pixel_mm
    truth = planar.edge_mtf(f, 0.04, pixel_mm, 2.0)
    assert np.abs(mtf - truth)[kept].max() < 0.02
    assert f[-1] > 0.9 * 0.5 / pixel_mm


def counter(pixel_mm: float, seed: int, side: int = 1100) -> Image:
    """Return an ideal counter's flat field: Poisson counts of the share it absorbs."""
    mean = SHARE * KERMA * SNR2_RQA_M2 * pixel_mm**2
    counts = np.random.default_rng(seed).poisson(mean, (side, side))
    return as_mg(counts.astype(float), pixel_mm)


def test_noise_power_of_an_ideal_counter() -> None:
    found = imaging.analyse("planar-nnps", [counter(0.07, 1)])
    truth = 1.0 / (SHARE * KERMA * SNR2_RQA_M2)
    name = next(c.name for c in found.curves)
    f, nnps, _ = curve(found, name)
    assert nnps[(f > 0.5) & (f < 6.0)].mean() == pytest.approx(truth, rel=0.02)


def test_dqe_of_an_ideal_counter_at_rqa_m2() -> None:
    """MTF of the pixel alone: DQE(f) = 0.6 sinc²(f p), here at 1 and 4 per mm."""
    pixel = 0.07
    images = [edge(pixel, 0.004, 1100), counter(pixel, 1), counter(pixel, 2)]
    parameters = {
        "kerma_ugy": [KERMA, KERMA], "quality": "RQA-M2", "edition": "2007",
        "at_per_mm": [1.0, 4.0],
    }  # fmt: skip
    found = imaging.analyse("planar-dqe", images, **parameters)
    assert value(found, "snr2_in") == SNR2_RQA_M2
    for frequency in (1, 4):
        truth = SHARE * float(np.sinc(frequency * pixel)) ** 2
        assert value(found, f"dqe_at_{frequency}") == pytest.approx(truth, rel=0.06)
    tungsten = [
        as_mg(i.pixels, pixel, AnodeTargetMaterial="TUNGSTEN") for i in images
    ]  # fmt: skip
    refused("planar-dqe", tungsten, "beam-quality", **parameters)
