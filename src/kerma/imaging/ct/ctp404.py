"""CTP404, the insert and geometry module of a CatPhan, in a few slices by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, Curve, Image, Quantity, Region, quantity
from kerma.imaging.ct import _ctp404, _module, linearity, slice_thickness
from kerma.imaging.ct._ctp404 import MODULE, description, is_air
from kerma.imaging.ct._module import Placing, Slices
from kerma.imaging.ct.slice_thickness import RampImage
from kerma.imaging.phantoms._spec import Insert, Sensitometry, polar
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import ramp
from kerma.imaging.tools.ramp import Line
from kerma.imaging.tools.regions import Disc

NAME, VERSION = "ct-ctp404", "1"
EDITION = (
    "The Phantom Laboratory CatPhan manuals; definitions in docs/methods/ct-catphan-modules.md"
)
_RAMP_REACH_MM = 24.0
_ROD_WINDOW_MM = 4.5
_SIDES = (
    ("upper_left", "upper_right"),
    ("lower_left", "lower_right"),
    ("upper_left", "lower_left"),
    ("upper_right", "lower_right"),
)
_VIAL_HU = -800.0  # air reads lower; a hole that does not holds a vial of water. Design choice

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Manual overrides; everything else is found in the images.

    Attributes
    ----------
    centre_px
        (column, row) of the middle of the insert ring.
    roll_deg
        Rotation of the module, clockwise as displayed, from the order of a CatPhan 504; with
        `centre_px`.
    mirrored
        Whether the module is seen from its other end; only with both of the others.
    """

    centre_px: tuple[float, float] | None = None
    roll_deg: float | None = None
    mirrored: bool = False

    def __post_init__(self) -> None:
        require(
            (self.centre_px is None) == (self.roll_deg is None),
            "roll_deg",
            "Give centre_px and roll_deg together, or neither.",
        )
        require(
            not self.mirrored or self.centre_px is not None,
            "mirrored",
            "Give mirrored with centre_px and roll_deg.",
        )


@dataclass(slots=True)
class _Part:
    values: dict[str, Quantity] = field(default_factory=dict)
    regions: list[Region] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def add(self, other: _Part) -> None:
        self.values |= other.values
        self.regions += other.regions
        self.curves += other.curves
        self.facts |= other.facts
        self.warnings += other.warnings


def evidence(images: Sequence[Image]) -> str:
    """Say what shows the module by itself in the slices, or refuse.

    Raises
    ------
    InputError
        As `measure`.
    """
    slices = _module.read(images, MODULE)
    return _ctp404.identify(slices, _ctp404.find(slices))


@measurement(
    NAME,
    version=VERSION,
    title="CatPhan insert module CTP404 by itself",
    edition=EDITION,
    modalities=("CT",),
    recognise=evidence,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure one or a few slices through CTP404, at any roll, seen from either end.

    Values: ``hu_<insert>`` (HU), ``linearity_slope`` (1), ``linearity_intercept`` (HU),
    ``linearity_r2`` (1), ``linearity_max_residual``, ``linearity_max_deviation`` (HU);
    ``rod_spacing_mean``, ``rod_spacing_x``, ``rod_spacing_y``, ``rod_spacing_max_error`` (mm);
    ``slice_thickness``, ``slice_thickness_corrected`` (mm); ``roll`` (deg). The outline of the
    phantom need not be in the image.

    Raises
    ------
    InputError
        The codes of `kerma.imaging.ct.series.slices`; ``wrong-phantom``, ``phantom-cut-off``.
    """
    chosen = choose(Parameters, parameters)
    slices = _module.read(images, MODULE)
    part = _Part(warnings=list(slices.notes))
    if chosen.centre_px is not None and chosen.roll_deg is not None:
        x, y = chosen.centre_px
        placing = Placing(x, y, chosen.roll_deg, chosen.mirrored, slices.pixel_mm)
        part.warnings.append(
            f"The middle ({x:g}, {y:g}) and roll ({chosen.roll_deg:g} degrees) of the module were "
            "set by hand."
        )
    else:
        placing = _ctp404.find(slices)
    part.facts["identity"] = _ctp404.identify(slices, placing)
    if placing.mirrored:
        part.warnings.append("The module is seen from its other end; the analysis follows it.")
    part.values["roll"] = quantity(placing.roll_deg, "deg", placing.u_roll_deg)
    part.add(_inserts(slices, placing))
    part.add(_rods(slices, placing))
    part.add(_thickness(slices, placing))
    part.regions.append(
        Region("Middle of the module", "point", ((placing.x, placing.y),), slices.middle)
    )
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            slices_used=list(slices.order), roll_found_deg=placing.roll_deg,
            mirrored_found=placing.mirrored,
        ),
        values=part.values,
        regions=tuple(part.regions),
        curves=tuple(part.curves),
        warnings=tuple(part.warnings),
        facts={"module": MODULE, **part.facts, "slices_used": list(slices.order)},
    )  # fmt: skip


def _inserts(slices: Slices, placing: Placing) -> _Part:
    """Return the CT number of each insert and the line through measured against nominal."""
    sens, part = description(), _Part()
    kept: list[Insert] = []
    measured, u = [], []
    for insert in sens.inserts:
        place = placing.place(*insert.xy_mm)
        mean, u_mean, sd, u_sd = _module.averaged(slices, place, sens.roi_radius_mm, MODULE)
        part.values[f"hu_{insert.key}"] = quantity(mean, "HU", u_mean)
        part.regions.append(
            Disc(*place, sens.roi_radius_mm / slices.pixel_mm).region(
                insert.material,
                frame=slices.middle,
                values={"mean": quantity(mean, "HU", u_mean), "noise": quantity(sd, "HU", u_sd)},
            )
        )
        if is_air(insert) and mean > _VIAL_HU:
            part.warnings.append(
                f"The hole {insert.key} reads {mean:.0f} HU: it holds a vial of water or something "
                "else, and was left out of the linearity."
            )
            continue
        kept.append(insert)
        measured.append(mean)
        u.append(u_mean)
    nominal = np.array([i.nominal_hu for i in kept])
    y = np.array(measured)
    line = linearity.fit(nominal, y, np.array(u))
    worst = int(np.argmax(np.abs(line.residuals)))
    far = int(np.argmax(np.abs(y - nominal)))
    part.values |= {
        "linearity_slope": quantity(line.slope, "1", line.u_slope),
        "linearity_intercept": quantity(line.intercept, "HU", line.u_intercept),
        "linearity_r2": quantity(line.r2, "1"),
        "linearity_max_residual": quantity(abs(line.residuals[worst]), "HU", u[worst]),
        "linearity_max_deviation": quantity(float(abs(y[far] - nominal[far])), "HU", u[far]),
    }
    order = np.argsort(nominal, kind="stable")
    part.curves.append(
        Curve("CT number linearity", tuple(map(float, nominal[order])), tuple(map(float, y[order])),
              "Nominal CT number", "HU", "Measured CT number", "HU",
              tuple(u[i] for i in order))
    )  # fmt: skip
    part.facts["insert_ranges_hu"] = {i.key: list(i.range_hu) for i in sens.inserts}
    return part


def _rods(slices: Slices, placing: Placing) -> _Part:
    """Return the distances between the four rods, from the centroids of their contrast."""
    sens, part = description(), _Part()
    found = {
        name: np.array([_centroid(slices, i, placing.place(*xy)) for i in slices.order])
        for name, xy in sens.rods.items()
    }
    lengths: list[tuple[float, float, str]] = []
    for a, b in _SIDES:
        apart = (found[b] - found[a]) * slices.pixel_mm
        length = np.hypot(*apart.T)
        n = len(length)
        u = float(length.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
        # The centroid of a 3 mm hole is known to about a fiftieth of a pixel.
        u = math.hypot(u, 0.02 * math.sqrt(2.0) * slices.pixel_mm)
        dx, dy = np.abs(apart.mean(axis=0))
        lengths.append((float(length.mean()), u, "x" if dx > dy else "y"))
        ends = tuple((float(p[0]), float(p[1])) for p in (found[a].mean(0), found[b].mean(0)))
        part.regions.append(
            Region(
                "Rods", "line", ends, slices.middle, {"length": quantity(length.mean(), "mm", u)}
            )
        )
    values = np.array([v for v, _, _ in lengths])
    u_mean = math.hypot(*(u for _, u, _ in lengths)) / len(lengths)
    worst = int(np.argmax(np.abs(values - sens.rod_spacing_mm)))
    part.values["rod_spacing_mean"] = quantity(float(values.mean()), "mm", u_mean)
    part.values["rod_spacing_max_error"] = quantity(
        float(abs(values[worst] - sens.rod_spacing_mm)), "mm", lengths[worst][1]
    )
    for axis in ("x", "y"):
        along = [(v, u) for v, u, a in lengths if a == axis]
        if along:
            u = math.hypot(*(u for _, u in along)) / len(along)
            part.values[f"rod_spacing_{axis}"] = quantity(
                float(np.mean([v for v, _ in along])), "mm", u
            )
    part.facts["rod_spacing_nominal_mm"] = sens.rod_spacing_mm
    return part


def _centroid(slices: Slices, index: int, place: tuple[float, float]) -> tuple[float, float]:
    """Return the centroid of a rod's contrast, in pixels."""
    pixels = slices.images[index].pixels
    x, y = place
    reach = _ROD_WINDOW_MM / slices.pixel_mm
    for _ in range(4):
        x0, x1 = max(0, int(x - reach) - 1), int(x + reach) + 2
        y0, y1 = max(0, int(y - reach) - 1), int(y + reach) + 2
        part = pixels[y0:y1, x0:x1].astype(float)
        rows, columns = np.indices(part.shape, dtype=float)
        r = np.hypot(columns + x0 - x, rows + y0 - y)
        # A soft rim, so that a pixel on it does not pull the centroid from one side to the other.
        weight = np.clip(reach - r, 0.0, 1.0)
        level = float(np.median(part[(r > 0.75 * reach) & (r <= reach)]))
        contrast = (part - level) * weight
        total = float(contrast.sum())
        if abs(total) < 1e-9:
            break
        dx = float((contrast * (columns + x0 - x)).sum()) / total
        dy = float((contrast * (rows + y0 - y)).sum()) / total
        if math.hypot(dx, dy) > reach:
            break
        x, y = x + dx, y + dy
    return x, y


def _thickness(slices: Slices, placing: Placing) -> _Part:
    """Return the slice thickness from the four wire ramps."""
    part, ramps = _Part(), description().ramps
    found: list[RampImage] = []
    for index in slices.order:
        for angle in ramps.angles_deg:
            profile = ramp.read(slices.images[index].pixels, _line(placing, angle), slices.pixel_mm)
            width = None if profile is None else ramp.measure(profile)
            if profile is not None and width is not None:
                found.append(RampImage(index, _line(placing, angle), profile, width))
    whole = [i for i in slices.order if sum(r.index == i for r in found) == len(ramps.angles_deg)]
    used = [r for r in found if r.index in whole]
    if not used:
        part.warnings.append("Slice thickness not measured: not all four ramps stand out.")
        return part
    slope = math.tan(math.radians(ramps.slope_deg))
    part.values, part.warnings = slice_thickness.thickness(
        used, slope, wire_mm=None, plate=False, step_mm=None, pixel_mm=slices.pixel_mm
    )
    part.regions += slice_thickness.drawn(used, slices.pixel_mm)
    part.curves += slice_thickness.curves(used)
    part.facts["ramps"] = [slice_thickness.about(r, slope) for r in used]
    part.facts["nominal_thickness_mm"] = slices.images[slices.middle].thickness_mm
    return part


def _line(placing: Placing, angle_deg: float) -> Line:
    sens: Sensitometry = description()
    x, y = placing.place(*polar(sens.ramps.radius_mm, angle_deg))
    along = placing.turn(*polar(1.0, angle_deg + 90))
    return Line(x, y, along[0], along[1], half_length_mm=_RAMP_REACH_MM)
