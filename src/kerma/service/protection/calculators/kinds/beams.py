"""Calculators of beams: quality, filtration, output, minimum, meter corrections, distance."""

from __future__ import annotations

from typing import Any

from kerma.core import InputError, Quantity
from kerma.physics.beam import distance, meter, minimum, output, quality
from kerma.physics.beams import MATERIALS, MODELS, SOLVED_FOR
from kerma.physics.calculation import Calculation
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.protection.calculators.fields import (
    Choice,
    Field,
    Given,
    Number,
    Option,
    Rows,
    Text,
    fixed,
    named,
)
from kerma.service.protection.calculators.kinds.common import KERMA_UNITS, LENGTH_UNITS, hvl, kv

GROUP = "Beams"
_PAGE = "beam-calculations"
_FILTERS = 3
_ANY = ("mGy", "uGy", "mm Al", "mm", "kV", "uGy/mAs", "mGy/mAs", "mGy.cm", "Gy.cm2", "1")
_MAS = ("mAs", "As", "uAs")
_ANGLE = Number("angle", "Anode angle", "φ", ("deg",))
_ANODE = Choice("anode", "Anode", fixed(("W", "Tungsten"), ("Mo", "Molybdenum"),
                                        ("Rh", "Rhodium")))  # fmt: skip
_MODEL = Choice("model", "Model of the spectrum", named(lambda: MODELS), optional=True,
                hint="of SpekPy; blank: casim")  # fmt: skip


def _materials(_: Given) -> list[Option]:
    return [(m, m[:1].upper() + m[1:]) for m in MATERIALS]


def _stack(prefix: str, title: str, *, first: bool = True) -> tuple[Field, ...]:
    """Return the fields of up to three filters; inherent filtration is one of them."""
    fields: list[Field] = []
    for n in range(1, _FILTERS + 1):
        optional = n > 1 or not first
        fields += [
            Choice(f"{prefix}{n}", f"{title} {n}", _materials, optional=optional),
            Number(f"{prefix}{n}_t", f"Thickness of {title.lower()} {n}", "", ("mm", "um"),
                   optional=optional),
        ]  # fmt: skip
    return tuple(fields)


def _filters(given: dict[str, Any], prefix: str) -> dict[str, Quantity]:
    """Take the filters of a prefix out of what is given.

    Raises
    ------
    InputError
        ``half-a-filter``, ``two-filters``.
    """
    found: dict[str, Quantity] = {}
    for n in range(1, _FILTERS + 1):
        material, t = given.pop(f"{prefix}{n}", ""), given.pop(f"{prefix}{n}_t", None)
        if bool(material) != (t is not None):
            raise InputError(f"Filter {n} needs both material and thickness.",
                             code="half-a-filter")  # fmt: skip
        if material in found:
            raise InputError(f"{material} stands twice. Add the thicknesses.", code="two-filters")
        if material:
            found[material] = t
    return found


def _plain(given: dict[str, Any]) -> dict[str, Any]:
    """Leave out what was not chosen, so that the library's own default holds."""
    return {name: value for name, value in given.items() if value not in ("", None)}


def _hvl(**given: Any) -> Calculation:
    stack = _filters(given, "filter")
    return quality.half_value_layer(given.pop("kv"), filtration=stack, **_plain(given))


def _filtration(**given: Any) -> Calculation:
    behind = _filters(given, "behind")
    layer, volts = given.pop("hvl"), given.pop("kv")
    return quality.total_filtration(layer, volts, behind=behind or None, **_plain(given))


def _expected(**given: Any) -> Calculation:
    first, second = _filters(given, "was"), _filters(given, "filter")
    measured = given.pop("measured")
    return output.expected_kerma(
        measured, measured_filtration=first, filtration=second, **_plain(given)
    )


def _deviation(*, measured: Quantity, expected: Quantity) -> Calculation:
    return output.deviation(measured, expected)


def _kinds(given: Given) -> list[Option]:
    return [(v, v or "all") for v in minimum.standards().get(given.get("standard", ""), ())]


def _calibration(*, qualities: str, by: str, points: Any, at: Quantity) -> Calculation:
    """Return the factor of a meter; the qualities are named in the order of the points.

    Raises
    ------
    InputError
        ``other-count``.
    """
    named_ = [q.strip() for q in qualities.split(",") if q.strip()]
    if len(named_) != len(points):
        raise InputError(
            f"There are {len(points)} points and {len(named_)} qualities. Name each point's.",
            code="other-count",
        )
    held = [
        meter.CalibrationPoint(
            quality, factor, *((place, None) if by == "HVL" else (None, place))
        )
        for quality, (place, factor) in zip(named_, points, strict=True)
    ]  # fmt: skip
    return meter.calibration_factor(held, at, by=by)


def _calibration_hvl(**given: Any) -> Calculation:
    return _calibration(by="HVL", **given)


def _calibration_kv(**given: Any) -> Calculation:
    return _calibration(by="kV", **given)


_QUALITIES = Text(
    "qualities", "Qualities of the points",
    hint="as the certificate names them, with commas: RQR 3, RQR 5, RQR 8",
)  # fmt: skip
_RQR = {"qualities": "RQR 3, RQR 5, RQR 8"}
_TUBE = {"angle": "12", "angle-unit": "deg", "anode": "W"}
_AL = {"filter1": "Al", "filter1_t": "2.8", "filter1_t-unit": "mm"}
_OTHERS = {"second_hvl": "Second half-value layer", "homogeneity": "Homogeneity coefficient",
           "effective_energy": "Effective energy", "mean_energy": "Mean energy"}  # fmt: skip

CALCULATORS = (
    Calculator(
        "beam-hvl", "Half-value layer of a beam", GROUP,
        "What half-value layer, homogeneity and energy a tube voltage and filtration should give.",
        _hvl,
        (kv(), _ANODE, _ANGLE, *_stack("filter", "Filter"),
         Choice("of", "Half-value layer in", fixed(("Al", "Aluminium"), ("Cu", "Copper"))), _MODEL),
        _PAGE, {"kv": "80", "kv-unit": "kV", "kv-u": "0.5", **_TUBE, **_AL, "of": "Al"},
        covers=(quality.half_value_layer,), draws_on=("spectra/",), others=_OTHERS, slow=True,
    ),
    Calculator(
        "beam-filtration", "Total filtration from HVL", GROUP,
        "How much filtration a measured half-value layer means.",
        _filtration,
        (hvl("Measured half-value layer"), kv(), _ANODE, _ANGLE,
         Choice("material", "Expressed in", named(lambda: SOLVED_FOR)),
         *_stack("behind", "Known filter", first=False), _MODEL),
        _PAGE, {"hvl": "3.1", "hvl-unit": "mm Al", "hvl-u": "0.05", "kv": "80", "kv-unit": "kV",
                  **_TUBE, "material": "Al"},
        covers=(quality.total_filtration,), draws_on=("spectra/",),
        others={"homogeneity": "Homogeneity coefficient"}, slow=True,
    ),
    Calculator(
        "beam-output", "Output at another setting", GROUP,
        "The air kerma to expect at another voltage, mAs, distance or filter, from one measured.",
        _expected,
        (Number("measured", "Measured air kerma", "K1", KERMA_UNITS),
         Number("measured_kv", "Measured at, tube voltage", "kV1", ("kV",)),
         Number("measured_mas", "Measured at, mAs", "Q1", _MAS),
         Number("measured_distance", "Measured at, distance", "d1", LENGTH_UNITS),
         *_stack("was", "Filter when measured"),
         Number("kv", "Wanted tube voltage", "kV2", ("kV",)),
         Number("mas", "Wanted mAs", "Q2", _MAS),
         Number("distance", "Wanted distance", "d2", LENGTH_UNITS),
         *_stack("filter", "Wanted filter"), _ANODE, _ANGLE, _MODEL),
        _PAGE,
        {"measured": "1.04", "measured-unit": "mGy", "measured-u": "3 %", "measured_kv": "80",
         "measured_kv-unit": "kV", "measured_mas": "20", "measured_mas-unit": "mAs",
         "measured_distance": "100", "measured_distance-unit": "cm", "was1": "Al", "was1_t": "2.8",
         "was1_t-unit": "mm", "kv": "100", "kv-unit": "kV", "mas": "10", "mas-unit": "mAs",
         "distance": "100", "distance-unit": "cm", **_AL, **_TUBE},
        covers=(output.expected_kerma,), draws_on=("spectra/",),
        others={"ratio": "Ratio of the model"}, slow=True,
    ),
    Calculator(
        "beam-deviation", "Measured against expected", GROUP,
        "By how much a measured kerma, half-value layer or filtration differs from the expected.",
        _deviation,
        (Number("measured", "Measured", "M", _ANY), Number("expected", "Expected", "E", _ANY)),
        _PAGE, {"measured": "0.86", "measured-unit": "mGy", "measured-u": "3 %",
                  "expected": "0.82", "expected-unit": "mGy", "expected-u": "4 %"},
        covers=(output.deviation,),
    ),
    Calculator(
        "beam-minimum-hvl", "Minimum half-value layer", GROUP,
        "How far a measured half-value layer lies above the minimum of the standard.",
        minimum.against_minimum,
        (Choice("standard", "Standard", named(minimum.standards),
                hint="the edition the equipment was sold under"),
         Choice("applies_to", "Equipment", _kinds), kv(), hvl()),
        _PAGE, {"standard": "IEC 60601-1-3:2008 Table 3", "kv": "80",
                              "kv-unit": "kV", "hvl": "3.1", "hvl-unit": "mm Al", "hvl-u": "0.05"},
        draws_on=("hvl-minimum/",), others={"minimum": "Minimum"},
    ),
    Calculator(
        "beam-calibration", "Calibration factor at an HVL", GROUP,
        "The factor of a meter at the half-value layer it is used in, from its certificate.",
        _calibration_hvl,
        (_QUALITIES, Rows("points", "Points of the certificate",
                       (("HVL", "mm Al"), ("factor", "1"))), Number("at", "Half-value layer of the "
                                                                    "beam", "x", ("mm Al",))),
        _PAGE, {**_RQR, "points": "1.78 1.012\n2.58 1.004\n3.48 0.998", "at": "3.1",
                  "at-unit": "mm Al", "at-u": "0.05"},
        covers=(meter.calibration_factor,), draws_on=("beam-quality/",),
    ),
    Calculator(
        "beam-calibration-kv", "Calibration factor at a tube voltage", GROUP,
        "The factor of a meter at the tube voltage it is used at, from its certificate.",
        _calibration_kv,
        (_QUALITIES, Rows("points", "Points of the certificate", (("kV", "kV"), ("factor", "1"))),
         Number("at", "Tube voltage of the beam", "x", ("kV",))),
        _PAGE, {**_RQR, "points": "50 1.012\n70 1.004\n90 0.998", "at": "80",
                  "at-unit": "kV"},
        covers=(meter.calibration_factor,), draws_on=("beam-quality/",),
    ),
    Calculator(
        "beam-inverse-square", "Inverse square", GROUP,
        "The air kerma at another distance, with where the focus really is.",
        distance.inverse_square,
        (Number("kerma", "Air kerma", "K1", KERMA_UNITS),
         Number("distance", "Distance", "d1", LENGTH_UNITS, hint="from the focal-spot mark"),
         Number("wanted", "Wanted distance", "d2", LENGTH_UNITS),
         Number("focus_offset", "Focus to its mark", "δ", ("mm", "cm"), optional=True,
                hint="blank: none; an unknown one is 0 with an uncertainty")),
        _PAGE, {"kerma": "1.04", "kerma-unit": "mGy", "kerma-u": "3 %", "distance": "100",
                  "distance-unit": "cm", "distance-u": "0.2", "wanted": "75", "wanted-unit": "cm",
                  "focus_offset": "0", "focus_offset-unit": "mm", "focus_offset-u": "2"},
    ),
    Calculator(
        "beam-focus-offset", "Where the focus is", GROUP,
        "How far the focus lies from its mark, from readings at two distances.",
        distance.focus_offset,
        (Number("near", "Air kerma, near", "K1", KERMA_UNITS),
         Number("near_distance", "Near distance", "d1", LENGTH_UNITS),
         Number("far", "Air kerma, far", "K2", KERMA_UNITS),
         Number("far_distance", "Far distance", "d2", LENGTH_UNITS)),
        _PAGE, {"near": "4.21", "near-unit": "mGy", "near-u": "0.5 %", "near_distance": "50",
                  "near_distance-unit": "cm", "far": "1.04", "far-unit": "mGy", "far-u": "0.5 %",
                  "far_distance": "100", "far_distance-unit": "cm"},
    ),
)  # fmt: skip
