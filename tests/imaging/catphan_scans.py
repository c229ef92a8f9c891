"""Series of digital CatPhans that several tests share, drawn once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from kerma.core import Analysis, Image, InputError
from kerma.imaging.registry import find
from kerma.simulate.catphan import CatphanScan, catphan_series, whole_scan

MODELS = (
    "catphan500",
    "catphan503",
    "catphan504",
    "catphan600",
    "catphan604",
    "catphan700",
)
COARSE = {"matrix": 280, "pixel_mm": 0.8}


@cache
def whole(model: str) -> tuple[Image, ...]:
    """Return a whole phantom, a little rolled, in 0.8 mm pixels with noise."""
    return tuple(catphan_series(whole_scan(model, roll_deg=3.0, noise_hu=6.0, **COARSE)))


_DRAWN: dict[str, tuple[Image, ...]] = {}


def drawn(scan: CatphanScan) -> tuple[Image, ...]:
    """Return the slices of a scan; the same scan is drawn once."""
    key = repr(scan)
    if key not in _DRAWN:
        _DRAWN[key] = tuple(catphan_series(scan))
    return _DRAWN[key]


def run(model: str, images: Sequence[Image], **parameters: object) -> Analysis:
    """Measure a series as a model."""
    return find(f"ct-{model}").run(images, **parameters)


def refusal(model: str, images: Sequence[Image]) -> InputError:
    """Return the refusal of a series as a model; a test fails when there is none."""
    with pytest.raises(InputError) as refused:
        find(f"ct-{model}").run(images)
    return refused.value


def reversed_order(images: Sequence[Image]) -> list[Image]:
    """Return the images with their positions running the wrong way."""
    return [replace(i, z_mm=-(i.z_mm or 0.0)) for i in images]


def between(images: Sequence[Image], low_mm: float, high_mm: float) -> list[Image]:
    """Return the slices of a range of positions."""
    return [i for i in images if low_mm <= (i.z_mm or 0.0) <= high_mm]
