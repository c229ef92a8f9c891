"""Geometric distortion in breast tomosynthesis: spheres on a rectangular matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, AnalysisError, Image, Quantity, Region, quantity
from kerma.imaging.mammography._beads import MODALITIES, Bead, Stack, find_beads, stack_of
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement

Array = npt.NDArray[np.floating[Any]]

NAME, VERSION = "dbt-geometry", "1"
EDITION = (
    "Spheres of 1 mm aluminium on a 50 mm matrix in 5 mm PMMA: Acta Radiologica 2021, "
    "doi 10.1177/02841851211041823 (abstract seen)"
)
STAGE = "identify phantom"
# Share of the spacing a sphere may lie from its place, and of the spheres that must have one.
_FROM_PLACE = 0.12
_ON_MATRIX = 0.8


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    spacing_mm, diameter_mm
        Of the spheres.
    plane_pitch_mm
        Distance between planes, when it is not to be taken from the images.
    nominal_z_mm
        Height of the matrix above the lowest plane, to compare with.
    """

    spacing_mm: float = 50.0
    diameter_mm: float = 1.0
    plane_pitch_mm: float | None = None
    nominal_z_mm: float | None = None

    def __post_init__(self) -> None:
        require(5 <= self.spacing_mm <= 120, "spacing_mm", "The spacing lies from 5 to 120 mm.")
        require(0.1 <= self.diameter_mm <= 5, "diameter_mm", "The diameter is from 0.1 to 5 mm.")
        require(
            self.plane_pitch_mm is None or 0.05 <= self.plane_pitch_mm <= 20,
            "plane_pitch_mm",
            "The planes lie from 0.05 to 20 mm apart.",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Spheres on their matrix.

    Attributes
    ----------
    beads, place
        The spheres, and (column, row) of each in the matrix, shape (spheres, 2).
    x_mm, y_mm
        Their middles.
    across, down
        Step of the matrix along its rows and columns, as (x, y) in mm, fitted.
    residual
        (x, y) of each sphere less its fitted place, in mm.
    """

    beads: Sequence[Bead]
    place: npt.NDArray[np.intp]
    x_mm: Array
    y_mm: Array
    across: Array
    down: Array
    residual: Array


def _recognise(images: Sequence[Image]) -> str:
    chosen = Parameters()
    stack = stack_of(images, None)
    found = _matrix(stack, find_beads(stack, chosen.diameter_mm), chosen.spacing_mm)
    return f"{len(found.beads)} spheres on a matrix of {chosen.spacing_mm:g} mm, each in focus once"


@measurement(
    NAME,
    version=VERSION,
    title="Geometric distortion of tomosynthesis",
    edition=EDITION,
    modalities=MODALITIES,
    recognise=_recognise,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure where the spheres of a rectangular matrix are, lowest plane first.

    Values ``spacing_x``, ``spacing_y`` (mm, along the rows and columns of the matrix nearest to
    those of the image), ``scale_x``, ``scale_y`` (% off nominal), ``skew`` (deg from a right
    angle), ``turn`` (deg), ``distortion`` (mm, largest distance from the fitted matrix),
    ``height`` (mm above the lowest plane), ``tilt_x``, ``tilt_y`` (deg), ``flatness`` (mm,
    largest distance from the fitted plane), ``height_difference`` (mm, when a nominal is given).

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``no-plane-pitch``, ``planes-out-of-order``, ``same-frame``.
    AnalysisError
        Code ``wrong-phantom``.
    """
    chosen = choose(Parameters, parameters)
    stack = stack_of(images, chosen.plane_pitch_mm)
    found = _matrix(stack, find_beads(stack, chosen.diameter_mm), chosen.spacing_mm)
    warnings = []
    if chosen.plane_pitch_mm is not None:
        warnings.append(f"The plane pitch was set by hand: {chosen.plane_pitch_mm:g} mm.")
    values = {
        **_in_plane(stack, found, chosen.spacing_mm),
        **_in_depth(found, chosen.nominal_z_mm),
    }
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen, pitch_mm=stack.pitch_mm),
        values=values,
        regions=_regions(stack, found, chosen.diameter_mm),
        warnings=tuple(warnings),
        facts={
            "planes": len(images),
            "pitch_mm": stack.pitch_mm,
            "pitch_from": stack.pitch_from,
            "spheres": _table(found),
        },
    )


def _table(found: Matrix) -> list[dict[str, Any]]:
    return [
        {
            "matrix_column": int(found.place[k, 0]),
            "matrix_row": int(found.place[k, 1]),
            "x_mm": float(found.x_mm[k]),
            "y_mm": float(found.y_mm[k]),
            "z_mm": bead.z_mm,
            "off_x_mm": float(found.residual[k, 0]),
            "off_y_mm": float(found.residual[k, 1]),
        }
        for k, bead in enumerate(found.beads)
    ]


def _wrong(why: str) -> AnalysisError:
    return AnalysisError(
        f"These planes do not show spheres on a rectangular matrix: {why} Check the phantom and "
        "the spacing stated, and that the whole stack is there.",
        stage=STAGE,
        code="wrong-phantom",
    )


def _matrix(stack: Stack, beads: Sequence[Bead], spacing_mm: float) -> Matrix:
    """Give each sphere its place in the matrix and fit the matrix to them.

    Raises
    ------
    AnalysisError
        Code ``wrong-phantom``.
    """
    dy, dx = stack.pixel_mm
    x, y = np.array([b.x * dx for b in beads]), np.array([b.y * dy for b in beads])
    if len(beads) < 4:
        raise _wrong(f"{len(beads)} came into focus, four are needed.")
    vx, vy = x[None, :] - x[:, None], y[None, :] - y[:, None]
    length = np.hypot(vx, vy)
    near = np.abs(length - spacing_mm) < _FROM_PLACE * spacing_mm
    if near.sum() < 8:
        raise _wrong(f"few are {spacing_mm:g} mm apart.")
    # The direction of the matrix, of a right angle's symmetry.
    turn = np.angle(np.exp(4j * np.arctan2(vy[near], vx[near])).mean()) / 4
    c, s = math.cos(turn), math.sin(turn)
    u, v = (c * x + s * y) / spacing_mm, (-s * x + c * y) / spacing_mm
    # The clearest sphere that fits the others best is the origin.
    off = [
        np.hypot(u - u[k] - np.rint(u - u[k]), v - v[k] - np.rint(v - v[k])) for k in range(len(x))
    ]
    origin = int(np.argmin([np.median(o) for o in off]))
    kept = np.flatnonzero(off[origin] < 2 * _FROM_PLACE)
    place = np.column_stack([np.rint(u - u[origin]), np.rint(v - v[origin])])[kept].astype(np.intp)
    place -= place.min(axis=0)
    if len(np.unique(place, axis=0)) < len(place):
        raise _wrong("two lie at one place.")
    enough = len(kept) >= max(4, _ON_MATRIX * len(beads))
    if not enough or (np.ptp(place, axis=0) < 1).any():
        raise _wrong(f"{len(kept)} of {len(beads)} lie on one.")
    design = np.column_stack([np.ones(len(kept)), place])
    middles = np.column_stack([x[kept], y[kept]])
    solved = np.linalg.lstsq(design, middles, rcond=None)[0]
    residual = middles - design @ solved
    if np.hypot(*residual.T).max() > _FROM_PLACE * spacing_mm:
        raise _wrong("some lie far from their places.")
    return Matrix(
        [beads[int(k)] for k in kept], place, x[kept], y[kept], solved[1], solved[2], residual
    )


def _in_plane(stack: Stack, found: Matrix, spacing_mm: float) -> dict[str, Quantity]:
    a, b = found.across, found.down
    n = len(found.beads)
    scatter = _scatter(found.residual.ravel(), 2 * n - 6)
    # What noise makes of a middle, when there are too few spheres to see it.
    noise = float(np.mean([bead.u_x for bead in found.beads])) * max(stack.pixel_mm)
    u_place = max(scatter, noise)
    u_step = [u_place / math.sqrt(_spread(found.place[:, k])) for k in (0, 1)]
    values: dict[str, Quantity] = {}
    for axis, step, u in (("x", a, u_step[0]), ("y", b, u_step[1])):
        size = float(np.hypot(*step))
        values[f"spacing_{axis}"] = quantity(size, "mm", u)
        values[f"scale_{axis}"] = quantity(100 * (size / spacing_mm - 1), "%", 100 * u / spacing_mm)
    turn = math.degrees(math.atan2(a[1], a[0]))
    right = math.degrees(math.atan2(b[1], b[0])) - turn - 90.0
    u_turn = math.degrees(u_step[0] / spacing_mm)
    values["turn"] = quantity(turn, "deg", u_turn)
    values["skew"] = quantity(
        right, "deg", math.hypot(u_turn, math.degrees(u_step[1] / spacing_mm))
    )
    far = np.hypot(*found.residual.T)
    values["distortion"] = quantity(float(far.max()), "mm", noise)
    return values


def _spread(at: npt.NDArray[Any]) -> float:
    return float(((at - at.mean()) ** 2).sum())


def _scatter(residual: Array, freedom: int) -> float:
    return math.sqrt(float((residual**2).sum()) / freedom) if freedom > 0 else 0.0


def _in_depth(found: Matrix, nominal_z_mm: float | None) -> dict[str, Quantity]:
    z = np.array([b.z_mm for b in found.beads])
    x, y = found.x_mm - found.x_mm.mean(), found.y_mm - found.y_mm.mean()
    solved = np.linalg.lstsq(np.column_stack([np.ones_like(x), x, y]), z, rcond=None)[0]
    left = z - solved[0] - solved[1] * x - solved[2] * y
    noise = float(np.mean([b.u_z_mm for b in found.beads]))
    u_z = max(_scatter(left, len(z) - 3), noise)
    values = {
        "height": quantity(float(z.mean()), "mm", u_z / math.sqrt(len(z))),
        "flatness": quantity(float(np.abs(left).max()), "mm", noise),
    }
    for axis, slope, at in (("x", solved[1], x), ("y", solved[2], y)):
        values[f"tilt_{axis}"] = quantity(
            math.degrees(math.atan(slope)), "deg", math.degrees(u_z / math.sqrt(_spread(at)))
        )
    if nominal_z_mm is not None:
        height = values["height"]
        values["height_difference"] = quantity(height.value - nominal_z_mm, "mm", height.u)
    return values


def _regions(stack: Stack, found: Matrix, diameter_mm: float) -> tuple[Region, ...]:
    radius = 2.0 * diameter_mm / stack.pixel_mm[1]
    drawn = []
    for bead, place, off in zip(found.beads, found.place, found.residual, strict=True):
        values = {
            "z": quantity(bead.z_mm, "mm", bead.u_z_mm),
            "off_x": quantity(float(off[0]), "mm"),
            "off_y": quantity(float(off[1]), "mm"),
        }
        points = ((bead.x, bead.y), (bead.x + radius, bead.y))
        name = f"Sphere {int(place[0]) + 1}, {int(place[1]) + 1}"
        drawn.append(Region(name, "circle", points, bead.plane, values))
    return tuple(drawn)
