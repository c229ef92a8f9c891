"""Broad-beam transmission by the Archer fit, its inverse.

B(x) = [(1 + β/α) exp(α γ x) - β/α]^(-1/γ); x(B) = ln[(B^-γ + β/α) / (1 + β/α)] / (α γ)
(NCRP Report 147, Equations A.2 and A.3). Coefficients are rows of ``archer``. Between tabulated
tube voltages ln B is interpolated at a fixed thickness, never the coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerma.core import InputError, Quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.calls import calculates
from kerma.reference import Row, rows

THICKEST_MM = 1e5  # where a search for a thickness gives up
_METHOD = "NCRP147"


def falling_root(of: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function crosses zero between two ends, by bisection."""
    while True:
        middle = (low + high) / 2.0
        if not low < middle < high or high - low < 1e-12 * high:
            return middle
        low, high = (middle, high) if of(middle) > 0.0 else (low, middle)


@dataclass(frozen=True, slots=True)
class Beam:
    """A beam quality transmission is tabulated for: a workload distribution or a tube voltage.

    Attributes
    ----------
    radiation
        ``primary``, ``secondary`` or ``ct_secondary``.
    distribution
        A workload distribution of NCRP 147, such as ``Rad Room (all barriers)``; or empty.
    kv
        Tube voltage, kV; or ``None``.
    """

    radiation: str
    distribution: str = ""
    kv: float | None = None

    def __str__(self) -> str:
        which = self.distribution or ("" if self.kv is None else f"{self.kv:g} kV")
        return f"{self.radiation.replace('_', ' ')}, {which}"

    def own_curve(self, material: str) -> Curve | None:
        """Return the curve of a beam that carries its own spectrum; none for a tabulated one."""
        return None


# Rows up to this far apart are interpolated in ln B (those of Table A.1 stand 5 kV apart). Over the
# 20 to 30 kV between rows of secondary radiation ln B is so curved that a straight line states half
# of what passes; there the next higher row is taken.
CLOSE_KV = 5.0


@dataclass(frozen=True, slots=True)
class Fit:
    """One row's coefficients, per mm."""

    found: Row
    alpha: float
    beta: float
    gamma: float

    def log_transmission(self, x_mm: ArrayLike) -> NDArray[np.float64]:
        """Return ln B of thicknesses in mm."""
        ratio, grown = self.beta / self.alpha, self.alpha * self.gamma * np.asarray(x_mm, float)
        inner: NDArray[np.float64] = np.log((1.0 + ratio) - ratio * np.exp(-grown))
        return -(grown + inner) / self.gamma

    def thickness(self, transmission: float) -> float:
        """Return the thickness in mm of a transmission."""
        ratio = self.beta / self.alpha
        grown = math.log((transmission**-self.gamma + ratio) / (1.0 + ratio))
        return grown / (self.alpha * self.gamma)

    @property
    def least_slope(self) -> float:
        """The smallest attenuation the fit has anywhere, 1/mm: α, or α + β where β is negative."""
        return min(self.alpha, self.alpha + self.beta)


@dataclass(frozen=True, slots=True)
class Curve:
    """Transmission of one material for one beam: one fit, or two weighted in ln B."""

    material: str
    beam: Beam
    parts: tuple[tuple[float, Fit], ...]

    def log_transmission(self, x_mm: ArrayLike) -> NDArray[np.float64]:
        """Return ln B of thicknesses in mm."""
        total: NDArray[np.float64] = np.zeros(np.shape(x_mm))
        for weight, fit in self.parts:
            total = total + weight * fit.log_transmission(x_mm)
        return total

    def transmission(self, x_mm: float) -> float:
        """Return B of a thickness in mm.

        Raises
        ------
        InputError
            ``outside-domain``: a negative thickness.
        """
        if not x_mm >= 0.0:
            raise InputError(
                f"A thickness of {x_mm:g} mm is none: it must be zero or more.",
                code="outside-domain",
            )
        return math.exp(float(self.log_transmission(x_mm)))

    def thickness(self, transmission: float) -> float:
        """Return the thickness in mm of a transmission above 0 and at most 1.

        Raises
        ------
        InputError
            ``outside-domain``.
        """
        if not 0.0 < transmission <= 1.0:
            raise InputError(
                f"No barrier transmits {transmission:g}: give a fraction above 0, at most 1.",
                code="outside-domain",
            )
        ends = [fit.thickness(transmission) for _, fit in self.parts]
        if math.isclose(min(ends), max(ends), rel_tol=1e-12):
            return ends[0]
        wanted = math.log(transmission)
        return falling_root(
            lambda x: float(self.log_transmission(x)) - wanted, min(ends), max(ends)
        )

    @property
    def least_slope(self) -> float:
        """The smallest attenuation of the curve, 1/mm."""
        return sum(weight * fit.least_slope for weight, fit in self.parts)

    def cite(self, made: Record) -> None:
        """Name the rows in a record, with what they say of their use."""
        made.choice(f"Transmission of {said(self.material)}", f"{self.beam}")
        for _, fit in self.parts:
            made.rests_on(fit.found)
            made.work(
                f"{fit.found.id}: α = {fit.alpha:g}/mm, β = {fit.beta:g}/mm, γ = {fit.gamma:g}"
            )
            for sentence in fit.found.text("note").split(". "):
                if sentence and not sentence.startswith("Negative beta"):
                    made.limit(f"{said(self.material).capitalize()}: {sentence.rstrip('.')}.")
        stands = self.parts[0][1].found.text("kvp")
        if len(self.parts) == 1 and self.beam.kv is not None and float(stands) != self.beam.kv:
            made.assume(
                f"{self.beam.kv:g} kV stands at {stands} kV, the next that is tabulated, which "
                f"passes more: ln B is not linear over more than {CLOSE_KV:g} kV."
            )
        if len(self.parts) > 1:
            made.assume("Between tabulated tube voltages ln B is linear in kV at fixed thickness.")
        made.limit(
            "The rows do not say up to which thickness each fit was made; a transmission far "
            "below those published is an extrapolation."
        )


def said(material: str) -> str:
    """Return a material as written in a sentence."""
    return material.replace("_", " ")


def materials() -> list[str]:
    """Return the materials there are fits for, diagnostic x rays only."""
    return list(_materials())


@cache
def _materials() -> tuple[str, ...]:
    return tuple(dict.fromkeys(r.text("material") for r in _held()))


@cache
def _held() -> tuple[Row, ...]:
    return tuple(r for r in rows("archer") if r.text("method") == _METHOD)


def as_fit(found: Row) -> Fit:
    """Return a row's fit.

    Raises
    ------
    InputError
        ``bad-coefficients``: they are no transmission.
    """
    fit = Fit(
        found, found.number("alpha_per_mm"), found.number("beta_per_mm"), found.number("gamma")
    )
    if not (fit.alpha > 0.0 and fit.gamma > 0.0 and fit.alpha + fit.beta > 0.0):
        raise InputError(
            f"The coefficients of {found.id} are no transmission: it would not fall from 1.",
            code="bad-coefficients",
            detail={"row": found.id},
        )
    return fit


@cache
def curve(material: str, beam: Beam) -> Curve:
    """Return the transmission curve of a material for a beam quality.

    Parameters
    ----------
    material
        ``lead``, ``concrete``, ``gypsum_wallboard``, ``steel``, ``plate_glass``, ``wood``.
    beam
        See `Beam`; a tube voltage between two tabulated for the same target and filter is
        interpolated. A beam of several tube voltages (`mixed.MixedBeam`) has its own curve.

    Raises
    ------
    InputError
        ``unknown-material``, ``no-coefficient``, ``outside-domain``, ``which-beam``.
    """
    if material not in materials():
        raise InputError(
            f"There are no transmission coefficients for “{material}”. There are some for: "
            f"{', '.join(materials())}. Lead equivalence at another tube voltage is not used.",
            code="unknown-material",
        )
    own = beam.own_curve(material)
    if own is not None:
        return own
    if bool(beam.distribution) == (beam.kv is not None):
        raise InputError(
            "Give either a workload distribution or a tube voltage.", code="which-beam"
        )
    of = [r for r in _held()
          if r.text("material") == material and r.text("radiation") == beam.radiation]  # fmt: skip
    if beam.kv is None:
        found = [r for r in of if r.text("workload_distribution") == beam.distribution]
        if len(found) != 1:
            raise _absent(material, beam, [r.text("workload_distribution") for r in of])
        return Curve(material, beam, ((1.0, as_fit(found[0])),))
    return Curve(material, beam, _between(material, beam, [r for r in of if r.text("kvp")]))


def _absent(material: str, beam: Beam, have: Sequence[str]) -> InputError:
    kept = ", ".join(dict.fromkeys(h for h in have if h)) or "none"
    return InputError(
        f"There are no coefficients of {said(material)} for {beam}. For this radiation there "
        f"are: {kept}.",
        code="no-coefficient",
    )


def _between(material: str, beam: Beam, of: Sequence[Row]) -> tuple[tuple[float, Fit], ...]:
    kv = float(beam.kv or 0.0)
    exact = [r for r in of if r.number("kvp") == kv]
    if exact:
        return ((1.0, as_fit(exact[0])),)
    below = [r for r in of if r.number("kvp") < kv]
    above = [r for r in of if r.number("kvp") > kv]
    if not below or not above:
        raise _absent(material, beam, [f"{r.text('kvp')} kV" for r in of])
    low = max(below, key=lambda r: r.number("kvp"))
    high = min(above, key=lambda r: r.number("kvp"))
    if low.text("anode_filter") != high.text("anode_filter"):
        raise InputError(
            f"{kv:g} kV lies between {low.text('anode_filter')} and {high.text('anode_filter')}; "
            "there is nothing to interpolate.",
            code="outside-domain",
        )
    apart = high.number("kvp") - low.number("kvp")
    if apart > CLOSE_KV:
        return ((1.0, as_fit(high)),)
    part = (kv - low.number("kvp")) / apart
    return ((1.0 - part, as_fit(low)), (part, as_fit(high)))


@calculates
def transmission(material: str, x: Quantity, beam: Beam) -> Calculation:
    """Return the broad-beam transmission of a thickness (NCRP 147, Equation A.2).

    Raises
    ------
    InputError
        As `curve`; ``wrong-unit``, ``not-above-zero``.
    """
    held = curve(material, beam)
    made = Record("shielding-transmission", "1", f"Transmission of {said(material)}")
    held.cite(made)
    made.given("Thickness", "x", x, "mm")
    made.work("B = [(1 + β/α) exp(α γ x) - β/α]^(-1/γ)")
    return made.result(lambda v: held.transmission(v["x"]), "1")


@calculates
def thickness(material: str, wanted: Quantity, beam: Beam) -> Calculation:
    """Return the thickness in mm of a broad-beam transmission (NCRP 147, Equation A.3).

    Raises
    ------
    InputError
        As `curve`; ``outside-domain``, ``wrong-unit``, ``not-above-zero``.
    """
    held = curve(material, beam)
    made = Record("shielding-thickness", "1", f"Thickness of {said(material)}")
    held.cite(made)
    given = made.given("Transmission", "B", wanted, "1")
    held.thickness(given)
    made.work("x = ln[(B^-γ + β/α) / (1 + β/α)] / (α γ)")
    return made.result(lambda v: held.thickness(min(v["B"], 1.0)), "mm")
