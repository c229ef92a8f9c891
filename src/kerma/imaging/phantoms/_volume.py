"""A CT series put in order: which slices there are, where, and how to read values between pixels.

Places in a slice are millimetres from the middle of the image, x along the columns (to the right
as displayed) and y along the rows (down). `s_mm` is the position along the slice normal (row
direction x column direction), so that x, y, s is right-handed however the images were labelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image, InputError, UnsupportedError
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.float64]

# Between air (-1000 HU) and any housing or module plastic, cone-beam shading included.
BODY_THRESHOLD_HU = -400.0
DECIMATION = 4
_RAYS = 72
# Positions rounded to 0.1 mm make steps of 0.6 and 0.7 mm out of 0.625 mm; no more than that.
_UNEVEN = 1.25
_OUTLINE_TOLERANCE_MM = 1.5
_RADIUS_TOLERANCE = 0.04


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Slices in order of `s_mm`.

    Attributes
    ----------
    images, order
        The slices, and the index each had in what was given.
    s_mm
        Shape (n,), increasing.
    spacing_mm
        (row, column) pixel spacing.
    increment_mm, thickness_mm
        Median distance between slices; nominal slice thickness, if stated.
    """

    images: tuple[Image, ...]
    order: tuple[int, ...]
    s_mm: Array
    spacing_mm: tuple[float, float]
    increment_mm: float
    thickness_mm: float | None
    warnings: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns of a slice."""
        rows, columns = self.images[0].pixels.shape
        return rows, columns

    @property
    def pixel_mm(self) -> float:
        """Return the mean pixel spacing."""
        return sum(self.spacing_mm) / 2

    def to_pixel(self, x_mm: Any, y_mm: Any) -> tuple[Any, Any]:
        """Return (column, row) of places given in mm from the middle of the image."""
        rows, columns = self.shape
        return (
            x_mm / self.spacing_mm[1] + (columns - 1) / 2,
            y_mm / self.spacing_mm[0] + (rows - 1) / 2,
        )

    def to_mm(self, column: Any, row: Any) -> tuple[Any, Any]:
        """Return (x, y) in mm from the middle of the image."""
        rows, columns = self.shape
        return (
            (column - (columns - 1) / 2) * self.spacing_mm[1],
            (row - (rows - 1) / 2) * self.spacing_mm[0],
        )

    def read(self, index: int, x_mm: Any, y_mm: Any) -> Array:
        """Return values at places of one slice by bilinear interpolation (edges extended)."""
        column, row = self.to_pixel(np.asarray(x_mm), np.asarray(y_mm))
        return _bilinear(self.images[index].pixels, row, column)

    def read_smooth(self, index: int, x_mm: Array, y_mm: Array) -> Array:
        """Return values at places of one slice by cubic splines: no blur below Nyquist."""
        column, row = self.to_pixel(x_mm, y_mm)
        r, c = max(0, int(row.min()) - 8), max(0, int(column.min()) - 8)
        part = self.images[index].pixels[r : int(row.max()) + 9, c : int(column.max()) + 9]
        found: Array = ndimage.map_coordinates(
            part.astype(np.float64), [row - r, column - c], order=3, mode="nearest"
        )
        return found

    def nearest(self, s_mm: float) -> int:
        """Return the index of the slice nearest to a position."""
        return int(np.argmin(np.abs(self.s_mm - s_mm)))

    def within(self, low_mm: float, high_mm: float) -> list[int]:
        """Return the slices whose middle lies in a range, or the one nearest to its middle."""
        low, high = sorted((low_mm, high_mm))
        found = np.flatnonzero((self.s_mm >= low - 1e-6) & (self.s_mm <= high + 1e-6))
        return [int(i) for i in found] or [self.nearest((low + high) / 2)]


@dataclass(frozen=True, slots=True)
class Axis:
    """The line through the middles of the phantom's outline.

    Attributes
    ----------
    x_mm, y_mm
        Middle at s = 0.
    slope_x, slope_y
        Displacement per mm of s.
    span_mm
        Range of s over which the outline is a circle of the right size.
    radius_mm
        Median radius.
    scatter_mm
        Standard deviation of the slice middles about the line.
    """

    x_mm: float
    y_mm: float
    slope_x: float
    slope_y: float
    span_mm: tuple[float, float]
    radius_mm: float
    scatter_mm: float

    def at(self, s_mm: float) -> tuple[float, float]:
        """Return the middle at a position."""
        return self.x_mm + self.slope_x * s_mm, self.y_mm + self.slope_y * s_mm


def _bilinear(pixels: npt.NDArray[Any], row: Array, column: Array) -> Array:
    rows, columns = pixels.shape
    row, column = np.clip(row, 0, rows - 1.001), np.clip(column, 0, columns - 1.001)
    i, j = row.astype(np.intp), column.astype(np.intp)
    a, b = row - i, column - j
    flat = pixels.reshape(-1)
    k = i * columns + j
    top = flat[k] * (1 - b) + flat[k + 1] * b
    found: Array = top * (1 - a) + (flat[k + columns] * (1 - b) + flat[k + columns + 1] * b) * a
    return found


def order_series(images: Sequence[Image], *, needed_mm: float) -> Volume:
    """Check that the images are one axial CT series and put them in order.

    Raises
    ------
    InputError
        Codes ``no-images``, ``wrong-modality``, ``mixed-series``, ``no-slice-position``,
        ``missing-slices``, ``truncated-series``, ``no-pixel-spacing``.
    UnsupportedError
        Code ``not-axial``.
    """
    if not images:
        raise InputError("No image was given.", code="no-images")
    other = next((i.modality for i in images if i.modality and i.modality != "CT"), None)
    if other:
        raise InputError(
            f"An image is of modality {other}; this measurement is for CT.", code="wrong-modality"
        )
    _require_one_series(images)
    s, warnings = _positions(images)
    order = np.argsort(s, kind="stable")
    s = s[order]
    increment = _increment(s, needed_mm)
    return Volume(
        images=tuple(images[i] for i in order),
        order=tuple(int(i) for i in order),
        s_mm=s,
        spacing_mm=images[0].require_spacing(),
        increment_mm=increment,
        thickness_mm=images[0].thickness_mm,
        warnings=warnings,
    )


def _require_one_series(images: Sequence[Image]) -> None:
    def refuse(what: str) -> None:
        raise InputError(
            f"The images are not one series: {what}. Choose a single series.", code="mixed-series"
        )

    if len({image.pixels.shape for image in images}) > 1:
        refuse("their matrix sizes differ")
    spacings = {tuple(round(v, 5) for v in i.spacing_mm) for i in images if i.spacing_mm}
    if len(spacings) > 1:
        refuse("their pixel spacings differ")
    for keyword, words in (
        ("SeriesInstanceUID", "they carry different series identifiers"),
        ("FrameOfReferenceUID", "they carry different frames of reference"),
        ("ConvolutionKernel", "their reconstruction kernels differ"),
        ("PatientPosition", "their patient positions differ"),
        ("ImageOrientationPatient", "their orientations differ"),
    ):
        known = {_plain(i.facts[keyword]) for i in images if i.facts.get(keyword) not in (None, "")}
        if len(known) > 1:
            refuse(words)
    if len({i.thickness_mm for i in images if i.thickness_mm is not None}) > 1:
        refuse("their slice thicknesses differ")


def _plain(value: Any) -> str:
    """Return a header value as text, direction cosines to four decimals."""
    if isinstance(value, str | int | float):
        return str(value)
    return str([f"{float(v):.4f}" for v in value])


def _positions(images: Sequence[Image]) -> tuple[Array, tuple[str, ...]]:
    """Return each slice's position along the slice normal."""
    warnings: tuple[str, ...] = ()
    stated = images[0].facts.get("ImageOrientationPatient")
    cosines = np.array([float(v) for v in stated or (1, 0, 0, 0, 1, 0)])
    normal = np.cross(cosines[:3], cosines[3:])
    if not stated:
        warnings = (
            "The images do not state their orientation; head-first supine display is assumed.",
        )
    if abs(normal[2]) < 0.95:
        raise UnsupportedError(
            "These are not axial slices: the slice normal is more than 18 degrees from the table "
            "axis. Send the axial reconstruction.",
            code="not-axial",
        )
    corners = [image.facts.get("ImagePositionPatient") for image in images]
    if stated and all(corners):
        return np.array(
            [float(np.dot(normal, np.array(c, dtype=float))) for c in corners]
        ), warnings
    if any(image.z_mm is None for image in images):
        raise InputError(
            "An image does not state its slice position, so the order of the slices is unknown. "
            "Export the original series with Image Position (Patient).",
            code="no-slice-position",
        )
    # Without the corner's position only the table position is known; the normal may oppose it.
    sign = 1 if normal[2] > 0 else -1
    return np.array([sign * float(image.z_mm or 0.0) for image in images]), warnings


def _increment(s: Array, needed_mm: float) -> float:
    steps = np.diff(s)
    if len(s) > 1 and steps.min() < 0.01:
        raise InputError(
            "The images are not one series: two of them are at the same slice position. "
            "Choose a single series.",
            code="mixed-series",
        )
    if len(s) < 3 or s[-1] - s[0] < needed_mm:
        covered = s[-1] - s[0]
        raise InputError(
            f"The series is truncated: it covers {covered:.0f} mm and the modules of this phantom "
            f"span {needed_mm:.0f} mm. Send the whole series.",
            code="truncated-series",
            detail={"covered_mm": float(covered), "needed_mm": needed_mm},
        )
    increment = float(np.median(steps))
    if steps.max() > _UNEVEN * increment or steps.min() < increment / _UNEVEN:
        at = float(s[int(np.argmax(steps))])
        raise InputError(
            f"Slices are missing or mixed: the distance between slices is {increment:.2f} mm in "
            f"general but {steps.min():.2f} to {steps.max():.2f} mm in places (near {at:.1f} mm).",
            code="missing-slices",
        )
    return increment


def find_axis(volume: Volume, radius_mm: float) -> Axis:
    """Find the phantom's outline in every slice and the line through the middles.

    A threshold on the volume decimated by 4 gives rough middles, all slices at once; then 72 rays
    a slice cross the outline at the threshold to a fraction of a pixel and a circle is fitted.

    Raises
    ------
    InputError
        Code ``phantom-not-found``: no circle of the phantom's size.
    """
    step = DECIMATION
    coarse = np.stack([image.pixels[::step, ::step] for image in volume.images])
    labels, _ = ndimage.label(coarse > BODY_THRESHOLD_HU)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    body = labels == int(np.argmax(sizes)) if sizes.any() else labels > 0
    area = body.sum(axis=(1, 2)) * (step * volume.spacing_mm[0]) * (step * volume.spacing_mm[1])
    full = np.flatnonzero(area > 0.5 * np.pi * radius_mm**2)
    if len(full) < 3:
        raise _no_outline(radius_mm)
    across = body.any(axis=1)
    down = body.any(axis=2)
    columns, rows = np.arange(across.shape[1]), np.arange(down.shape[1])
    middle = np.median(
        [(_mid(columns, across[i]) * step, _mid(rows, down[i]) * step) for i in full], axis=0
    )
    x, y = volume.to_mm(middle[0], middle[1])
    centres = np.tile([float(x), float(y)], (len(full), 1))
    for _ in range(2):
        fits = np.array(
            [_circle(volume, int(i), c, radius_mm) for i, c in zip(full, centres, strict=True)]
        )
        centres = fits[:, :2]
    radii = fits[:, 2]
    keep = (fits[:, 3] > 0) & (np.abs(radii - radius_mm) < _RADIUS_TOLERANCE * radius_mm)
    if keep.sum() < 3:
        raise _no_outline(radius_mm)
    return _fit_axis(volume.s_mm[full][keep], centres[keep], radii[keep])


def _mid(places: npt.NDArray[Any], there: npt.NDArray[np.bool_]) -> float:
    found = places[there]
    return float(found[0] + found[-1]) / 2


def _no_outline(radius_mm: float) -> InputError:
    return InputError(
        f"No phantom was found: no run of slices shows a whole circle of about {radius_mm:.0f} mm "
        "radius in air. Check that the field of view contains the whole phantom.",
        code="phantom-not-found",
    )


def _circle(
    volume: Volume, index: int, centre: npt.NDArray[Any], radius_mm: float
) -> tuple[float, float, float, float]:
    """Fit a circle to where rays from outside first meet the body; the last value is 1 if good."""
    angles = np.arange(_RAYS) * 2 * np.pi / _RAYS
    # From 20 % outside to 25 % inside: room for a rough middle 20 mm off.
    r = np.arange(1.2, 0.75, -volume.pixel_mm / 2 / radius_mm) * radius_mm
    cos, sin = np.cos(angles), np.sin(angles)
    x, y = centre[0] + np.outer(cos, r), centre[1] + np.outer(sin, r)
    inside = volume.read(index, x, y) - BODY_THRESHOLD_HU
    hit = inside > 0
    first = np.argmax(hit, axis=1)
    ok = hit.any(axis=1) & (first > 0)
    if ok.sum() < 0.75 * _RAYS:
        return float(centre[0]), float(centre[1]), 0.0, 0.0
    ray = np.arange(_RAYS)
    before, after = inside[ray, first - 1], inside[ray, first]
    share = before / np.where(before == after, 1.0, before - after)
    edge = r[first - 1] + share * (r[first] - r[first - 1])
    for _ in range(4):
        design = np.column_stack([cos[ok], sin[ok], np.ones(int(ok.sum()))])
        fit, *_ = np.linalg.lstsq(design, edge[ok], rcond=None)
        away = np.abs(edge - (fit[0] * cos + fit[1] * sin + fit[2]))
        tighter = ok & (away < max(_OUTLINE_TOLERANCE_MM, 2.5 * float(np.median(away[ok]))))
        if tighter.sum() < 8:
            break
        ok = tighter
    good = ok.sum() >= 0.6 * _RAYS and float(np.std(away[ok])) < _OUTLINE_TOLERANCE_MM
    return centre[0] + fit[0], centre[1] + fit[1], float(fit[2]), float(good)


def _fit_axis(s: Array, centres: Array, radii: Array) -> Axis:
    keep = np.ones(len(s), dtype=bool)
    for _ in range(3):
        (slope_x, x0), (slope_y, y0) = (np.polyfit(s[keep], centres[keep, k], 1) for k in (0, 1))
        away = np.hypot(centres[:, 0] - x0 - slope_x * s, centres[:, 1] - y0 - slope_y * s)
        keep = away <= max(0.05, 3 * float(np.median(away)))
    return Axis(
        float(x0),
        float(y0),
        float(slope_x),
        float(slope_y),
        (float(s[0]), float(s[-1])),
        float(np.median(radii)),
        float(np.sqrt(np.mean(away[keep] ** 2))),
    )


def mean_of(values: Iterable[Array]) -> Array:
    """Return the mean of equally shaped arrays."""
    found: Array = np.mean(list(values), axis=0)
    return found
