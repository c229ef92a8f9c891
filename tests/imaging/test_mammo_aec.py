"""Automatic exposure control from images and headers: thicknesses, repeats, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Image
from kerma.simulate import planar
from kerma.simulate.mammography import PmmaScan
from tests.imaging.helpers import refused, u, value

NAME = "mammo-aec"
SCAN = PmmaScan(contrast=0.0, heel=0.0, shape=(400, 400))


def shot(mean: float, seed: int, **facts: Any) -> Image:
    header = {"ExposureInuAs": 100.0 * mean, "OrganDose": mean / 40_000, **facts}
    return replace(SCAN, mean=mean, noise=np.sqrt(mean / 4), seed=seed).image(**header)


MEANS = {20.0: 380.0, 45.0: 400.0, 70.0: 450.0}


def test_each_thickness_and_how_well_they_are_compensated() -> None:
    images = [shot(m, k) for k, m in enumerate(MEANS.values())]
    found = imaging.analyse(NAME, images, pmma_mm=list(MEANS), offset=50.0)
    for t, mean in MEANS.items():
        name = f"{t:g}mm"
        signal = value(found, f"signal_{name}")
        assert signal == pytest.approx(mean, abs=4 * u(found, f"signal_{name}"))
        snr = value(found, f"snr_{name}")
        assert snr == pytest.approx(2 * np.sqrt(mean), abs=4 * u(found, f"snr_{name}"))
        assert value(found, f"mas_{name}") == pytest.approx(mean / 10)
        assert value(found, f"organ_dose_{name}") == pytest.approx(mean / 400)  # dGy to mGy
        assert value(found, f"kv_{name}") == 28.0
    middle = np.mean(list(MEANS.values()))
    truth = 100 * (450.0 - middle) / middle
    assert value(found, "signal_compensation") == pytest.approx(truth, abs=0.3)
    signals = next(c for c in found.curves if c.name == "Signal")
    assert signals.x == tuple(sorted(MEANS))


def test_repeats() -> None:
    means = [400.0, 404.0, 392.0, 400.0]
    images = [shot(m, k) for k, m in enumerate(means)]
    found = imaging.analyse(NAME, images, pmma_mm=[45.0] * 4, offset=50.0)
    assert value(found, "mas_repeatability_45mm") == pytest.approx(100 * 7 / 399, rel=1e-9)
    assert value(found, "signal_repeatability_45mm") == pytest.approx(100 * 7 / 399, abs=0.15)
    assert "signal_compensation" not in found.values
    assert u(found, "mas_45mm") == pytest.approx(np.std([40, 40.4, 39.2, 40], ddof=1) / 2)


def test_what_headers_do_not_say_is_left_out() -> None:
    images = [shot(400.0, 1, OrganDose=None), shot(410.0, 2)]
    found = imaging.analyse(NAME, images, pmma_mm=[20.0, 45.0])
    assert "organ_dose_20mm" not in found.values
    assert "organ_dose_45mm" in found.values
    assert any("organ dose" in w for w in found.warnings)
    assert any("offset" in w for w in found.warnings)
    coarse = shot(400.0, 3, ExposureInuAs=None, Exposure=41)
    assert value(imaging.analyse(NAME, [coarse], pmma_mm=[45.0]), "mas_45mm") == 41.0


def test_a_region_by_hand_is_recorded() -> None:
    roi = [20, 30, 120, 150]
    found = imaging.analyse(NAME, [shot(400.0, 1)], pmma_mm=[45.0], roi=roi)
    assert found.provenance.parameters["roi"] == roi
    assert "The region was set by hand." in found.warnings


def test_what_is_refused() -> None:
    good = shot(400.0, 1)
    refused(NAME, [good], "missing-parameter")
    refused(NAME, [], "no-images", pmma_mm=[45.0])
    refused(NAME, [good], "bad-parameter", pmma_mm=[45.0, 50.0])
    refused(NAME, [good], "bad-parameter", pmma_mm=[-1.0])
    refused(NAME, [good, good], "same-frame", pmma_mm=[45.0, 50.0])
    refused(NAME, [replace(good, processing="presentation")], "processed-image", pmma_mm=[45.0])
    refused(NAME, [replace(good, modality="DX")], "wrong-modality", pmma_mm=[45.0])
    refused(NAME, [replace(good, spacing_mm=None)], "no-pixel-spacing", pmma_mm=[45.0])
    refused(NAME, [good], "offset-too-high", pmma_mm=[45.0], offset=900.0)
    objects = replace(SCAN, contrast=0.4, middle_mm=(0.0, 0.0), side_mm=6.0).image()
    refused(NAME, [objects], "not-flat", pmma_mm=[45.0])
    anatomy = planar.as_image(planar.anatomy((1024, 1024), seed=1), 0.1, modality="MG")
    refused(NAME, [anatomy], "clinical-looking", pmma_mm=[45.0])
