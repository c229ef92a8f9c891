"""Artefacts of metal rods in an otherwise homogeneous phantom, cone-beam CT."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, AnalysisError, Image, InputError
from kerma.imaging.phantoms._grey import Body, find_body
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._metal import MetalScene, around, metal_artefact
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._series import order_series
from kerma.imaging.phantoms._usable import require_usable_series
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.untyped import ndimage

NAME, VERSION = "cbct-artefact", "1"
EDITION = "Artefact index after common use; definitions in docs/methods/cbct-cylinder.md"

Array = npt.NDArray[np.float64]

_NEEDED_MM = 5.0
_MOST_SLICES = 12
_MOST_RODS = 12
_LARGEST_ROD_MM = 15.0
_ROUGH_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen; the defaults are design choices.

    Attributes
    ----------
    metal_share
        What is brighter than the body by this many steps from air to body is metal.
    clear_mm
        Slices this far from the metal along the axis serve for comparison.
    metal_slices
        First and last slice to look for metal in, by hand, counted from 0 in order of position.
    """

    metal_share: float = 1.0
    clear_mm: float = 8.0
    metal_slices: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        require(self.metal_share > 0.2, "metal_share", "The share must be above 0.2.")
        require(self.clear_mm >= 0, "clear_mm", "The distance cannot be below zero.")


@measurement(
    NAME,
    version=VERSION,
    title="Metal artefacts in cone-beam CT",
    edition=EDITION,
    modalities=("CT",),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure streaks and shadows around metal rods that run along the axis.

    Raises
    ------
    InputError
        Codes ``wrong-phantom`` (no metal, or structure around it), and those of the series.
    AnalysisError
        Code ``no-clear-slices``.
    """
    chosen = choose(Parameters, parameters)
    require_usable_series(images)
    volume = order_series(images, needed_mm=_NEEDED_MM)
    body = find_body(volume)
    rods, radius, slices = _rods(volume, body, chosen)
    clear = _clear(volume, body, slices, chosen.clear_mm)
    middle = float(volume.s_mm[slices[len(slices) // 2]])
    scene = MetalScene(
        slices, clear, rods, radius, body.range, body.axis.at(middle), body.axis.radius_mm
    )
    part = Part(warnings=list(volume.warnings))
    if chosen.metal_slices is not None:
        part.warnings.append(f"The slices with metal were set by hand: {chosen.metal_slices}.")
    part.add(metal_artefact(volume, scene))
    _require_plain(volume, scene)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=part.values,
        regions=tuple(part.regions),
        curves=tuple(part.curves),
        warnings=tuple(part.warnings),
        facts={
            "rods": len(rods),
            "rod_radius_mm": round(radius, 2),
            "air_level": body.air,
            "body_level": body.level,
            **part.facts,
        },
    )


def _metal(volume: Volume, body: Body, index: int, share: float) -> npt.NDArray[np.bool_]:
    rows, columns = volume.shape
    x, y = volume.to_mm(*np.meshgrid(np.arange(columns), np.arange(rows)), index)
    cx, cy = body.axis.at(float(volume.s_mm[index]))
    inside = np.hypot(x - cx, y - cy) < 0.97 * body.axis.radius_mm
    found: npt.NDArray[np.bool_] = inside & (
        volume.images[index].pixels > body.level + share * body.range
    )
    return found


def _rods(
    volume: Volume, body: Body, chosen: Parameters
) -> tuple[tuple[tuple[float, float], ...], float, tuple[int, ...]]:
    """Return places and mean radius of the rods, and slices that show all of them."""
    low, high = body.axis.span_mm
    inside = [i for i in range(len(volume.s_mm)) if low <= volume.s_mm[i] <= high]
    if chosen.metal_slices is not None:
        first, last = chosen.metal_slices
        inside = [i for i in inside if first <= i <= last]
    looked = inside[:: max(1, len(inside) // 60)]
    least = max(3.0, 0.5 / (volume.spacing_mm[0] * volume.spacing_mm[1]))
    seen: dict[int, list[tuple[float, float, float]]] = {}
    for index in looked:
        mask = _metal(volume, body, index, chosen.metal_share)
        labels, count = ndimage.label(mask)
        if not 0 < count < 500:
            continue
        areas = np.bincount(labels.ravel())[1:]
        kept = [k + 1 for k in np.flatnonzero(areas >= least)]
        centres = ndimage.center_of_mass(mask, labels, kept)
        seen[index] = [
            (*_mm(volume, index, c), float(areas[k - 1]))
            for k, c in zip(kept, centres, strict=True)
        ]
    counts = [len(v) for v in seen.values() if v]
    usual = int(np.bincount(counts).argmax()) if counts else 0
    slices = [i for i, v in seen.items() if len(v) == usual]
    if not 0 < usual <= _MOST_RODS or len(slices) < 2:
        raise _no_metal(usual)
    middle = seen[slices[len(slices) // 2]]
    pixel_area = volume.spacing_mm[0] * volume.spacing_mm[1]
    radius = math.sqrt(float(np.median([a for *_, a in middle])) * pixel_area / math.pi)
    if 2 * radius > _LARGEST_ROD_MM:
        raise _no_metal(usual, f" {2 * radius:.0f} mm across, larger than a rod")
    # The ends of the rods are half in the slice: leave them out.
    core = slices[1:-1] if len(slices) > 4 else slices
    core = core[:: max(1, -(-len(core) // _MOST_SLICES))]
    return tuple((x, y) for x, y, _ in middle), radius, tuple(core)


def _mm(volume: Volume, index: int, centre: tuple[float, float]) -> tuple[float, float]:
    x, y = volume.to_mm(centre[1], centre[0], index)
    return float(x), float(y)


def _no_metal(count: int, size: str = "") -> InputError:
    seen = f": a slice shows {count} bright objects{size}" if count else ""
    return InputError(
        f"No metal rods were found in this phantom{seen}. The measurement needs one to "
        f"{_MOST_RODS} rods of up to {_LARGEST_ROD_MM:g} mm along the axis, through two slices at "
        "least, in a homogeneous phantom.",
        code="wrong-phantom",
    )


def _clear(volume: Volume, body: Body, slices: tuple[int, ...], clear_mm: float) -> tuple[int, ...]:
    """Return slices of the body without metal, away from those with it."""
    s = volume.s_mm
    low, high = body.axis.span_mm
    metal = [float(s[i]) for i in slices]
    far = [
        i
        for i in range(len(s))
        if low <= s[i] <= high and (s[i] < min(metal) - clear_mm or s[i] > max(metal) + clear_mm)
    ]
    far = sorted(far, key=lambda i: min(abs(float(s[i]) - m) for m in metal))
    found = []
    for index in far:
        if not _metal(volume, body, index, 0.4).any():
            found.append(index)
        if len(found) == _MOST_SLICES:
            break
    if not found:
        raise AnalysisError(
            "There is no slice of the phantom without metal to compare with. Scan beyond the rods.",
            stage="comparison",
            code="no-clear-slices",
        )
    return tuple(sorted(found))


def _require_plain(volume: Volume, scene: MetalScene) -> None:
    rough = float(np.mean([around(volume, i, scene).std() for i in scene.clear]))
    noise = float(
        np.median([np.std(np.diff(volume.images[i].pixels[::4], axis=1)) for i in scene.clear])
    )
    if rough > max(_ROUGH_SHARE * scene.step, 3 * noise):
        raise InputError(
            "The slices without metal are not homogeneous where the rods are, so the artefacts "
            "cannot be told from structure. Use a homogeneous phantom around the rods.",
            code="wrong-phantom",
        )
