"""Exposure index in the headers against the air kerma measured at the detector."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, InputError, Quantity, quantity
from kerma.imaging import identity
from kerma.imaging.planar._headers import number, repeats, require_one_detector
from kerma.imaging.planar.region import central_region, linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.flat import require_flat
from kerma.imaging.tools.flat_fields import require_paired
from kerma.imaging.tools.regions import Array, Rectangle

NAME, VERSION = "planar-exposure-index", "1"
EDITION = "IEC 62494-1:2008, EI = c0 K with c0 = 100 per µGy (recalled)"
C0_PER_UGY = 100.0
KEYWORDS = ("ExposureIndex", "Sensitivity", "RelativeXRayExposure")
# How an index follows air kerma K: what it is linear in, and back.
RELATIONS: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "iec": (lambda k: k, lambda x: x),
    "linear": (lambda k: k, lambda x: x),
    "inverse": (lambda k: 1.0 / k, lambda x: 1.0 / x),
    "log": (np.log10, lambda x: 10.0**x),
}
_SLOPE_UNITS: Mapping[str, str] = {
    "iec": "1/uGy", "linear": "1/uGy", "inverse": "uGy", "log": "1",
}  # fmt: skip
_LEAST_R_SQUARED = 0.9


@dataclass(frozen=True, slots=True)
class Parameters:
    """What must and may be chosen.

    Attributes
    ----------
    kerma_ugy
        Air kerma at the detector of each image, without backscatter, in the order of the images.
    u_kerma_percent
        Standard uncertainty (k = 1) of the air kerma.
    index
        Header keyword of the index: ``ExposureIndex`` (IEC), ``Sensitivity``,
        ``RelativeXRayExposure`` (makers' own).
    readings
        The index as read from the console, in the order of the images, instead of the headers.
    relation
        ``iec``: EI = 100 K is expected. ``linear``, ``inverse`` (S numbers), ``log`` (of base 10):
        how a maker's own index follows air kerma; nothing is expected, only the fit is judged.
    side_mm, roi
        Central square (design choice), or left, top, right, bottom in pixels; must be flat.
    stp
        Signal transfer property (model, a, b, c; K in µGy): the pixels' own air kerma is then
        compared with the index as well.
    """

    kerma_ugy: tuple[float, ...]
    u_kerma_percent: float | None = None
    index: str = "ExposureIndex"
    readings: tuple[float, ...] | None = None
    relation: str = "iec"
    side_mm: float = 40.0
    roi: tuple[int, int, int, int] | None = None
    stp: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        u = self.u_kerma_percent
        require(self.index in KEYWORDS, "index", f"The index is one of {', '.join(KEYWORDS)}.")
        require(
            self.relation in RELATIONS,
            "relation",
            f"The relation is one of {', '.join(RELATIONS)}.",
        )
        require(
            self.relation != "iec" or self.index == "ExposureIndex",
            "relation",
            "Only ExposureIndex follows IEC 62494-1; name the relation of a maker's own index.",
        )
        require(
            self.readings is None or all(math.isfinite(r) and r > 0 for r in self.readings),
            "readings",
            "Readings of the index must be numbers above zero.",
        )
        require(self.side_mm > 0, "side_mm", "The side of the region must be above zero.")
        require(
            u is None or (math.isfinite(u) and u >= 0),
            "u_kerma_percent",
            "The uncertainty of the air kerma must be zero or more.",
        )


@measurement(
    NAME,
    version=VERSION,
    title="Exposure index against air kerma",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Compare the exposure index of flat fields with measured air kerma.

    Values ``max_deviation`` and ``mean_deviation`` (%, of EI from 100 K; ``iec`` only); of a
    straight-line fit with three or more different air kermas ``slope`` (1/uGy, uGy or 1),
    ``intercept``, ``r_squared`` (1) and ``max_fit_deviation`` (%, of the air kerma the fit gives
    for an index from the measured one); ``repeatability`` (%, coefficient of variation of index
    over air kerma at one setting, pooled); ``di_max_difference`` (1, of the header's deviation
    index from 10 log10(EI/EI_T)); with `stp` ``max_deviation_from_pixels`` (%). What cannot be
    given is left out with a warning.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``no-exposure-index``, ``mixed-detectors``, ``kerma-count``,
        ``bad-kerma``, ``reading-count``, ``not-flat``, ``processed-image`` (with `stp`).
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR)
    require_paired(images, chosen.kerma_ugy)
    require_one_detector(images)
    warnings = list(identity.require_raw(images)) if chosen.stp is not None else []
    index = np.array(_index(images, chosen))
    kerma = np.array(chosen.kerma_ugy)
    regions = [central_region(image, chosen.side_mm, chosen.roi) for image in images]
    for image, region in zip(images, regions, strict=True):
        identity.require_not_clinical(image)
        require_flat(region.cut(image.pixels))
    values: dict[str, Quantity] = {}
    if chosen.u_kerma_percent is None:
        warnings.append(
            "The uncertainty of the air kerma was not given, so it is left out. Give "
            "u_kerma_percent from the meter's certificate."
        )
    steady, notes = _repeatability(index, kerma, chosen.relation)
    values |= steady
    warnings += notes
    found, notes, curves = _fit(index, kerma, chosen, steady.get("repeatability"))
    values |= found
    warnings += notes
    values |= _deviations(index, kerma, chosen, steady.get("repeatability"))
    table = [_row(i, image, float(e), float(k))
             for i, (image, e, k) in enumerate(zip(images, index, kerma, strict=True))]  # fmt: skip
    values |= _deviation_index(table, chosen)
    from_pixels, drawn = _pixels(images, regions, index, chosen, table)
    return Analysis(
        name=NAME,
        status="measured" if values else "not measurable",
        reason="" if values else "One image of a maker's own index says nothing by itself.",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values={**values, **from_pixels},
        regions=drawn,
        curves=curves,
        warnings=tuple(warnings),
        facts={"images": table, "index_from": "readings" if chosen.readings else chosen.index},
    )


def _index(images: Sequence[Image], chosen: Parameters) -> list[float]:
    if chosen.readings is not None:
        if len(chosen.readings) != len(images):
            raise InputError(
                f"{len(images)} images and {len(chosen.readings)} readings of the index were "
                "given; each image needs its own.",
                code="reading-count",
            )
        return list(chosen.readings)
    found = []
    for place, image in enumerate(images, 1):
        value = number(image, chosen.index)
        if value is None or value <= 0:
            raise InputError(
                f"Image {place} does not state {chosen.index} in its header. Give the readings of "
                "the console, or another header keyword as index.",
                code="no-exposure-index",
                detail={"image": place, "keyword": chosen.index},
            )
        found.append(value)
    return found


def _repeatability(
    index: Array, kerma: Array, relation: str
) -> tuple[dict[str, Quantity], list[str]]:
    """Return the pooled coefficient of variation of what the index says of one air kerma."""
    if relation == "log":
        return {}, []
    constant = index * kerma if relation == "inverse" else index / kerma
    squares, freedom = 0.0, 0
    for group in repeats(kerma):
        part = constant[group]
        squares += float(((part / part.mean() - 1.0) ** 2).sum())
        freedom += len(group) - 1
    if not freedom:
        return {}, [
            "No air kerma was repeated within 2 %, so there is no repeatability. Repeat one "
            "exposure three times or more."
        ]
    cv = 100.0 * math.sqrt(squares / freedom)
    return {"repeatability": quantity(cv, "%", cv / math.sqrt(2.0 * freedom))}, []


def _fit(
    index: Array, kerma: Array, chosen: Parameters, steady: Quantity | None
) -> tuple[dict[str, Quantity], list[str], tuple[Curve, ...]]:
    forward, back = RELATIONS[chosen.relation]
    x = forward(kerma)
    labels = ("Air kerma", "uGy", "Index", "1")
    order = np.argsort(kerma)
    drawn = [Curve("Index", tuple(map(float, kerma[order])), tuple(map(float, index[order])),
                   *labels)]  # fmt: skip
    distinct = len(index) - sum(len(g) - 1 for g in repeats(kerma))
    if distinct < 3:
        return {}, ["Fewer than three different air kermas, so no line was fitted."], tuple(drawn)
    design = np.column_stack((np.ones_like(x), x))
    # Weights: an index scatters in proportion to itself, except a logarithmic one.
    weight = np.ones_like(x) if chosen.relation == "log" else 1.0 / index
    solved = np.linalg.lstsq(design * weight[:, None], index * weight, rcond=None)[0]
    a, b = float(solved[0]), float(solved[1])
    rest = (index - design @ solved) * weight
    freedom = len(index) - 2
    covariance = np.linalg.inv((design * weight[:, None] ** 2).T @ design)
    covariance = covariance * float((rest**2).sum()) / freedom
    u_kerma = (chosen.u_kerma_percent or 0.0) / 100.0
    common = 0.0 if chosen.relation == "log" else b * u_kerma
    total = float(((index - index.mean()) ** 2).sum())
    r_squared = 1.0 - float(((index - design @ solved) ** 2).sum()) / total if total else 0.0
    # Falls outside the relation's range (an S number beyond the fit) count as no kerma at all.
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.abs(back((index - a) / b) / kerma - 1.0)
    values = {
        "slope": quantity(b, _SLOPE_UNITS[chosen.relation],
                          math.hypot(math.sqrt(float(covariance[1, 1])), common)),
        "intercept": quantity(a, "1", math.sqrt(float(covariance[0, 0]))),
        "r_squared": quantity(r_squared, "1", max(0.0, 1.0 - r_squared)),
    }  # fmt: skip
    if np.isfinite(off).all():
        spread = 0.0 if steady is None else steady.value
        values["max_fit_deviation"] = quantity(100.0 * float(off.max()), "%", spread)
    notes = []
    # Only a logarithmic index may run either way.
    if r_squared < _LEAST_R_SQUARED or (b <= 0 and chosen.relation != "log"):
        notes.append(
            "The index hardly follows the air kerma. Check that images and air kermas are in the "
            "same order, and the relation."
        )
    smooth = np.linspace(kerma.min(), kerma.max(), 50)
    drawn.append(
        Curve("Fit", tuple(map(float, smooth)), tuple(map(float, a + b * forward(smooth))), *labels)
    )
    if chosen.relation == "iec":
        drawn.append(Curve("100 K", tuple(map(float, smooth)),
                           tuple(map(float, C0_PER_UGY * smooth)), *labels))  # fmt: skip
    return values, notes, tuple(drawn)


def _deviations(
    index: Array, kerma: Array, chosen: Parameters, steady: Quantity | None
) -> dict[str, Quantity]:
    if chosen.relation != "iec":
        return {}
    off = index / (C0_PER_UGY * kerma) - 1.0
    spread = 0.0 if steady is None else steady.value
    u_kerma = chosen.u_kerma_percent or 0.0
    worst = float(np.abs(off).max())
    scale = float(np.abs(1.0 + off).max())
    return {
        "max_deviation": quantity(100.0 * worst, "%", scale * math.hypot(u_kerma, spread)),
        "mean_deviation": quantity(
            100.0 * float(off.mean()), "%",
            scale * math.hypot(u_kerma, spread / math.sqrt(len(index))),
        ),
    }  # fmt: skip


def _row(place: int, image: Image, index: float, kerma: float) -> dict[str, Any]:
    row: dict[str, Any] = {"image": place, "index": index, "kerma_ugy": kerma}
    for keyword in ("TargetExposureIndex", "DeviationIndex", "KVP"):
        value = number(image, keyword)
        if value is not None:
            row[keyword] = value
    target = row.get("TargetExposureIndex")
    if target is not None and target > 0:
        row["deviation_index_calculated"] = 10.0 * math.log10(index / target)
    return row


def _deviation_index(table: Sequence[Mapping[str, Any]], chosen: Parameters) -> dict[str, Quantity]:
    off = [
        abs(row["DeviationIndex"] - row["deviation_index_calculated"])
        for row in table
        if {"DeviationIndex", "deviation_index_calculated"} <= row.keys()
    ]
    if not off or chosen.relation != "iec":
        return {}
    # Headers give the index to 0.1, rectangular.
    return {"di_max_difference": quantity(max(off), "1", 0.05 / math.sqrt(3.0))}


def _pixels(
    images: Sequence[Image], regions: Sequence[Rectangle], index: Array, chosen: Parameters,
    table: Sequence[dict[str, Any]],
) -> tuple[dict[str, Quantity], tuple[Any, ...]]:  # fmt: skip
    """Return the index's deviation from the pixels' own air kerma, and the regions."""
    drawn, off, u = [], [], []
    for place, (image, region) in enumerate(zip(images, regions, strict=True)):
        pixels, unit = linearised(image, chosen.stp)
        found = region.moments(pixels)
        drawn.append(region.region("Centre", frame=place, values=found.values(unit)))
        if chosen.stp is not None and found.mean > 0:
            table[place]["pixels_ugy"] = found.mean
            off.append(float(index[place]) / (C0_PER_UGY * found.mean) - 1.0)
            u.append(100.0 * (1.0 + off[-1]) * found.u_mean / found.mean)
    if chosen.relation != "iec" or len(off) < len(images):
        return {}, tuple(drawn)
    worst = int(np.argmax(np.abs(off)))
    value = quantity(100.0 * abs(off[worst]), "%", u[worst])
    return {"max_deviation_from_pixels": value}, tuple(drawn)
