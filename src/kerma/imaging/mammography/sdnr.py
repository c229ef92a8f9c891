"""Signal-difference-to-noise ratio of 0.2 mm aluminium on PMMA, for one or several thicknesses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import Analysis, Curve, Image, InputError, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.mammography._cdmam_curve import contrast
from kerma.imaging.mammography._square import Regions, find_square, regions
from kerma.imaging.planar.region import linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.flat_fields import require_distinct, value_name
from kerma.imaging.tools.regions import Array, Rectangle

NAME, VERSION = "mammo-sdnr", "1"
EDITION = "SDNR of 0.2 mm aluminium, EUREF and NHSBSP practice (recalled)"
MODALITIES = ("MG",)
DEFINITIONS: Mapping[str, str] = {
    "sdnr_background_noise": "|m_Al - m_bg| / s_bg, s_bg the root mean square of several (EUREF)",
    "sdnr_rms_noise": "|m_Al - m_bg| / sqrt((s_Al^2 + s_bg^2) / 2) (NHSBSP)",
    "contrast": "|m_Al - m_bg| / m_bg",
    "relative, target_sdnr": "of sdnr_rms_noise",
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen; the defaults are design choices after common practice.

    Attributes
    ----------
    pmma_mm
        Thickness of PMMA of each image; needed for several images.
    object_mm
        Side of the aluminium.
    roi_mm, gap_mm
        Side of the square regions; distance of the backgrounds from the edge of the aluminium.
    object_roi, background_rois
        Regions by hand (left, top, right, bottom in pixels) for all images, in place of the search.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    reference_mm
        The thickness others are compared with, when it is among them.
    threshold_gold_um, target_gold_um, mu_per_um
        Threshold gold thickness measured at the reference thickness for 0.1 mm discs, the one
        aimed at, and the attenuation of gold: give the SDNR aimed at.
    """

    pmma_mm: tuple[float, ...] | None = None
    object_mm: float = 10.0
    roi_mm: float = 5.0
    gap_mm: float = 2.5
    object_roi: tuple[int, int, int, int] | None = None
    background_rois: tuple[tuple[int, int, int, int], ...] | None = None
    stp: Mapping[str, Any] | None = None
    reference_mm: float = 50.0
    threshold_gold_um: float | None = None
    target_gold_um: float | None = None
    mu_per_um: float | None = None

    def __post_init__(self) -> None:
        require(3 <= self.object_mm <= 60, "object_mm", "The side lies from 3 to 60 mm.")
        require(
            1 <= self.roi_mm <= self.object_mm,
            "roi_mm",
            "The regions are from 1 mm up to the object.",
        )
        require(0 <= self.gap_mm <= 30, "gap_mm", "The gap lies from 0 to 30 mm.")
        by_hand = (self.object_roi is None) == (self.background_rois is None)
        require(by_hand, "object_roi", "Give both object_roi and background_rois, or neither.")
        aims = (self.threshold_gold_um, self.target_gold_um, self.mu_per_um)
        require(
            all(a is None for a in aims) or all(a is not None and a > 0 for a in aims),
            "target_gold_um",
            "A target needs threshold_gold_um, target_gold_um and mu_per_um, all above zero.",
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What one image gives: value and standard uncertainty, in the unit of the pixels or 1."""

    sdnr_background_noise: tuple[float, float]
    sdnr_rms_noise: tuple[float, float]
    contrast: tuple[float, float] | None
    signal: tuple[float, float]
    noise: tuple[float, float]
    darker: bool


def target_sdnr(
    sdnr: float, threshold_gold_um: float, target_gold_um: float, mu_per_um: float
) -> float:
    """Return the SDNR aimed at: measured SDNR times measured over target threshold contrast.

    Contrast is 1 - exp(-mu t) of the threshold gold thickness of 0.1 mm discs (NCCPM target CNR
    calculator, note, as seen in a public copy).
    """
    measured, target = contrast([threshold_gold_um, target_gold_um], mu_per_um)
    return float(sdnr * measured / target)


@measurement(
    NAME,
    version=VERSION,
    title="SDNR of aluminium on PMMA",
    edition=EDITION,
    modalities=MODALITIES,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the SDNR of a square of aluminium on each image.

    Values ``sdnr_background_noise``, ``sdnr_rms_noise``, ``contrast`` (%), ``mean_background``
    and ``noise_background``, with ``_45mm`` and the like when thicknesses are given;
    ``relative_45mm`` (% of the SDNR at the reference thickness), and ``target_sdnr``,
    ``relative_to_target_45mm`` when a target is.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``missing-parameter``, ``bad-parameter``, ``same-frame``.
    AnalysisError
        Codes ``no-contrast-object``, ``several-objects``, ``no-background``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=MODALITIES)
    warnings = list(identity.require_raw(images))
    require_distinct(images)
    names = _names(images, chosen)
    values: dict[str, Quantity] = {}
    drawn: list[Region] = []
    found: list[Found] = []
    for number, (image, name) in enumerate(zip(images, names, strict=True)):
        identity.require_not_clinical(image)
        where = _where(image, chosen)
        pixels, unit = linearised(image, chosen.stp)
        one = _measured(pixels, where)
        found.append(one)
        values |= _values(one, name, unit)
        drawn += _drawn(where, number, pixels, unit)
    if chosen.stp is None:
        warnings.append(
            "No signal transfer property was given: the contrast includes the detector's offset."
        )
    if chosen.object_roi is not None:
        warnings.append("The regions were set by hand.")
    if len({one.darker for one in found}) > 1:
        warnings.append("The aluminium is darker on some images and brighter on others.")
    more, curves = _series(found, chosen, warnings)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen, definitions=dict(DEFINITIONS)
        ),
        values={**values, **more},
        regions=tuple(drawn),
        curves=curves,
        warnings=tuple(warnings),
        facts={
            "definitions": dict(DEFINITIONS), "definitions_confidence": "recalled",
            "aluminium_darker": [one.darker for one in found],
        },
    )  # fmt: skip


def _names(images: Sequence[Image], chosen: Parameters) -> list[str]:
    """Return what is put after the names of values of each image."""
    if chosen.pmma_mm is None:
        if len(images) > 1:
            raise InputError(
                "Several images need the thickness of PMMA of each, in their order: pmma_mm.",
                code="missing-parameter",
            )
        return [""]
    given = chosen.pmma_mm
    if len(given) != len(images) or len(set(given)) != len(given) or min(given) <= 0:
        raise InputError(
            f"{len(images)} images need as many thicknesses of PMMA, all different and above zero.",
            code="bad-parameter",
        )
    return [f"_{value_name(t)}mm" for t in given]


def _where(image: Image, chosen: Parameters) -> Regions:
    if chosen.object_roi is not None and chosen.background_rois is not None:
        shape = (image.pixels.shape[0], image.pixels.shape[1])
        beside = tuple(Rectangle.given(r, shape) for r in chosen.background_rois)
        require(bool(beside), "background_rois", "Give one background or more.")
        return Regions(Rectangle.given(chosen.object_roi, shape), beside)
    square = find_square(image, chosen.object_mm)
    return regions(image, square, chosen.roi_mm, chosen.gap_mm)


def _measured(pixels: Array, where: Regions) -> Found:
    inside = where.inside.moments(pixels)
    beside = [r.moments(pixels) for r in where.beside]
    n = len(beside)
    level = sum(m.mean for m in beside) / n
    u_level = math.hypot(*(m.u_mean for m in beside)) / n
    noise = math.sqrt(sum(m.sd**2 for m in beside) / n)
    if noise == 0 or inside.sd == 0:
        raise InputError(
            "The regions hold no noise at all, so there is no SDNR. Use the image as acquired.",
            code="no-noise",
        )
    u_noise = math.hypot(*(m.sd * m.u_sd for m in beside)) / (n * noise)
    both = math.sqrt((noise**2 + inside.sd**2) / 2)
    u_both = math.hypot(noise * u_noise, inside.sd * inside.u_sd) / (2 * both)
    difference = abs(inside.mean - level)
    u_difference = math.hypot(inside.u_mean, u_level)

    def ratio(over: float, u_over: float) -> tuple[float, float]:
        return difference / over, math.hypot(u_difference, difference * u_over / over) / over

    return Found(
        ratio(noise, u_noise),
        ratio(both, u_both),
        ratio(abs(level), u_level) if level else None,
        (level, u_level),
        (noise, u_noise),
        inside.mean < level,
    )


def _values(one: Found, name: str, unit: str) -> dict[str, Quantity]:
    values = {
        f"sdnr_background_noise{name}": quantity(
            one.sdnr_background_noise[0], "1", one.sdnr_background_noise[1]
        ),
        f"sdnr_rms_noise{name}": quantity(one.sdnr_rms_noise[0], "1", one.sdnr_rms_noise[1]),
        f"mean_background{name}": quantity(*_pair(one.signal, unit)),
        f"noise_background{name}": quantity(*_pair(one.noise, unit)),
    }
    if one.contrast is not None:
        values[f"contrast{name}"] = quantity(100 * one.contrast[0], "%", 100 * one.contrast[1])
    return values


def _pair(value: tuple[float, float], unit: str) -> tuple[float, str, float]:
    return value[0], unit, value[1]


def _drawn(where: Regions, number: int, pixels: Array, unit: str) -> list[Region]:
    shapes = [("Aluminium", where.inside)]
    shapes += [(f"Background {k}", r) for k, r in enumerate(where.beside, 1)]
    return [
        shape.region(name, frame=number, values=shape.moments(pixels).values(unit))
        for name, shape in shapes
    ]


def _series(
    found: Sequence[Found], chosen: Parameters, warnings: list[str]
) -> tuple[dict[str, Quantity], tuple[Curve, ...]]:
    """Return what the thicknesses say together: relative to the reference, and to the target."""
    if chosen.pmma_mm is None:
        if chosen.target_gold_um is not None:
            raise InputError(
                "A target belongs to a thickness of PMMA: give pmma_mm.", code="missing-parameter"
            )
        return {}, ()
    by_thickness = dict(zip(chosen.pmma_mm, found, strict=True))
    values: dict[str, Quantity] = {}
    reference = by_thickness.get(chosen.reference_mm)
    if reference is None:
        warnings.append(
            f"There is no image of {chosen.reference_mm:g} mm PMMA, so nothing is relative to it."
        )
    else:
        values |= _relative(by_thickness, reference, chosen)
    order = sorted(by_thickness)
    curves = tuple(
        Curve(
            title, tuple(order), tuple(getattr(by_thickness[t], field)[0] for t in order),
            "PMMA", "mm", "SDNR", "1", tuple(getattr(by_thickness[t], field)[1] for t in order),
        )
        for title, field in (
            ("Noise beside", "sdnr_background_noise"), ("Noise of both", "sdnr_rms_noise"),
        )
    )  # fmt: skip
    return values, curves


def _relative(
    found: Mapping[float, Found], reference: Found, chosen: Parameters
) -> dict[str, Quantity]:
    values: dict[str, Quantity] = {}
    base, u_base = reference.sdnr_rms_noise
    for t, one in found.items():
        value, u = one.sdnr_rms_noise
        if one is not reference:
            u_ratio = math.hypot(u / value, u_base / base) if value else 0.0
            values[f"relative_{value_name(t)}mm"] = quantity(
                100 * value / base, "%", 100 * value / base * u_ratio
            )
    if (
        chosen.threshold_gold_um is not None
        and chosen.target_gold_um is not None
        and chosen.mu_per_um is not None
    ):
        factor = target_sdnr(1.0, chosen.threshold_gold_um, chosen.target_gold_um, chosen.mu_per_um)
        aim = base * factor
        values["target_sdnr"] = quantity(aim, "1", u_base * factor)
        for t, one in found.items():
            value, u = one.sdnr_rms_noise
            correlated = 0.0 if one is reference else math.hypot(u / value, u_base / base)
            values[f"relative_to_target_{value_name(t)}mm"] = quantity(
                100 * value / aim, "%", 100 * value / aim * correlated
            )
    return values
