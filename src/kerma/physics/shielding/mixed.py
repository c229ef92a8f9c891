"""Transmission of a beam of several tube voltages, from a workload: NCRP Report 147, Appendix C.

B(x) = Σ [kS(V) B_V(x) + kL(V) exp(-α_V x)] / Σ [kS(V) + kL(V)]: scatter of each tube voltage is as
penetrating as its primary beam (Table A.1), leakage is as hard as it gets. So Table C.1 was made of
the survey's workloads; a site's own workload gives its own curve. Sums are taken of logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.calls import calculates
from kerma.physics.shielding.archer import Beam, Curve, curve, falling_root, said
from kerma.physics.shielding.barrier import WEEK, Source
from kerma.physics.shielding.workload import by_voltage, per_patient

_AS_PRIMARY = (
    "Radiation scattered at a tube voltage is taken to be as penetrating as the primary beam of "
    "that voltage (NCRP 147, Appendix C)."
)
_LOWEST_KV = 50.0  # under it Table A.1 has tungsten beams in concrete only


@dataclass(frozen=True, slots=True)
class Term:
    """Part of a beam: its tube voltage, its share of the kerma, and whether it is leakage."""

    kv: float
    share: float
    leakage: bool = False


@dataclass(frozen=True, slots=True)
class MixedBeam(Beam):
    """A beam of several tube voltages; use it wherever a `Beam` is asked for.

    Attributes
    ----------
    name
        What it is of, in words.
    terms
        Shares of the unshielded kerma; they need not add to 1.

    Raises
    ------
    InputError
        ``no-workload``: no term, or a share that is none.
    """

    name: str = ""
    terms: tuple[Term, ...] = ()

    def __post_init__(self) -> None:
        if not self.terms or any(
            not (math.isfinite(t.share) and t.share > 0.0) for t in self.terms
        ):
            raise InputError(
                "A beam of several tube voltages has shares of kerma above zero.",
                code="no-workload",
            )

    def __str__(self) -> str:
        return f"{self.name} ({self.radiation.replace('_', ' ')}, {len(self.terms)} parts)"

    def own_curve(self, material: str) -> Curve:
        """Return the transmission curve of this beam."""
        total = math.fsum(t.share for t in self.terms)
        held = []
        for term in self.terms:
            # Softer beams stand at the lowest voltage every material has: that passes more.
            of = curve(material, Beam("primary", kv=max(term.kv, _LOWEST_KV)))
            held.append((math.log(term.share / total), of, term))
        return Mixture(material, self, (), tuple(held))


@dataclass(frozen=True, slots=True)
class Mixture(Curve):
    """Transmission of a mixed beam: logarithms of shares, curves of the voltages, the terms."""

    mixed: tuple[tuple[float, Curve, Term], ...] = ()

    def log_transmission(self, x_mm: ArrayLike) -> NDArray[np.float64]:
        """Return ln B of thicknesses in mm."""
        x = np.asarray(x_mm, float)
        each = [
            log_share + (-_deep(of) * x if term.leakage else of.log_transmission(x))
            for log_share, of, term in self.mixed
        ]
        found: NDArray[np.float64] = np.asarray(np.logaddexp.reduce(np.stack(each)))
        return found

    def thickness(self, transmission: float) -> float:
        """Return the thickness in mm of a transmission above 0 and at most 1.

        Raises
        ------
        InputError
            ``outside-domain``.
        """
        # Where the most penetrating part alone is down to it, the sum is; likewise the least.
        ends = []
        for _, of, term in self.mixed:
            alone = of.thickness(transmission)
            ends.append(-math.log(transmission) / _deep(of) if term.leakage else alone)
        if math.isclose(min(ends), max(ends), rel_tol=1e-12):
            return ends[0]
        wanted = math.log(transmission)
        return falling_root(
            lambda x: float(self.log_transmission(x)) - wanted, min(ends), max(ends)
        )

    @property
    def least_slope(self) -> float:
        """The smallest attenuation of any part, 1/mm; no part of the curve has less."""
        return min(_deep(of) if term.leakage else of.least_slope for _, of, term in self.mixed)

    def cite(self, made: Record) -> None:
        """Name the rows in a record, with what they say of their use."""
        made.choice(f"Transmission of {said(self.material)}", f"{self.beam}")
        for log_share, of, term in self.mixed:
            for _, fit in of.parts:
                made.rests_on(fit.found)
            made.work(
                f"{term.kv:g} kV{', leakage' if term.leakage else ''}: "
                f"{100 * math.exp(log_share):.3g} % of the kerma"
            )
        made.work("B = Σ shares × B of each tube voltage; leakage exp(-α x)")
        made.assume(_AS_PRIMARY)
        if any(term.kv < _LOWEST_KV for _, _, term in self.mixed):
            made.assume(
                f"Tube voltages under {_LOWEST_KV:g} kV stand at {_LOWEST_KV:g} kV, which passes "
                "more."
            )
        for _, fit in self.mixed[0][1].parts:
            for sentence in fit.found.text("note").split(". "):
                if sentence and not sentence.startswith("Negative beta"):
                    made.limit(f"{said(self.material).capitalize()}: {sentence.rstrip('.')}.")
        made.limit(
            "The rows do not say up to which thickness each fit was made; a transmission far "
            "below those published is an extrapolation."
        )


def _deep(of: Curve) -> float:
    """Return the attenuation deep in a barrier, 1/mm: α, weighted as ln B is."""
    return sum(weight * fit.alpha for weight, fit in of.parts)


def secondary_beam(
    of: str | Mapping[float, float],
    *,
    field_area: Quantity,
    field_distance: Quantity,
    angle: Quantity,
    distance: Quantity,
    leakage_distance: Quantity,
) -> MixedBeam:
    """Return the secondary beam of a workload at a point.

    Parameters
    ----------
    of
        A workload distribution by name, or a site's own: mA min by kV.
    field_area, field_distance, angle
        As `workload.per_patient`.
    distance, leakage_distance
        From the patient; from the tube.

    Raises
    ------
    InputError
        As `workload.per_patient`; ``not-above-zero``.
    """
    area = field_area.to("cm2").value / field_distance.to("m").value ** 2
    ds, dl = (d.to("m").value for d in (distance, leakage_distance))
    if not min(ds, dl, area) > 0.0:
        raise InputError("Distances and fields are above zero.", code="not-above-zero")
    terms = []
    for part in by_voltage(of, field_cm2_at_1m=area, angle_deg=angle.to("deg").value):
        terms.append(Term(part.kv, part.scatter / ds**2))
        terms.append(Term(part.kv, part.leakage / dl**2, leakage=True))
    name = of if isinstance(of, str) else "own workload"
    return MixedBeam("secondary", name=name, terms=tuple(t for t in terms if t.share > 0.0))


def primary_beam(of: str | Mapping[float, float]) -> MixedBeam:
    """Return the primary beam of a workload, as Table B.1 was made of the survey's.

    Raises
    ------
    InputError
        As `workload.per_patient`.
    """
    parts = by_voltage(of, field_cm2_at_1m=1.0, angle_deg=90.0)
    name = of if isinstance(of, str) else "own workload"
    return MixedBeam("primary", name=name, terms=tuple(Term(p.kv, p.primary) for p in parts))


@calculates
def secondary(
    of: str | Mapping[float, float],
    *,
    patients: Quantity,
    field_area: Quantity,
    field_distance: Quantity,
    angle: Quantity,
    distance: Quantity,
    leakage_distance: Quantity,
) -> Calculation:
    """Return the unshielded secondary air kerma of a workload, mGy per week.

    K = N (K1S / dS² + K1L / dL²), K1 from the workload (NCRP 147, Equations C.2 to C.8).

    Parameters
    ----------
    of
        A workload distribution by name, or mA min *per patient* by kV. With the mA min of a week,
        `patients` is 1.
    patients
        N, per week.
    field_area, field_distance, angle, distance, leakage_distance
        As `secondary_beam`.

    Raises
    ------
    InputError
        As `secondary_beam`; ``wrong-unit``, ``not-above-zero``.
    """
    one = quantity(1.0, "cm2"), quantity(1.0, "m")
    per = per_patient(of, field_area=one[0], field_distance=one[1], angle=angle)
    made = Record("shielding-own-secondary", "1", "Unshielded secondary air kerma of a workload")
    for used in per.sources:
        made.rests_on(used.row)
    made.assume(*per.assumptions)
    made.limit(*per.limits)
    made.choice("Workload", of if isinstance(of, str) else "own, by tube voltage")
    n = made.given("Patients per week", "N", patients, "1")
    f = made.given("Field area", "F", field_area, "cm2")
    df = made.given("Distance of the field", "dF", field_distance, "m")
    made.given("Scattering angle", "θ", angle, "deg")
    ds = made.given("Distance from the patient", "dS", distance, "m")
    dl = made.given("Distance from the tube", "dL", leakage_distance, "m")
    scatter, leak = per.others["scatter"].value, per.others["leakage"].value
    made.work(
        f"K1S = {scatter:.4g} mGy per cm² of field at 1 m, K1L = {leak:.4g} mGy; both of a patient "
        "at 1 m",
        f"K = N (K1S F / (dF² dS²) + K1L / dL²) = {n:g} × ({scatter:.4g} × {f:g} / ({df:g}² × "
        f"{ds:g}²) + {leak:.4g} / {dl:g}²)",
    )
    made.limit("The uncertainty of the scattering angle is not in the budget.")
    return made.result(
        lambda v: v["N"] * (scatter * v["F"] / (v["dF"] * v["dS"]) ** 2 + leak / v["dL"] ** 2),
        "mGy",
    )


def secondary_source(
    of: str | Mapping[float, float],
    *,
    patients: Quantity,
    field_area: Quantity,
    field_distance: Quantity,
    angle: Quantity,
    distance: Quantity,
    leakage_distance: Quantity,
) -> Source:
    """Return a source per week with the kerma and the transmission of a workload; see `secondary`.

    Raises
    ------
    InputError
        As `secondary`.
    """
    made = secondary(
        of, patients=patients, field_area=field_area, field_distance=field_distance, angle=angle,
        distance=distance, leakage_distance=leakage_distance,
    )  # fmt: skip
    beam = secondary_beam(
        of, field_area=field_area, field_distance=field_distance, angle=angle, distance=distance,
        leakage_distance=leakage_distance,
    )  # fmt: skip
    return Source(made, beam, WEEK)
