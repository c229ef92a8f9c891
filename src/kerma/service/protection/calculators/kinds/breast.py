"""Calculators of breast dose by Dance's factors."""

from __future__ import annotations

from typing import Any

from kerma.core import Quantity
from kerma.physics import breast
from kerma.physics.calculation import Calculation
from kerma.physics.mammography import headers, limits
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.protection.calculators.fields import Choice, Flag, Number, Rows, fixed, named
from kerma.service.protection.calculators.kinds.common import KERMA_UNITS, LENGTH_UNITS, hvl

GROUP = "Breast"
_MM = ("mm", "cm")
_KERMA = Number("kerma", "Incident air kerma", "K", KERMA_UNITS, hint="without backscatter")
_HVL = hvl("Half-value layer, paddle in the beam")
_BEAM = {"kerma": "4.2", "kerma-unit": "mGy", "kerma-u": "4 %", "hvl": "0.37", "hvl-unit": "mm Al",
         "hvl-u": "0.01", "target_filter": "Mo/Mo"}  # fmt: skip


def _glandular(*, kerma: Quantity, hvl: Quantity, thickness: Quantity, composition: str,
               target_filter: str) -> Calculation:  # fmt: skip
    return breast.mean_glandular_dose(
        kerma, hvl, thickness, composition=composition, target_filter=target_filter
    )


def _limits(*, kerma: Quantity, hvl: Quantity, thickness: Quantity,
            target_filter: str) -> Calculation:  # fmt: skip
    return limits.against_limits(
        breast.pmma_dose(kerma, hvl, thickness, target_filter=target_filter)
    )


def _header(*, kvp: Quantity, survey: Any = (), **given: Any) -> Calculation:
    points = [headers.Surveyed(kv, layer, output) for kv, layer, output in survey]
    return headers.mgd(kvp, survey=points, **given)


_PMMA_ROWS = ("mgd/g_pmma/", "mgd/c_pmma/", "mgd/s/", "mgd/pmma_equivalence/")
_PMMA_FIELDS = (
    Choice("target_filter", "Target and filter", named(lambda: breast.target_filters(pmma=True))),
    _KERMA, _HVL, Number("thickness", "PMMA thickness", "t", _MM),
)  # fmt: skip

CALCULATORS = (
    Calculator(
        "breast-incident-kerma", "Incident air kerma at the breast", GROUP,
        "Air kerma at the top of the compressed breast or PMMA, from the tube's output.",
        breast.incident_kerma,
        (Number("output", "Tube output", "Y", ("uGy/mAs", "mGy/mAs"),
                hint="free in air, paddle in the beam"),
         Number("mas", "Tube current-time product", "Q", ("mAs", "As", "uAs")),
         Number("output_distance", "Distance of the output", "d0", LENGTH_UNITS),
         Number("support_distance", "Focus to breast support", "F", LENGTH_UNITS),
         Number("thickness", "Compressed thickness", "t", _MM)),
        "breast-dose",
        {"output": "46", "output-unit": "uGy/mAs", "output-u": "3 %", "mas": "80",
         "mas-unit": "mAs", "output_distance": "60", "output_distance-unit": "cm",
         "support_distance": "64.5", "support_distance-unit": "cm", "thickness": "53",
         "thickness-unit": "mm", "thickness-u": "1"},
    ),
    Calculator(
        "breast-mgd-dance", "Mean glandular dose of a breast", GROUP,
        "Mean glandular dose of a model breast: D = K g c s.",
        _glandular,
        (Choice("composition", "Breast", named(breast.compositions)),
         Choice("target_filter", "Target and filter", named(breast.target_filters)),
         _KERMA, _HVL, Number("thickness", "Compressed thickness", "t", _MM)),
        "breast-dose",
        {**_BEAM, "composition": "women 50-64", "thickness": "53", "thickness-unit": "mm",
         "thickness-u": "1"},
        covers=(breast.mean_glandular_dose,), draws_on=("mgd/g/", "mgd/c/", "mgd/s/"),
    ),
    Calculator(
        "breast-mgd-pmma", "Mean glandular dose by PMMA", GROUP,
        "Mean glandular dose of the standard breast that a thickness of PMMA stands for.",
        breast.pmma_dose,
        _PMMA_FIELDS,
        "breast-dose",
        {**_BEAM, "thickness": "45", "thickness-unit": "mm"},
        draws_on=_PMMA_ROWS, others={"equivalent_breast": "Equivalent breast"},
    ),
    Calculator(
        "breast-standard-limits", "Standard breast dose against limits", GROUP,
        "The dose of the standard breast in per cent of the acceptable value of its thickness.",
        _limits, _PMMA_FIELDS, "breast-dose", {**_BEAM, "thickness": "45", "thickness-unit": "mm"},
        covers=(limits.against_limits,), draws_on=(*_PMMA_ROWS, "qa-tests/mammography/mgd_pmma_"),
        others={"acceptable": "Acceptable", "achievable": "Achievable",
                "of_achievable": "Of the achievable"},
    ),
    Calculator(
        "breast-mgd-header", "Mean glandular dose from a header", GROUP,
        "The dose of a patient's exposure from what its image header states and a survey measured.",
        _header,
        (Number("kvp", "Tube voltage of the header", "kV", ("kV",), uncertain=False),
         Choice("anode", "Anode", fixed(("W", "Tungsten"), ("Mo", "Molybdenum"),
                                        ("Rh", "Rhodium"))),
         Choice("filter_material", "Filter", fixed(("Al", "Aluminium"), ("Mo", "Molybdenum"),
                                                   ("Rh", "Rhodium"), ("Ag", "Silver"))),
         Number("filter_thickness", "Filter thickness", "f", ("mm", "um"), optional=True,
                uncertain=False),
         Number("thickness", "Body part thickness", "t", _MM),
         Choice("composition", "Breast", named(breast.compositions)),
         Number("hvl", "Half-value layer of the header", "HVL", ("mm Al",), optional=True,
                hint="blank: the survey’s"),
         Number("entrance", "Entrance dose of the header", "K", KERMA_UNITS, optional=True),
         Flag("entrance_with_backscatter", "Has it backscatter in it?", optional=True,
              hint="the maker’s conformance statement says"),
         Number("mas", "Tube current-time product", "Q", ("mAs", "As", "uAs"), optional=True,
                hint="where there is no entrance dose, with what follows"),
         Rows("survey", "Survey of this target and filter",
              (("kV", "kV"), ("HVL", "mm Al"), ("output", "uGy/mAs")), optional=True),
         Number("output_distance", "Distance of the output", "d0", LENGTH_UNITS, optional=True),
         Number("support_distance", "Focus to breast support", "F", LENGTH_UNITS, optional=True)),
        "breast-dose",
        {"kvp": "29", "kvp-unit": "kV", "anode": "Mo", "filter_material": "Mo", "thickness": "53",
         "thickness-unit": "mm", "composition": "women 50-64", "mas": "80", "mas-unit": "mAs",
         "survey": "26 0.33 38\n30 0.38 62", "output_distance": "60", "output_distance-unit": "cm",
         "support_distance": "64.5", "support_distance-unit": "cm"},
        covers=(headers.mgd,), draws_on=("mgd/g/", "mgd/c/", "mgd/s/"),
    ),
)  # fmt: skip
