"""Calculators of the UK method: kerma per year from KAP and DLP, and the barrier of one source."""

from __future__ import annotations

from typing import Any

from kerma.core import InputError, Quantity
from kerma.physics.calculation import Calculation
from kerma.physics.shielding import barrier, bir, histogram, isodose
from kerma.physics.shielding.barrier import YEAR
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.protection.calculators.fields import (
    Choice,
    Flag,
    Number,
    Rows,
    Text,
    fixed,
)
from kerma.service.protection.calculators.kinds.common import PHANTOM, dlp, kap, kv, metres, ratio
from kerma.service.protection.calculators.kinds.shielding_common import (
    ARCHER,
    MATERIAL,
    OCCUPANCY,
    PRESHIELDING,
    SURE_KV,
    distance,
    thickness,
    volts,
)

GROUP = "Shielding: UK method"
_YEAR = kap("Kerma-area product per year", "KAP")
_DLP_YEAR = dlp("Dose-length product per year")
_ANGLE = Number("angle", "Scattering angle", "θ", ("deg",), hint="from the forward beam")
_SLANT = distance("Distance from the scattering centre")
_ISOCENTRE = distance("Distance from the isocentre")
_REGION = Choice("region", "Region scanned", fixed("head", "body"))
_SHADOW = Flag("gantry_shadow", "Is the point in the shadow of the gantry?")
_QUALITY = Choice("quality", "Transmission taken for", fixed(
    ("secondary", "Secondary radiation (NCRP 147, Table C.1)"),
    ("primary", "Primary beam, as the book’s example does for scatter"),
))  # fmt: skip
_LOCAL = Number("local_constraint", "Local constraint per year", "P", ("mSv", "uSv", "mGy", "uGy"),
                optional=True, hint="blank: that of the reference row")  # fmt: skip
_SCATTER_ROWS = ("bir/scatter_from_kap/",)
_WALL_ROWS = ("bir/design_criterion/dose-constraint", "bir/required_transmission", ARCHER)
_OTHERS = {
    "unshielded": "Unshielded, per year", "allowed": "Allowed, P / T",
    "transmission": "Transmission needed", "behind": "Behind the barrier, per year",
}  # fmt: skip

_KAP = {"kap": "500", "kap-unit": "Gy.cm2", "kap-u": "20 %"}
_POINT = {"kv": "85", "kv-unit": "kV", "angle": "117", "angle-unit": "deg", "distance": "2.5",
          "distance-unit": "m", "distance-u": "0.05"}  # fmt: skip
_CT = {"region": "body", "phantom": "body", "dlp": "4500", "dlp-unit": "Gy.cm", "distance": "3",
       "distance-unit": "m", "gantry_shadow": "no"}  # fmt: skip
_PRIMARY = {**_KAP, "field_area": "1200", "field_area-unit": "cm2", "field_distance": "1.8",
            "field_distance-unit": "m", "distance": "2.4", "distance-unit": "m"}  # fmt: skip
_MADE = {"material": "lead", "occupancy": "1"}
_FIELD = (Number("field_area", "Field area", "F", ("cm2", "m2")),
          metres("field_distance", "Distance of the field from the focus", "dF"))  # fmt: skip
_HISTOGRAM = Rows("histogram", "KAP of a year", (("kV", "kV"), ("KAP", "Gy.cm2")))


def _scatter(*, kap: Quantity, kv: Quantity, **point: Quantity) -> Calculation:
    return bir.scatter(kap, kv, **point)


def _primary(*, kap: Quantity, **field: Quantity) -> Calculation:
    return bir.primary(kap, **field)


def _ct(*, region: str, **given: Any) -> Calculation:
    return bir.ct(region, **given)


def _dental(*, modality: str, **given: Quantity) -> Calculation:
    return bir.dental(modality, **given)


def _walled(made: Calculation, kv: Quantity, given: dict[str, Any], **of: str) -> Calculation:
    return bir.barrier([bir.source(made, volts(kv), **of)], **given)


def _split(given: dict[str, Any]) -> dict[str, Any]:
    """Take what belongs to the barrier out of what is given."""
    names = ("material", "occupancy", "local_constraint")
    return {n: given.pop(n) for n in names if n in given}


def _scatter_wall(*, kap: Quantity, kv: Quantity, quality: str, **given: Any) -> Calculation:
    wall = _split(given)
    return _walled(bir.scatter(kap, kv, **given), kv, wall, quality=quality)


def _primary_wall(*, kap: Quantity, kv: Quantity, preshielding: str = "",
                  **given: Any) -> Calculation:  # fmt: skip
    wall = _split(given)
    return _walled(bir.primary(kap, **given), kv, wall, quality="primary", case=preshielding)


def _ct_wall(*, region: str, kv: Quantity, **given: Any) -> Calculation:
    wall = _split(given)
    return _walled(bir.ct(region, **given), kv, wall, quality="ct_secondary")


def _histogram_wall(**given: Any) -> Calculation:
    wall = _split(given)
    return bir.barrier([histogram.source(given.pop("histogram"), **given)], **wall)


def _scatter_behind(*, kap: Quantity, kv: Quantity, quality: str, material: str, x: Quantity,
                    **point: Quantity) -> Calculation:  # fmt: skip
    source = bir.source(bir.scatter(kap, kv, **point), volts(kv), quality=quality)
    return barrier.behind([source], material=material, x=x, period=YEAR)


def _isodose(*, points: Any, **given: Any) -> Calculation:
    held = [isodose.MapPoint(x.to("m").value, y.to("m").value, k) for x, y, k in points]
    if given["workload"].unit.dimensions != given["per"].unit.dimensions:
        raise InputError("The workload and what the map is for are not of one kind.",
                         code="wrong-unit")  # fmt: skip
    return isodose.kerma(held, **given)


_SCANS = ("1", "mGy.cm", "Gy.cm", "mAs", "As")

CALCULATORS = (
    Calculator(
        "shielding-bir-scatter", "Scatter from KAP", GROUP,
        "Unshielded scattered air kerma per year at a point, by angle and tube voltage.",
        _scatter, (_YEAR, kv(), _ANGLE, _SLANT), "shielding", {**_KAP, **_POINT},
        covers=(bir.scatter,), draws_on=_SCATTER_ROWS,
    ),
    Calculator(
        "shielding-bir-wall", "Highest scatter on a wall", GROUP,
        "A quick check: the highest scattered kerma per year on a wall, for a vertical beam.",
        bir.wall_scatter,
        (_YEAR, kv(), distance("Perpendicular distance from patient to wall")), "shielding",
        {**_KAP, "kv": "85", "kv-unit": "kV", "distance": "2.5", "distance-unit": "m"},
        draws_on=_SCATTER_ROWS,
    ),
    Calculator(
        "shielding-bir-histogram", "Scatter from KAP by tube voltage", GROUP,
        "Unshielded scattered air kerma per year from the room’s own doses by tube voltage.",
        histogram.scatter, (_HISTOGRAM, _ANGLE, _SLANT), "shielding",
        {"histogram": "70 140\n80 260\n110 60", "angle": "117", "angle-unit": "deg",
         "distance": "2.5", "distance-unit": "m", "distance-u": "0.05"},
        draws_on=_SCATTER_ROWS,
    ),
    Calculator(
        "shielding-bir-ct", "CT scatter from DLP", GROUP,
        "Unshielded scattered air kerma of a CT room per year.",
        _ct, (_REGION, PHANTOM, _DLP_YEAR, _ISOCENTRE, _SHADOW), "shielding", _CT,
        covers=(bir.ct,), draws_on=("bir/ct/",),
    ),
    Calculator(
        "shielding-isodose-point", "CT scatter from an isodose map", GROUP,
        "Unshielded scattered air kerma at a place of the maker’s own map.",
        _isodose,
        (Text("document", "Map", hint="document, scanner, phantom, tube voltage, collimation"),
         Rows("points", "Points of the map, from the isocentre",
              (("x", "m"), ("y", "m"), ("kerma", "uGy"))),
         Number("per", "The map is for", "W0", _SCANS, hint="one scan, or its DLP or mAs",
                uncertain=False),
         Number("workload", "Workload in the period", "W", _SCANS),
         Number("x", "Position x", "x", ("m", "cm")), Number("y", "Position y", "y", ("m", "cm")),
         Number("largest_gap", "Largest gap to interpolate over", "gap", ("m", "cm"),
                uncertain=False),
         ratio("u_map", "Relative standard uncertainty of the map", "u", optional=True)),
        "shielding",
        {"document": "An example map, of no scanner", "points": "1 1 10\n2 1 4\n1 2 4.2\n2 2 2.6",
         "per": "1", "per-unit": "1", "workload": "8000", "workload-unit": "1", "x": "1.5",
         "x-unit": "m", "y": "1.4", "y-unit": "m", "largest_gap": "1.5", "largest_gap-unit": "m"},
        covers=(isodose.kerma,),
    ),
    Calculator(
        "shielding-bir-dental", "Dental scatter from KAP", GROUP,
        "Highest scattered air kerma per year of intra-oral or panoramic imaging.",
        _dental,
        (Choice("modality", "Modality", fixed("intra-oral", "panoramic")), _YEAR,
         distance("Distance from the patient")),
        "shielding", {"modality": "panoramic", "kap": "60", "kap-unit": "Gy.cm2", "distance": "1.5",
                      "distance-unit": "m"},
        covers=(bir.dental,), draws_on=("bir/dental/",),
    ),
    Calculator(
        "shielding-bir-primary", "Primary kerma from KAP", GROUP,
        "Unshielded primary air kerma per year at a point.",
        _primary, (_YEAR, *_FIELD, distance("Distance of the point from the focus")), "shielding",
        _PRIMARY, covers=(bir.primary,), draws_on=("bir/primary",),
    ),
    Calculator(
        "shielding-bir-scatter-wall", "Barrier against scatter from KAP", GROUP,
        "The thickness one material needs against scattered radiation.",
        _scatter_wall,
        (_YEAR, SURE_KV, _ANGLE, _SLANT, _QUALITY, MATERIAL, OCCUPANCY, _LOCAL), "shielding",
        {**_KAP, **_POINT, "quality": "secondary", **_MADE, "kv": "100"},
        covers=(bir.barrier,), draws_on=(*_SCATTER_ROWS, *_WALL_ROWS), others=_OTHERS,
    ),
    Calculator(
        "shielding-bir-histogram-wall", "Barrier against scatter by tube voltage", GROUP,
        "The thickness one material needs against scatter, from the room’s own doses.",
        _histogram_wall, (_HISTOGRAM, _ANGLE, _SLANT, MATERIAL, OCCUPANCY, _LOCAL), "shielding",
        {"histogram": "70 140\n100 320", "angle": "117", "angle-unit": "deg", "distance": "2.5",
         "distance-unit": "m", **_MADE},
        covers=(bir.barrier,), draws_on=(*_SCATTER_ROWS, *_WALL_ROWS), others=_OTHERS,
    ),
    Calculator(
        "shielding-bir-primary-wall", "Barrier against a primary beam, from KAP", GROUP,
        "The thickness one material needs against the primary beam.",
        _primary_wall,
        (_YEAR, SURE_KV, *_FIELD, distance("Distance of the point from the focus"), PRESHIELDING,
         MATERIAL, OCCUPANCY, _LOCAL),
        "shielding", {**_PRIMARY, "kv": "85", "kv-unit": "kV", **_MADE},
        covers=(bir.barrier,),
        draws_on=("bir/primary", "ncrp147/preshielding", *_WALL_ROWS), others=_OTHERS,
    ),
    Calculator(
        "shielding-bir-ct-wall", "Barrier of a CT room, from DLP", GROUP,
        "The thickness one material needs against the scatter of a CT scanner.",
        _ct_wall,
        (_REGION, PHANTOM, _DLP_YEAR, _ISOCENTRE, _SHADOW, SURE_KV, MATERIAL, OCCUPANCY, _LOCAL),
        "shielding", {**_CT, "kv": "120", "kv-unit": "kV", **_MADE},
        covers=(bir.barrier,), draws_on=("bir/ct/", *_WALL_ROWS), others=_OTHERS,
    ),
    Calculator(
        "shielding-bir-behind", "Kerma behind a wall, from KAP", GROUP,
        "What passes a wall that stands already, from a year’s scatter.",
        _scatter_behind,
        (_YEAR, SURE_KV, _ANGLE, _SLANT, _QUALITY, MATERIAL, thickness()), "shielding",
        {**_KAP, **_POINT, "quality": "secondary", "material": "lead", "x": "1.32", "x-unit": "mm",
         "kv": "100"},
        covers=(barrier.behind,), draws_on=(*_SCATTER_ROWS, ARCHER),
    ),
)  # fmt: skip
