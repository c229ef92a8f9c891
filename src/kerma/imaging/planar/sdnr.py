"""Contrast, SNR and SDNR of an object against its background, in both conventions for the noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import Analysis, Image, InputError, Quantity, quantity
from kerma.imaging import identity
from kerma.imaging.planar._insert import Found, find, require_even
from kerma.imaging.planar.region import linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.flat_fields import unlinearised_warning
from kerma.imaging.tools.regions import Array, Rectangle
from kerma.imaging.tools.statistics import Moments

NAME, VERSION = "planar-sdnr", "1"
EDITION = "SDNR over the background's noise (EUREF) and over the root mean square of both (NHSBSP)"
DEFINITIONS: Mapping[str, str] = {
    "contrast": "|mean_bg - mean_obj| / mean_bg",
    "sdnr_background_noise": "|mean_bg - mean_obj| / sd_bg",
    "sdnr_rms_noise": "|mean_bg - mean_obj| / sqrt((sd_bg² + sd_obj²) / 2)",
}
_SATURATED_SHARE = 0.001

Corners = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    side_mm
        Side of the squares when they are found; a design choice (NHSBSP practice, recalled).
    object, background
        Left, top, right, bottom in pixels: the object, and one or more regions of background
        beside it; given together, instead of being found.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    allow_processed
        Measure an image processed for display, with a warning.
    """

    side_mm: float = 5.0
    object: Corners | None = None
    background: tuple[Corners, ...] | None = None
    stp: Mapping[str, Any] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.side_mm > 0, "side_mm", "The side of the squares must be above zero.")
        require(
            (self.object is None) == (self.background is None) and self.background != (),
            "background",
            "Give the object's region and one or more of the background together, or neither.",
        )


@dataclass(frozen=True, slots=True)
class _Side:
    """Mean and noise of the background: several regions taken as one."""

    mean: float
    u_mean: float
    sd: float
    u_sd: float

    @classmethod
    def of(cls, parts: Sequence[Moments]) -> _Side:
        n = len(parts)
        sd = math.sqrt(sum(m.sd**2 for m in parts) / n)
        u_sd = math.hypot(*(m.sd * m.u_sd for m in parts)) / (n * sd) if sd else 0.0
        return cls(
            sum(m.mean for m in parts) / n, math.hypot(*(m.u_mean for m in parts)) / n, sd, u_sd
        )


@measurement(
    NAME,
    version=VERSION,
    title="Contrast and SDNR of an object",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure one object (aluminium on PMMA, a contrast disc) against the field around it.

    Values ``mean_background``, ``mean_object``, ``noise_background``, ``noise_object`` (PV, or uGy
    when linearised), ``snr_background``, ``snr_object`` (1), ``contrast`` (%), and the SDNR in two
    conventions, ``sdnr_background_noise`` and ``sdnr_rms_noise`` (1), see `DEFINITIONS`. The facts
    say whether the object is darker or brighter.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``region-outside-image``, ``regions-overlap``,
        ``saturated-field``, ``no-pixel-spacing``, ``no-field``.
    AnalysisError
        Codes ``no-object``, ``several-objects``, ``region-not-even``, ``no-noise``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_most=1)
    warnings = list(identity.require_raw(images, allow_processed=chosen.allow_processed))
    image = images[0]
    identity.require_not_clinical(image)
    found = _regions(image, chosen)
    _require_unsaturated(image, found)
    pixels, unit = linearised(image, chosen.stp)
    one = found.object.moments(pixels)
    around = [region.moments(pixels) for region in found.background]
    require_even(pixels, found, one, around)
    values = _values(one, _Side.of(around), unit)
    if chosen.object is not None:
        warnings.append("The regions of object and background were set by hand.")
    darker = values["mean_object"].value < values["mean_background"].value
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            definitions=dict(DEFINITIONS),
            regions_found=[_corners(r) for r in (found.object, *found.background)],
        ),
        values=values,
        regions=(
            found.object.region("Object", values=one.values(unit)),
            *(r.region("Background", values=m.values(unit))
              for r, m in zip(found.background, around, strict=True)),
        ),
        warnings=(*warnings, *unlinearised_warning(unit), *found.notes),
        facts={
            "definitions": dict(DEFINITIONS),
            "object": "darker" if darker else "brighter",
            "found_by": "hand" if chosen.object is not None else "search",
        },
    )  # fmt: skip


def _regions(image: Image, chosen: Parameters) -> Found:
    if chosen.object is None or chosen.background is None:
        return find(image, chosen.side_mm)
    shape = (image.pixels.shape[0], image.pixels.shape[1])
    one = Rectangle.given(chosen.object, shape)
    around = tuple(Rectangle.given(corners, shape) for corners in chosen.background)
    if any(_overlap(one, other) for other in around):
        raise InputError(
            "The regions of object and background overlap. Give regions apart from one another.",
            code="regions-overlap",
        )
    return Found(one, around, ())


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1


def _corners(region: Rectangle) -> list[int]:
    return [region.x0, region.y0, region.x1, region.y1]


def _require_unsaturated(image: Image, found: Found) -> None:
    if image.saturated_at is None:
        return
    parts: list[Array] = [r.cut(image.pixels) for r in (found.object, *found.background)]
    share = max(float((part >= image.saturated_at).mean()) for part in parts)
    if share > _SATURATED_SHARE:
        raise InputError(
            f"{share * 100:.1f} % of a region is at the top of the detector's scale, so its noise "
            "is cut off. Expose again with less dose.",
            code="saturated-field",
        )


def _values(one: Moments, around: _Side, unit: str) -> dict[str, Quantity]:
    step = abs(around.mean - one.mean)
    u_step = math.hypot(around.u_mean, one.u_mean)
    rms = math.sqrt((around.sd**2 + one.sd**2) / 2.0)
    u_rms = math.hypot(around.sd * around.u_sd, one.sd * one.u_sd) / (2.0 * rms)

    def ratio(noise: float, u_noise: float, signal: float, u_signal: float) -> Quantity:
        value = signal / noise
        return quantity(value, "1", math.hypot(u_signal, value * u_noise) / noise)

    values = {
        "mean_background": quantity(around.mean, unit, around.u_mean),
        "mean_object": quantity(one.mean, unit, one.u_mean),
        "noise_background": quantity(around.sd, unit, around.u_sd),
        "noise_object": quantity(one.sd, unit, one.u_sd),
        "snr_background": ratio(around.sd, around.u_sd, around.mean, around.u_mean),
        "snr_object": ratio(one.sd, one.u_sd, one.mean, one.u_mean),
        "sdnr_background_noise": ratio(around.sd, around.u_sd, step, u_step),
        "sdnr_rms_noise": ratio(rms, u_rms, step, u_step),
    }
    if around.mean > 0:
        # contrast = |1 - object / background|
        u = math.hypot(one.u_mean, one.mean / around.mean * around.u_mean) / around.mean
        values["contrast"] = quantity(100.0 * step / around.mean, "%", 100.0 * u)
    return values
