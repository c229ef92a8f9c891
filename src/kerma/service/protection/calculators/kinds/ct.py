"""Calculators of CT: dose indices from a pencil chamber, SSDE, effective dose from DLP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerma.core import Quantity, quantity
from kerma.physics import ct, ctdi
from kerma.physics.calculation import Calculation
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.protection.calculators.fields import Choice, Given, Number, Option, fixed, named
from kerma.service.protection.calculators.kinds.common import (
    DLP_UNITS,
    KERMA_UNITS,
    LENGTH_UNITS,
    PHANTOM,
    dlp,
    ratio,
)

GROUP = "CT"
_BEAM = Number("collimation", "Nominal beam width", "NT", ("mm", "cm"),
               hint="number of slices times their thickness; at most 40 mm")  # fmt: skip
_FACTOR = ratio("calibration", "Calibration factor", "Nk", optional=True,
                hint="of chamber and meter at this beam quality; blank: 1")  # fmt: skip
_EDGES = ("12 o'clock", "3 o'clock", "6 o'clock", "9 o'clock")
# A column of the data set, and the field that chooses in it, in the order they are chosen.
_CHOSEN = {"region": "region", "age_y": "age", "kV": "kv", "weighting": "weighting"}


def _weighted(
    *, centre: Quantity, collimation: Quantity, phantom: str, calibration: Quantity | None = None,
    **edges: Quantity,
) -> Calculation:  # fmt: skip
    around = [edges[f"edge{n}"] for n in range(1, 5)]
    return ctdi.weighted(
        centre, around, collimation, phantom=phantom, calibration=calibration or quantity(1, "1")
    )


def _column(column: str) -> Callable[[Given], list[Option]]:
    """Return the options of a column: of the rows that fit everything chosen before it."""
    before = list(_CHOSEN)[: list(_CHOSEN).index(column)]

    def options(given: Given) -> list[Option]:
        fits = [
            r for r in ct.coefficient_sets().get(given.get("set_name", ""), [])
            if not r.text("habitus")
            and all(r.text(c) == given.get(_CHOSEN[c], "") for c in before)
        ]  # fmt: skip
        found = dict.fromkeys(r.text(column) for r in fits)
        return [(v, v or "not distinguished by the set") for v in found]

    return options


def _effective(*, dlp: Quantity, **chosen: Any) -> Calculation:
    return ct.effective_dose(dlp, **chosen)


CALCULATORS = (
    Calculator(
        "ctdi100", "CTDI100", GROUP,
        "The dose index of one position from a dose-length reading, in air or in a phantom.",
        ctdi.ctdi100,
        (Number("integral", "Dose-length reading", "R", DLP_UNITS, hint="of one rotation"),
         _BEAM, _FACTOR),
        "ctdi", {"integral": "25.6", "integral-unit": "mGy.cm", "integral-u": "2 %",
                 "collimation": "20", "collimation-unit": "mm"},
    ),
    Calculator(
        "ctdi-free-air", "CTDI free in air per mAs", GROUP,
        "The scanner's output on the axis, free in air, for constancy and against the maker's.",
        ctdi.free_air,
        (Number("integral", "Dose-length reading", "R", DLP_UNITS, hint="of one rotation"), _BEAM,
         Number("mas", "Tube current-time product of the rotation", "Q", ("mAs", "As")), _FACTOR),
        "ctdi", {"integral": "42.1", "integral-unit": "mGy.cm", "integral-u": "2 %",
                 "collimation": "20", "collimation-unit": "mm", "mas": "100", "mas-unit": "mAs"},
        others={"ctdi_air": "CTDI free in air"},
    ),
    Calculator(
        "ctdi-dose-length", "Dose-length of a pencil chamber", GROUP,
        "The dose-length integral where the meter shows the mean dose over the chamber.",
        ctdi.dose_length,
        (Number("reading", "Mean dose over the chamber", "D", KERMA_UNITS),
         Number("chamber_length", "Chamber length", "L", ("mm", "cm"),
                hint="active length, as its certificate says")),
        "ctdi", {"reading": "2.56", "reading-unit": "mGy", "chamber_length": "100",
                 "chamber_length-unit": "mm"},
    ),
    Calculator(
        "ctdi-weighted", "Weighted CTDI", GROUP,
        "CTDIw of a phantom from the reading in its centre and four at its edge.",
        _weighted,
        (PHANTOM, _BEAM, Number("centre", "Centre", "Rc", DLP_UNITS),
         *(Number(f"edge{n}", f"Edge, {place}", f"R{n}", DLP_UNITS)
           for n, place in enumerate(_EDGES, 1)), _FACTOR),
        "ctdi",
        {"phantom": "head", "collimation": "20", "collimation-unit": "mm", "centre": "32.1",
         "centre-unit": "mGy.cm", "centre-u": "1 %",
         **{f"edge{n}": str(34 + n / 10) for n in range(1, 5)},
         **{f"edge{n}-unit": "mGy.cm" for n in range(1, 5)},
         **{f"edge{n}-u": "1 %" for n in range(1, 5)}},
        covers=(ctdi.weighted,),
        others={"centre": "CTDI100, centre", "edge": "CTDI100, edge",
                "edge_to_centre": "Edge over centre"},
    ),
    Calculator(
        "ctdi-volume", "Volume CTDI", GROUP, "CTDIvol of a scan from CTDIw and pitch.",
        ctdi.volume,
        (PHANTOM, Number("ctdi_w", "Weighted CTDI", "Cw", KERMA_UNITS),
         ratio("pitch", "Pitch", "p", hint="table travel per rotation over beam width")),
        "ctdi", {"phantom": "body", "ctdi_w": "9.8", "ctdi_w-unit": "mGy", "ctdi_w-u": "4 %",
                 "pitch": "0.984"},
    ),
    Calculator(
        "ctdi-dlp", "Dose-length product", GROUP, "DLP of a scan from CTDIvol and length.",
        ctdi.dlp,
        (PHANTOM, Number("ctdivol", "CTDIvol", "C", KERMA_UNITS),
         Number("length", "Irradiated length", "L", LENGTH_UNITS,
                hint="with the over-ranging of helical scans")),
        "ctdi", {"phantom": "body", "ctdivol": "8.2", "ctdivol-unit": "mGy", "length": "42",
                 "length-unit": "cm"},
    ),
    Calculator(
        "ctdi-display", "Display check of CTDI", GROUP,
        "By how much the scanner's displayed CTDI differs from the measured one.",
        ctdi.display_deviation,
        (Number("displayed", "Displayed", "Cd", KERMA_UNITS),
         Number("measured", "Measured", "Cm", KERMA_UNITS)),
        "ctdi", {"displayed": "10.4", "displayed-unit": "mGy", "measured": "9.9",
                 "measured-unit": "mGy", "measured-u": "3 %"},
    ),
    Calculator(
        "ctdi-geometric-efficiency", "Geometric efficiency", GROUP,
        "How much of the beam along z the detector uses, by widths.",
        ctdi.geometric_efficiency,
        (Number("collimation", "Nominal beam width", "NT", ("mm", "cm")),
         Number("dose_width", "Width of the dose profile", "w", ("mm", "cm"),
                hint="full width at half maximum, free in air")),
        "ctdi", {"collimation": "20", "collimation-unit": "mm", "dose_width": "23.4",
                 "dose_width-unit": "mm", "dose_width-u": "0.3"},
    ),
    Calculator(
        "ct-ssde", "Size-specific dose estimate", GROUP,
        "What a displayed CTDIvol means for a patient of this size.",
        ct.ssde,
        (PHANTOM, Choice("region", "Region scanned", fixed("body", "head")),
         Number("ctdivol", "CTDIvol", "C", KERMA_UNITS),
         Number("diameter", "Water-equivalent diameter", "D", LENGTH_UNITS)),
        "ct-dose", {"phantom": "body", "region": "body", "ctdivol": "8.2", "ctdivol-unit": "mGy",
                    "diameter": "26.4", "diameter-unit": "cm", "diameter-u": "0.5"},
        draws_on=("ssde/",), others={"size_factor": "Size factor f"},
    ),
    Calculator(
        "ct-effective-dose", "Effective dose from DLP", GROUP,
        "Effective dose of a reference person by one named set of coefficients.",
        _effective,
        (Choice("set_name", "Coefficients", named(ct.coefficient_sets)),
         Choice("region", "Region", _column("region")),
         Choice("age", "Age of the set", _column("age_y")),
         Choice("kv", "Tube voltage of the set", _column("kV")),
         Choice("weighting", "Weighting factors", _column("weighting")),
         PHANTOM, dlp()),
        "ct-dose",
        {"set_name": "AAPM96_EUR16262", "region": "chest", "age": "adult", "phantom": "body",
         "dlp": "400", "dlp-unit": "mGy.cm", "dlp-u": "5 %"},
        covers=(ct.effective_dose,), draws_on=("ct-k-factors/",),
    ),
)  # fmt: skip
