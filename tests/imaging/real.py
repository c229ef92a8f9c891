"""The real phantom images kept beside the project, for the tests that can use them."""

from __future__ import annotations

from kerma.core import Image
from kerma.dicom.pixels import read_images
from tests.shared import shared_path

SIEMENS = "dicom/phantoms/ct-siemens-constancy"
MODULES = "dicom/phantoms/ct-catphan-modules"


def siemens(series: str) -> list[Image]:
    """Return the images of one series of the daily constancy set, ``"001"`` to ``"004"``."""
    return read_images(sorted(shared_path(SIEMENS).glob(f"{series}_*.dcm")))


def module(name: str) -> list[Image]:
    """Return the slices of one CatPhan module."""
    return read_images(shared_path(f"{MODULES}/{name}"))
