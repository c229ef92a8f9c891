"""Find an intra-oral test object by its lead discs, and prove that it is the one described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image, InputError
from kerma.imaging.dental._picture import binned, disc_values
from kerma.imaging.dental._spec import BarPatch, IntraoralSpec
from kerma.imaging.tools.bars import BarSignal, bar_signal
from kerma.imaging.tools.figure import Similarity, find_figure
from kerma.imaging.tools.spots import Search, measured, peaks

Array = npt.NDArray[np.floating[Any]]

# Radius of a disc in the image that is searched, pixels; finer images are averaged down to it.
_SEARCH_PX = 4.0
# Without a stated spacing: pixels of the object plane tried, mm (sensors have 0.01 to 0.07).
_PIXELS_MM = (0.018, 0.028, 0.044, 0.07)
_MAGNIFICATION = (0.85, 1.5)
_TOLERANCE_MM = 0.5
_MOST_SPOTS = 60
_LEAST_STEP = 0.003


@dataclass(frozen=True, slots=True)
class IntraoralFound:
    """The object in the image.

    Attributes
    ----------
    pixels
        Of the image, 64-bit.
    at
        From mm of the object to (column, row).
    sign
        1 when attenuation raises grey values, else -1.
    base, lead
        Grey values of the bare object and of the lead discs.
    """

    pixels: Array
    at: Similarity
    sign: float
    base: float
    lead: float

    @property
    def range(self) -> float:
        """Return lead less base, above zero."""
        return abs(self.lead - self.base)

    def values(self, x_mm: float, y_mm: float, radius_mm: float) -> Array:
        """Return the pixels of a disc of the object."""
        column, row = self.at.place(x_mm, y_mm)
        return disc_values(self.pixels, column, row, radius_mm * self.at.scale)

    def rectangle(self, x_mm: float, y_mm: float, width_mm: float, height_mm: float) -> Array:
        """Return the pixels of a rectangle of the object, whichever way it lies."""
        x, y, values = self.about(x_mm, y_mm, np.hypot(width_mm, height_mm) / 2)
        return np.asarray(values[(np.abs(x) <= width_mm / 2) & (np.abs(y) <= height_mm / 2)])

    def about(self, x_mm: float, y_mm: float, reach_mm: float) -> tuple[Array, Array, Array]:
        """Return x, y (mm of the object from a place) and values of the pixels near it."""
        column, row = self.at.place(x_mm, y_mm)
        reach = reach_mm * self.at.scale
        r0, c0 = max(0, int(row - reach)), max(0, int(column - reach))
        cut = self.pixels[r0 : int(row + reach) + 2, c0 : int(column + reach) + 2]
        rows, columns = np.mgrid[r0 : r0 + cut.shape[0], c0 : c0 + cut.shape[1]]
        x, y = self.at.back(columns, rows)
        return x - x_mm, y - y_mm, np.asarray(cut)

    def bars(self, patch: BarPatch, side_mm: float) -> BarSignal:
        """Return the modulation of a patch of bars."""
        x, y, values = self.about(patch.x_mm, patch.y_mm, side_mm / 2)
        return bar_signal(
            x, y, values,
            radius_mm=0.48 * side_mm, per_mm=patch.per_mm, across_deg=patch.across_deg,
        )  # fmt: skip


def find_object(image: Image, spec: IntraoralSpec, by_hand: Similarity | None) -> IntraoralFound:
    """Return the object in the image, or refuse.

    Raises
    ------
    InputError
        Code ``wrong-phantom``.
    """
    pixels = image.pixels.astype(np.float64)
    at = by_hand if by_hand is not None else _figure(image, pixels, spec)
    rough = IntraoralFound(pixels, at, 1.0, 0.0, 1.0)
    base = [rough.values(*place, spec.plain_radius_mm) for place in spec.plain]
    lead = [rough.values(*place, 0.6 * spec.fiducial_radius_mm) for place in spec.fiducials]
    if any(v.size < 4 for v in (*base, *lead)):
        raise _wrong(spec, "part of it lies outside of the image")
    low = float(np.median([np.median(v) for v in base]))
    high = float(np.median([np.median(v) for v in lead]))
    found = IntraoralFound(pixels, at, 1.0 if high > low else -1.0, low, high)
    _require_wedge(found, spec)
    _require_bars(found, spec)
    return found


def _figure(image: Image, pixels: Array, spec: IntraoralSpec) -> Similarity:
    sizes = _PIXELS_MM if image.spacing_mm is None else (sum(image.spacing_mm) / 2,)
    figure = np.array(spec.fiducials)
    for pixel_mm in sizes:
        radius = spec.fiducial_radius_mm / pixel_mm
        size = max(1, int(radius / _SEARCH_PX))
        small = binned(pixels, size)
        if min(small.shape) < 16:
            continue
        room = _MAGNIFICATION if image.spacing_mm is not None else (0.75, 1.35)
        scales = room[0] / pixel_mm, room[1] / pixel_mm
        for bright in (True, False):
            search = Search(radius / size, bright, least_share=0.35, most=_MOST_SPOTS)
            spots = peaks(small, search)
            places = (spots[:, :2] + 0.5) * size - 0.5
            at = find_figure(figure, places, scales=scales, tolerance=_TOLERANCE_MM)
            if at is None:
                continue
            fine = _refined(pixels, at, spec, bright)
            if fine is not None:
                return fine
    raise _wrong(spec, f"its {len(spec.fiducials)} lead discs were not found")


def _refined(pixels: Array, at: Similarity, spec: IntraoralSpec, bright: bool) -> Similarity | None:
    """Return the similarity from the centroids of the discs in the full image."""
    figure = np.array(spec.fiducials)
    spots = []
    for x, y in spec.fiducials:
        column, row = at.place(x, y)
        spot = measured(pixels, column, row, spec.fiducial_radius_mm * at.scale, bright=bright)
        if spot is None:
            return None
        spots.append((spot.x, spot.y))
    return find_figure(
        figure, np.array(spots), scales=(0.9 * at.scale, 1.1 * at.scale), tolerance=0.3
    )


def _require_wedge(found: IntraoralFound, spec: IntraoralSpec) -> None:
    """Refuse unless every step attenuates more than the one before."""
    wide, high = (0.7 * v for v in spec.step_size_mm)
    means = []
    for step in spec.steps:
        values = found.rectangle(step.x_mm, step.y_mm, wide, high)
        if values.size < 9:
            raise _wrong(spec, "part of its wedge lies outside of the image")
        means.append(found.sign * float(values.mean()))
    rises = np.diff(means)
    # Thick steps may be under the noise of what little reaches the sensor, never below it.
    if means[-1] - means[0] < 0.05 * found.range or (rises < -0.01 * found.range).any():
        raise _wrong(spec, "where its wedge should be, grey values do not rise step by step")
    if (rises > _LEAST_STEP * found.range).sum() < len(rises) // 2:
        raise _wrong(spec, "where its wedge should be, there are no steps")


def _require_bars(found: IntraoralFound, spec: IntraoralSpec) -> None:
    first = found.bars(spec.bars[0], spec.bar_side_mm)
    if not first.seen or first.amplitude < 0.01 * found.range:
        raise _wrong(spec, "its coarsest bars are not where they should be")


def _wrong(spec: IntraoralSpec, why: str) -> InputError:
    return InputError(
        f"This is not an image of the {spec.title}, or not all of it is in the image: {why}. "
        "Choose the measurement of your own object, or expose again with the whole object on the "
        "sensor.",
        code="wrong-phantom",
        detail={"expected": spec.key},
    )
