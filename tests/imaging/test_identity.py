"""What must not be measured is refused by every measurement, with its reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerma.core import Image
from kerma.imaging import identity
from kerma.simulate import ct, planar
from tests.imaging.helpers import refused
from tests.imaging.real import siemens

SHAPE = (400, 400)
EXTRA: dict[str, dict[str, Any]] = {"planar-stp": {"kerma_ugy": [1.0, 2.0, 4.0]}}
COUNT = {"planar-stp": 3}
PLANAR = ("planar-uniformity", "planar-snr", "planar-dark-noise", "planar-stp", "planar-mtf-edge")
CT = ("ct-water", "ct-wire-mtf")
NEEDS_SPACING = ("planar-uniformity", "planar-snr", "planar-stp", "planar-mtf-edge", *CT)


def _image(name: str, pixels: np.ndarray, spacing: float | None = 0.2, **more: Any) -> Image:
    make = ct.as_image if name.startswith("ct") else planar.as_image
    return make(pixels, spacing, **more)


def _refused(name: str, image: Image, code: str) -> None:
    refused(name, [image] * COUNT.get(name, 1), code, **EXTRA.get(name, {}))


def _flat() -> np.ndarray:
    return planar.flat_field(SHAPE, mean=1000, noise=10, seed=1)


@pytest.mark.parametrize("name", [*PLANAR, *CT])
def test_nothing_given(name: str) -> None:
    refused(name, [], "no-images", **EXTRA.get(name, {}))


@pytest.mark.parametrize("name", [*PLANAR, *CT])
def test_a_constant_image(name: str) -> None:
    _refused(name, _image(name, np.full(SHAPE, 7.0)), "constant-image")


@pytest.mark.parametrize("name", [*PLANAR, *CT])
def test_an_image_with_pixels_that_are_not_numbers(name: str) -> None:
    pixels = _flat()
    pixels[3, 4] = np.nan
    _refused(name, _image(name, pixels), "not-finite")


@pytest.mark.parametrize("name", [*PLANAR, *CT])
def test_an_image_of_one_row(name: str) -> None:
    _refused(name, _image(name, _flat()[:1]), "image-too-small")


@pytest.mark.parametrize("name", [*PLANAR, *CT])
def test_a_saturated_image(name: str) -> None:
    pixels = np.minimum(_flat() + 3105, 4095.0)
    _refused(name, _image(name, pixels, saturated_at=4095.0), "saturated-image")


@pytest.mark.parametrize("name", [*PLANAR, *CT])
def test_an_image_of_another_modality(name: str) -> None:
    _refused(name, _image(name, _flat(), modality="US"), "wrong-modality")
    _refused(name, _image(name, _flat(), modality=""), "wrong-modality")


@pytest.mark.parametrize("name", NEEDS_SPACING)
def test_an_image_without_pixel_spacing(name: str) -> None:
    _refused(name, _image(name, _flat(), None), "no-pixel-spacing")


@pytest.mark.parametrize("name", PLANAR)
def test_an_image_processed_for_display(name: str) -> None:
    _refused(name, _image(name, _flat(), processing="presentation"), "processed-image")


@pytest.mark.parametrize("name", PLANAR)
@pytest.mark.parametrize("seed", [1, 2])
def test_an_image_that_looks_like_a_patient(name: str, seed: int) -> None:
    _refused(name, _image(name, planar.anatomy(SHAPE, seed=seed)), "clinical-looking")


@pytest.mark.parametrize("name", CT)
def test_a_slice_that_looks_like_a_patient(name: str) -> None:
    body = ct.anatomy(seed=3)
    code = "not-round" if name == "ct-water" else "clinical-looking"
    _refused(name, _image(name, body, 0.7), code)


def test_simulated_anatomy_is_full_of_structure_and_phantoms_are_not() -> None:
    rng = np.random.default_rng(5)
    for seed in range(4):
        assert identity.structure_share(ct.as_image(ct.anatomy(seed=seed), 0.7)) > 0.5
        for shape in ((400, 400), (1000, 800)):
            chest = planar.as_image(planar.anatomy(shape, seed=seed), 0.2)
            assert identity.structure_share(chest) > 0.5
    edge = planar.edge((512, 512), pixel_mm=0.15, sigma_mm=0.1, tilt_deg=2)
    flat = [
        _flat(),
        planar.flat_field(SHAPE, mean=1000, noise=1, seed=2, gradient_percent_per_cm=(5, 3)),
        edge + rng.normal(0, 5, edge.shape),
    ]
    slices = [
        ct.water_phantom() + ct.noise((512, 512), sd_hu=5, seed=1, correlation_px=1.5),
    ]
    assert max(identity.structure_share(planar.as_image(p, 0.2)) for p in flat) < 0.1
    assert max(identity.structure_share(ct.as_image(p, 0.5)) for p in slices) < 0.1


def test_the_header_makes_suspicion_stronger_but_never_alone() -> None:
    facts = {"looks_clinical": True, "BodyPartExamined": "CHEST"}
    identity.require_not_clinical(planar.as_image(_flat(), 0.2, facts=facts))


def test_real_phantom_slices_are_not_taken_for_patients() -> None:
    for series in ("002", "003", "004"):
        for image in siemens(series):
            assert identity.structure_share(image) < 0.2
