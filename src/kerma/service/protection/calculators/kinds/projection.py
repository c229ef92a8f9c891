"""Calculators of projection X-rays: kerma from output or KAP, surface kerma, effective dose."""

from __future__ import annotations

from typing import Any

from kerma.core import Quantity
from kerma.physics import projection
from kerma.physics.calculation import Calculation
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.protection.calculators.fields import Choice, Given, Number, Option, named
from kerma.service.protection.calculators.kinds.common import (
    KERMA_UNITS,
    LENGTH_UNITS,
    hvl,
    kap,
    kv,
)

GROUP = "Radiography and fluoroscopy"
_WIDTH = Number("width", "Field width", "w", LENGTH_UNITS)
_HEIGHT = Number("height", "Field height", "h", LENGTH_UNITS)
_SKIN = Number("distance", "Focus-to-skin distance", "d", LENGTH_UNITS)
_BEAM = {"kv": "80", "kv-unit": "kV", "hvl": "3.2", "hvl-unit": "mm Al", "hvl-u": "0.1"}
_SQUARE = {"width": "30", "width-unit": "cm", "height": "30", "height-unit": "cm"}


def _populations(given: Given) -> list[Option]:
    held = projection.coefficient_sets().get(given.get("set_name", ""), [])
    return [(v, v) for v in dict.fromkeys(r.text("population") for r in held)]


def _examinations(given: Given) -> list[Option]:
    held = projection.coefficient_sets().get(given.get("set_name", ""), [])
    fits = [r for r in held if r.text("population") == given.get("population", "")]
    return [(v, v) for v in dict.fromkeys(r.text("examination") for r in fits)]


def _effective(*, kap: Quantity, **chosen: Any) -> Calculation:
    return projection.effective_dose(kap, **chosen)


CALCULATORS = (
    Calculator(
        "projection-incident-kerma", "Incident air kerma from output", GROUP,
        "Air kerma at the skin, without backscatter, from the tube's output and the technique.",
        projection.incident_air_kerma,
        (Number("output", "Tube output", "Y", ("uGy/mAs", "mGy/mAs"),
                hint="at the kV and filtration of the exposure"),
         Number("mas", "Tube current-time product", "Q", ("mAs", "As", "uAs")),
         Number("output_distance", "Distance of the output", "d0", LENGTH_UNITS), _SKIN),
        "projection-dose",
        {"output": "52", "output-unit": "uGy/mAs", "output-u": "4 %", "mas": "20",
         "mas-unit": "mAs", "output_distance": "100", "output_distance-unit": "cm",
         "distance": "75", "distance-unit": "cm", "distance-u": "1"},
    ),
    Calculator(
        "projection-kerma-from-kap", "Incident air kerma from KAP", GROUP,
        "Air kerma at the skin, averaged over the field, from the kerma-area product.",
        projection.incident_from_kap,
        (kap(), _WIDTH, _HEIGHT,
         Number("field_distance", "Distance of the field size", "df", LENGTH_UNITS,
                hint="focus to where width and height are known"), _SKIN),
        "projection-dose",
        {"kap": "1.2", "kap-unit": "Gy.cm2", "kap-u": "7 %", **_SQUARE, "field_distance": "100",
         "field_distance-unit": "cm", "distance": "75", "distance-unit": "cm"},
        others={"field_area": "Field area at the skin"},
    ),
    Calculator(
        "projection-entrance-kerma", "Entrance surface air kerma", GROUP,
        "Incident air kerma with the backscatter of this beam and field.",
        projection.entrance_surface_kerma,
        (Number("incident", "Incident air kerma", "K", KERMA_UNITS), kv(), hvl(), _WIDTH, _HEIGHT),
        "projection-dose",
        {"incident": "1.85", "incident-unit": "mGy", "incident-u": "5 %", **_BEAM, **_SQUARE},
        draws_on=("bsf/",), others={"backscatter_factor": "Backscatter factor B"},
    ),
    Calculator(
        "projection-entrance-dose", "Entrance surface dose", GROUP,
        "Absorbed dose to water at the entrance surface.",
        projection.entrance_surface_dose,
        (Number("incident", "Incident air kerma", "K", KERMA_UNITS), kv(), hvl(), _WIDTH, _HEIGHT),
        "projection-dose",
        {"incident": "1.85", "incident-unit": "mGy", "incident-u": "5 %", **_BEAM, **_SQUARE},
        draws_on=("bsf/",), others={"backscatter_factor": "Backscatter factor B",
                                    "water_air": "Water to air, (μen/ρ)"},
    ),
    Calculator(
        "projection-backscatter", "Backscatter factor", GROUP,
        "Entrance surface over incident air kerma of a beam and a field.",
        projection.backscatter_factor, (kv(), hvl(), _WIDTH, _HEIGHT), "projection-dose",
        {**_BEAM, **_SQUARE}, draws_on=("bsf/",),
    ),
    Calculator(
        "projection-effective-dose", "Effective dose from KAP", GROUP,
        "Effective dose of a reference person by one named set of coefficients.",
        _effective,
        (Choice("set_name", "Coefficients", named(projection.coefficient_sets)),
         Choice("population", "Population", _populations),
         Choice("examination", "Examination", _examinations), kap()),
        "projection-dose",
        {"set_name": "Brambilla 2017", "population": "adult",
         "examination": "Coronary angiography", "kap": "35", "kap-unit": "Gy.cm2",
         "kap-u": "8 %"},
        covers=(projection.effective_dose,), draws_on=("radiography-e-dap/",),
    ),
)  # fmt: skip
