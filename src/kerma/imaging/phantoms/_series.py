"""Put the images of a CT series in order, and refuse what is not one series of axial slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image, InputError, UnsupportedError
from kerma.imaging import identity
from kerma.imaging.ct.series import is_localiser
from kerma.imaging.phantoms._grid import Volume

Array = npt.NDArray[np.float64]

# Positions rounded to 0.1 mm make steps of 0.6 and 0.7 mm out of 0.625 mm; no more than that.
_UNEVEN = 1.25
_SAME_PLACE_MM = 0.01
# A few slices sent twice are an accident of transfer; more are two series (design choice).
_MOST_TWICE = 0.1
# What must be the same for all slices, with the words a person knows it by.
_SAME = (
    ("SeriesInstanceUID", "they carry different series identifiers"),
    ("FrameOfReferenceUID", "they carry different frames of reference"),
    ("ConvolutionKernel", "their reconstruction kernels differ"),
    ("PatientPosition", "their patient positions differ"),
    ("ImageOrientationPatient", "their orientations differ"),
)


@dataclass(slots=True)
class _Placed:
    """Slices on the way to a volume: their indices, positions and shifts."""

    kept: list[int]
    s: Array
    shift: Array
    warnings: list[str]


def order_series(images: Sequence[Image], *, needed_mm: float) -> Volume:
    """Check that the images are one axial CT series and put them in order.

    Localisers, and single slices sent twice, are left out with a warning.

    Parameters
    ----------
    images
        In any order.
    needed_mm
        Least length of scan that any phantom can be proven on.

    Raises
    ------
    InputError
        Codes ``no-images``, ``wrong-modality``, ``image-too-small``, ``mixed-series``,
        ``not-finite``, ``no-slice-position``, ``missing-slices``, ``truncated-series``,
        ``no-pixel-spacing``.
    UnsupportedError
        Code ``not-axial``.
    """
    kept, warnings = _slices(images)
    series = [images[i] for i in kept]
    _require_one_series(series)
    spacing = series[0].require_spacing()
    placed = _positions(series, kept, warnings)
    increment = _increment(placed.s, needed_mm)
    return Volume(
        images=tuple(images[i] for i in placed.kept),
        order=tuple(placed.kept),
        s_mm=placed.s,
        shift_mm=placed.shift,
        spacing_mm=spacing,
        increment_mm=increment,
        thickness_mm=series[0].thickness_mm,
        warnings=tuple(placed.warnings),
    )


def _slices(images: Sequence[Image]) -> tuple[list[int], list[str]]:
    if not images:
        raise InputError("No image was given. Choose the images to measure.", code="no-images")
    for image in images:
        if image.modality:
            identity.require_modality(image, ("CT",))
    kept = [i for i, image in enumerate(images) if not is_localiser(image)]
    left = len(images) - len(kept)
    if not kept:
        raise InputError(
            "Only localisers (topograms) were given. Give the axial slices.", code="localiser"
        )
    for i in kept:
        pixels = images[i].pixels
        if min(pixels.shape) < identity.SMALLEST_SIDE_PX:
            identity.require_usable(images[i])
        # One pass without a copy: a pixel that is no number makes the largest none.
        if not np.isfinite(pixels.max()):
            identity.require_usable(images[i])
    return kept, [f"{left} localiser image{'s' * (left > 1)} left out."] if left else []


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
    for keyword, words in _SAME:
        held = (image.facts.get(keyword) for image in images)
        if len({_plain(value) for value in held if value not in (None, "")}) > 1:
            refuse(words)
    if len({i.thickness_mm for i in images if i.thickness_mm is not None}) > 1:
        refuse("their slice thicknesses differ")


def _plain(value: Any) -> str:
    """Return a header value as text, direction cosines to four decimals."""
    if isinstance(value, str | int | float):
        return str(value)
    return str([f"{float(v):.4f}" for v in value])


def _positions(images: Sequence[Image], kept: list[int], warnings: list[str]) -> _Placed:
    """Return each slice's position along the normal, and how far it is shifted across it."""
    stated = images[0].facts.get("ImageOrientationPatient")
    cosines = np.array([float(v) for v in stated or (1, 0, 0, 0, 1, 0)])
    normal = np.cross(cosines[:3], cosines[3:])
    if not stated:
        warnings = [
            *warnings,
            "The images do not state their orientation; head-first supine display is assumed.",
        ]
    if abs(normal[2]) < 0.95:
        raise UnsupportedError(
            "These are not axial slices: the slice normal is more than 18 degrees from the table "
            "axis. Send the axial reconstruction.",
            code="not-axial",
        )
    corners = [image.facts.get("ImagePositionPatient") for image in images]
    shift = np.zeros((len(images), 2))
    if stated and all(corners):
        at = np.array(corners, dtype=np.float64)
        s = at @ normal
        shift = np.column_stack([at @ cosines[:3], at @ cosines[3:]])
    elif any(image.z_mm is None for image in images):
        raise InputError(
            "An image does not state its slice position, so the order of the slices is unknown. "
            "Export the original series with Image Position (Patient).",
            code="no-slice-position",
        )
    else:
        # Without the corner's position only the table position is known; the normal may oppose it.
        s = np.array([float(i.z_mm or 0.0) for i in images]) * (1 if normal[2] > 0 else -1)
    order = np.argsort(s, kind="stable")
    once, twice = _once(images, s, order)
    if twice:
        warnings = [*warnings, f"{twice} slice{'s' * (twice > 1)} sent twice; used once."]
    return _Placed([kept[i] for i in once], s[once], shift[once] - shift[once[0]], warnings)


def _once(images: Sequence[Image], s: Array, order: npt.NDArray[np.intp]) -> tuple[list[int], int]:
    """Leave out a slice that is there twice, pixel for pixel; refuse another one in its place."""
    once = [int(order[0])]
    for i in (int(k) for k in order[1:]):
        before = once[-1]
        if s[i] - s[before] >= _SAME_PLACE_MM:
            once.append(i)
        elif not np.array_equal(images[i].pixels, images[before].pixels):
            raise _two_series()
    twice = len(order) - len(once)
    if twice > max(1.0, _MOST_TWICE * len(once)):
        raise _two_series()
    return once, twice


def _two_series() -> InputError:
    return InputError(
        "The images are not one series: several are at the same slice position. Choose a single "
        "series.",
        code="mixed-series",
    )


def _increment(s: Array, needed_mm: float) -> float:
    covered = float(s[-1] - s[0])
    if len(s) < 3 or covered < needed_mm:
        raise InputError(
            f"The series is truncated: it covers {covered:.0f} mm, and {needed_mm:.0f} mm are the "
            "least a phantom can be proven on. Send the whole series.",
            code="truncated-series",
            detail={"covered_mm": covered, "needed_mm": needed_mm},
        )
    steps = np.diff(s)
    increment = float(np.median(steps))
    if steps.max() > _UNEVEN * increment or steps.min() < increment / _UNEVEN:
        at = float(s[int(np.argmax(steps))])
        raise InputError(
            f"Slices are missing or mixed: the distance between slices is {increment:.2f} mm in "
            f"general but {steps.min():.2f} to {steps.max():.2f} mm in places (near {at:.1f} mm).",
            code="missing-slices",
        )
    return increment
