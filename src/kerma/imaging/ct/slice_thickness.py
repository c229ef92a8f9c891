"""Slice thickness from ramps: wires, plates or rows of beads at an angle to the slice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, AnalysisError, Curve, Image, InputError, Quantity, Region, quantity
from kerma.imaging.ct import series
from kerma.imaging.ct._object import require_test_object
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import ramp
from kerma.imaging.tools.ramp import Line, Profile, Width
from kerma.imaging.tools.ramp_find import find_streaks

NAME, VERSION = "ct-slice-thickness", "1"
EDITION = "Full width at half maximum of ramp images times tan(angle); opposing ramps averaged"
KINDS = ("wire", "plate", "bead")
CATPHAN_DEG = 23.0  # seen: Catphan 503 manual (The Phantom Laboratory, 2017), p. 7
# Opposing ramps are parallel in the image. Design choice.
_PARALLEL_DEG = 8.0
_BLUR_SHARE = 0.02  # widening by blur that is worth a warning
# A row of beads samples the profile; two samples within the width are too few. Design choice.
_LEAST_SAMPLES = 2.0
_BEYOND_MM = 6.0


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    kind
        ``wire``, ``plate`` (a thin sheet) or ``bead`` (a row of beads).
    angle_deg
        Angle of the ramps to the slice plane; 23 in CatPhan. For beads it follows from
        `bead_step_mm` and `bead_pitch_mm`.
    ramps
        Column and row of both ends of each ramp's image, instead of finding them; ramps that rise
        in opposite directions together.
    wire_diameter_mm
        Of the wire, or thickness of the plate; taken off in ``slice_thickness_corrected``.
    bead_pitch_mm, bead_step_mm
        Distance between beads in the slice plane, and along the axis.
    half_width_mm
        Half of the band over which the profile is averaged across the ramp; for a plate, less than
        half of its width.
    """

    kind: str = "wire"
    angle_deg: float = CATPHAN_DEG
    ramps: tuple[tuple[float, float, float, float], ...] | None = None
    wire_diameter_mm: float | None = None
    bead_pitch_mm: float | None = None
    bead_step_mm: float | None = None
    half_width_mm: float = 1.5

    def __post_init__(self) -> None:
        require(self.kind in KINDS, "kind", f"The kind of ramp is one of {', '.join(KINDS)}.")
        require(1 <= self.angle_deg <= 80, "angle_deg", "The angle lies from 1 to 80 degrees.")
        require(self.ramps is None or len(self.ramps) > 0, "ramps", "Give a ramp or none.")
        require(
            self.kind == "wire" or self.ramps is not None,
            "ramps",
            "Only wires are found; give the ends of plates and of rows of beads.",
        )
        require(
            self.wire_diameter_mm is None or 0 < self.wire_diameter_mm <= 3,
            "wire_diameter_mm",
            "The diameter lies above 0 and up to 3 mm.",
        )
        given = self.bead_pitch_mm is not None and self.bead_step_mm is not None
        require(
            self.kind != "bead" or given,
            "bead_pitch_mm",
            "For beads give their distance in the slice plane and along the axis.",
        )
        for name in ("bead_pitch_mm", "bead_step_mm"):
            value = getattr(self, name)
            require(value is None or value > 0, name, "The distance of the beads is above zero.")
        require(0.2 <= self.half_width_mm <= 30, "half_width_mm", "Choose from 0.2 to 30 mm.")

    @property
    def slope(self) -> float:
        """Return tan of the ramp's angle."""
        if self.bead_pitch_mm is not None and self.bead_step_mm is not None:
            return self.bead_step_mm / self.bead_pitch_mm
        return math.tan(math.radians(self.angle_deg))


@dataclass(frozen=True, slots=True, eq=False)
class RampImage:
    """One ramp in one slice."""

    index: int
    line: Line
    profile: Profile
    width: Width


@measurement(
    NAME,
    version=VERSION,
    title="Slice thickness from ramps",
    edition=EDITION,
    modalities=("CT",),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the slice thickness in one or several slices through ramps.

    Values: ``slice_thickness`` (mm, full width at half maximum of the ramps' images times
    tan(angle), mean over ramps and slices) and ``slice_thickness_corrected`` (mm, without the
    in-plane blur, seen across the wires, and without the wire's diameter).

    Raises
    ------
    InputError
        The codes of `kerma.imaging.ct.series.slices`; ``clinical-looking``; ``ramp-outside-image``.
    AnalysisError
        ``no-ramps``.
    """
    chosen = choose(Parameters, parameters)
    order, notes = series.slices(images)
    pixel_mm = series.square_pixel_mm(images[order[0]])
    require_test_object(images[order[len(order) // 2]], pixel_mm)
    found, said = _ramps(images, order, pixel_mm, chosen)
    values, warnings = thickness(
        found, chosen.slope, wire_mm=chosen.wire_diameter_mm, plate=chosen.kind == "plate",
        step_mm=chosen.bead_step_mm if chosen.kind == "bead" else None, pixel_mm=pixel_mm,
    )  # fmt: skip
    nominal = images[order[0]].thickness_mm
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            tan_angle=chosen.slope, slices_used=sorted({r.index for r in found}),
        ),
        values=values,
        regions=drawn(found, pixel_mm),
        curves=curves(found),
        warnings=(*notes, *said, *warnings),
        facts={
            "nominal_thickness_mm": nominal,
            "ramps": [about(r, chosen.slope) for r in found],
        },
    )  # fmt: skip


def thickness(
    found: Sequence[RampImage],
    slope: float,
    *,
    wire_mm: float | None,
    plate: bool,
    step_mm: float | None,
    pixel_mm: float,
) -> tuple[dict[str, Quantity], list[str]]:
    """Return slice thickness, plain and corrected, and what is to be said of them."""
    widths = [r.width for r in found]
    mean = float(np.mean([w.fwhm_mm for w in widths])) * slope
    noise = math.hypot(*(w.u_fwhm_mm for w in widths)) / len(widths) * slope
    if len(widths) > 2:
        # Ramps differ by the tilt too, which their mean takes off: on the safe side.
        scatter = float(np.std([w.fwhm_mm for w in widths], ddof=1)) * slope
        noise = max(noise, scatter / math.sqrt(len(widths)))
    sampling = 0.05 * pixel_mm * slope
    if step_mm is not None:
        sampling = step_mm / math.sqrt(24.0 * len(widths))
    u = math.hypot(noise, sampling)
    values = {"slice_thickness": quantity(mean, "mm", u)}
    warnings: list[str] = []
    if step_mm is not None:
        if mean < _LEAST_SAMPLES * step_mm:
            warnings.append(
                f"The beads sample the profile every {step_mm:g} mm along the axis, too coarsely "
                f"for a slice of {mean:.2f} mm. Use a finer row."
            )
        return values, warnings
    angle = math.degrees(math.atan(slope))
    corrected = [ramp.corrected_fwhm(w, angle, wire_mm or 0.0) for w in widths]
    known = [c for c in corrected if c is not None]
    if plate or len(known) < len(widths):
        warnings.append(
            "A plate shows no profile across it, so slice_thickness_corrected is absent."
        )
        return values, warnings
    value = float(np.mean(known)) * slope
    # The correction depends on the shape fitted: a tenth of it, as a standard uncertainty.
    u_value = math.hypot(u, 0.1 * abs(mean - value))
    values["slice_thickness_corrected"] = quantity(value, "mm", u_value)
    if mean > (1 + _BLUR_SHARE) * value:
        warnings.append(
            f"In-plane blur and wire widen the ramps' images by {100 * (mean / value - 1):.0f} %. "
            "slice_thickness_corrected is without them; a smaller field of view makes them less."
        )
    if wire_mm is None:
        warnings.append(
            "The diameter of the wire was not given, so only the in-plane blur was taken off."
        )
    return values, warnings


def _ramps(
    images: Sequence[Image], order: Sequence[int], pixel_mm: float, chosen: Parameters
) -> tuple[list[RampImage], list[str]]:
    """Return the ramps that stand out in each slice, and warnings."""
    warnings: list[str] = []
    found: list[RampImage] = []
    if chosen.ramps is not None:
        lines = [_line(ends, pixel_mm, chosen.half_width_mm) for ends in chosen.ramps]
        _require_inside(lines, images[order[0]], pixel_mm)
        warnings.append("The ramps were set by hand.")
    else:
        # A ramp's image moves along itself from slice to slice: their maximum shows it longer.
        highest = np.max([images[i].pixels for i in order], axis=0)
        lines = _parallel(find_streaks(highest, pixel_mm))
    for index in order:
        pixels = images[index].pixels
        here = [read(pixels, index, line, pixel_mm, chosen) for line in lines]
        found += [r for r in here if r is not None]
    if not found:
        raise AnalysisError(
            "No ramp was found: no straight, thin streak stands out of the phantom. Give several "
            "neighbouring slices through the ramps, or the ends of their images as ramps.",
            stage="find ramps",
            code="no-ramps",
        )
    per_slice = [sum(r.index == i for r in found) for i in order]
    if any(n % 2 for n in per_slice):
        warnings.append(
            "In a slice the number of ramps is odd, so the tilt of the phantom is not averaged "
            "out: 1 degree changes the thickness of one 23 degree ramp by 5 %."
        )
    empty = [i + 1 for i, n in zip(order, per_slice, strict=True) if n == 0]
    if empty:
        warnings.append(f"No ramp stands out in image {', '.join(map(str, empty))}.")
    return found, warnings


def read(
    pixels: Any, index: int, line: Line, pixel_mm: float, chosen: Parameters
) -> RampImage | None:
    """Return one ramp of one slice, or ``None`` when it does not stand out."""
    profile = ramp.read(pixels, line, pixel_mm)
    if profile is None:
        return None
    if chosen.kind == "bead" and chosen.bead_pitch_mm is not None:
        profile = ramp.bead_profile(profile, chosen.bead_pitch_mm)
    width = ramp.measure(profile, plate=chosen.kind != "wire")
    return None if width is None else RampImage(index, line, profile, width)


def _parallel(lines: list[Line]) -> list[Line]:
    """Return the streaks that have a parallel one: stray streaks have none."""

    def partners(line: Line) -> int:
        limit = math.cos(math.radians(_PARALLEL_DEG))
        return sum(abs(line.along_x * o.along_x + line.along_y * o.along_y) > limit for o in lines)

    paired = [line for line in lines if partners(line) > 1]
    return paired or lines[:1]


def _line(ends: tuple[float, float, float, float], pixel_mm: float, half_width_mm: float) -> Line:
    x0, y0, x1, y1 = ends
    length = math.hypot(x1 - x0, y1 - y0)
    require(length >= 3, "ramps", "The two ends of a ramp lie three pixels or more apart.")
    return Line(
        (x0 + x1) / 2,
        (y0 + y1) / 2,
        (x1 - x0) / length,
        (y1 - y0) / length,
        half_length_mm=length * pixel_mm / 2,
        half_width_mm=half_width_mm,
        clear_mm=max(3.0, 2.0 * half_width_mm),
    )


def _require_inside(lines: Sequence[Line], image: Image, pixel_mm: float) -> None:
    rows, columns = image.pixels.shape
    for line in lines:
        for x, y in line.ends(-line.half_length_mm, line.half_length_mm, pixel_mm):
            if not (0 <= x <= columns - 1 and 0 <= y <= rows - 1):
                raise InputError(
                    f"An end of a ramp, ({x:.0f}, {y:.0f}), lies outside the image. Give column "
                    "and row of both ends.",
                    code="ramp-outside-image",
                )


def drawn(found: Sequence[RampImage], pixel_mm: float) -> tuple[Region, ...]:
    """Return each ramp at half maximum as a line."""
    return tuple(
        Region(
            "Ramp",
            "line",
            r.line.ends(
                r.width.middle_mm - r.width.fwhm_mm / 2,
                r.width.middle_mm + r.width.fwhm_mm / 2,
                pixel_mm,
            ),
            r.index,
            {"width": quantity(r.width.fwhm_mm, "mm", r.width.u_fwhm_mm)},
        )
        for r in found
    )


def curves(found: Sequence[RampImage]) -> tuple[Curve, ...]:
    """Return the profiles of the ramps of the middle slice."""
    frames = sorted({r.index for r in found})
    middle = frames[len(frames) // 2]
    shown = [r for r in found if r.index == middle]
    return tuple(
        Curve(
            f"Ramp {number}",
            tuple(map(float, r.profile.at_mm)),
            tuple(map(float, r.profile.values)),
            "Along the ramp",
            "mm",
            "Contrast",
            "HU",
        )
        for number, r in enumerate(shown, start=1)
    )


def about(r: RampImage, slope: float) -> dict[str, Any]:
    """Return one ramp as plain data."""
    return {
        "slice": r.index,
        "column": r.line.x,
        "row": r.line.y,
        "fwhm_mm": r.width.fwhm_mm,
        "thickness_mm": r.width.fwhm_mm * slope,
        "across_sigma_mm": r.width.across_sigma_mm,
    }
