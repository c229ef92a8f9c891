"""Which images of a CT folder form one series of slices, and which are left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerma.core import AnalysisError, Image, InputError
from kerma.imaging import identity

# What must be equal for slices to be measured together, with the words a person knows it by.
_SAME: tuple[tuple[str, str], ...] = (
    ("ConvolutionKernel", "reconstruction kernels"),
    ("KVP", "tube voltages"),
    ("ReconstructionDiameter", "fields of view"),
    ("SliceThickness", "slice thicknesses"),
)


def is_localiser(image: Image) -> bool:
    """Return whether the header calls the image a topogram (scout, scanogram, localiser)."""
    stated = image.facts.get("ImageType") or ()
    words = stated.split("\\") if isinstance(stated, str) else stated
    return any(str(word).strip().upper() == "LOCALIZER" for word in words)


def square_pixel_mm(image: Image) -> float:
    """Return the side of a slice's pixels, or refuse pixels that are not square.

    Raises
    ------
    AnalysisError
        Code ``not-square``: in a resampled slice widths and frequencies depend on the direction.
    """
    dy, dx = image.require_spacing()
    if abs(dy - dx) > 1e-4 * dx:
        raise AnalysisError(
            f"The pixels of this slice are not square ({dy:g} by {dx:g} mm), as they are in a CT "
            "slice. Send the axial reconstruction, not a reformatted image.",
            stage="read geometry",
            code="not-square",
        )
    return dx


def slices(images: Sequence[Image], *, repeats: bool = False) -> tuple[list[int], tuple[str, ...]]:
    """Return the indices of the slices in order of position, and notes on what was left out.

    Localisers and slices without any content are left out with a note. Order is along the table
    axis when every slice states its position, else as given.

    Parameters
    ----------
    images
        What was given, localisers and all.
    repeats
        Take several series of one setting together, as repeated scans are.

    Raises
    ------
    InputError
        The codes of `kerma.imaging.identity.check`; ``localiser`` when there is nothing else;
        ``mixed-series`` when slices differ in series, kernel, tube voltage, field of view,
        thickness, matrix or pixel spacing: the message names the series found;
        ``no-pixel-spacing``.
    """
    if not images:
        raise InputError("No image was given. Choose the images to measure.", code="no-images")
    for image in images:
        identity.require_modality(image, ("CT",))
    kept = [i for i, image in enumerate(images) if not is_localiser(image)]
    if not kept:
        raise InputError(
            "This is a localiser (topogram, scout), a projection and not a slice. Give the axial "
            "slices.",
            code="localiser",
        )
    empty = [i for i in kept if np.ptp(images[i].pixels) == 0]
    if len(empty) < len(kept):
        kept = [i for i in kept if i not in empty]
    identity.check([images[i] for i in kept], modalities=("CT",))
    _require_one_series([images[i] for i in kept], images, repeats=repeats)
    images[kept[0]].require_spacing()
    localisers = sum(map(is_localiser, images))
    notes = tuple(
        f"{count} {what}{'s' * (count > 1)} left out."
        for count, what in ((localisers, "localiser image"), (len(empty), "empty slice"))
        if count
    )
    positions = [images[i].z_mm for i in kept]
    if all(z is not None for z in positions):
        kept.sort(key=lambda i: (images[i].z_mm, i))
    return kept, notes


def _require_one_series(
    images: Sequence[Image], everything: Sequence[Image], *, repeats: bool
) -> None:
    def refuse(what: str, seen: Sequence[Any]) -> None:
        raise InputError(
            f"The images are of more than one series: they differ in their {what} "
            f"({', '.join(map(str, seen))}). Measure each series on its own: "
            + "; ".join(named(everything))
            + ".",
            code="mixed-series",
            detail={"differ": what, "values": [str(s) for s in seen], "series": named(everything)},
        )

    for keyword, what in _SAME:
        seen = sorted({str(image.facts.get(keyword, "not stated")) for image in images})
        if len(seen) > 1:
            refuse(what, seen)
    shapes = sorted({image.pixels.shape for image in images})
    if len(shapes) > 1:
        refuse("matrix sizes", shapes)
    spacings = {image.spacing_mm for image in images}
    if len(spacings) > 1:
        refuse("pixel spacings", sorted(spacings, key=str))
    series = {str(image.facts.get("SeriesInstanceUID", "")) for image in images}
    if len(series) > 1 and not repeats:
        refuse("series identifiers", [f"{len(series)} of them"])


def named(images: Sequence[Image]) -> list[str]:
    """Return the series in what was given, each in words: number, description, count of images."""
    groups: dict[tuple[str, ...], list[Image]] = {}
    for image in images:
        about = image.facts
        key = tuple(
            str(about.get(keyword, ""))
            for keyword in ("SeriesNumber", "SeriesInstanceUID", *(k for k, _ in _SAME))
        )
        groups.setdefault((*key, str(image.pixels.shape), str(image.spacing_mm)), []).append(image)
    found = []
    for members in groups.values():
        about = members[0].facts
        words = [f"series {about['SeriesNumber']}" if "SeriesNumber" in about else "a series"]
        if about.get("SeriesDescription"):
            words.append(f"“{' '.join(str(about['SeriesDescription']).split())}”")
        elif about.get("ConvolutionKernel"):
            words.append(f"with kernel {about['ConvolutionKernel']}")
        kind = "localiser" if is_localiser(members[0]) else "slice"
        words.append(f"({len(members)} {kind}{'s' * (len(members) > 1)})")
        found.append(" ".join(words))
    return found
