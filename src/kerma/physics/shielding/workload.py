"""Kerma per patient at 1 m worked out from a workload: NCRP 147's tables rebuilt, or a site's own.

Of each tube voltage V of the workload (mA min per patient): primary K_W(V) W (Figure B.1);
scatter K_W(V) W a1(θ, V) F/dF² (Figure C.1, Equations C.2 to C.4); leakage
Klim V² Bh(V) W / (Vmax² Bh(Vmax) Imax) (Equations C.6 to C.8). Tungsten and aluminium only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.calls import calculates
from kerma.physics.shielding._expression import evaluate, stated
from kerma.physics.shielding.archer import Beam, curve
from kerma.reference import row, rows

OUTPUT = "ncrp147/formulae/output_w_al"
_FRACTION = "ncrp147/formulae/scatter_fraction_w"
_LEAKAGE = "ncrp147/formulae/leakage"


def workload(distribution: str) -> dict[float, float]:
    """Return a workload distribution of Table 4.2: mA min per patient by kV (top of its bin).

    Raises
    ------
    InputError
        ``unknown-distribution``, ``no-coefficient`` (molybdenum).
    """
    held = [r for r in rows("workload-distributions")
            if r.text("workload_distribution") == distribution]  # fmt: skip
    if not held:
        raise InputError(
            f"There is no workload distribution “{distribution}”.", code="unknown-distribution"
        )
    if distribution.startswith("Mammography"):
        raise InputError(
            "There is no scatter fraction for a molybdenum beam; take the tabulated kerma per "
            "patient.",
            code="no-coefficient",
        )
    return {r.number("kvp_bin_top"): r.number("mA_min_per_patient") for r in held}


def _leakage_per_workload(kv: float) -> float:
    """Return leakage kerma at 1 m per mA min, mGy."""
    held = row(_LEAKAGE)
    limit = stated(held, "constants", r"=([\d.e+-]+) mGy/min")
    highest = stated(held, "constants", r"kVpmax=([\d.]+)")
    current = stated(held, "constants", r"Imax=([\d.]+) mA")
    housing = stated(held, "constants", r"housing ([\d.]+) mm Pb")
    passed, at_highest = (
        curve("lead", Beam("primary", kv=v)).transmission(housing) for v in (kv, highest)
    )
    return limit * kv**2 * passed / (highest**2 * at_highest * current)


@dataclass(frozen=True, slots=True)
class VoltagePart:
    """Kerma at 1 m of one tube voltage of a workload, mGy: primary, scattered, leakage."""

    kv: float
    primary: float
    scatter: float
    leakage: float


def by_voltage(
    of: str | Mapping[float, float], *, field_cm2_at_1m: float, angle_deg: float
) -> tuple[VoltagePart, ...]:
    """Return the kermas of a workload at 1 m by tube voltage; `per_patient` gives their sums.

    Raises
    ------
    InputError
        As `per_patient`.
    """
    used, _ = _usable(workload(of) if isinstance(of, str) else dict(of))
    found = []
    for v, w in sorted(used.items()):
        output = float(evaluate(row(OUTPUT), {"kVp": v})) * w
        scatter = output * _fraction(v, angle_deg) * field_cm2_at_1m
        found.append(VoltagePart(v, output, scatter, _leakage_per_workload(v) * w))
    return tuple(found)


@calculates
def per_patient(
    of: str | Mapping[float, float],
    *,
    field_area: Quantity,
    field_distance: Quantity,
    angle: Quantity,
) -> Calculation:
    """Return the primary kerma per patient at 1 m, mGy, with scatter and leakage in `others`.

    Parameters
    ----------
    of
        A workload distribution by name, or a site's own: mA min per patient by kV.
    field_area, field_distance
        F at the distance dF from the focus.
    angle
        Of scatter, from the forward beam: 90° for side scatter, 135° for forward and back.

    Raises
    ------
    InputError
        ``unknown-distribution``, ``no-coefficient``, ``outside-domain``, ``no-workload``,
        ``wrong-unit``, ``not-above-zero``.
    """
    bins = workload(of) if isinstance(of, str) else dict(of)
    used, valid = _usable(bins)
    total = math.fsum(bins.values())
    made = Record("shielding-ncrp-workload", "1", "Primary air kerma per patient at 1 m")
    made.choice("Workload", of if isinstance(of, str) else f"own, {total:.4g} mA min per patient")
    f = made.given("Field area", "F", field_area, "cm2")
    df = made.given("Distance of the field", "dF", field_distance, "m")
    theta = made.given("Scattering angle", "θ", angle, "deg")
    _cite(made, of if isinstance(of, str) else "", used)
    left = total - math.fsum(used.values())
    if left > 0.0:
        made.limit(
            f"{100 * left / total:.2g} % of the mA min lies below {valid}, where the output is "
            "not known, and is left out."
        )
    output = {v: float(evaluate(row(OUTPUT), {"kVp": v})) * w for v, w in used.items()}
    scatter = math.fsum(k * _fraction(v, theta) for v, k in output.items()) * f / df**2
    leakage = math.fsum(_leakage_per_workload(v) * w for v, w in used.items())
    made.work(
        "K1p = Σ K_W(V) W(V)", f"scatter = Σ K_W W a1(θ, V) F / dF² = {scatter:.4g} mGy",
        f"leakage = Σ Klim V² Bh(V) W / (Vmax² Bh(Vmax) Imax) = {leakage:.4g} mGy",
    )  # fmt: skip
    primary = math.fsum(output.values())
    return made.result(
        lambda v: primary, "mGy",
        others={
            "scatter": quantity(scatter, "mGy"), "leakage": quantity(leakage, "mGy"),
            "secondary": quantity(scatter + leakage, "mGy"),
        },
    )  # fmt: skip


def _usable(bins: Mapping[float, float]) -> tuple[dict[float, float], str]:
    """Return the part of a workload the output is known for, and for which kV it is."""
    low, high = (float(v) for v in row(OUTPUT).fields["valid_kvp"])
    above = [v for v, w in bins.items() if w > 0.0 and v > high]
    if above:
        # What lies below is left out and said; what lies above would be the part that passes most.
        raise InputError(
            f"The output is known up to {high:g} kV; the workload has some at {max(above):g} kV.",
            code="outside-domain",
        )
    used = {v: w for v, w in bins.items() if w > 0.0 and low <= v}
    if not used or any(not w >= 0.0 for w in bins.values()):
        raise InputError(
            f"A workload has mA min of zero or more, some of it at {low:g} to {high:g} kV.",
            code="no-workload",
        )
    return used, f"{low:g} to {high:g} kV"


def _fraction(kv: float, angle_deg: float) -> float:
    """Return the scatter fraction a1 at 1 m, per cm² (Figure C.1)."""
    held = row(_FRACTION)
    low = stated(held, "unit", r"plotted (\d+)-")
    high = stated(held, "unit", r"-(\d+) deg")
    if not low <= angle_deg <= high:
        raise InputError(
            f"Scatter fractions are plotted for {low:g}° to {high:g}°.", code="outside-domain"
        )
    return float(evaluate(held, {"kVp": kv, "theta": angle_deg})) * 1e-6


def _cite(made: Record, distribution: str, used: Mapping[float, float]) -> None:
    for name in (OUTPUT, _FRACTION, _LEAKAGE):
        made.rests_on(name)
    for found in rows("workload-distributions") if distribution else ():
        if (found.text("workload_distribution") == distribution
                and found.number("kvp_bin_top") in used):  # fmt: skip
            made.rests_on(found)
    made.assume(
        "Each bin stands at its highest tube voltage.",
        "Leakage is at its limit at the highest tube rating.",
    )


@calculates
def unshielded(
    per: Calculation, what: str, *, patients: Quantity, distance: Quantity, use: Quantity
) -> Calculation:
    """Return the unshielded air kerma of a workload, mGy per week: K1 N U / d².

    Parameters
    ----------
    per
        Of `per_patient`.
    what
        ``primary``, ``scatter``, ``leakage`` or ``secondary`` (both).
    patients, distance
        Per week; from the focus (primary, leakage) or the patient.
    use
        U of a primary beam; of anything else 1, or 1 - U where part of the workload is primary on
        this barrier (Equations C.2 and C.6).

    Raises
    ------
    InputError
        ``unknown-kerma``, ``outside-domain``, ``wrong-unit``, ``not-above-zero``.
    """
    kinds = {"primary": per.value, **per.others}
    if per.name != "shielding-ncrp-workload" or what not in kinds:
        raise InputError(
            f"There is no “{what}” kerma of this. There are: {', '.join(kinds)}.",
            code="unknown-kerma",
        )
    made = Record("shielding-ncrp-unshielded", "1", f"Unshielded {what} air kerma of a workload")
    for used in per.sources:
        made.rests_on(used.row)
    made.assume(*per.assumptions)
    made.limit(*per.limits)
    made.work(*per.working)
    k1 = made.given(f"{what.capitalize()} kerma per patient at 1 m", "K1", kinds[what], "mGy")
    n = made.given("Patients per week", "N", patients, "1")
    d = made.given("Distance", "d", distance, "m")
    u = made.given("Fraction of the workload", "U", use, "1")
    if u > 1.0:
        raise InputError("A fraction of the workload is at most 1.", code="outside-domain")
    made.work(f"K = K1 N U / d² = {k1:.4g} × {n:g} × {u:g} / {d:g}²")
    return made.result(lambda v: v["K1"] * v["N"] * v["U"] / v["d"] ** 2, "mGy")
