"""NCRP Report 147: unshielded air kerma per week of radiographic, fluoroscopic and CT rooms.

Primary: K = K1p U N / dP² (Equation 4.3). Secondary: K = K1sec N / d², or scatter and leakage
apart when their distances differ (Equation 4.4, sections 5.3.3.2 and 5.4.1). CT from DLP:
Equations 5.10a and 5.10b. K1 are kermas per patient at 1 m, in mGy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Input, Record
from kerma.physics.calls import calculates
from kerma.physics.shielding._expression import evaluate
from kerma.physics.shielding.archer import Beam
from kerma.physics.shielding.barrier import WEEK, Source, required
from kerma.reference import row

_ROOMS = "ncrp147/room_types"
# Directions as a wall lies to the beam, and the columns of Table 4.7 they mean.
_DIRECTIONS = {
    "side": ("K1sec_side", "side_scatter"),
    "fwd_back": ("K1sec_fwd_back", "fwd_back_scatter"),
    "isocentre": ("K1sec_isocentre", ""),
}


def distributions() -> dict[str, Mapping[str, Any]]:
    """Return the workload distributions with their figures of Tables 4.2, 4.3, 4.5 and 4.7."""
    return {str(r["name"]): r for r in row(_ROOMS).fields["rows"]}


def _room(distribution: str) -> Mapping[str, Any]:
    held = distributions()
    if distribution not in held:
        raise InputError(
            f"There is no workload distribution “{distribution}”. There are: {', '.join(held)}.",
            code="unknown-distribution",
        )
    return held[distribution]


def _k1(made: Record, distribution: str, column: str, title: str, symbol: str) -> float:
    value = _room(distribution).get(column)
    if value is None:
        raise InputError(
            f"NCRP 147 gives no {title[0].lower() + title[1:]} for {distribution}.",
            code="no-coefficient",
        )
    made.rests_on(_ROOMS)
    made.inputs.append(Input(title, symbol, quantity(float(value), "mGy"), source=_ROOMS))
    return float(value)


@calculates
def primary(
    distribution: str, *, patients: Quantity, distance: Quantity, use: Quantity
) -> Calculation:
    """Return the unshielded primary air kerma, mGy per week: K1p U N / dP² (Equation 4.3).

    Parameters
    ----------
    distribution
        As `distributions` names it.
    patients
        N, per week.
    distance
        dP, from the focus to the point to protect.
    use
        U, fraction of the workload directed at the barrier, above 0 and at most 1.

    Raises
    ------
    InputError
        ``unknown-distribution``, ``no-coefficient``, ``outside-domain``, ``wrong-unit``,
        ``not-above-zero``.
    """
    made = Record("shielding-ncrp-primary", "1", "Unshielded primary air kerma")
    made.choice("Workload distribution", distribution)
    k1 = _k1(made, distribution, "K1p", "Primary air kerma per patient at 1 m", "K1p")
    n = made.given("Patients per week", "N", patients, "1")
    d = made.given("Distance from the focus", "d", distance, "m")
    u = made.given("Use factor", "U", use, "1")
    if u > 1.0:
        raise InputError("A use factor is at most 1.", code="outside-domain")
    made.work(f"K = K1p U N / d² = {k1:g} × {u:g} × {n:g} / {d:g}²")
    made.assume("The patient is taken as absent from the primary beam.")
    _survey(made)
    return made.result(lambda v: k1 * v["U"] * v["N"] / v["d"] ** 2, "mGy")


def _survey(made: Record) -> None:
    made.limit(
        "Kerma per patient follows the workload survey of the report (1996); a site whose "
        "technique differs scales it or computes its own from its workload."
    )


@calculates
def secondary(
    distribution: str,
    *,
    patients: Quantity,
    distance: Quantity,
    direction: str,
    leakage_distance: Quantity | None = None,
) -> Calculation:
    """Return the unshielded secondary air kerma, mGy per week.

    K = K1sec N / d²; with another distance to the tube, N (scatter / dS² + leakage / dL²).

    Parameters
    ----------
    distribution, patients
        As `primary`.
    direction
        ``side``, ``fwd_back``; ``isocentre`` for mammography (section 5.5).
    distance
        From the patient to the point to protect.
    leakage_distance
        From the tube, where it is another.

    Raises
    ------
    InputError
        ``unknown-distribution``, ``unknown-direction``, ``no-coefficient``, ``wrong-unit``,
        ``not-above-zero``.
    """
    if direction not in _DIRECTIONS:
        raise InputError(
            f"“{direction}” is no direction. There are: {', '.join(_DIRECTIONS)}.",
            code="unknown-direction",
        )
    whole, part = _DIRECTIONS[direction]
    made = Record("shielding-ncrp-secondary", "1", "Unshielded secondary air kerma")
    made.choice("Workload distribution", distribution)
    made.choice("Direction", direction)
    n = made.given("Patients per week", "N", patients, "1")
    _survey(made)
    if leakage_distance is None:
        k1 = _k1(made, distribution, whole, "Secondary air kerma per patient at 1 m", "K1sec")
        d = made.given("Distance from the patient", "d", distance, "m")
        made.assume("Tube and patient are taken at the same distance.")
        made.work(f"K = K1sec N / d² = {k1:g} × {n:g} / {d:g}²")
        return made.result(lambda v: k1 * v["N"] / v["d"] ** 2, "mGy")
    scatter = _k1(made, distribution, part, "Scattered air kerma per patient at 1 m", "K1S")
    leak = _k1(made, distribution, "leakage", "Leakage air kerma per patient at 1 m", "K1L")
    ds = made.given("Distance from the patient", "dS", distance, "m")
    dl = made.given("Distance from the tube", "dL", leakage_distance, "m")
    made.work(f"K = N (K1S/dS² + K1L/dL²) = {n:g} × ({scatter:g}/{ds:g}² + {leak:g}/{dl:g}²)")
    made.limit(
        "Transmission fits of secondary radiation assume equal distances of scatter and leakage."
    )
    return made.result(
        lambda v: v["N"] * (scatter / v["dS"] ** 2 + leak / v["dL"] ** 2), "mGy"
    )  # fmt: skip


@calculates
def ct(
    region: str, *, procedures: Quantity, dlp: Quantity, phantom: str, distance: Quantity
) -> Calculation:
    """Return the unshielded scattered air kerma of CT, mGy per week: K1(DLP) N / d².

    Parameters
    ----------
    region
        ``head`` or ``body`` (Equations 5.10a, 5.10b).
    procedures
        Per week: procedures, not patients; a scan with and without contrast is two.
    dlp
        Mean DLP of a procedure.
    phantom, distance
        ``head`` or ``body``, of the DLP, must be the region's; from the isocentre.

    Raises
    ------
    InputError
        ``unknown-region``, ``other-phantom``, ``wrong-unit``, ``not-above-zero``.
    """
    require_ct(region, phantom)
    held = row(f"ncrp147/ct/dlp_{region}")
    made = Record("shielding-ncrp-ct", "1", "Unshielded scattered air kerma of CT")
    made.choice("Region and CTDI phantom", region)
    made.rests_on(held)
    n = made.given("Procedures per week", "N", procedures, "1")
    value = made.given("DLP per procedure", "DLP", dlp, "mGy.cm")
    d = made.given("Distance from the isocentre", "d", distance, "m")
    k1 = float(evaluate(held, {"DLP": value}))
    made.work(f"{held.text('expr')} = {k1:.4g} mGy at 1 m", f"K = K1sec N / d² = {k1:.4g} × {n:g} "
              f"/ {d:g}²")  # fmt: skip
    made.assume(
        "Scatter is taken as isotropic: the shadow of the gantry is ignored.",
        "The number of procedures counts series with and without contrast apart.",
    )
    made.limit(
        "UK data for the head are 56 % higher than the report's (0.14 against 0.09 µGy per mGy cm "
        "at 1 m); the method is part of the result."
    )
    return made.result(
        lambda v: float(evaluate(held, {"DLP": v["DLP"]})) * v["N"] / v["d"] ** 2, "mGy"
    )


def require_ct(region: str, phantom: str) -> None:
    """Refuse a CT region without data, or a DLP on another phantom than its region's.

    Raises
    ------
    InputError
        ``unknown-region``, ``other-phantom``.
    """
    if region not in ("head", "body"):
        raise InputError(
            f"Scatter of CT is known for head and body, not for “{region}”.", code="unknown-region"
        )
    if phantom != region:
        raise InputError(
            f"Scatter per DLP of the {region} belongs to a DLP on the {region} phantom. State the "
            "phantom, or convert the DLP first.",
            code="other-phantom",
        )


def design_goal(area: str) -> Quantity:
    """Return P per week of an area: ``controlled``, ``uncontrolled`` (sections 1.4.1, 1.4.2).

    Raises
    ------
    InputError
        ``unknown-row``; ``not-a-number`` for an area whose limit is not weekly.
    """
    return quantity(row(f"ncrp147/design_goals/{area}").number("P_mGy_per_week"), "mGy")


@calculates
def barrier(
    sources: Sequence[Source], *, material: str, area: str | Quantity, occupancy: Quantity
) -> Calculation:
    """Return the thickness in mm that keeps all sources within P/T per week.

    Parameters
    ----------
    sources, material, occupancy
        As `barrier.required`.
    area
        ``controlled``, ``uncontrolled``, or the design goal itself, mGy per week.

    Raises
    ------
    InputError
        As `barrier.required` and `design_goal`.
    """
    named = isinstance(area, str)
    return required(
        sources, material=material, occupancy=occupancy, period=WEEK,
        goal=design_goal(area) if isinstance(area, str) else area,
        rests_on=[f"ncrp147/design_goals/{area}"] if named else [],
    )  # fmt: skip


def primary_source(
    distribution: str,
    *,
    patients: Quantity,
    distance: Quantity,
    use: Quantity,
    preshielding: str = "",
) -> Source:
    """Return a primary source with the transmission of its workload distribution (Table B.1)."""
    made = primary(distribution, patients=patients, distance=distance, use=use)
    return Source(made, Beam("primary", distribution), WEEK, preshielding)


def secondary_source(
    distribution: str,
    *,
    patients: Quantity,
    distance: Quantity,
    direction: str,
    leakage_distance: Quantity | None = None,
    fit: str = "",
) -> Source:
    """Return a secondary source with the transmission of a workload distribution (Table C.1).

    `fit` names the distribution of the transmission where another is chosen, as section 5.3.3.2
    does for a sum of two.
    """
    made = secondary(
        distribution, patients=patients, distance=distance, direction=direction,
        leakage_distance=leakage_distance,
    )  # fmt: skip
    return Source(made, Beam("secondary", fit or distribution), WEEK)


def ct_source(
    region: str,
    *,
    procedures: Quantity,
    dlp: Quantity,
    phantom: str,
    distance: Quantity,
    kv: float,
) -> Source:
    """Return a CT source with the transmission of its tube voltage (Figures A.2 and A.3)."""
    made = ct(region, procedures=procedures, dlp=dlp, phantom=phantom, distance=distance)
    return Source(made, Beam("ct_secondary", kv=kv), WEEK)
