"""What must not be measured: refusals shared by all measurements, each with its reason.

Header fields are weak evidence (phantoms are often filed as HEAD or CHEST), so the pixels decide
and the header only adds to the sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image, InputError
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]

PLANAR = ("DX", "CR", "RF", "XA", "MG", "IO", "PX", "RG")
SMALLEST_SIDE_PX = 32

# An image with more than half of its pixels at the top of the scale shows nothing.
_SATURATED_SHARE = 0.5
_BLOCKS_ACROSS = 48
# Share of the object covered by structure. Flat fields, edges, wires and water phantoms stay under
# 0.26; anatomy is above 0.5 (tests/imaging/test_identity.py holds both sides).
_CLINICAL_SHARE = 0.40
# With a header that reads like a patient's, less structure is enough. Design choice.
_CLINICAL_SHARE_SUSPECT = 0.30
_STEP_OF_RANGE = 0.01
_CROWDED = 0.6
_STEP_OF_NOISE = 6.0
# CT noise is correlated over two or three pixels, so block means scatter that much more.
_CORRELATION = {"CT": 2.0}


def check(
    images: Sequence[Image],
    *,
    modalities: Sequence[str],
    at_least: int = 1,
    at_most: int | None = None,
) -> None:
    """Refuse what no measurement of these modalities can use.

    Raises
    ------
    InputError
        Codes ``no-images``, ``too-few-images``, ``too-many-images``, ``wrong-modality``,
        ``image-too-small``, ``not-finite``, ``constant-image``, ``saturated-image``.
    """
    if not images:
        raise InputError("No image was given. Choose the images to measure.", code="no-images")
    if len(images) < at_least:
        raise InputError(
            f"This measurement needs {at_least} images or more; {len(images)} given.",
            code="too-few-images",
        )
    if at_most is not None and len(images) > at_most:
        raise InputError(
            f"This measurement takes at most {at_most} image{'s' * (at_most > 1)}; "
            f"{len(images)} given. Pick those you want measured.",
            code="too-many-images",
        )
    for image in images:
        require_modality(image, modalities)
        require_usable(image)


def require_modality(image: Image, modalities: Sequence[str]) -> None:
    """Refuse an image of another kind of equipment.

    Raises
    ------
    InputError
        Code ``wrong-modality``.
    """
    if image.modality not in modalities:
        said = f"of modality {image.modality}" if image.modality else "without a modality"
        raise InputError(
            f"This image is {said}; this measurement is for {', '.join(modalities)}.",
            code="wrong-modality",
            detail={"modality": image.modality},
        )


def require_usable(image: Image) -> None:
    """Refuse an image that holds nothing to measure.

    Raises
    ------
    InputError
        Codes ``image-too-small``, ``not-finite``, ``constant-image``, ``saturated-image``.
    """
    pixels = image.pixels
    if min(pixels.shape) < SMALLEST_SIDE_PX:
        raise InputError(
            f"The image is {pixels.shape[1]} columns by {pixels.shape[0]} rows; at least "
            f"{SMALLEST_SIDE_PX} of each are needed.",
            code="image-too-small",
        )
    if not np.isfinite(pixels).all():
        raise InputError(
            "The image holds pixels that are not numbers. Export it again.", code="not-finite"
        )
    top = float(pixels.max())
    if top == float(pixels.min()):
        raise InputError(
            f"Every pixel of the image has the same value, {top:g}. There is nothing to measure; "
            "check the exposure and the export.",
            code="constant-image",
        )
    if image.saturated_at is not None:
        share = float((pixels >= image.saturated_at).mean())
        if share > _SATURATED_SHARE:
            raise InputError(
                f"{share * 100:.0f} % of the image is at the top of the detector's scale. "
                "Expose again with less dose.",
                code="saturated-image",
            )


def require_raw(images: Sequence[Image], *, allow_processed: bool = False) -> tuple[str, ...]:
    """Refuse images processed for display; return warnings about what could not be known.

    Parameters
    ----------
    images
        Images whose pixel values must follow the detector signal.
    allow_processed
        Measure a processed image all the same; the result then carries a warning.

    Raises
    ------
    InputError
        Code ``processed-image``.
    """
    states = {image.processing for image in images}
    if "presentation" in states:
        if not allow_processed:
            raise InputError(
                "This image was processed for display (FOR PRESENTATION). Its pixel values no "
                "longer follow the detector signal. Export the FOR PROCESSING image.",
                code="processed-image",
            )
        return ("Measured on an image processed for display, as asked for.",)
    if states - {"raw", "presentation"}:
        return ("The image does not say whether it was processed; raw data were assumed.",)
    return ()


def require_same_geometry(images: Sequence[Image]) -> None:
    """Refuse images that cannot be compared pixel by pixel.

    Raises
    ------
    InputError
        Code ``mixed-images``.
    """
    first = images[0]
    for image in images[1:]:
        if image.pixels.shape != first.pixels.shape or image.spacing_mm != first.spacing_mm:
            raise InputError(
                "The images differ in size or pixel spacing, so they are not of one series. "
                "Measure them apart.",
                code="mixed-images",
            )


def structure_share(image: Image) -> float:
    """Return the share of the object in the image that is covered by structure, 0 to 1.

    The image is averaged in about 48 x 48 blocks. The object is every block more than a tenth of
    the range (2nd to 98th percentile) above the darkest. A block of it counts as structure when
    it differs from the mean of its neighbours on both sides, across or down, by more than both
    1 % of the range and 6 times the noise of a block mean (12 times in CT, whose noise is
    correlated). Covered is where more than 60 % of the 7 x 7 blocks around are such: plain areas,
    slow slopes and the straight or round borders of test objects are not, anatomy is. Design
    choice, checked on simulated anatomy and on real phantoms.
    """
    pixels = image.pixels
    size = max(1, min(pixels.shape) // _BLOCKS_ACROSS)
    rows, columns = (n // size for n in pixels.shape)
    cut = pixels[: rows * size, : columns * size].astype(float)
    tiles = cut.reshape(rows, size, columns, size)
    blocks = tiles.mean(axis=(1, 3))
    low, high = (float(p) for p in np.percentile(blocks, (2, 98)))
    inside = blocks > low + 0.1 * (high - low)
    noise = float(np.median(tiles.std(axis=(1, 3))[inside])) / size if inside.any() else 0.0
    limit = max(
        _STEP_OF_RANGE * (high - low),
        _STEP_OF_NOISE * _CORRELATION.get(image.modality, 1.0) * noise,
    )
    if limit <= 0 or not inside[1:-1, 1:-1].any():
        return 0.0
    bend = np.maximum(
        np.abs(blocks[1:-1, 1:-1] - 0.5 * (blocks[1:-1, 2:] + blocks[1:-1, :-2])),
        np.abs(blocks[1:-1, 1:-1] - 0.5 * (blocks[2:, 1:-1] + blocks[:-2, 1:-1])),
    )
    crowd = ndimage.uniform_filter((bend > limit).astype(float), 7, mode="nearest")
    return float((crowd > _CROWDED)[inside[1:-1, 1:-1]].mean())


def require_not_clinical(image: Image) -> None:
    """Refuse an image that looks like a patient.

    Raises
    ------
    InputError
        Code ``clinical-looking``.
    """
    share = structure_share(image)
    suspect = bool(image.facts.get("looks_clinical"))
    if share > (_CLINICAL_SHARE_SUSPECT if suspect else _CLINICAL_SHARE):
        part = image.facts.get("BodyPartExamined")
        hint = f" Its header names the body part {part}." if part else ""
        raise InputError(
            f"This looks like an image of a patient: {share * 100:.0f} % of it is covered by "
            f"structure, far more than a test object shows.{hint} It was not measured. Remove it "
            "from the phantom images if it is one.",
            code="clinical-looking",
            detail={"structure_share": share},
        )
