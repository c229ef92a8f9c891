"""Pixel spacing and geometric distortion from an image of a mesh or a ruler of known spacing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.geometry import _setup
from kerma.imaging.geometry._mesh import Array, Phase, directions, follow, none_found, plane
from kerma.imaging.geometry._setup import Setup
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.regions import Rectangle

NAME, VERSION = "detector-geometry", "1"
EDITION = "Measured against nominal spacing of a mesh or ruler, by local phase"
# Design choices. Blocks nearer than this share their window, and their noise.
_ALIKE_PERIODS = 2.5
_DIAGONAL = 0.2
_MOST_OFF = 0.1
_STRIP = 2.5  # times as long as wide
_METHOD_U = 2e-5  # of a length; largest error seen on rendered meshes is half of it


@dataclass(frozen=True, slots=True)
class Parameters:
    """What must and may be chosen.

    Attributes
    ----------
    pitch_mm
        Nominal spacing of the mesh's lines or holes, or of the ruler's marks.
    fdd_mm, plane_mm
        Focus-detector distance, instead of the header's, and distance of the mesh from the focus;
        without `plane_mm` the mesh lay on the detector (magnification 1).
    roi
        Left, top, right, bottom in pixels: the part of the image that shows the pattern.
    allow_processed
        Measure an image processed for display, with a warning; places hardly suffer from it.
    """

    pitch_mm: float
    fdd_mm: float | None = None
    plane_mm: float | None = None
    roi: tuple[int, int, int, int] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.pitch_mm > 0, "pitch_mm", "The spacing of the pattern is above zero.")
        _setup.require_distances(self.fdd_mm, self.plane_mm)


@measurement(
    NAME,
    version=VERSION,
    title="Pixel spacing and geometric distortion",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure a square mesh, or a ruler, of known spacing in one image.

    A mesh gives ``pitch_x`` and ``pitch_y`` (mm at the detector by the image's own spacing, along
    the mesh's directions nearest to rows and columns), ``spacing_error_x`` and ``..._y`` (%, the
    stated pixel spacing less the true one), ``pixel_x`` and ``pixel_y`` (mm, true), ``rotation``
    and ``shear`` (deg), ``distortion_max`` and ``distortion_rms`` (mm from the mesh that fits
    best), ``radial_distortion`` (%, displacement at the pattern's rim over its radius; positive:
    pincushion). A ruler gives ``pitch``, ``spacing_error``, ``pixel`` and ``rotation`` along it.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``no-distance``.
    AnalysisError
        ``no-pattern``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_most=1)
    setup = _setup.prepare(images[0], stp=None, allow_processed=chosen.allow_processed,
                           fdd_mm=chosen.fdd_mm, needs_linear=False)  # fmt: skip
    scale = _scale(chosen, setup)
    rows, columns = setup.pixels.shape
    region = (
        Rectangle(0, 0, columns, rows)
        if chosen.roi is None
        else Rectangle.given(chosen.roi, (rows, columns))
    )
    part = region.cut(setup.pixels)
    period = chosen.pitch_mm * scale
    waves = directions(part, setup.spacing_mm, period)
    if len(waves) == 1:
        # A mesh is proven by its two directions; a ruler beside anatomy is a patient's image.
        _setup.require_not_clinical(setup)
    phases = [follow(part, setup.spacing_mm, wave, period) for wave in waves]
    values, extra, curves = (
        _mesh(setup, phases, period) if len(waves) == 2 else _ruler(setup, phases[0], period)
    )
    _require_near(values, period)
    warnings = [*setup.warnings]
    if chosen.roi is not None:
        warnings.append("The region was set by hand.")
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen, magnification=scale),
        values=values,
        regions=(region.region("Searched"), _shown(phases[0], region, setup)),
        curves=curves,
        warnings=tuple(warnings),
        facts={"pattern": "mesh" if len(waves) == 2 else "ruler", **extra},
    )


def _scale(chosen: Parameters, setup: Setup) -> float:
    if chosen.plane_mm is None:
        return 1.0
    found = _setup.magnification(setup.fdd_mm, chosen.plane_mm)
    require(found is not None, "fdd_mm", "The magnification needs the focus-detector distance; "
            "the header does not state it.")  # fmt: skip
    return found or 1.0


def _require_near(values: dict[str, Quantity], period: float) -> None:
    """Refuse a pattern whose spacing is so far from the stated one that it is another pattern."""
    found = [q.value for n, q in values.items() if n.startswith("pitch")]
    if max(abs(f / period - 1.0) for f in found) > _MOST_OFF:
        raise none_found(
            f"the pattern in it has a spacing of {sum(found) / len(found):.2f} mm at the detector, "
            f"not {period:.2f} mm"
        )


def _slope_u(phase: Phase, residual: Array, period: float) -> float:
    """Return the standard uncertainty of a period, relative, from the residual phase's scatter."""
    w = phase.weight
    total = float(w.sum())
    sd = math.sqrt(float((w * residual**2).sum()) / total)
    mx, my = float((w * phase.x).sum()) / total, float((w * phase.y).sum()) / total
    f = math.hypot(*phase.frequency)
    along = (phase.frequency[0] * (phase.x - mx) + phase.frequency[1] * (phase.y - my)) / f
    spread = math.sqrt(float((w * along**2).sum()) / total)
    cell = abs(float(phase.x[0, 1] - phase.x[0, 0]) * float(phase.y[1, 0] - phase.y[0, 0]))
    independent = max(4.0, float((w > 0).sum()) * cell / (_ALIKE_PERIODS * period) ** 2)
    return math.hypot(sd / (math.sqrt(independent) * spread * f), _METHOD_U)


def _mesh(
    setup: Setup, phases: Sequence[Phase], period: float
) -> tuple[dict[str, Quantity], dict[str, Any], tuple[Curve, ...]]:
    if abs(phases[0].frequency[0]) < abs(phases[0].frequency[1]):
        phases = phases[::-1]
    if not ((phases[0].weight > 0) & (phases[1].weight > 0)).any():
        raise none_found("its two directions do not cover one area")
    residuals = [_residual(p) for p in phases]
    k = np.array([p.frequency for p in phases])
    # Columns of the inverse are the mesh's own vectors: one step along each direction.
    steps = np.linalg.inv(k)
    first, second = (
        steps[:, 0] * math.copysign(1, steps[0, 0]),
        steps[:, 1] * math.copysign(1, steps[1, 1]),
    )
    u = [_slope_u(p, r, period) for p, r in zip(phases, residuals, strict=True)]
    lengths = [float(np.hypot(*v)) for v in (first, second)]
    values = {
        f"pitch_{a}": quantity(n, "mm", n * v) for a, n, v in zip("xy", lengths, u, strict=True)
    }
    values.update(_pixels(setup, first, second, period, u))
    turn = math.atan2(first[1], first[0]), math.atan2(-second[0], second[1])
    values["rotation"] = quantity(
        math.degrees(sum(turn) / 2), "deg", math.degrees(math.hypot(*u) / 2)
    )
    values["shear"] = quantity(math.degrees(turn[1] - turn[0]), "deg", math.degrees(math.hypot(*u)))
    distorted, rim = _distortion(phases, residuals, k)
    return {**values, **distorted}, {"rim_mm": rim}, ()


def _residual(phase: Phase) -> Array:
    a, b, c = plane(phase.x, phase.y, phase.count, phase.weight)
    return np.asarray(phase.count - a - b * phase.x - c * phase.y)


def _pixels(
    setup: Setup, first: Array, second: Array, period: float, u: Sequence[float]
) -> dict[str, Quantity]:
    """Return the factors along rows and columns that make both steps of the mesh `period` long."""
    squares = np.array([first**2, second**2])
    if abs(np.linalg.det(squares)) < _DIAGONAL * float(squares.max()) ** 2:
        return {}  # a mesh near 45 degrees cannot tell rows from columns
    factors = np.sqrt(np.linalg.solve(squares, np.full(2, period**2)))
    values = {}
    for axis, factor, spacing, v in zip("xy", factors, setup.spacing_mm[::-1], u, strict=True):
        values[f"spacing_error_{axis}"] = quantity(100.0 * (1.0 / factor - 1.0), "%", 100.0 * v)
        values[f"pixel_{axis}"] = quantity(spacing * factor, "mm", spacing * v)
    return values


def _distortion(
    phases: Sequence[Phase], residuals: Sequence[Array], k: Array
) -> tuple[dict[str, Quantity], float]:
    """Return how far the pattern lies from the best mesh, its radial part, and the rim's radius."""
    both = (phases[0].weight > 0) & (phases[1].weight > 0)
    # A line counted too far by n is displaced by -n of its own spacing: k . u = -n.
    moved = -np.linalg.solve(k, np.stack([r[both] for r in residuals]))
    size = np.hypot(*moved)
    x, y = phases[0].x[both], phases[0].y[both]
    mx, my = 0.5 * (x.min() + x.max()), 0.5 * (y.min() + y.max())
    rx, ry = x - mx, y - my
    radius = np.hypot(rx, ry)
    rim = float(radius.max())
    # Cubic radial displacement and what an affine fit can take from it, fitted together.
    cube = np.concatenate((rx * radius**2, ry * radius**2)) / rim**3
    zero, one = np.zeros_like(rx), np.ones_like(rx)
    design = np.column_stack((
        cube, np.concatenate((one, zero)), np.concatenate((zero, one)),
        np.concatenate((rx, zero)), np.concatenate((ry, zero)),
        np.concatenate((zero, rx)), np.concatenate((zero, ry)),
    ))  # fmt: skip
    target = np.concatenate((moved[0], moved[1]))
    solved = np.linalg.lstsq(design, target, rcond=None)[0]
    noise = float((target - design @ solved).std())
    cover = np.linalg.inv(design.T @ design)[0, 0]
    return {
        "distortion_max": quantity(float(size.max()), "mm", noise),
        "distortion_rms": quantity(float(np.sqrt((size**2).mean())), "mm", noise / 10.0),
        # At the rim the cubic term is solved[0] long; taken as a share of the rim's radius.
        "radial_distortion": quantity(100.0 * float(solved[0]) / rim, "%",
                                      100.0 * 3.0 * noise * math.sqrt(float(cover)) / rim),
    }, rim  # fmt: skip


def _ruler(
    setup: Setup, phase: Phase, period: float
) -> tuple[dict[str, Quantity], dict[str, Any], tuple[Curve, ...]]:
    angle = _lie(phase)
    # The marks stand across the ruler, so that its period is that along it; how the phase changes
    # across so narrow a strip says little.
    length = 1.0 / abs(phase.frequency[0] * math.cos(angle) + phase.frequency[1] * math.sin(angle))
    residual = _residual(phase)
    u = _slope_u(phase, residual, period)
    along_rows = abs(math.cos(angle)) > abs(math.sin(angle))
    spacing = setup.spacing_mm[1] if along_rows else setup.spacing_mm[0]
    values = {
        "pitch": quantity(length, "mm", length * u),
        "spacing_error": quantity(100.0 * (length / period - 1.0), "%", 100.0 * u),
        "pixel": quantity(spacing * period / length, "mm", spacing * u),
        "rotation": quantity(math.degrees(angle), "deg"),
    }
    used = phase.weight > 0
    place = (phase.x * math.cos(angle) + phase.y * math.sin(angle))[used]
    order = np.argsort(place)
    curve = Curve("Deviation along the ruler", tuple(map(float, place[order])),
                  tuple(map(float, (-residual[used] * length)[order])), "Place", "mm",
                  "Deviation", "mm")  # fmt: skip
    return values, {"along": "rows" if along_rows else "columns"}, (curve,)


def _lie(phase: Phase) -> float:
    """Return the direction of a ruler, -90 to 90 degrees, in radians: of the strip it covers.

    A pattern that covers no strip (lines over the whole image) lies as its wave does.
    """
    w = phase.weight
    total = float(w.sum())
    x = phase.x - float((w * phase.x).sum()) / total
    y = phase.y - float((w * phase.y).sum()) / total
    xx, yy, xy = (float((w * v).sum()) / total for v in (x * x, y * y, x * y))
    spread, middle = math.hypot((xx - yy) / 2, xy), (xx + yy) / 2
    if math.sqrt((middle + spread) / max(middle - spread, 1e-12)) < _STRIP:
        return math.atan(math.tan(math.atan2(phase.frequency[1], phase.frequency[0])))
    return 0.5 * math.atan2(2 * xy, xx - yy)


def _shown(phase: Phase, region: Rectangle, setup: Setup) -> Region:
    used = phase.weight > 0
    x, y = phase.x[used], phase.y[used]
    corners = tuple(
        (region.x0 + float(a) / setup.spacing_mm[1], region.y0 + float(b) / setup.spacing_mm[0])
        for a, b in ((x.min(), y.min()), (x.max(), y.max()))
    )
    return Region("Pattern followed", "rectangle", corners)
