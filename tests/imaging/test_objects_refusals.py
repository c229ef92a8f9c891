"""Planar test objects: each refuses every other, and what cannot be measured at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kerma.core import Image, KermaError
from kerma.imaging.registry import find
from kerma.simulate import cdrad, objects
from tests.imaging.helpers import refused

NAMES = ("leeds-tor-18fg", "leeds-tor-cdr", "leeds-to20", "leeds-to10", "cdrad")


def small(name: str) -> Image:
    """Return an image of the object, turned, of few pixels."""
    if name == "cdrad":
        return cdrad.image(cdrad.CdradImage(side=(760, 760), pixel_mm=0.335, noise=30.0))
    scale = {"leeds-tor-18fg": 2.5, "leeds-tor-cdr": 2.3, "leeds-to20": 1.9, "leeds-to10": 2.3}
    return objects.image(
        objects.ObjectImage(
            name, side=(480, 480), pixels_per_mm=scale[name], turn_deg=31.0, noise=25.0
        )
    )


@pytest.fixture(scope="module")
def seen() -> dict[str, Image]:
    return {name: small(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_each_recognises_its_own_and_no_other(seen, name: str) -> None:
    recognise = find(name).recognise
    assert recognise is not None
    assert len(recognise([seen[name]])) > 20
    for other in NAMES:
        if other != name:
            with pytest.raises(KermaError) as caught:
                recognise([seen[other]])
            assert caught.value.code == "wrong-phantom", other


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_measured_at_all_is_refused(seen, name: str) -> None:
    image = seen[name]
    refused(name, [], "no-images")
    refused(name, [replace(image, modality="CT")], "wrong-modality")
    refused(name, [replace(image, pixels=image.pixels * 0)], "constant-image")
    refused(name, [replace(image, pixels=image.pixels[:1])], "image-too-small")
    holed = image.pixels.copy()
    holed[10, 10] = np.nan
    refused(name, [replace(image, pixels=holed)], "not-finite")
    refused(name, [replace(image, saturated_at=float(np.median(image.pixels)) - 1)],
            "saturated-image")  # fmt: skip
    refused(name, [replace(image, processing="presentation")], "processed-image")
    refused(name, [image], "unknown-parameter", colour="red")


@pytest.mark.parametrize("name", NAMES[:2])
def test_one_image_at_a_time(seen, name: str) -> None:
    refused(name, [seen[name], seen[name]], "too-many-images")


def test_portal_images_are_allowed(seen) -> None:
    found = find("leeds-tor-18fg").run([replace(seen["leeds-tor-18fg"], modality="RTIMAGE")])
    assert found.status == "measured"


def test_several_images_must_each_show_the_object(seen) -> None:
    for name, stranger in (("leeds-to20", "leeds-to10"), ("cdrad", "leeds-to20")):
        refused(name, [seen[name], seen[stranger]], "wrong-phantom")
