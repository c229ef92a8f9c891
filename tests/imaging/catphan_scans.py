"""Series of digital CatPhans that several tests share, drawn once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from kerma.core import Analysis, Image, InputError
from kerma.imaging.phantoms._describe import load_spec
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


# What the tests of odd surroundings and ways of scanning start from.
SCAN = CatphanScan(roll_deg=2.0, noise_hu=8.0, matrix=360, pixel_mm=0.75, first_mm=-75, last_mm=42)
NEAR = {"offset_mm": (3.0, -2.0), "matrix": 300}


def series(**changes: object) -> tuple[Image, ...]:
    return drawn(replace(SCAN, **changes))


def inserts(found: Analysis, slope: float = 1.0, shift: float = 0.0) -> float:
    """Return the largest error of a CT number, HU."""
    return max(
        abs(found.values[f"hu_{i.key}"].value - (slope * i.nominal_hu + shift))
        for i in load_spec("catphan504").sensitometry.inserts
    )


def well_placed(found: Analysis, truth: CatphanScan = SCAN, mm: float = 0.1) -> None:
    value = {name: q.value for name, q in found.values.items()}
    assert (value["roll"] - truth.roll_deg + 180) % 360 - 180 == pytest.approx(0, abs=0.1)
    assert value["centre_offset_x"] == pytest.approx(truth.offset_mm[0], abs=mm)
    assert value["centre_offset_y"] == pytest.approx(truth.offset_mm[1], abs=mm)
    assert value["origin_position"] == pytest.approx(truth.origin_mm, abs=mm)
    assert value["rod_spacing_max_error"] < 0.1
