"""What planar measurements need of the headers comes through the reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Image
from kerma.dicom.pixels import read_images
from kerma.simulate import planar
from tests.dicom import build
from tests.imaging.helpers import refused, value

P = 0.2


def written(folder: Path, name: str, pixels: np.ndarray, **header: Any) -> list[Image]:
    """Write pixels as a raw DX or RF object and read it back."""
    stored = np.rint(pixels).astype(np.uint16)
    more: dict[str, Any] = {
        "Modality": "DX", "PresentationIntentType": "FOR PROCESSING",
        "ImageType": ["ORIGINAL", "PRIMARY"], "ImagerPixelSpacing": [P, P], **header,
    }  # fmt: skip
    path = folder / name
    path.write_bytes(build.encode(build.image(stored, **more)))
    return read_images(path)


def flat(mean: float, seed: int) -> np.ndarray:
    return planar.flat_field((256, 256), mean=mean, noise=mean**0.5, seed=seed)


def test_exposure_index_and_deviation_index_from_headers(tmp_path: Path) -> None:
    kermas = [1.0, 2.5, 5.0]
    images = [
        written(tmp_path, f"{i}.dcm", flat(200 * k, i), KVP=70, ExposureIndex=100 * k,
                TargetExposureIndex=250, DeviationIndex=round(10 * np.log10(k / 2.5), 1))[0]
        for i, k in enumerate(kermas)
    ]  # fmt: skip
    found = imaging.analyse("planar-exposure-index", images, kerma_ugy=kermas)
    assert value(found, "max_deviation") == pytest.approx(0, abs=1e-9)
    assert value(found, "slope") == pytest.approx(100)
    assert value(found, "di_max_difference") <= 0.051
    assert found.facts["images"][1]["TargetExposureIndex"] == 250


def test_makers_indices_and_exposure_control_from_headers(tmp_path: Path) -> None:
    images = [
        written(tmp_path, f"{i}.dcm", flat(500, i), KVP=kv, Sensitivity=400, ExposureInuAs=12500,
                RelativeXRayExposure=1200, ExposureControlMode="MANUAL")[0]
        for i, kv in enumerate((60, 80))
    ]  # fmt: skip
    assert images[0].facts["Sensitivity"] == 400
    assert images[0].facts["RelativeXRayExposure"] == 1200
    found = imaging.analyse("planar-aec", images)
    assert [row["mas"] for row in found.facts["images"]] == [12.5, 12.5]
    assert [row["condition"] for row in found.facts["conditions"]] == ["60 kV", "80 kV"]
    assert any("by hand" in w for w in found.warnings)


def test_frames_of_one_object(tmp_path: Path) -> None:
    frames = planar.fluoroscopy(
        (128, 160), count=12, mean=600, temporal=12, fixed=5, lag=0.3, seed=1
    )
    images = written(tmp_path, "run.dcm", np.stack(frames), Modality="RF", FrameTime=33.3)
    assert len(images) == 12
    found = imaging.analyse("planar-temporal", images, field_share=1.0)
    assert value(found, "lag_factor") == pytest.approx(0.3, abs=0.02)
    assert value(found, "temporal_noise") == pytest.approx(12.0, rel=0.02)
    assert found.facts["frame_time_ms"] == pytest.approx(33.3)
    refused("planar-temporal", images[::-1], "frames-out-of-order")
    refused("planar-temporal", images[::2], "frames-out-of-order")
