"""Calculators of breast dose by Dance's factors."""

from __future__ import annotations

from kerma.core import Quantity
from kerma.physics import breast
from kerma.physics.calculation import Calculation
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.protection.calculators.fields import Choice, Number, named
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
        (Choice("target_filter", "Target and filter",
                named(lambda: breast.target_filters(pmma=True))),
         _KERMA, _HVL, Number("thickness", "PMMA thickness", "t", _MM)),
        "breast-dose",
        {**_BEAM, "thickness": "45", "thickness-unit": "mm"},
        draws_on=("mgd/g_pmma/", "mgd/c_pmma/", "mgd/s/", "mgd/pmma_equivalence/"),
        others={"equivalent_breast": "Equivalent breast"},
    ),
)  # fmt: skip
