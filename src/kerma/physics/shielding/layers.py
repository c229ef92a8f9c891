"""Transmission of layers of several materials: a rule that does not understate it.

Multiplying broad-beam fits understates the transmission, as the first layer hardens the beam for
the next (10 mm twice as two layers against 20 mm of one material). So one layer is taken by its
fit and the others by their smallest attenuation anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.calls import calculates
from kerma.physics.shielding.archer import Beam, Curve, curve, said

LAYER_RULE = (
    "Layers: one is taken by its fit, the others by the smallest attenuation of theirs (exp(-α x), "
    "as for a fully hardened beam), whichever choice transmits least. This does not understate "
    "the transmission as a product of the fits would: a beam hardened by one layer passes the next "
    "more easily."
)


def layered_log(curves: Sequence[Curve], x_mm: Sequence[float]) -> float:
    """Return ln B of layers: one by its fit, the others by their smallest attenuation."""
    each = [float(c.log_transmission(x)) for c, x in zip(curves, x_mm, strict=True)]
    hard = [-c.least_slope * x for c, x in zip(curves, x_mm, strict=True)]
    return sum(hard) + min(b - h for b, h in zip(each, hard, strict=True))


@calculates
def layers(stack: Sequence[tuple[str, Quantity]], beam: Beam) -> Calculation:
    """Return the transmission of layers of several materials by a conservative rule.

    Raises
    ------
    InputError
        ``no-layers``; as `curve`; ``wrong-unit``, ``not-above-zero``.
    """
    if not stack:
        raise InputError("Name at least one layer.", code="no-layers")
    made = Record("shielding-layers", "1", "Transmission of layers")
    curves = [curve(material, beam) for material, _ in stack]
    product = 0.0
    for n, ((material, x), held) in enumerate(zip(stack, curves, strict=True), 1):
        held.cite(made)
        inside = made.given(f"Thickness of {said(material)}", f"x{n}", x, "mm")
        product += float(held.log_transmission(inside))
        made.work(
            f"Layer {n}: B = {held.transmission(inside):.4g}, "
            f"exp(-{held.least_slope:.4g} x) = {math.exp(-held.least_slope * inside):.4g}"
        )
    made.assume(LAYER_RULE)
    made.limit(
        "A rule for layers, not a measurement: it holds as far as α is the attenuation of "
        "a fully hardened beam."
    )
    names = [f"x{n}" for n in range(1, len(stack) + 1)]
    return made.result(
        lambda v: math.exp(layered_log(curves, [v[n] for n in names])), "1",
        others={"product_of_fits": quantity(math.exp(product), "1")},
    )  # fmt: skip
