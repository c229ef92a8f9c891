"""CDRAD-like contrast-detail phantom: four-alternative choices, thresholds and IQF."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, AnalysisError, Curve, Image, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.objects import _cells, _scoring, _thresholds
from kerma.imaging.objects._cells import CORNERS, Layout, View
from kerma.imaging.objects._discs import ROSE
from kerma.imaging.objects._find import MODALITIES
from kerma.imaging.objects._grid import find_grid, given_grid
from kerma.imaging.planar.region import linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import psychometric

Array = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]

NAME, VERSION = "cdrad", "1"
EDITION = "CDRAD 2.0 practice; rules of docs/methods/cdrad.md (4-AFC, correction version 1)"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    corners
        The key to the phantom: 15 rows (largest holes first) of 15 corners (shallowest first), 0
        upper left, 1 upper right, 2 lower right, 3 lower left. Without it choices cannot be scored.
    slope
        Slope of the psychometric curves (per unit of ln depth); one is fitted to all diameters
        together when absent.
    grid_px
        Grid set by hand: x and y of the upper left, upper right and lower left corner of its outer
        lines, as displayed.
    pixels_per_mm
        Scale in the plane of the phantom, set by hand.
    stp
        Signal transfer property, for images whose pixel values do not follow air kerma linearly.
    allow_processed
        Measure an image processed for display, with a warning.
    """

    corners: tuple[tuple[int, ...], ...] | None = None
    slope: float | None = None
    grid_px: tuple[float, float, float, float, float, float] | None = None
    pixels_per_mm: float | None = None
    stp: Mapping[str, Any] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.slope is None or 0.3 <= self.slope <= 30, "slope", "Choose from 0.3 to 30.")
        require(
            self.pixels_per_mm is None or self.pixels_per_mm > 0,
            "pixels_per_mm",
            "The scale is above zero.",
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """One image read."""

    view: View
    chosen: npt.NDArray[np.intp]
    strength: Array
    middle: Array


def recognise(images: Sequence[Image]) -> str:
    """Return what shows the phantom in the images, or refuse."""
    identity.check(images, modalities=MODALITIES, at_most=64)
    plan = _cells.layout()
    view = _viewed(images[0], plan, Parameters())
    return f"a grid of {plan.cells} by {plan.cells} squares, {view.clear} with a clear middle hole"


@measurement(
    NAME,
    version=VERSION,
    title="CDRAD contrast-detail phantom",
    edition=EDITION,
    modalities=MODALITIES,
    recognise=recognise,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Read one or several images of the phantom at one exposure setting.

    In each square below the first rows the corner whose mean under the hole is highest is chosen.
    Values: ``rotation`` (deg), ``pitch`` (mm), ``pixels_per_mm``; with the key ``correct`` (%),
    ``threshold_depth_<d>mm`` (mm), ``slope`` (1), ``iqf`` (mm2) and ``iqf_inv`` (1/mm2, times 100);
    without it ``iqf_inv_rose`` only, from squares whose hole stands out by the rule rose-1.

    Raises
    ------
    InputError
        Those of `kerma.imaging.identity`; ``wrong-phantom``, ``bad-parameter``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=MODALITIES, at_most=64)
    warnings = [*identity.require_raw(images, allow_processed=chosen.allow_processed)]
    plan = _cells.layout()
    key = _cells.answers(chosen.corners, plan)
    read = [_read(image, plan, chosen) for image in images]
    first = read[0].view
    values = _geometry(first, plan)
    facts = _facts(first, plan)
    curves: list[Curve] = []
    hand: dict[str, Any] = {}
    if chosen.grid_px is not None:
        warnings.append(f"The grid was set by hand: {chosen.grid_px}.")
        hand["set_by_hand"] = True
    if chosen.pixels_per_mm is not None:
        warnings.append(f"The scale in pixels per mm was set by hand: {chosen.pixels_per_mm:g}.")
        hand["set_by_hand"] = True
    elif not first.scale_measured:
        warnings.append(
            "Too few large holes are clear to measure the scale; that of the image header, or a "
            "square of 16 mm, was used."
        )
    if first.offset_measured == 0:
        warnings.append(
            "No corner hole is clear, so their distance from the middle was assumed, not measured."
        )
    if key is None:
        warnings.append(
            "The key to the phantom was not given, so choices cannot be scored: there is no "
            "proportion correct and no threshold. Give it as the parameter corners."
        )
        _by_rule(read, plan, values, facts, warnings)
    else:
        _scored(
            read, key, plan, chosen, values=values, curves=curves, warnings=warnings, facts=facts
        )
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen, correction=_scoring.SCHEME,
            seed=psychometric.SEED, layout_sha256=plan.sha256, **hand,
        ),
        values=values,
        regions=tuple(_regions(read[0], key, plan)),
        curves=tuple(curves),
        warnings=tuple(warnings),
        facts=facts,
    )  # fmt: skip


def _viewed(image: Image, plan: Layout, chosen: Parameters) -> View:
    pixels, _ = linearised(image, chosen.stp)
    try:
        grid = (
            find_grid(pixels, plan.cells)
            if chosen.grid_px is None
            else given_grid(pixels, chosen.grid_px, plan.cells)
        )
    except AnalysisError as error:
        why = f"no grid of {plan.cells} by {plan.cells} squares shows whole"
        raise _cells.wrong(plan, why) from error
    pixel = None if image.spacing_mm is None else math.sqrt(math.prod(image.spacing_mm))
    if chosen.pixels_per_mm is not None:
        pixel = 1.0 / chosen.pixels_per_mm
    view = _cells.view(pixels, grid, plan, pixel)
    if chosen.pixels_per_mm is not None:
        view = replace(view, scale=chosen.pixels_per_mm, scale_measured=True)
    return view


def _read(image: Image, plan: Layout, chosen: Parameters) -> _Reading:
    view = _viewed(image, plan, chosen)
    means, noise = _cells.corner_means(view, plan), view.noise
    middle = _cells.middle_means(view, plan)
    return _Reading(
        view,
        np.argmax(means, axis=2),
        means / noise[:, None, None],
        middle / noise[:, None],
    )


def _geometry(view: View, plan: Layout) -> dict[str, Quantity]:
    reach = plan.cells * view.grid.pitch
    u = view.grid.residual_px / math.sqrt(plan.cells**2)
    pitch = view.grid.pitch / view.scale
    values = {
        "rotation": quantity(view.turn_deg, "deg", math.degrees(u / reach)),
        "pitch": quantity(pitch, "mm", 0.01 * pitch),
    }
    if view.scale_measured:
        values["pixels_per_mm"] = quantity(view.scale, "pixel/mm", 0.01 * view.scale)
    return values


def _facts(view: View, plan: Layout) -> dict[str, Any]:
    lines_up = view.grid.sign > 0
    return {
        "object": plan.title,
        "mirrored": view.mirrored,
        "attenuation_is": "higher pixel values" if lines_up else "lower pixel values",
        "likeness": view.likeness,
        "clear_middle_holes": view.clear,
        "corner_offset": [round(v, 4) for v in view.offset],
        "not_checked": {
            k: v for k, v in plan.sources.items() if v.startswith(("recalled", "assumed"))
        },
    }


def _by_rule(
    read: Sequence[_Reading],
    plan: Layout,
    values: dict[str, Quantity],
    facts: dict[str, Any],
    warnings: list[str],
) -> None:
    """Give the figure from squares whose hole stands out, for want of the key."""
    figures = []
    for one in read:
        seen = one.strength.max(axis=2) >= ROSE
        seen[: plan.single_rows] = one.middle[: plan.single_rows] >= ROSE
        _, inverse, none = _scoring.quality_figure(seen, plan)
        figures.append(inverse)
        facts.setdefault("squares_seen", []).append(int(seen.sum()))
    _none(none, plan, warnings)
    u = float(np.std(figures, ddof=1)) / math.sqrt(len(figures)) if len(figures) > 1 else None
    values["iqf_inv_rose"] = quantity(float(np.mean(figures)), "1/mm2", u)


def _none(none: int, plan: Layout, warnings: list[str]) -> None:
    if none:
        warnings.append(
            f"In {none} columns no hole is seen; {plan.none_seen_mm:g} mm was counted for each "
            "(recalled from the phantom's manual)."
        )


def _scored(
    read: Sequence[_Reading],
    key: npt.NDArray[np.intp],
    plan: Layout,
    chosen: Parameters,
    *,
    values: dict[str, Quantity],
    curves: list[Curve],
    warnings: list[str],
    facts: dict[str, Any],
) -> None:
    """Score the choices: proportion correct, thresholds by diameter, corrected reading and IQF."""
    single = plan.single_rows
    picked = np.stack([one.chosen for one in read])
    _thresholds.require_key_fits(np.stack([one.strength for one in read]), picked, key, plan)
    right = picked == key
    right[:, :single] = np.stack([one.middle[:single] >= ROSE for one in read])
    choices = right[:, single:]
    share, trials = float(choices.mean()), choices.size
    values["correct"] = quantity(100 * share, "%", 100 * math.sqrt(share * (1 - share) / trials))
    strength = np.mean(
        [np.take_along_axis(o.strength, key[..., None], 2)[..., 0] for o in read], axis=0
    )
    facts["correct_by_square"] = right.mean(axis=0).round(4).tolist()
    facts["d_prime_by_square"] = strength.round(3).tolist()
    fits = _thresholds.fitted(
        right, plan, chosen.slope, values=values, curves=curves, warnings=warnings
    )
    figures = [_scoring.quality_figure(_scoring.corrected(r), plan) for r in right]
    inverse = np.array([f[1] for f in figures])
    spread = _thresholds.figure_spread(right, fits, plan)
    if len(inverse) >= 4:
        spread = float(np.std(inverse, ddof=1))
    u = spread / math.sqrt(len(inverse))
    mean = float(inverse.mean())
    values["iqf_inv"] = quantity(mean, "1/mm2", u)
    values["iqf"] = quantity(100.0 / mean, "mm2", 100.0 / mean**2 * u)
    facts["iqf_inv_by_image"] = inverse.round(5).tolist()
    _none(max(f[2] for f in figures), plan, warnings)
    smallest = np.mean(
        [_scoring.smallest_seen(_scoring.corrected(r), plan)[0] for r in right], axis=0
    )
    curves.append(
        Curve("Smallest diameter seen (corrected)", plan.depths_mm, tuple(map(float, smallest)),
              "Depth", "mm", "Diameter", "mm")
    )  # fmt: skip


def _regions(one: _Reading, key: npt.NDArray[np.intp] | None, plan: Layout) -> list[Region]:
    """Return the grid, and in each square the corner chosen."""
    view, n = one.view, plan.cells
    x, y = view.grid.place([0, n, n, 0], [0, 0, n, n])
    shapes = [
        Region("Grid", "polygon", tuple((float(a), float(b)) for a, b in zip(x, y, strict=True)))
    ]
    for row in range(plan.single_rows, n):
        radius = view.radius(plan.diameters_mm[row])
        for column in range(n):
            corner = int(one.chosen[row, column])
            sx, sy = CORNERS[corner]
            off = view.offset[row]
            cx, cy = view.grid.place(column + 0.5 + sx * off, row + 0.5 + sy * off)
            verdict = (
                "" if key is None else (", right" if corner == key[row, column] else ", wrong")
            )
            place = (float(cx), float(cy))
            shapes.append(
                Region(
                    f"{plan.diameters_mm[row]:g} mm, {plan.depths_mm[column]:g} mm deep{verdict}",
                    "circle", (place, (place[0] + radius, place[1])),
                    values={"d_prime": quantity(float(one.strength[row, column, corner]), "1")},
                )
            )  # fmt: skip
    return shapes
