"""Inverse square, with where the focus really is.

K2 = K1 ((d1 + δ) / (d2 + δ))², distances from the focal-spot mark, δ from the focus to the mark.
Two readings at two distances give δ itself.
"""

from __future__ import annotations

import math

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record, Values
from kerma.physics.calls import calculates

_NO_OFFSET = quantity(0.0, "mm")


@calculates
def inverse_square(
    kerma: Quantity,
    *,
    distance: Quantity,
    wanted: Quantity,
    focus_offset: Quantity = _NO_OFFSET,
) -> Calculation:
    """Return the air kerma at another distance from the focus.

    Parameters
    ----------
    kerma
        Air kerma free in air at `distance`.
    distance, wanted
        From the focal-spot mark.
    focus_offset
        From the focus to the mark, δ; an unknown one is zero with an uncertainty.

    Raises
    ------
    InputError
        ``beyond-focus``, ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("beam-inverse-square", "1", "Air kerma at another distance")
    k = made.given("Air kerma", "K1", kerma, "mGy")
    d1 = made.given("Distance", "d1", distance, "mm")
    d2 = made.given("Wanted distance", "d2", wanted, "mm")
    offset = made.given("Focus to its mark", "δ", focus_offset, "mm", above_zero=False)
    if not min(d1, d2) + offset > 0.0:
        raise InputError("The point lies at or behind the focus.", code="beyond-focus")
    made.work(
        f"K2 = K1 ((d1 + δ) / (d2 + δ))² = {k:.4g} mGy × (({d1:.4g} + {offset:.4g}) / "
        f"({d2:.4g} + {offset:.4g}))²"
    )
    made.assume("Attenuation and scatter in air are left out.")
    if not focus_offset.u:
        made.limit("The place of the focus carries no uncertainty here.")
    return made.result(lambda v: v["K1"] * ((v["d1"] + v["δ"]) / (v["d2"] + v["δ"])) ** 2, "mGy")


@calculates
def focus_offset(
    near: Quantity, far: Quantity, *, near_distance: Quantity, far_distance: Quantity
) -> Calculation:
    """Return how far the focus lies from its mark, mm, from readings at two distances.

    δ = (d2 − r d1) / (r − 1), r = √(K1 / K2): the inverse square solved for δ.

    Parameters
    ----------
    near, far
        Air kerma at the two distances, same setting.
    near_distance, far_distance
        From the focal-spot mark.

    Raises
    ------
    InputError
        ``no-focus``: the far reading is not the smaller; ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("beam-focus-offset", "1", "Focus to its mark, from two distances")
    k1 = made.given("Air kerma, near", "K1", near, "mGy")
    k2 = made.given("Air kerma, far", "K2", far, "mGy")
    d1 = made.given("Near distance", "d1", near_distance, "mm")
    d2 = made.given("Far distance", "d2", far_distance, "mm")
    if not (k1 > k2 and d2 > d1):
        raise InputError("The near reading must be the larger and nearer one.", code="no-focus")
    r = math.sqrt(k1 / k2)
    made.work(f"r = √(K1/K2) = {r:.5g}; δ = (d2 − r d1) / (r − 1)")
    made.assume("Only the inverse square lies between the two readings.")
    made.limit("Scatter, air and a meter's effective point all show as an offset.")

    def equation(v: Values) -> float:
        root = math.sqrt(v["K1"] / v["K2"])
        return (v["d2"] - root * v["d1"]) / (root - 1.0)

    return made.result(equation, "mm")
