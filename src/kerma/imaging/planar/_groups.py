"""The groups of a bar pattern, given or found, each with its frequency and its fundamental."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerma.core import AnalysisError, Quantity, quantity
from kerma.imaging.planar import _bars
from kerma.imaging.planar._bars import Group, View
from kerma.imaging.planar._bars_fit import Fundamental, covered, fit
from kerma.imaging.tools.regions import Array, Rectangle

# So many groups that stand so far above the noise are no anatomy. Design choice.
_PROOF_GROUPS, _PROOF_SIGMAS = 3, 10.0
_MOST_MISMATCH, _MOST_MAGNIFIED = 0.05, 1.6

Corners = tuple[int, int, int, int]
Spacing = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A group measured: its stated or found frequency, the fit, and where it was."""

    frequency_per_mm: float
    fitted: Fundamental
    bars: int | None
    shape: tuple[tuple[float, float], ...]


def proven(seen: Sequence[Seen]) -> bool:
    """Return whether the bars themselves show a test object, however full the image is.

    Three groups, of parallel bars of even spacing or of stated frequency, told from noise.
    """
    sure = [
        s
        for s in seen
        if s.bars != _bars.LEAST_BARS and s.fitted.amplitude > _PROOF_SIGMAS * s.fitted.u_amplitude
    ]
    return len(sure) >= _PROOF_GROUPS


def given(
    pixels: Array, spacing: Spacing, stated: Sequence[float], boxes: Sequence[Corners],
    angle_deg: float | None,
) -> tuple[list[Seen], list[str]]:  # fmt: skip
    """Measure groups whose regions and frequencies are given."""
    shape = (pixels.shape[0], pixels.shape[1])
    placed = [Rectangle.given(corners, shape) for corners in boxes]
    pairs = sorted(zip(stated, placed, strict=True), key=lambda p: p[0])
    notes = ["The regions of the groups were set by hand."]
    if angle_deg is None:
        angle = _bars.tensor_angle(pairs[0][1].cut(pixels), spacing)
    else:
        angle = math.radians(angle_deg)
        notes.append("The direction of the bars was set by hand.")
    seen: list[Seen] = []
    for frequency, box in pairs:
        if frequency >= 0.5 / max(spacing):
            notes.append(
                f"{frequency:g} mm⁻¹ lies at or beyond the Nyquist frequency, so it was left out."
            )
            continue
        view = View(box.cut(pixels), spacing, angle)
        periods = _width(view) * frequency
        # The coarsest group, seen best, gives the direction for all.
        fitted = fit(
            view, np.ones(view.pixels.shape, dtype=bool), frequency,
            curved=periods > 2, turn=not seen and angle_deg is None,
        )  # fmt: skip
        angle = fitted.angle_rad
        corners = ((box.x0 - 0.5, box.y0 - 0.5), (box.x1 - 0.5, box.y0 - 0.5),
                   (box.x1 - 0.5, box.y1 - 0.5), (box.x0 - 0.5, box.y1 - 0.5))  # fmt: skip
        seen.append(Seen(frequency, fitted, None, corners))
    if len(seen) < 2:
        raise _bars.no_pattern()
    return seen, notes


def _width(view: View) -> float:
    u, _ = view.coordinates()
    return float(u.max() - u.min())


def found(
    pixels: Array, spacing: Spacing, stated: Sequence[float] | None, roi: Corners | None,
    angle_deg: float | None,
) -> tuple[list[Seen], list[str], Quantity | None]:  # fmt: skip
    """Find the groups, make their common direction sure, find them again, and fit them."""
    offset = (0, 0)
    notes = []
    if roi is not None:
        box = Rectangle.given(roi, (pixels.shape[0], pixels.shape[1]))
        pixels, offset = box.cut(pixels), (box.x0, box.y0)
    angle, part = _bars.direction(pixels, spacing)
    pixels = pixels[part]
    offset = (offset[0] + part[1].start, offset[1] + part[0].start)
    if angle_deg is not None:
        angle = math.radians(angle_deg)
        notes.append("The direction of the bars was set by hand.")
    view = View(pixels, spacing, angle)
    groups = _bars.groups(view)
    if angle_deg is None and groups:
        coarse = sorted(groups, key=lambda g: -g.period)[:3]
        angle = float(np.median([_fit(view, g, turn=True).angle_rad for g in coarse]))
        view = View(pixels, spacing, angle)
        groups = _bars.groups(view)
    if len(groups) < 2:
        raise _bars.no_pattern()
    groups.sort(key=lambda g: -g.period)
    fits = [_fit(view, group) for group in groups]
    named = [f.frequency_per_mm for f in fits]
    magnification = None
    if stated is not None:
        named, magnification = _matched(named, stated)
        # A frequency that is known is not fitted: at low contrast noise would pull it.
        fits = [
            _fit(view, group, known_per_mm=f / magnification.value)
            for group, f in zip(groups, named, strict=True)
        ]
    seen = []
    for group, fitted, frequency in zip(groups, fits, named, strict=True):
        corners = [view.place(u, v) for u, v in _corners(group)]
        shape = tuple((x + offset[0], y + offset[1]) for x, y in corners)
        seen.append(Seen(frequency, fitted, group.bars, shape))
    return seen, notes, magnification


def _fit(
    view: View, group: Group, *, turn: bool = False, known_per_mm: float | None = None
) -> Fundamental:
    return fit(
        view, covered(view, group), known_per_mm or 1.0 / group.period,
        curved=group.bars > _bars.LEAST_BARS, turn=turn, fixed=known_per_mm is not None,
    )  # fmt: skip


def _corners(group: Group) -> list[tuple[float, float]]:
    left, right = group.fitted_span()
    return [(left, group.top), (right, group.top), (right, group.bottom), (left, group.bottom)]


def _matched(
    found_per_mm: Sequence[float], stated_per_mm: Sequence[float]
) -> tuple[list[float], Quantity]:
    """Return the stated frequencies of groups found: an unbroken row, at one magnification."""
    stated, found = np.sort(np.array(stated_per_mm)), np.array(found_per_mm)
    best: tuple[float, int] | None = None
    for start in range(len(stated) - len(found) + 1):
        ratio = np.log(stated[start : start + len(found)] / found)
        middle = float(np.median(ratio))
        if abs(middle) <= math.log(_MOST_MAGNIFIED):
            worst = float(np.abs(ratio - middle).max())
            if best is None or worst < best[0]:
                best = (worst, start)
    if best is None or best[0] > _MOST_MISMATCH:
        raise AnalysisError(
            "The groups found have the frequencies "
            f"{', '.join(f'{f:.2f}' for f in found)} mm⁻¹, which do not fit those stated at any "
            "magnification. Check the test object and the pixel spacing, or give the regions.",
            stage="match frequencies",
            code="frequencies-do-not-fit",
            detail={"found": [float(f) for f in found]},
        )
    named = stated[best[1] : best[1] + len(found)]
    ratio = named / found
    u = float(ratio.std(ddof=1)) / math.sqrt(len(ratio))
    return [float(f) for f in named], quantity(float(np.median(ratio)), "1", u)
