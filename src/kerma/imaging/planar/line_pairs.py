"""Resolution from a bar pattern: relative contrast of each group, and where it is lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, AnalysisError, Curve, Image, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.planar import _bars
from kerma.imaging.planar._bars_fit import Fundamental
from kerma.imaging.planar._groups import Corners, Seen, found, given, proven
from kerma.imaging.planar.region import linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.flat_fields import unlinearised_warning, value_name

NAME, VERSION = "planar-line-pairs", "1"
EDITION = "Fundamental of each group relative to the coarsest group (relative MTF)"
# Largest error of relative contrast seen on closed-form patterns of four bars or more, above 0.02
# (tests/imaging/test_planar_line_pairs.py), rounded up and added in quadrature.
METHOD_U = 0.002
# A group is resolved when its amplitude stands so far above its uncertainty. Design choice.
_RESOLVED_SIGMAS = 4.0
_SATURATED_SHARE = 0.001


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    frequencies_per_mm
        Frequencies of the groups as the test object states them. Found groups are matched with
        them in order; with `groups`, one for each.
    groups
        Left, top, right, bottom in pixels: a region wholly on the bars of each group, instead of
        finding them.
    roi
        Part of the image the pattern is looked for in.
    angle_deg
        Angle of the normal of the bars to the rows, instead of the one found.
    limit_percent
        Relative contrast the limiting frequency is taken at; a design choice.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    allow_processed
        Measure an image processed for display, with a warning.
    """

    frequencies_per_mm: tuple[float, ...] | None = None
    groups: tuple[Corners, ...] | None = None
    roi: Corners | None = None
    angle_deg: float | None = None
    limit_percent: float = 5.0
    stp: Mapping[str, Any] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        stated = self.frequencies_per_mm
        require(
            stated is None
            or (
                all(math.isfinite(f) and f > 0 for f in stated) and len(set(stated)) == len(stated)
            ),
            "frequencies_per_mm",
            "The frequencies must be different numbers above zero, in 1/mm.",
        )
        require(
            self.groups is None
            or (stated is not None and len(stated) == len(self.groups) and len(stated) > 1),
            "groups",
            "Regions of two groups or more, each with its frequency, are needed.",
        )
        require(
            0 < self.limit_percent < 100, "limit_percent", "The limit lies between 0 and 100 %."
        )


@measurement(
    NAME,
    version=VERSION,
    title="Line-pair resolution",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the contrast of the groups of a bar pattern.

    Values ``rmtf_at_1`` (1) and the like for each group, relative to the coarsest, or
    ``rmtf_group_2`` and so on from coarse to fine when the frequencies are not stated;
    ``limiting_frequency`` (1/mm), where this falls to `limit_percent`, between groups by
    interpolation; ``highest_resolved`` (1/mm), the last group in unbroken order that is told from
    noise; ``reference_frequency`` (1/mm); ``angle`` (deg) of the normal of the bars to the rows;
    ``magnification`` (1) when the frequencies are stated.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``no-pixel-spacing``, ``region-outside-image``.
    AnalysisError
        Codes ``no-bar-pattern``, ``frequencies-do-not-fit``, ``saturated-field``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_most=1)
    warnings = list(identity.require_raw(images, allow_processed=chosen.allow_processed))
    image = images[0]
    spacing = image.require_spacing()
    pixels, unit = linearised(image, chosen.stp)
    magnification = None
    try:
        if chosen.groups is not None and chosen.frequencies_per_mm is not None:
            seen, notes = given(
                pixels, spacing, chosen.frequencies_per_mm, chosen.groups, chosen.angle_deg
            )
        else:
            seen, notes, magnification = found(
                pixels, spacing, chosen.frequencies_per_mm, chosen.roi, chosen.angle_deg
            )
    except AnalysisError:
        identity.require_not_clinical(image)
        raise
    if not proven(seen):
        identity.require_not_clinical(image)
    _require_unsaturated(image, seen)
    seen.sort(key=lambda s: s.frequency_per_mm)
    values, more, relative = _values(seen, chosen, max(spacing))
    if magnification is not None:
        values["magnification"] = magnification
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=values,
        regions=tuple(_drawn(s, r, unit) for s, r in zip(seen, relative, strict=True)),
        curves=_curves(seen, relative),
        warnings=(*warnings, *unlinearised_warning(unit), *notes, *more),
        facts={
            "groups": [_row(s, r) for s, r in zip(seen, relative, strict=True)],
            "contrast": "relative MTF, not the presampled MTF of IEC 62220-1-1",
        },
    )


def _require_unsaturated(image: Image, seen: Sequence[Seen]) -> None:
    if image.saturated_at is None:
        return
    points = np.array([p for s in seen for p in s.shape])
    (x0, y0), (x1, y1) = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    part = image.pixels[max(0, int(y0)) : int(y1) + 1, max(0, int(x0)) : int(x1) + 1]
    share = float((part >= image.saturated_at).mean())
    if share > _SATURATED_SHARE:
        raise AnalysisError(
            f"{share * 100:.1f} % of the pixels around the bars are at the top of the detector's "
            "scale, so their contrast is cut off. Expose again with less dose.",
            stage="check bars",
            code="saturated-field",
        )


def _values(
    seen: Sequence[Seen], chosen: Parameters, pitch_mm: float
) -> tuple[dict[str, Quantity], list[str], list[Quantity]]:
    first = seen[0].fitted
    relative = [_ratio(s.fitted, first) for s in seen]
    # Found frequencies differ a little from one image to the next; names of values must not.
    stated = chosen.frequencies_per_mm is not None
    values = {
        f"rmtf_at_{value_name(s.frequency_per_mm)}" if stated else f"rmtf_group_{place}": r
        for place, (s, r) in enumerate(zip(seen, relative, strict=True), 1)
        if place > 1
    }
    values["reference_frequency"] = quantity(seen[0].frequency_per_mm, "1/mm", first.u_frequency)
    values["angle"] = quantity(math.degrees(first.angle_rad), "deg", _u_angle(first, seen[0]))
    resolved = [s.fitted.amplitude > _RESOLVED_SIGMAS * s.fitted.u_amplitude for s in seen]
    unbroken = resolved.index(False) if False in resolved else len(seen)
    notes = []
    if unbroken:
        last = seen[unbroken - 1]
        values["highest_resolved"] = quantity(
            last.frequency_per_mm, "1/mm", last.fitted.u_frequency
        )
    limit = chosen.limit_percent / 100.0
    at = _limiting(seen, relative, limit)
    if at is not None:
        values["limiting_frequency"] = at
    else:
        notes.append(
            f"The contrast does not fall to {chosen.limit_percent:g} % within the groups found "
            f"(up to {seen[-1].frequency_per_mm:.2f} mm⁻¹; the Nyquist frequency is "
            f"{0.5 / pitch_mm:.2f} mm⁻¹), so there is no limiting frequency."
        )
    if any(s.bars == _bars.LEAST_BARS for s in seen):
        notes.append("A group of three bars is fitted with little room; its contrast is less sure.")
    return values, notes, relative


def _ratio(fitted: Fundamental, first: Fundamental) -> Quantity:
    value = fitted.amplitude / first.amplitude
    if fitted is first:
        return quantity(1.0, "1", 0.0)
    u = math.hypot(fitted.u_amplitude, value * first.u_amplitude) / first.amplitude
    return quantity(value, "1", math.hypot(u, METHOD_U))


def _u_angle(first: Fundamental, seen: Seen) -> float:
    """Return the uncertainty of the direction: a phase error over the length of the bars."""
    points = np.array(seen.shape)
    length = float(np.hypot(*(points[2] - points[1])))
    phase = first.u_amplitude / first.amplitude if first.amplitude else 1.0
    return math.degrees(phase / max(1.0, length))


def _limiting(seen: Sequence[Seen], relative: Sequence[Quantity], limit: float) -> Quantity | None:
    """Return where the relative contrast first falls to the limit.

    Between groups its logarithm is taken as straight, which a falling MTF is nearer to.
    """
    for i in range(1, len(seen)):
        above, below = relative[i - 1], relative[i]
        if above.value > limit >= below.value:
            f0, f1 = seen[i - 1].frequency_per_mm, seen[i].frequency_per_mm
            low = max(below.value, 0.01 * limit)
            drop = math.log(above.value / low)
            share = math.log(above.value / limit) / drop
            u = math.hypot(
                (1 - share) * (above.u or 0.0) / above.value, share * (below.u or 0.0) / low
            )
            # No further than the groups themselves.
            return quantity(f0 + share * (f1 - f0), "1/mm", min(u / drop, 1.0) * (f1 - f0))
    return None


def _row(seen: Seen, relative: Quantity) -> dict[str, Any]:
    return {
        "frequency_per_mm": seen.frequency_per_mm,
        "fitted_per_mm": seen.fitted.frequency_per_mm,
        "relative_contrast": relative.value,
        "u": relative.u,
        "amplitude": seen.fitted.amplitude,
        "bars": seen.bars,
        "resolved": seen.fitted.amplitude > _RESOLVED_SIGMAS * seen.fitted.u_amplitude,
    }


def _drawn(seen: Seen, relative: Quantity, unit: str) -> Region:
    values = {
        "relative": relative,
        "amplitude": quantity(seen.fitted.amplitude, unit, seen.fitted.u_amplitude),
    }
    points = tuple((float(x), float(y)) for x, y in seen.shape)
    return Region(f"{seen.frequency_per_mm:.2f} mm⁻¹", "polygon", points, 0, values)


def _curves(seen: Sequence[Seen], relative: Sequence[Quantity]) -> tuple[Curve, ...]:
    return (
        Curve(
            "Relative contrast",
            tuple(s.frequency_per_mm for s in seen),
            tuple(r.value for r in relative),
            "Spatial frequency", "1/mm", "Relative MTF", "1",
            tuple(r.u or 0.0 for r in relative),
        ),
    )  # fmt: skip
