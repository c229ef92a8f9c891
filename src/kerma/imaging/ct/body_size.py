"""Size of a patient in CT slices: water-equivalent and effective diameter, and SSDE."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, InputError, Quantity, Region, quantity
from kerma.imaging.ct import series
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import body
from kerma.imaging.tools.body import Body
from kerma.reference.loader import row
from kerma.reference.rows import Row

NAME, VERSION = "ct-body-size", "1"
EDITION = "AAPM 220 (2014) water-equivalent diameter; AAPM 204 (2011) and 293 (2019) factors"
# Rows of the reference library by part of the body and CTDI phantom (cm).
FACTORS = {
    ("body", 32): "ssde/aapm-204/f32",
    ("body", 16): "ssde/aapm-204/f16",
    ("head", 16): "ssde/aapm-293/f16_head",
}
# Water within 4 HU of 0 is what scanners are held to; as a rectangular distribution.
_U_SCALE_HU = 4.0 / math.sqrt(3.0)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    most_cut_off_percent
        A slice of which more of the outline lies at the border of the image is left out of the
        means; design choice. A body that is cut off at all is warned of.
    ctdivol_mgy, ctdi_phantom_cm
        Volume CT dose index and the diameter of the phantom it refers to, 16 or 32; both for an
        SSDE, or neither.
    part
        ``body`` (AAPM 204) or ``head`` (AAPM 293, 16 cm phantom only).
    """

    most_cut_off_percent: float = 2.0
    ctdivol_mgy: float | None = None
    ctdi_phantom_cm: int | None = None
    part: str = "body"

    def __post_init__(self) -> None:
        require(
            0 <= self.most_cut_off_percent <= 50,
            "most_cut_off_percent",
            "The share that may be cut off lies from 0 to 50 %.",
        )
        require(
            self.ctdivol_mgy is None or self.ctdivol_mgy > 0,
            "ctdivol_mgy",
            "The CTDIvol is above zero.",
        )
        require(self.part in ("body", "head"), "part", "The part is body or head.")
        require(
            (self.ctdivol_mgy is None) == (self.ctdi_phantom_cm is None),
            "ctdi_phantom_cm",
            "Give the CTDIvol together with the phantom it refers to, or neither: the two phantoms "
            "differ by a factor of two.",
        )
        require(
            self.ctdi_phantom_cm is None or (self.part, self.ctdi_phantom_cm) in FACTORS,
            "ctdi_phantom_cm",
            "There are factors for the body with a 16 or 32 cm phantom and for the head with 16.",
        )


@measurement(
    NAME,
    version=VERSION,
    title="Patient size and SSDE",
    edition=EDITION,
    modalities=("CT",),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the size of the patient (or phantom) in one or many slices of one series.

    Made for clinical images. Values, means over the slices that hold the whole body:
    ``water_equivalent_diameter``, ``effective_diameter`` (of a circle of the same area),
    ``lateral``, ``ap`` (mm); ``water_equivalent_diameter_middle`` (mm, of the slice in the middle
    of the range). With a CTDIvol also ``conversion_factor`` (1, mean over the slices) and ``ssde``
    (mGy).

    Raises
    ------
    InputError
        The codes of `kerma.imaging.ct.series.slices`; ``no-body``.
    """
    chosen = choose(Parameters, parameters)
    order, notes = series.slices(images)
    found = {i: body.find(images[i].pixels, images[i].require_spacing()) for i in order}
    bodies = {i: b for i, b in found.items() if b is not None}
    if not bodies:
        raise InputError(
            "No body was found in these slices: nothing of 10 cm² or more is denser than −500 HU. "
            "Give axial slices of a patient or a phantom.",
            code="no-body",
        )
    limit = chosen.most_cut_off_percent / 100.0
    whole = {i: b for i, b in bodies.items() if b.cut_off <= limit}
    warnings = [*notes, *_remarks(order, bodies, whole, chosen)]
    values: dict[str, Quantity] = {}
    factors: dict[str, Any] = {}
    if whole:
        values = _sizes(list(whole.values()), images[order[0]].require_spacing())
        if chosen.ctdivol_mgy is not None:
            doses, factors, said = _ssde(list(whole.values()), chosen)
            values |= doses
            warnings += said
    return Analysis(
        name=NAME,
        status="measured" if whole else "not measurable",
        reason="" if whole else (
            "The body is cut off by the field of view in every slice, so its size is not known. "
            "Reconstruct a larger field of view."
        ),
        provenance=provenance(NAME, VERSION, EDITION, images, chosen, slices_used=list(whole)),
        values=values,
        regions=_regions(bodies),
        curves=_curves(images, bodies, whole),
        warnings=tuple(warnings),
        facts={"per_slice": [_about(images[i], i, b, limit) for i, b in bodies.items()], **factors},
    )  # fmt: skip


def water_equivalent_mm(found: Body) -> float:
    """Return the diameter of the disc of water that attenuates as much, 2 sqrt(A_w/pi)."""
    return 2.0 * math.sqrt(max(found.water_mm2, 0.0) / math.pi)


def effective_mm(found: Body) -> float:
    """Return the diameter of the circle of the same area."""
    return 2.0 * math.sqrt(found.area_mm2 / math.pi)


def _u_water(found: Body) -> float:
    """Return u of the water-equivalent diameter: where the body ends, and the CT number scale."""
    value = water_equivalent_mm(found)
    inside = 2.0 * math.sqrt(max(found.water_inside_mm2, 0.0) / math.pi)
    return math.hypot((value - inside) / math.sqrt(12.0), 0.5 * value * _U_SCALE_HU / 1000.0)


def _sizes(whole: Sequence[Body], spacing_mm: tuple[float, float]) -> dict[str, Quantity]:
    """Return the means; both parts of u are common to the slices and are not averaged out."""
    dy, dx = spacing_mm
    pixel = math.sqrt(dx * dy)
    middle = whole[len(whole) // 2]

    def mean(values: Sequence[float]) -> float:
        return float(np.mean(values))

    # Each side of the outline is where one pixel passes -500 HU: half a pixel, rectangular.
    u_edge = math.sqrt(2.0) * 0.5 / math.sqrt(3.0)
    return {
        "water_equivalent_diameter": quantity(
            mean([water_equivalent_mm(b) for b in whole]), "mm", mean([_u_water(b) for b in whole])
        ),
        "water_equivalent_diameter_middle": quantity(
            water_equivalent_mm(middle), "mm", _u_water(middle)
        ),
        "effective_diameter": quantity(
            mean([effective_mm(b) for b in whole]), "mm", pixel / math.sqrt(12.0)
        ),
        "lateral": quantity(mean([b.lateral_mm for b in whole]), "mm", u_edge * dx),
        "ap": quantity(mean([b.ap_mm for b in whole]), "mm", u_edge * dy),
    }


def _ssde(
    whole: Sequence[Body], chosen: Parameters
) -> tuple[dict[str, Quantity], dict[str, Any], list[str]]:
    """Return conversion factor and SSDE, the row they rest on, and warnings."""
    assert chosen.ctdivol_mgy is not None
    assert chosen.ctdi_phantom_cm is not None
    source = row(FACTORS[chosen.part, chosen.ctdi_phantom_cm])
    a, b = source.number("a"), source.number("b")
    facts = {
        "ssde_row": {
            "id": source.id,
            "sha256": source.sha256,
            "confidence": source.confidence,
            "document": source.document,
            "a": a,
            "b_per_cm": b,
        }
    }
    sizes = np.array([water_equivalent_mm(x) / 10.0 for x in whole])
    low, high = _domain(source)
    warnings = [
        f"The SSDE rests on reference row {source.id} ({source.confidence}; {source.document})."
    ]
    if sizes.min() < low or sizes.max() > high:
        return {}, facts, [
            *warnings,
            f"The water-equivalent diameter, {sizes.min():.1f} to {sizes.max():.1f} cm, lies "
            f"outside {low:g} to {high:g} cm for which the factors are given, so the SSDE is "
            "absent.",
        ]  # fmt: skip
    if math.isinf(high):
        warnings.append(f"{source.id} states no range of sizes; the fit may not hold for any size.")
    factor = float(np.mean(a * np.exp(-b * sizes)))
    u_size = float(np.mean([_u_water(x) for x in whole])) / 10.0
    u = factor * b * u_size
    return (
        {
            "conversion_factor": quantity(factor, "1", u),
            "ssde": quantity(chosen.ctdivol_mgy * factor, "mGy", chosen.ctdivol_mgy * u),
        },
        facts,
        warnings,
    )


def _domain(source: Row) -> tuple[float, float]:
    """Return the range of diameters (cm) a row is stated for; everything when it states none."""
    stated = re.match(r"\s*([\d.]+)\s*-\s*([\d.]+)\s*cm", source.text("domain"))
    if stated is None:
        return 0.0, math.inf
    return float(stated[1]), float(stated[2])


def _remarks(
    order: Sequence[int], bodies: dict[int, Body], whole: dict[int, Body], chosen: Parameters
) -> list[str]:
    warnings = []
    empty = [i + 1 for i in order if i not in bodies]
    if empty:
        warnings.append(f"No body in image {_listed(empty)}; left out.")
    gone = [i + 1 for i in bodies if i not in whole]
    if gone:
        warnings.append(
            f"The body is cut off by the field of view in image {_listed(gone)} (more than "
            f"{chosen.most_cut_off_percent:g} % of its outline), so its size there is not known; "
            "left out."
        )
    slightly = [i + 1 for i, b in whole.items() if b.cut_off > 0]
    if slightly:
        warnings.append(
            f"The body touches the border of the image in image {_listed(slightly)}; the size "
            "there is a little too small."
        )
    tables = [i + 1 for i, b in whole.items() if b.table_row is not None]
    if tables:
        warnings.append(f"A solid table was cut away below the body in image {_listed(tables)}.")
    return warnings


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:8]))
    return shown if len(numbers) <= 8 else f"{shown} and {len(numbers) - 8} more"


def _regions(bodies: dict[int, Body]) -> tuple[Region, ...]:
    return tuple(
        Region(
            "Body",
            "polygon",
            b.outline,
            index,
            {
                "water_equivalent_diameter": quantity(water_equivalent_mm(b), "mm"),
                "effective_diameter": quantity(effective_mm(b), "mm"),
            },
        )
        for index, b in bodies.items()
    )


def _curves(
    images: Sequence[Image], bodies: dict[int, Body], whole: dict[int, Body]
) -> tuple[Curve, ...]:
    if len(whole) < 2:
        return ()
    placed = all(images[i].z_mm is not None for i in whole)
    at = tuple(float(images[i].z_mm or 0.0) if placed else float(i + 1) for i in whole)
    label, unit = ("Slice position", "mm") if placed else ("Image", "1")
    water = tuple(water_equivalent_mm(b) for b in whole.values())
    area = tuple(effective_mm(b) for b in whole.values())
    return (
        Curve("Water-equivalent diameter", at, water, label, unit, "Diameter", "mm",
              tuple(_u_water(b) for b in whole.values())),
        Curve("Effective diameter", at, area, label, unit, "Diameter", "mm"),
    )  # fmt: skip


def _about(image: Image, index: int, found: Body, limit: float) -> dict[str, Any]:
    return {
        "slice": index,
        "z_mm": image.z_mm,
        "water_equivalent_mm": water_equivalent_mm(found),
        "effective_mm": effective_mm(found),
        "lateral_mm": found.lateral_mm,
        "ap_mm": found.ap_mm,
        "cut_off_percent": 100.0 * found.cut_off,
        "used": found.cut_off <= limit,
    }
