"""Minimum half-value layer by the edition of the standard equipment was sold under.

Rows of ``hvl-minimum``. Between two tabulated tube voltages the minimum is linear in kV; two rows
1 kV apart or closer are a step of the table, and from the lower one on the next row's minimum
holds. Outside the table nothing is stated. Whether the result passes is for a level to say.
"""

from __future__ import annotations

import math

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record, Values
from kerma.physics.calls import calculates
from kerma.reference import Row, rows

_STEP_KV = 1.0


def standards() -> dict[str, tuple[str, ...]]:
    """Return the standards and editions there are rows for, and what equipment each is for."""
    found: dict[str, list[str]] = {}
    for held in rows("hvl-minimum"):
        kinds = found.setdefault(held.text("standard"), [])
        if held.text("applies_to") not in kinds:
            kinds.append(held.text("applies_to"))
    return {name: tuple(kinds) for name, kinds in found.items()}


def _table(standard: str, applies_to: str) -> list[Row]:
    known = standards()
    if standard not in known:
        raise InputError(
            f"There is no minimum half-value layer by “{standard}”. There are: {'; '.join(known)}. "
            "Choose the edition the equipment was sold under.",
            code="unknown-standard",
        )
    kinds = known[standard]
    if not applies_to and len(kinds) == 1:
        applies_to = kinds[0]
    if applies_to not in kinds:
        raise InputError(
            f"{standard} has minima for: {'; '.join(kinds)}. Say which equipment this is.",
            code="which-equipment",
        )
    of = (r for r in rows("hvl-minimum")
          if (r.text("standard"), r.text("applies_to")) == (standard, applies_to))  # fmt: skip
    return sorted(of, key=lambda r: r.number("kV"))


def _at(table: list[Row], kv: float) -> tuple[float, list[Row]]:
    """Return the minimum at a tube voltage and the rows it is from; the ends go on beyond."""
    low = max((r for r in table if r.number("kV") <= kv), key=lambda r: r.number("kV"),
              default=table[0])  # fmt: skip
    high = min((r for r in table if r.number("kV") > kv), key=lambda r: r.number("kV"), default=low)
    k0, k1 = low.number("kV"), high.number("kV")
    m0, m1 = low.number("min_hvl_mm_al"), high.number("min_hvl_mm_al")
    if math.isclose(kv, k0, rel_tol=1e-9) or kv < k0 or high is low:
        return m0, [low]
    if k1 - k0 <= _STEP_KV:
        return m1, [high]
    return m0 + (kv - k0) / (k1 - k0) * (m1 - m0), [low, high]


@calculates
def against_minimum(
    hvl: Quantity, kv: Quantity, *, standard: str, applies_to: str = ""
) -> Calculation:
    """Return how far a half-value layer lies above the minimum of a standard, mm Al.

    Negative when below. The minimum is in `others`.

    Parameters
    ----------
    hvl
        Measured half-value layer.
    kv
        Tube voltage it was measured at.
    standard, applies_to
        As `standards` names them: the edition the equipment was sold under.

    Raises
    ------
    InputError
        ``unknown-standard``, ``which-equipment``, ``outside-domain``, ``wrong-unit``,
        ``not-above-zero``.
    """
    table = _table(standard, applies_to)
    made = Record("beam-minimum-hvl", "1", "Half-value layer above the minimum of the standard")
    made.choice("Standard", standard)
    made.choice("For", table[0].text("applies_to"))
    h = made.given("Half-value layer", "HVL", hvl, "mm Al")
    volts = made.given("Tube voltage", "kV", kv, "kV")
    ends = table[0].number("kV"), table[-1].number("kV")
    if not ends[0] * (1 - 1e-12) <= volts <= ends[1] * (1 + 1e-12):
        raise InputError(
            f"{standard} is held for {ends[0]:g} to {ends[1]:g} kV; this is {volts:g} kV.",
            code="outside-domain",
        )
    least, used = _at(table, volts)
    for found in used:
        made.rests_on(found)
    side = "above" if h > least else "below" if h < least else "at"
    made.work(
        f"Minimum at {volts:g} kV: {least:.4g} mm Al "
        f"({' and '.join(r.text('kV') + ' kV' for r in used)})",
        f"HVL − minimum = {h:.4g} − {least:.4g} mm Al: {side} the minimum",
    )
    made.assume(
        "Between tabulated tube voltages the minimum is linear in kV; rows 1 kV apart are a step, "
        "and between them the higher voltage's minimum holds.",
    )
    made.limit("The standard in force when the equipment was sold decides, not the newest.")

    def equation(v: Values) -> float:
        return v["HVL"] - _at(table, v["kV"])[0]

    return made.result(equation, "mm Al", others={"minimum": quantity(least, "mm Al")})
