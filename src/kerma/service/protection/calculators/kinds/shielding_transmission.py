"""Calculators of what a barrier lets through: one material, layers, lead sheet."""

from __future__ import annotations

from kerma.core import Quantity
from kerma.physics.calculation import Calculation
from kerma.physics.shielding import archer, barrier
from kerma.physics.shielding.layers import layers
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.protection.calculators.fields import Choice, Number
from kerma.service.protection.calculators.kinds.common import ratio
from kerma.service.protection.calculators.kinds.shielding_common import (
    ARCHER,
    DISTRIBUTION,
    KV,
    MATERIAL,
    RADIATION,
    beam_of,
    materials,
    require_pair,
    thickness,
)

GROUP = "Shielding: transmission"
_BEAM = (RADIATION, DISTRIBUTION, KV)


def _transmission(*, material: str, x: Quantity, radiation: str, distribution: str = "",
                  kv: Quantity | None = None) -> Calculation:  # fmt: skip
    return archer.transmission(material, x, beam_of(radiation, distribution, kv))


def _thickness(*, material: str, wanted: Quantity, radiation: str, distribution: str = "",
               kv: Quantity | None = None) -> Calculation:  # fmt: skip
    return archer.thickness(material, wanted, beam_of(radiation, distribution, kv))


def _layers(
    *, material1: str, x1: Quantity, radiation: str, distribution: str = "",
    kv: Quantity | None = None, material2: str | None = None, x2: Quantity | None = None,
    material3: str | None = None, x3: Quantity | None = None,
) -> Calculation:  # fmt: skip
    stack = [(material1, x1)]
    for n, (material, x) in enumerate(((material2, x2), (material3, x3)), 2):
        if require_pair(material, x, n) and material and x is not None:
            stack.append((material, x))
    return layers(stack, beam_of(radiation, distribution, kv))


CALCULATORS = (
    Calculator(
        "shielding-transmission", "Transmission of a thickness", GROUP,
        "What share of the air kerma a thickness of one material lets through.",
        _transmission, (MATERIAL, thickness(), *_BEAM), "shielding",
        {"material": "lead", "x": "1.32", "x-unit": "mm", "radiation": "secondary", "kv": "100",
         "kv-unit": "kV"},
        covers=(archer.transmission,), draws_on=(ARCHER,),
    ),
    Calculator(
        "shielding-thickness", "Thickness of a transmission", GROUP,
        "How thick one material must be to let through no more than a given share.",
        _thickness, (MATERIAL, ratio("wanted", "Transmission", "B"), *_BEAM), "shielding",
        {"material": "concrete", "wanted": "0.003", "radiation": "primary",
         "distribution": "Rad Room (all barriers)"},
        covers=(archer.thickness,), draws_on=(ARCHER,),
    ),
    Calculator(
        "shielding-layers", "Transmission of layers", GROUP,
        "What several materials one behind another let through, by a rule that does not understate "
        "it.",
        _layers,
        (RADIATION, DISTRIBUTION, KV,
         Choice("material1", "Layer 1", materials), Number("x1", "Thickness of layer 1", "x1",
                                                           ("mm", "cm")),
         Choice("material2", "Layer 2", materials, optional=True),
         Number("x2", "Thickness of layer 2", "x2", ("mm", "cm"), optional=True),
         Choice("material3", "Layer 3", materials, optional=True),
         Number("x3", "Thickness of layer 3", "x3", ("mm", "cm"), optional=True)),
        "shielding",
        {"radiation": "secondary", "kv": "100", "kv-unit": "kV", "material1": "lead", "x1": "1",
         "x1-unit": "mm", "material2": "concrete", "x2": "100", "x2-unit": "mm"},
        covers=(layers,), draws_on=(ARCHER,),
        others={"product_of_fits": "Product of the fits (understates)"},
    ),
    Calculator(
        "shielding-lead-sheet", "Lead sheet to order", GROUP,
        "The thinnest sheet of BS EN 12588 whose least guaranteed thickness is enough.",
        barrier.standard_lead, (Number("x", "Lead needed", "x", ("mm",)),), "shielding",
        {"x": "1.4", "x-unit": "mm"}, draws_on=("bir/lead_sheet_bs_en_12588/",),
        others={"code": "Code"},
    ),
)  # fmt: skip
