"""CTP591, the bead geometry module of a CatPhan 600, in a few slices by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, AnalysisError, Curve, Image, Quantity, Region, quantity
from kerma.imaging.ct import _module, _point, bead_mtf, slice_thickness
from kerma.imaging.ct._module import Placing, Slices, wrong
from kerma.imaging.ct.slice_thickness import RampImage
from kerma.imaging.phantoms._describe import load_spec
from kerma.imaging.phantoms._spec import BeadRamp, PhantomSpec, PointSource, polar
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import disc, ramp, wire
from kerma.imaging.tools.ramp import Line
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.untyped import ndimage

NAME, VERSION = "ct-ctp591", "1"
MODULE = "CTP591"
EDITION = (
    "The Phantom Laboratory CatPhan manuals; definitions in docs/methods/ct-catphan-modules.md"
)
_DIAMETER_TOLERANCE_MM = 5.0
# Spots farther out than the module's own are of the housing.
_REACH_MM = 64.0
_LEAST_TO_NOISE = 6.0
_MOST_SPOTS = 80
# A spot belongs to a row of beads when it lies this near its line. Design choice.
_NEAR_MM = 0.9
_ROW_MM = 22.0
_LEAST_ON_ROWS = 0.7  # of the spots
_LEAST_ROWS = 3
_HALF_LENGTH_MM = 24.0
# Sampled more coarsely than this, a row of beads gives no width; see ct-slice-thickness.
_LEAST_SAMPLES = 2.0

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Manual overrides; everything else is found in the images.

    Attributes
    ----------
    centre_px
        (column, row) of the middle of the module; from the outline when absent.
    roll_deg
        Rotation of the module, clockwise as displayed.
    wire_diameter_mm
        Of the wire; from the description when absent.
    """

    centre_px: tuple[float, float] | None = None
    roll_deg: float | None = None
    wire_diameter_mm: float | None = None

    def __post_init__(self) -> None:
        require(
            self.wire_diameter_mm is None or 0 < self.wire_diameter_mm <= 1,
            "wire_diameter_mm",
            "The diameter of the wire lies above 0 and up to 1 mm.",
        )


def description() -> PhantomSpec:
    """Return the description of the phantom that holds the module."""
    return load_spec("catphan600")


def _rows() -> tuple[BeadRamp, ...]:
    beads = description().beads
    assert beads is not None
    return beads.ramps


def evidence(images: Sequence[Image]) -> str:
    """Say what shows the module by itself in the slices, or refuse.

    Raises
    ------
    InputError, AnalysisError
        As `measure`.
    """
    slices = _module.read(images, MODULE)
    _, shown = _placed(slices, Parameters())
    return shown


@measurement(
    NAME,
    version=VERSION,
    title="CatPhan bead module CTP591 by itself",
    edition=EDITION,
    modalities=("CT",),
    recognise=evidence,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure one or a few slices through CTP591.

    Values: ``slice_thickness_beads_fine``, ``slice_thickness_beads_coarse`` (mm, full width at
    half maximum of the sensitivity profile sampled by the rows of beads; a row too coarse for the
    slice gives none), ``mtf50``, ``mtf10`` and along both axes ``mtf50_x`` and so on (1/mm, from
    the wire), ``fwhm`` (mm, of the wire's image), ``roll`` (deg).

    Raises
    ------
    InputError
        The codes of `kerma.imaging.ct.series.slices`; ``wrong-phantom``.
    AnalysisError
        The codes of `kerma.imaging.tools.disc.find` (no whole round outline).
    """
    chosen = choose(Parameters, parameters)
    slices = _module.read(images, MODULE)
    placing, shown = _placed(slices, chosen)
    warnings = list(slices.notes)
    for name, value in (("middle", chosen.centre_px), ("roll", chosen.roll_deg)):
        if value is not None:
            warnings.append(f"The {name} of the module was set by hand: {value}.")
    values: dict[str, Quantity] = {
        "roll": quantity(placing.roll_deg, "deg", placing.u_roll_deg),
    }
    regions: list[Region] = []
    curves: list[Curve] = []
    ramps: list[dict[str, Any]] = []
    for row in _rows():
        found = _ramp_images(slices, placing, row)
        more, said = _thickness(row, found, slices.pixel_mm)
        values |= more
        warnings += said
        regions += slice_thickness.drawn(found, slices.pixel_mm)
        if more:
            curves += [_renamed(c, row.key) for c in slice_thickness.curves(found)]
        ramps += [slice_thickness.about(r, row.rise_mm / row.pitch_mm) for r in found]
    for source in description().points:
        if source.kind == "wire":
            more, drawn, shown_curves, said = _wire(slices, placing, source, chosen)
            values |= more
            regions += drawn
            curves += shown_curves
            warnings += said
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            slices_used=list(slices.order), seed=_point.SEED, replicates=_point.REPLICATES,
        ),
        values=values,
        regions=tuple(regions),
        curves=tuple(curves),
        warnings=tuple(warnings),
        facts={
            "module": MODULE,
            "identity": shown,
            "rows": ramps,
            "nominal_thickness_mm": slices.images[slices.middle].thickness_mm,
            "slices_used": list(slices.order),
        },
    )  # fmt: skip


def _placed(slices: Slices, chosen: Parameters) -> tuple[Placing, str]:
    """Return how the module lies and what shows it, or refuse.

    The middle is that of the outline. The roll is the one that brings most of the bright spots of
    all slices onto the rows of beads and the points; most must lie there, on several rows.
    """
    x, y = _middle(slices) if chosen.centre_px is None else chosen.centre_px
    spots = np.concatenate([_spots(slices.images[i].pixels, (x, y), slices) for i in slices.order])
    if len(spots) < 2 * _LEAST_ROWS:
        raise wrong(MODULE, f"only {len(spots)} bright spots stand out of the plastic.")
    turns = np.arange(0.0, 360.0, 0.5) if chosen.roll_deg is None else np.array([chosen.roll_deg])
    scores = np.array([_on_rows(spots, t)[0].sum() + 0.01 * _wire_there(spots, t) for t in turns])
    roll = float(turns[int(np.argmax(scores))])
    if chosen.roll_deg is None:
        fine = roll + np.arange(-0.6, 0.61, 0.05)
        off = [_misfit(spots, t) for t in fine]
        roll = float(fine[int(np.argmin(off))])
    on, rows = _on_rows(spots, roll)
    share = float(on.mean())
    if share < _LEAST_ON_ROWS or len(set(rows[on])) < _LEAST_ROWS:
        raise wrong(
            MODULE,
            f"only {100 * share:.0f} % of the bright spots lie on its rows of beads, on "
            f"{len(set(rows[on]))} of them.",
        )
    roll = (roll + 180.0) % 360.0 - 180.0
    # A spot is known to a fifth of a millimetre, the rows lie about 35 mm out.
    u = None
    if chosen.roll_deg is None:
        u = math.degrees(0.2 / 35.0 / math.sqrt(float(on.sum())))
    return (
        Placing(x, y, roll, False, slices.pixel_mm, u),
        f"{int(on.sum())} of {len(spots)} bright spots on {len(set(rows[on]))} rows of beads and "
        "points",
    )


def _middle(slices: Slices) -> tuple[float, float]:
    outline = disc.find(slices.images[slices.middle].pixels.astype(float), slices.pixel_mm)
    diameter = 2 * outline.radius * slices.pixel_mm
    expected = 2 * description().body_radius_mm
    if abs(diameter - expected) > _DIAMETER_TOLERANCE_MM:
        raise wrong(
            MODULE, f"the phantom is {diameter:.0f} mm across, a CatPhan {expected:.0f} mm."
        )
    return outline.x, outline.y


def _spots(pixels: Array, middle: tuple[float, float], slices: Slices) -> Array:
    """Return the places of bright, small spots, mm from the middle; shape (n, 2)."""
    p = slices.pixel_mm
    reach = int(_REACH_MM / p) + 4
    x0, y0 = max(0, round(middle[0]) - reach), max(0, round(middle[1]) - reach)
    part = pixels[y0 : round(middle[1]) + reach + 1, x0 : round(middle[0]) + reach + 1]
    smooth = ndimage.gaussian_filter(part.astype(float), max(0.5, 0.3 / p))
    above = smooth - ndimage.uniform_filter(smooth, 2 * max(2, round(4.0 / p)) + 1)
    size = 2 * max(1, round(0.8 / p)) + 1
    top = (ndimage.maximum_filter(above, size) == above) & (
        above > _LEAST_TO_NOISE * robust_sd(above)
    )
    rows, columns = np.nonzero(top)
    at = np.column_stack((columns + x0 - middle[0], rows + y0 - middle[1])) * p
    near = np.hypot(at[:, 0], at[:, 1]) < _REACH_MM
    heights = above[rows, columns][near]
    return np.asarray(at[near][np.argsort(-heights, kind="stable")][:_MOST_SPOTS])


def _turned(spots: Array, roll_deg: float) -> Array:
    """Return places turned back into the module's own frame."""
    c, s = math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))
    return np.column_stack((c * spots[:, 0] + s * spots[:, 1], -s * spots[:, 0] + c * spots[:, 1]))


def _distances(spots: Array, roll_deg: float) -> Array:
    """Return each spot's distance from each row's line and each point, mm; shape (n, rows)."""
    own = _turned(spots, roll_deg)
    found = []
    for row in _rows():
        for angle in row.angles_deg:
            ux, uy = polar(1.0, angle)
            away = np.abs(own[:, 0] * ux + own[:, 1] * uy - row.radius_mm)
            along = np.abs(-own[:, 0] * uy + own[:, 1] * ux)
            found.append(np.where(along <= _ROW_MM, away, np.inf))
    for x, y in _points():
        found.append(np.hypot(own[:, 0] - x, own[:, 1] - y))
    return np.stack(found, axis=1)


def _points() -> list[tuple[float, float]]:
    """Return the places of the wire and, on the same line, of single beads."""
    wires = [(p.x_mm, p.y_mm) for p in description().points if p.kind == "wire"]
    # Measured on public slices of the module: a bead 20 mm on either side of the middle.
    return [*wires, (0.0, 20.0), (0.0, -20.0)]


def _on_rows(spots: Array, roll_deg: float) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
    distance = _distances(spots, roll_deg)
    return distance.min(axis=1) < _NEAR_MM, distance.argmin(axis=1)


def _wire_there(spots: Array, roll_deg: float) -> float:
    """Return the number of spots on the wire: it tells the turns of the rows apart."""
    own = _turned(spots, roll_deg)
    return float(
        sum(
            (np.hypot(own[:, 0] - p.x_mm, own[:, 1] - p.y_mm) < _NEAR_MM).sum()
            for p in description().points
            if p.kind == "wire"
        )
    )


def _misfit(spots: Array, roll_deg: float) -> float:
    nearest = _distances(spots, roll_deg).min(axis=1)
    return float(np.minimum(nearest, _NEAR_MM).sum())


def _ramp_images(slices: Slices, placing: Placing, row: BeadRamp) -> list[RampImage]:
    found = []
    for index in slices.order:
        for angle in row.angles_deg:
            x, y = placing.place(*polar(row.radius_mm, angle))
            along = placing.turn(*polar(1.0, angle + 90))
            line = Line(x, y, along[0], along[1], half_length_mm=_HALF_LENGTH_MM)
            profile = ramp.read(slices.images[index].pixels, line, slices.pixel_mm)
            if profile is None:
                continue
            smooth = ramp.bead_profile(profile, row.pitch_mm)
            width = ramp.measure(smooth, plate=True)
            if width is not None:
                found.append(RampImage(index, line, smooth, width))
    return found


def _thickness(
    row: BeadRamp, found: Sequence[RampImage], pixel_mm: float
) -> tuple[dict[str, Quantity], list[str]]:
    name = f"slice_thickness_beads_{row.key}"
    if not found:
        return {}, [f"{name} is absent: the beads do not stand out."]
    slope = row.rise_mm / row.pitch_mm
    values, _ = slice_thickness.thickness(
        found, slope, wire_mm=None, plate=True, step_mm=row.rise_mm, pixel_mm=pixel_mm
    )
    value = values["slice_thickness"]
    if value.value < _LEAST_SAMPLES * row.rise_mm:
        return {}, [
            f"{name} is absent: beads {row.rise_mm:g} mm apart along the axis are too coarse for "
            "this slice."
        ]
    return {name: value}, []


def _renamed(curve: Curve, key: str) -> Curve:
    return Curve(f"{curve.name}, {key} beads", curve.x, curve.y, curve.x_label, curve.x_unit,
                 curve.y_label, curve.y_unit, curve.u)  # fmt: skip


def _wire(
    slices: Slices, placing: Placing, source: PointSource, chosen: Parameters
) -> tuple[dict[str, Quantity], list[Region], list[Curve], list[str]]:
    """Return the MTF of the wire, in the slices that show it."""
    place = placing.place(source.x_mm, source.y_mm)
    try:
        found = {}
        for index in slices.order:
            image = slices.images[index]
            found[index] = wire.near(image.pixels, slices.pixel_mm, place, image.saturated_at)
        points = _point.measure(
            slices.images, found, slices.pixel_mm, 12.0, what="wire", most_uneven=0.15
        )
    except AnalysisError as refusal:
        return {}, [], [], [f"MTF not measured. {refusal.message}"]
    diameter = source.diameter_mm if chosen.wire_diameter_mm is None else chosen.wire_diameter_mm
    shape = wire.wire_transform(points.frequency_per_mm, diameter)
    values: dict[str, Quantity] = {}
    curves: list[Curve] = []
    warnings: list[str] = []
    for axis, directions in bead_mtf.AXES.items():
        mtf, floor = _point.transfer(points, shape, directions, even=True)
        more, said = _point.levels(
            mtf, floor, {f"{k}{axis}": v for k, v in bead_mtf.LEVELS.items()}
        )
        values |= more
        warnings += said
        curves.append(_point.mtf_curve(f"MTF{axis.replace('_', ' ')}", mtf))
        if not axis:
            warnings += _point.remarks(points, mtf, floor)
    values["fwhm"] = _point.fwhm(points)
    return values, list(_point.regions(points)), curves, warnings
