"""Distances in cone-beam CT: a lattice of holes or beads in one layer of any phantom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, AnalysisError, Image, InputError, quantity
from kerma.imaging.phantoms._cbct_geometry import lattice_part
from kerma.imaging.phantoms._grey import Body, find_body
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._rim import outline
from kerma.imaging.phantoms._series import order_series
from kerma.imaging.phantoms._usable import require_usable_series
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.lattice import fit_lattice
from kerma.imaging.tools.spots import Search, answer, peaks

NAME, VERSION = "cbct-geometry", "1"
EDITION = "Lattice of spots against its best fit; definitions in docs/methods/cbct-cylinder.md"

Array = npt.NDArray[np.floating[Any]]

_NEEDED_MM = 0.2
_LOOKED_AT_MM = 0.8
_KINDS = ("holes", "beads")
# A hole or bead half in the slice still stands this share of the step from air to body out.
_LEAST_HEIGHT = 0.1
_LEAST_SPOTS = 9


@dataclass(frozen=True, slots=True)
class Parameters:
    """What must or may be stated.

    Attributes
    ----------
    pitch_mm
        Distance between neighbouring spots, from the phantom's certificate.
    spot_radius_mm
        Radius of a hole or bead.
    kind
        ``holes`` (darker than the body), ``beads`` (brighter), or ``auto``.
    slice_index
        The slice through the layer by hand, as an index in the images given.
    """

    pitch_mm: float
    spot_radius_mm: float = 1.0
    kind: str = "auto"
    slice_index: int | None = None

    def __post_init__(self) -> None:
        require(self.pitch_mm > 0, "pitch_mm", "The pitch must be above zero.")
        require(
            0 < self.spot_radius_mm < self.pitch_mm / 2,
            "spot_radius_mm",
            "The radius of a spot must be above zero and below half the pitch.",
        )
        require(
            self.kind in ("auto", *_KINDS),
            "kind",
            "The kind of spots is “holes”, “beads” or “auto”.",
        )


@measurement(
    NAME,
    version=VERSION,
    title="Distances and distortion in cone-beam CT from a lattice of spots",
    edition=EDITION,
    modalities=("CT",),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure pitches, squareness and distortion of a lattice, and the outer diameter.

    Raises
    ------
    InputError
        Those of the series; ``bad-parameter``.
    AnalysisError
        Code ``no-lattice``.
    """
    chosen = choose(Parameters, parameters)
    require_usable_series(images)
    volume = order_series(images, needed_mm=_NEEDED_MM)
    part = Part(warnings=list(volume.warnings))
    body = _body(volume)
    index, bright = _layer(volume, body, chosen, part)
    slices = _same_layer(volume, index)
    centre, reach = _where(volume, body, index)
    part.add(
        lattice_part(
            volume, slices, centre, reach_mm=reach, pitch_mm=chosen.pitch_mm,
            spot_radius_mm=chosen.spot_radius_mm, bright=bright,
        )
    )  # fmt: skip
    for axis in ("x", "y"):
        pitch = part.values[f"lattice_pitch_{axis}"]
        part.values[f"length_error_{axis}"] = quantity(
            100 * (pitch.value / chosen.pitch_mm - 1), "%", 100 * (pitch.u or 0) / chosen.pitch_mm
        )
    part.add(_diameter(volume, body, index))
    part.values["layer_position"] = quantity(
        float(volume.s_mm[index]), "mm", volume.increment_mm / math.sqrt(12)
    )
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=part.values,
        regions=tuple(part.regions),
        curves=tuple(part.curves),
        warnings=tuple(part.warnings),
        facts={
            "layer_slice": volume.order[index],
            "kind": "beads" if bright else "holes",
            "pitch_stated_mm": chosen.pitch_mm,
            **part.facts,
        },
    )


def _body(volume: Volume) -> Body | None:
    try:
        return find_body(volume)
    except InputError:
        return None


def _where(volume: Volume, body: Body | None, index: int) -> tuple[tuple[float, float], float]:
    """Return the middle and the radius within which spots are looked for."""
    if body is not None:
        return body.axis.at(float(volume.s_mm[index])), body.axis.radius_mm - 2.0
    rows, columns = volume.shape
    return (0.0, 0.0), math.hypot(rows, columns) * volume.pixel_mm / 2


def _layer(volume: Volume, body: Body | None, chosen: Parameters, part: Part) -> tuple[int, bool]:
    """Return the slice that shows most of a lattice, and whether its spots are bright."""
    kinds = _KINDS if chosen.kind == "auto" else (chosen.kind,)
    if chosen.slice_index is not None:
        require(
            chosen.slice_index in volume.order,
            "slice_index",
            f"There is no slice {chosen.slice_index}; the series has {len(volume.order)}.",
        )
        part.warnings.append(f"The slice was set by hand: {chosen.slice_index}.")
        looked = [volume.order.index(chosen.slice_index)]
    else:
        step = max(1, round(_LOOKED_AT_MM / volume.increment_mm))
        looked = list(range(step // 2, len(volume.images), step))
    best: tuple[int, float, int, bool] | None = None
    for index in looked:
        for bright, count, height in _counts(volume, body, index, chosen, kinds):
            if count and (best is None or (count, height) > best[:2]):
                best = (count, height, index, bright)
    if best is None:
        raise AnalysisError(
            f"No slice shows a lattice of spots {chosen.pitch_mm:g} mm apart. Check the pitch and "
            "the size of the spots, and that the layer was scanned.",
            stage="layer",
            code="no-lattice",
        )
    return best[2], best[3]


def _counts(
    volume: Volume, body: Body | None, index: int, chosen: Parameters, kinds: Sequence[str]
) -> list[tuple[bool, int, float]]:
    """Return for each kind how many spots of a slice form a lattice, and how high they stand."""
    radius = chosen.spot_radius_mm / volume.pixel_mm
    # A layer is found as well in an image of fewer pixels, four to a spot.
    size = max(1, int(radius / 2))
    pixels = volume.images[index].pixels
    rows, columns = (n // size for n in pixels.shape)
    small = pixels[: rows * size, : columns * size].reshape(rows, size, columns, size)
    small = small.mean(axis=(1, 3))
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    x, y = volume.to_mm((column + 0.5) * size - 0.5, (row + 0.5) * size - 0.5, index)
    centre, reach = _where(volume, body, index)
    inside = np.hypot(x - centre[0], y - centre[1]) < reach
    ready = answer(small, radius / size)
    least = _LEAST_HEIGHT * body.range if body is not None else 0.0
    found = []
    for kind in kinds:
        search = Search(radius / size, kind == "beads", least_height=least)
        spots = peaks(small, search, inside, ready=ready)
        places = np.column_stack(
            volume.to_mm((spots[:, 0] + 0.5) * size - 0.5, (spots[:, 1] + 0.5) * size - 0.5, index)
        )
        found.append((kind == "beads", *_nodes(places, spots[:, 2], chosen.pitch_mm)))
    return found


def _nodes(places: Array, heights: Array, pitch_mm: float) -> tuple[int, float]:
    if len(places) < _LEAST_SPOTS:
        return 0, 0.0
    try:
        lattice = fit_lattice(places, pitch_mm)
    except AnalysisError:
        return 0, 0.0
    # Spots must be a lattice, not pick one out of noise; every second spot of a lattice makes one
    # of √2 times the pitch.
    if len(lattice.nodes) < 0.6 * len(places) or lattice.largest > 0.25 * pitch_mm:
        return 0, 0.0
    return len(lattice.nodes), float(np.median(heights))


def _same_layer(volume: Volume, index: int) -> list[int]:
    """Return the slices of the layer: the best one and its neighbours within half a millimetre."""
    return volume.within(float(volume.s_mm[index]) - 0.5, float(volume.s_mm[index]) + 0.5)


def _diameter(volume: Volume, body: Body | None, index: int) -> Part:
    if body is None:
        return Part(warnings=["No outer diameter: the field of view does not hold the phantom."])
    rim = outline(
        volume, index, body.axis.at(float(volume.s_mm[index])), body.axis.radius_mm, air=body.air
    )
    if rim is None:
        return Part(warnings=["No outer diameter: the outline is not clear."])
    u = math.hypot(2 * rim.u_mm, 0.05 * volume.pixel_mm)
    return Part(
        values={
            "diameter": quantity(2 * rim.radius_mm, "mm", u),
            "diameter_across": quantity(rim.width_mm(0.0), "mm", u),
            "diameter_down": quantity(rim.width_mm(90.0), "mm", u),
        }
    )
