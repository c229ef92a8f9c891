"""Required thickness of a barrier for all sources behind it, and the kerma behind a given one.

Σ K_i B_i(x + x_pre,i) = P / T is solved for x (NCRP Report 147, Equations 4.5 to 4.9 for one
source, C.16 and C.17 for several). Thicknesses of single sources are never added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record, Values
from kerma.physics.calls import calculates
from kerma.physics.shielding._expression import stated
from kerma.physics.shielding.archer import THICKEST_MM, Beam, Curve, curve, falling_root, said
from kerma.reference import row, rows

WEEK, YEAR = "week", "year"
_LEAST = 5e-324  # what is less than any number passes nothing, and has a logarithm


@dataclass(frozen=True, slots=True)
class Source:
    """One source of radiation on a barrier.

    Attributes
    ----------
    kerma
        Unshielded air kerma at the point to protect, in the period.
    beam
        Beam quality its transmission is taken for.
    period
        ``week`` or ``year``: what the kerma is summed over.
    preshielding
        Case of ``ncrp147/preshielding`` standing in a primary beam; empty for none.
    """

    kerma: Calculation
    beam: Beam
    period: str
    preshielding: str = ""


def preshielding_mm(case: str, material: str) -> float:
    """Return what an image receptor in the beam is worth, mm of a material (NCRP 147, Table 4.6).

    Raises
    ------
    InputError
        ``no-preshielding``.
    """
    if not case:
        return 0.0
    held = row("ncrp147/preshielding").fields["rows"]
    found = next((r for r in held if str(r["case"]).startswith(case)), None)
    if found is None or f"{material}_mm" not in found:
        raise InputError(
            f"Nothing is tabulated for “{case}” in {said(material)}. Cases: "
            f"{'; '.join(str(r['case']) for r in held)}; materials: lead, concrete, steel.",
            code="no-preshielding",
        )
    return float(found[f"{material}_mm"])


def _require(sources: Sequence[Source], period: str) -> None:
    if not sources:
        raise InputError("Name at least one source.", code="no-sources")
    other = [s for s in sources if s.period != period]
    if other:
        raise InputError(
            f"A kerma per {other[0].period} cannot be held against a goal per {period}.",
            code="other-period",
        )


def _taken(made: Record, sources: Sequence[Source], material: str) -> list[tuple[Curve, float]]:
    """Take the sources into a record; return their curves and preshielding."""
    terms = []
    for n, source in enumerate(sources, 1):
        title = f"{source.kerma.title}, per {source.period}"
        made.given(title, f"K{n}", source.kerma.value, "mGy")
        for used in source.kerma.sources:
            made.rests_on(used.row)
        made.assume(*source.kerma.assumptions)
        made.limit(*source.kerma.limits)
        made.work(f"K{n}, {source.kerma.title}:", *(f"  {w}" for w in source.kerma.working))
        held = curve(material, source.beam)
        held.cite(made)
        if source.preshielding and source.beam.radiation != "primary":
            raise InputError(
                "An image receptor stands in a primary beam; scatter and leakage pass beside it.",
                code="outside-domain",
            )
        pre = preshielding_mm(source.preshielding, material)
        if pre:
            made.rests_on("ncrp147/preshielding")
            made.work(f"Preshielding of K{n}: {pre:g} mm {said(material)} ({source.preshielding})")
        terms.append((held, pre))
    if len(sources) > 1:
        made.assume("The kermas of the sources behind the barrier add.")
        made.limit(
            "The budget takes the sources' kermas as independent; a distance or a number "
            "of patients they share correlates them and makes it too small."
        )
    return terms


def _behind(terms: Sequence[tuple[Curve, float]]) -> Callable[[Values, float], float]:
    def kerma(v: Values, x: float) -> float:
        return math.fsum(
            max(v[f"K{n}"], 0.0) * held.transmission(x + pre)
            for n, (held, pre) in enumerate(terms, 1)
        )

    return kerma


def _solved(kerma: Callable[[Values, float], float], v: Values) -> float:
    allowed = v["P"] / v["T"]
    if kerma(v, 0.0) <= allowed:
        return 0.0
    high = 1.0
    while kerma(v, high) > allowed:
        high *= 2.0
        if high > THICKEST_MM:
            raise InputError("No thickness of this material reaches the goal.", code="no-thickness")
    return falling_root(lambda x: math.log(kerma(v, x) / allowed or _LEAST), 0.0, high)


@calculates
def required(
    sources: Sequence[Source],
    *,
    material: str,
    goal: Quantity,
    occupancy: Quantity,
    period: str,
    rests_on: Sequence[str] = (),
) -> Calculation:
    """Return the thickness in mm a barrier needs, beyond any preshielding.

    Parameters
    ----------
    sources
        All that reach the point behind the barrier.
    material, period
        Of the barrier, as `archer.curve`; ``week`` or ``year``, of goal and sources.
    goal
        P: design goal or constraint as air kerma (mGy) in the period.
    occupancy
        T, above 0 and at most 1.
    rests_on
        Ids of the rows goal and occupancy are from.

    Raises
    ------
    InputError
        ``no-sources``, ``other-period``, ``outside-domain``, ``no-preshielding``,
        ``no-thickness``; as `archer.curve`; ``wrong-unit``, ``not-above-zero``.
    """
    _require(sources, period)
    made = Record("shielding-required", "1", f"Required thickness of {said(material)}")
    terms = _taken(made, sources, material)
    p = made.given(f"Design goal per {period}", "P", goal, "mGy")
    t = made.given("Occupancy", "T", occupancy, "1")
    if t > 1.0:
        raise InputError("Occupancy is at most 1.", code="outside-domain")
    for name in rests_on:
        made.rests_on(name)
    kerma = _behind(terms)
    values = {f"K{n}": s.kerma.value.to("mGy").value for n, s in enumerate(sources, 1)}
    total = math.fsum(values.values())
    values |= {"P": p, "T": t}
    x = _solved(kerma, values)
    made.work(
        f"P / T = {p:g} / {t:g} = {p / t:.4g} mGy per {period}",
        f"ΣK = {total:.4g} mGy per {period}; B = (P/T) / ΣK = {p / t / total:.4g}",
        f"Σ K B(x + preshielding) = {kerma(values, x):.4g} mGy at x = {x:.4g} mm"
        if x else "The goal is kept without this barrier.",
    )  # fmt: skip
    made.limit("Thickness is as built: round up to a size whose least guaranteed thickness is it.")
    return made.result(
        lambda v: _solved(kerma, v), "mm",
        others={
            "unshielded": quantity(total, "mGy"), "allowed": quantity(p / t, "mGy"),
            "transmission": quantity(p / t / total, "1"),
            "behind": quantity(kerma(values, x), "mGy"),
        },
    )  # fmt: skip


@calculates
def behind(sources: Sequence[Source], *, material: str, x: Quantity, period: str) -> Calculation:
    """Return the air kerma behind a barrier of a given thickness, mGy in the period.

    Raises
    ------
    InputError
        As `required`.
    """
    _require(sources, period)
    made = Record("shielding-behind", "1", f"Air kerma per {period} behind {said(material)}")
    terms = _taken(made, sources, material)
    made.given("Thickness", "x", x, "mm")
    kerma = _behind(terms)
    made.work("K = Σ K_i B_i(x + preshielding)")
    return made.result(lambda v: kerma(v, v["x"]), "mGy")


@calculates
def standard_lead(x: Quantity) -> Calculation:
    """Return the thinnest lead sheet of BS EN 12588 whose least thickness is enough, mm.

    The sheet's code is in `others`. The least thickness is the nominal one less the tolerance of
    ``bir/lead_sheet_bs_en_12588``.

    Raises
    ------
    InputError
        ``no-standard-size``: more than the thickest sheet; ``wrong-unit``.
    """
    made = Record("shielding-lead-sheet", "1", "Lead sheet")
    wanted = made.given("Lead needed", "x", x, "mm")
    held = [r for r in rows("bir") if r.id.startswith("bir/lead_sheet_bs_en_12588/")]
    tolerance = next(r for r in held if r.text("tolerance"))
    made.rests_on(tolerance)
    less = 1.0 - stated(tolerance, "tolerance", r"([\d.]+) % thickness") / 100.0
    sheets = sorted((r for r in held if r.text("code")), key=lambda r: r.number("mm"))
    enough = next((r for r in sheets if r.number("mm") * less >= wanted), None)
    if enough is None:
        raise InputError(
            f"{wanted:.3g} mm is more than one sheet of BS EN 12588 is sure to have "
            f"({sheets[-1].number('mm') * less:.3g} mm). Use two sheets or another material.",
            code="no-standard-size",
        )
    made.rests_on(enough)
    size = enough.number("mm")
    made.work(
        f"Code {enough.text('code')}: {size:g} mm, at least {size * less:.3f} mm ≥ {wanted:.3f} mm"
    )
    return made.result(lambda v: size, "mm", others={"code": quantity(enough.number("code"), "1")})
