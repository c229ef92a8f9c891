"""The public Leeds TOR 18FG image of a linear accelerator's kV imager (no DICOM preamble)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.dicom.pixels import read_images
from kerma.simulate.planar import as_image
from tests.imaging.helpers import value
from tests.shared import shared_path

NAME = "leeds-tor-18fg"


@pytest.fixture(scope="module")
def image() -> Image:
    (found,) = read_images(shared_path("dicom/phantoms/leeds-tor-18fg/leeds.dcm"))
    return found


@pytest.fixture(scope="module")
def found(image) -> Analysis:
    return imaging.analyse(NAME, [image])


def test_the_file_names_itself(image) -> None:
    assert image.modality == "RTIMAGE"
    assert "20 of 20 details" in imaging.find(NAME).recognise([image])


def test_it_lies_as_seen(found) -> None:
    assert value(found, "rotation") == pytest.approx(-0.7, abs=0.3)
    assert found.facts["mirrored"] is False
    assert found.facts["attenuation_is"] == "higher pixel values"
    assert found.facts["centre_px"] == pytest.approx([508, 386], abs=1.5)
    # Source to imager 1499 mm, object near the axis at 1000 mm.
    assert value(found, "magnification") == pytest.approx(1.5, rel=0.01)


def test_discs_agree_with_another_program(found) -> None:
    """Means of pylinac 3.49.0 (MIT), run outside of this project: disc less background, as a
    share of the range of pixel values; backgrounds are chosen differently, so 10 % are allowed."""
    theirs = np.array([0.4127, 0.35195, 0.33022, 0.31512, 0.222, 0.21778, 0.2019, 0.15632, 0.13227,
                       0.07952, 0.05701, 0.04841])  # fmt: skip
    ours = np.array([row["contrast"] for row in found.facts["low_contrast"]])[: len(theirs)]
    assert np.corrcoef(ours, theirs)[0, 1] > 0.99
    assert (np.diff(ours) < 0).all()


def test_all_discs_are_seen_and_bars_up_to_the_pixels(found) -> None:
    assert value(found, "low_contrast_seen") == 18
    assert value(found, "low_contrast_cnr_1") == pytest.approx(33.3, rel=0.05)
    assert value(found, "low_contrast_cnr_18") == pytest.approx(1.8, abs=0.3)
    assert value(found, "bars_limit") == 1.8
    assert value(found, "bars_modulation_50") == pytest.approx(1.29, abs=0.04)


@pytest.mark.parametrize("way", ["mirror", "invert", "rot90", "turn", "half"])
def test_it_is_the_same_whichever_way_it_is_stored(image, found, way: str) -> None:
    p = image.pixels.astype(float)
    other = {
        "mirror": lambda: p[:, ::-1],
        "invert": lambda: p.max() + p.min() - p,
        "rot90": lambda: np.rot90(p),
        "turn": lambda: ndimage.rotate(p, 33, order=1, reshape=True, cval=63000.0),
        "half": lambda: p.reshape(384, 2, 512, 2).mean(axis=(1, 3)),
    }[way]()
    again = imaging.analyse(NAME, [as_image(np.ascontiguousarray(other), None, modality="RTIMAGE")])
    assert again.facts["mirrored"] is (way == "mirror")
    ours = [row["contrast"] for row in found.facts["low_contrast"]]
    theirs = [row["contrast"] for row in again.facts["low_contrast"]]
    assert theirs == pytest.approx(ours, rel=0.04, abs=6.0)
