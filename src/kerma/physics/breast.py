"""Breast: incident air kerma at the breast and mean glandular dose by Dance.

D = K g c s (Dance 1990, 2000, 2009, as `docs/methods/breast-dose.md` says which part was seen).
Factors are the rows of data set ``mgd`` and nothing else. Between them: linear in HVL; in thickness
linear in ln g, and linear in c, s and the equivalent thickness. Outside them the dose is refused.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record, Values
from kerma.physics.calls import calculates
from kerma.reference import Row, rows

HALF_GLANDULAR = "50 % glandular"
_NO_WEIGHT = 1e-9  # what conversions of units may leave
_ODD = (20.0, 0.6)  # the entry of g that breaks its sequence (methods note on the table)
_LIMITS = (
    "Mean glandular dose of a model breast of this thickness and composition, not of this "
    "patient's own glandular tissue.",
    "Not to be compared with, or trended beside, doses by another breast model.",
    "Neither magnification, spot compression nor contrast-enhanced exposures.",
    "The tables state no uncertainty of their factors; none is in the budget.",
)


@dataclass(frozen=True)
class Grid:
    """A factor by thickness (mm) and, unless there is only one, by half-value layer (mm Al)."""

    thickness: tuple[float, ...]
    hvl: tuple[float, ...]
    cells: dict[tuple[float, float], Row]
    logarithmic: bool

    def at(self, t: float, h: float) -> float:
        """Return the factor; the end cells go on beyond the ends (for uncertainties only)."""
        (t0, t1), (h0, h1) = _pair(self.thickness, t), _pair(self.hvl, h)
        ends = []
        for thick in (t0, t1):
            low, high = (self.cells[thick, layer].number("value") for layer in (h0, h1))
            ends.append(_linear(low, high, _share(h0, h1, h)))
        along = _share(t0, t1, t)
        if self.logarithmic:
            return math.exp(_linear(math.log(ends[0]), math.log(ends[1]), along))
        return _linear(ends[0], ends[1], along)

    def used(self, t: float, h: float) -> list[Row]:
        """Return the rows that weigh in the factor."""
        return [
            self.cells[thick, layer]
            for thick, wt in _weighed(self.thickness, t)
            for layer, wh in _weighed(self.hvl, h)
            if min(wt, wh) > _NO_WEIGHT
        ]


def _pair(at: Sequence[float], value: float) -> tuple[float, float]:
    if len(at) == 1:
        return at[0], at[0]
    i = min(max(bisect_right(at, value) - 1, 0), len(at) - 2)
    return at[i], at[i + 1]


def _share(low: float, high: float, value: float) -> float:
    return (value - low) / (high - low) if high > low else 0.0


def _linear(low: float, high: float, share: float) -> float:
    return low + share * (high - low)


def _weighed(at: Sequence[float], value: float) -> list[tuple[float, float]]:
    low, high = _pair(at, value)
    share = _share(low, high, value)
    return [(low, 1.0 - share), (high, share)] if high > low else [(low, 1.0)]


@cache
def _grid(factor: str, population: str = "", target_filter: str = "") -> Grid:
    found = {
        (r.number("thickness_mm"), float(r.text("hvl_mm_al") or 0)): r
        for r in rows("mgd")
        if r.text("factor") == factor
        and (not population or r.text("population_or_definition") == population)
        and (not target_filter or r.text("target_filter") == target_filter)
    }
    return Grid(
        thickness=tuple(sorted({t for t, _ in found})),
        hvl=tuple(sorted({h for _, h in found})),
        cells=found,
        logarithmic=factor in ("g", "g_pmma"),
    )


def _spectra(pmma: bool) -> dict[str, str]:
    """Return target/filter → population of its rows of s; PMMA has more of them."""
    return {
        r.text("target_filter"): r.text("population_or_definition")
        for r in rows("mgd")
        if r.text("factor") == "s"
        and "do not use" not in r.text("note")
        and (pmma or not r.text("thickness_mm"))
    }


def compositions() -> list[str]:
    """Return the breasts there is a factor c for."""
    found = {r.text("population_or_definition") for r in rows("mgd") if r.text("factor") == "c"}
    return [HALF_GLANDULAR, *sorted(found)]


def target_filters(*, pmma: bool = False) -> list[str]:
    """Return the spectra there is a factor s for, as the rows name them."""
    return list(_spectra(pmma))


@calculates
def incident_kerma(
    output: Quantity,
    mas: Quantity,
    *,
    output_distance: Quantity,
    support_distance: Quantity,
    thickness: Quantity,
) -> Calculation:
    """Return the incident air kerma at the top of the compressed breast or PMMA.

    K = Y Q (d0 / (F − t))², without backscatter (methods note, physics.md).

    Parameters
    ----------
    output
        Air kerma per tube current-time product, free in air, paddle in the beam; µGy/mAs.
    mas
        Of the exposure.
    output_distance
        Focus to where the output was measured, d0.
    support_distance
        Focus to the breast support, F.
    thickness
        Of the compressed breast or the PMMA, t.

    Raises
    ------
    InputError
        ``breast-beyond-focus``, ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("breast-incident-kerma", "1", "Incident air kerma at the breast")
    y = made.given("Tube output", "Y", output, "uGy/mAs")
    q = made.given("Tube current-time product", "Q", mas, "mAs")
    d0 = made.given("Distance of the output", "d0", output_distance, "mm")
    far = made.given("Focus to breast support", "F", support_distance, "mm")
    t = made.given("Compressed thickness", "t", thickness, "mm")
    if not t < far:
        raise InputError(
            "The breast reaches the focus: check the thickness and the focus-to-support distance.",
            code="breast-beyond-focus",
        )
    made.work(
        f"K = Y Q (d0 / (F − t))² = {y:.4g} × {q:.4g} × ({d0:.4g} / ({far:.4g} − {t:.4g}))² µGy"
    )
    made.assume("The compression paddle is in the beam when the output is measured.")
    made.limit("Air kerma without backscatter; not an entrance surface dose.")
    return made.result(
        lambda v: v["Y"] * v["Q"] * (v["d0"] / (v["F"] - v["t"])) ** 2 / 1000.0, "mGy"
    )


@calculates
def mean_glandular_dose(
    kerma: Quantity,
    hvl: Quantity,
    thickness: Quantity,
    *,
    composition: str,
    target_filter: str,
    technique: str = "projection",
) -> Calculation:
    """Return the mean glandular dose of a breast.

    D = K g c s (Dance 2000; data set ``mgd``).

    Parameters
    ----------
    kerma
        Incident air kerma at the top of the breast, without backscatter.
    hvl
        Half-value layer with the paddle in the beam, mm Al.
    thickness
        Compressed thickness.
    composition
        One of `compositions`: an age group (c from its table), or 50 % glandular (c = 1).
    target_filter
        One of `target_filters`.
    technique
        ``projection``. ``tomosynthesis`` is refused: the reference data hold no factor T.

    Raises
    ------
    InputError
        ``no-tomosynthesis-factor``, ``unknown-technique``, ``unknown-composition``,
        ``no-spectrum-factor``, ``outside-domain``, ``wrong-unit``, ``not-above-zero``.
    """
    _require_projection(technique)
    if composition not in compositions():
        raise InputError(
            f"There is no factor c for “{composition}”. There are: {', '.join(compositions())}.",
            code="unknown-composition",
        )
    made = Record("breast-mgd-dance", "1", "Mean glandular dose, breast (Dance)")
    made.choice("Breast", composition)
    c = None if composition == HALF_GLANDULAR else _grid("c", composition)
    made.assume(
        "Factor c is 1: g is tabulated for this breast."
        if c is None
        else f"The breast is that of {composition} in the surveyed population, by thickness."
    )
    return _dose(made, kerma, hvl, thickness, ("g", _grid("g")), c, target_filter, pmma=False)


@calculates
def pmma_dose(
    kerma: Quantity, hvl: Quantity, thickness: Quantity, *, target_filter: str
) -> Calculation:
    """Return the mean glandular dose of the standard breast a thickness of PMMA stands for.

    D = K g c s with the factors of the equivalent breast (EUREF/NHSBSP tables; all recalled).

    Parameters
    ----------
    kerma
        Incident air kerma at the top of the PMMA, without backscatter.
    hvl
        Half-value layer with the paddle in the beam, mm Al.
    thickness
        Of the PMMA, not of the breast.
    target_filter
        One of ``target_filters(pmma=True)``.

    Raises
    ------
    InputError
        ``no-spectrum-factor``, ``outside-domain``, ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("breast-mgd-pmma", "1", "Mean glandular dose, standard breast by PMMA (Dance)")
    made.assume(
        "The kerma is that at the top of the PMMA, which is thinner than its breast; the editions "
        "of the protocol are to be checked on this point (recalled)."
    )
    return _dose(
        made, kerma, hvl, thickness, ("g_pmma", _grid("g_pmma")), _grid("c_pmma"), target_filter,
        pmma=True,
    )  # fmt: skip


def _require_projection(technique: str) -> None:
    if technique == "tomosynthesis":
        raise InputError(
            "The reference data hold no tomosynthesis factor T, so no dose is given. The factors "
            "of Dance 2011 have to be added as rows first.",
            code="no-tomosynthesis-factor",
        )
    if technique != "projection":
        raise InputError("The technique is “projection”.", code="unknown-technique")


def _dose(
    made: Record, kerma: Quantity, hvl: Quantity, thickness: Quantity, of_g: tuple[str, Grid],
    c: Grid | None, target_filter: str, *, pmma: bool,
) -> Calculation:  # fmt: skip
    g = of_g[1]
    made.choice("Target and filter", target_filter)
    k = made.given("Incident air kerma", "K", kerma, "mGy")
    h = made.given("Half-value layer", "HVL", hvl, "mm Al")
    t = made.given("PMMA thickness" if pmma else "Compressed thickness", "t", thickness, "mm")
    for what, value, ends, unit in (
        ("half-value layers", h, g.hvl, "mm Al"), ("thicknesses", t, g.thickness, "mm"),
    ):  # fmt: skip
        # Conversions of units move the last bits.
        if not ends[0] * (1 - 1e-12) <= value <= ends[-1] * (1 + 1e-12):
            raise InputError(
                f"The factors are tabulated for {what} of {ends[0]:g} to {ends[-1]:g} {unit}; "
                f"this is {value:.4g} {unit}.",
                code="outside-domain",
            )
    s = _spectrum(target_filter, pmma)
    for grid in (g, c, s):
        for found in grid.used(t, h) if grid else ():
            made.rests_on(found)
    values = g.at(t, h), c.at(t, h) if c else 1.0, s.at(t, h)
    made.work(
        f"g = {values[0]:.4f}, c = {values[1]:.4f}, s = {values[2]:.4f} at HVL {h:.4g} mm Al, "
        f"{t:.4g} mm{' PMMA' if pmma else ''}",
        f"D = K g c s = {k:.4g} mGy × {values[0]:.4f} × {values[1]:.4f} × {values[2]:.4f}",
    )
    made.assume("Factors are linear in HVL; in thickness ln g, c and s are linear.")
    made.limit(*_LIMITS)
    _flag_odd(made, of_g[0], t, h)
    others = {n: quantity(x, "1") for n, x in zip("gcs", values, strict=True)}
    if pmma:
        others["equivalent_breast"] = quantity(_equivalent(made, t), "mm")

    def equation(v: Values) -> float:
        at = v["t"], v["HVL"]
        return v["K"] * g.at(*at) * (c.at(*at) if c else 1.0) * s.at(*at)

    return made.result(equation, "mGy", others=others)


def _spectrum(target_filter: str, pmma: bool) -> Grid:
    held = _spectra(pmma)
    if target_filter not in held:
        more = "" if pmma or target_filter not in _spectra(True) else " It has one for PMMA only."
        raise InputError(
            f"There is no factor s for “{target_filter}”.{more} There are: {', '.join(held)}.",
            code="no-spectrum-factor",
        )
    found = [r for r in rows("mgd") if r.text("factor") == "s"
             and r.text("target_filter") == target_filter]  # fmt: skip
    if found[0].text("thickness_mm"):
        return _grid("s", held[target_filter], target_filter)
    return Grid((0.0,), (0.0,), {(0.0, 0.0): found[0]}, logarithmic=False)


def _equivalent(made: Record, t: float) -> float:
    held = {r.number("thickness_mm"): r for r in rows("mgd") if r.text("factor")
            == "pmma_equivalence"}  # fmt: skip
    weighed = [(held[at], share) for at, share in _weighed(sorted(held), t)
               if share > _NO_WEIGHT]  # fmt: skip
    for found, _ in weighed:
        made.rests_on(found)
    return math.fsum(share * found.number("equivalent_breast_mm") for found, share in weighed)


def _flag_odd(made: Record, factor: str, t: float, h: float) -> None:
    if factor == "g" and t < 30.0 and h > 0.55:
        made.limit(
            f"The tabulated g at {_ODD[0]:g} mm and {_ODD[1]:g} mm Al breaks the sequence of its "
            "neighbours by about 2 %, and is used as it stands."
        )
