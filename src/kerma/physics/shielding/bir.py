"""The UK method (BIR/IPEM, Sutton et al. 2012): kerma per year from KAP, DLP and entrance kerma.

Scatter K = S KAP / d² with S of the angle and tube voltage (polynomial to Williams 1996), CT
scatter per DLP (Wallace 2012), dental (Holroyd 2018). The book itself was not available: what
these rest on is in the rows of ``bir``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.calls import calculates
from kerma.physics.shielding._expression import evaluate
from kerma.physics.shielding.angular import ANGULAR, scatter_factor
from kerma.physics.shielding.archer import Beam
from kerma.physics.shielding.barrier import YEAR, Source, required
from kerma.physics.shielding.ncrp import require_ct
from kerma.reference import row, rows

_WALL = "bir/scatter_from_kap/wall_max"
_FORMULA = "bir/scatter_from_kap/formula"
_CONSTRAINT = "bir/design_criterion/dose-constraint-for-public-and-for-staff-not-working-with"
_KERMA_FOR_DOSE = (
    "The constraint in mSv is taken as the same number of mGy air kerma: above effective dose, "
    "but 20 to 70 % below Hp(10) at these energies."
)


def _kv(made: Record, kv: Quantity) -> float:
    given = made.given("Tube voltage", "kV", kv, "kV")
    stated = "60 to 125 kV, over which polynomial and wall formula were compared"
    if not 60.0 <= given <= 125.0:
        made.limit(f"{given:g} kV lies outside {stated}; the rows state no range of their own.")
    return given


def _kap_limits(made: Record) -> None:
    measured = made.rests_on("bir/scatter_from_kap/median_measured_over_calculated")
    made.limit(
        f"Measured over calculated scatter: median {measured.number('value'):g}, highest "
        f"{measured.number('max'):g} (Williams 1996).",
        "Copper-filtered beams scatter more per KAP; no correction is held, none is made.",
        "Leakage of the tube housing is not in it; the rows hold no figure for this method.",
        "Tertiary scatter over partial screens, from ceilings or through open doors is not in it.",
    )


@calculates
def scatter(kap: Quantity, kv: Quantity, *, angle: Quantity, distance: Quantity) -> Calculation:
    """Return the unshielded scattered air kerma, mGy per year: S(θ, kV) KAP / d².

    Parameters
    ----------
    kap
        Kerma-area product in a year.
    kv
        Tube voltage.
    angle
        From the forward beam to the point, degrees.
    distance
        From the scattering centre to the point (slant).

    Raises
    ------
    InputError
        ``outside-domain``, ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("shielding-bir-scatter", "1", "Unshielded scattered air kerma from KAP")
    p = made.given("Kerma-area product per year", "KAP", kap, "Gy.cm2")
    v = _kv(made, kv)
    theta = made.given("Scattering angle", "θ", angle, "deg", above_zero=False)
    d = made.given("Distance from the scattering centre", "d", distance, "m")
    for name in (ANGULAR, _FORMULA):
        made.rests_on(name)
    s = float(scatter_factor(theta, v))
    made.work(f"S({theta:g}°, {v:g} kV) = {s:.4g} µGy/(Gy cm²) at 1 m",
              f"K = S KAP / d² = {s:.4g} × {p:g} / {d:g}² / 1000 mGy")  # fmt: skip
    _kap_limits(made)

    def equation(x: dict[str, float]) -> float:
        at = min(max(x["θ"], 0.0), 180.0)
        return float(scatter_factor(at, x["kV"])) * x["KAP"] / x["d"] ** 2 / 1000.0

    return made.result(lambda x: equation(dict(x)), "mGy")


@calculates
def wall_scatter(kap: Quantity, kv: Quantity, *, distance: Quantity) -> Calculation:
    """Return the highest scattered air kerma on a wall, mGy per year: a quick check only.

    S_max = 0.031 kV + 2.5 (row ``wall_max``): the greatest value of S(θ) sin²θ of the polynomial,
    at 116.5°, for a vertical beam and the *perpendicular* distance from patient to wall.

    Raises
    ------
    InputError
        ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("shielding-bir-wall", "1", "Unshielded scattered air kerma on a wall, from KAP")
    p = made.given("Kerma-area product per year", "KAP", kap, "Gy.cm2")
    v = _kv(made, kv)
    d = made.given("Perpendicular distance from patient to wall", "d", distance, "m")
    held = row(_WALL)
    for name in (_WALL, _FORMULA):
        made.rests_on(name)
    s = float(evaluate(held, {"kV": v}))
    made.work(f"{held.text('expr')} = {s:.4g} µGy/(Gy cm²)",
              f"K = S KAP / d² = {s:.4g} × {p:g} / {d:g}² / 1000 mGy")  # fmt: skip
    made.assume("The beam is vertical, the barrier a wall, the distance perpendicular to it.")
    made.limit(
        "Not for ceilings (backscatter is up to twice as much), floors, other beam directions or "
        "slant distances: use the angular formula there."
    )
    _kap_limits(made)
    return made.result(
        lambda x: float(evaluate(held, {"kV": x["kV"]})) * x["KAP"] / x["d"] ** 2 / 1000.0, "mGy"
    )


@calculates
def ct(
    region: str, *, dlp: Quantity, phantom: str, distance: Quantity, gantry_shadow: bool = False
) -> Calculation:
    """Return the unshielded scattered air kerma of CT, mGy per year, from the DLP of a year.

    Parameters
    ----------
    region
        ``head`` or ``body``.
    dlp, distance
        DLP of a year; from the isocentre to the point.
    phantom
        ``head`` or ``body``, of the DLP; must be the region's.
    gantry_shadow
        The point lies in the shadow of the gantry.

    Raises
    ------
    InputError
        ``unknown-region``, ``other-phantom``, ``wrong-unit``, ``not-above-zero``.
    """
    require_ct(region, phantom)
    made = Record("shielding-bir-ct", "1", "Unshielded scattered air kerma of CT")
    made.choice("Region and CTDI phantom", region)
    value = made.given("Dose-length product per year", "DLP", dlp, "mGy.cm")
    d = made.given("Distance from the isocentre", "d", distance, "m")
    s = made.coefficient("Scatter per DLP at 1 m", "s", f"bir/ct/{region}", "value",
                         "uGy/(mGy.cm)")  # fmt: skip
    g = 1.0
    if gantry_shadow:
        g = made.coefficient("Transmission of the gantry", "g", "bir/ct/gantry-transmission",
                             "value", "1")  # fmt: skip
    made.work(f"K = s g DLP / d² = {s:g} × {g:g} × {value:g} / {d:g}² / 1000 mGy")
    made.limit(
        "NCRP 147 gives the same for the body and 0.09 instead of 0.14 µGy per mGy cm for the "
        "head; the method is part of the result.",
        "Calculated scatter is up to about five times measured on average.",
    )
    return made.result(lambda v: v["s"] * v.get("g", 1.0) * v["DLP"] / v["d"] ** 2 / 1000.0, "mGy")


@calculates
def dental(modality: str, *, kap: Quantity, distance: Quantity) -> Calculation:
    """Return the highest scattered air kerma of dental imaging, mGy per year, from the KAP.

    Parameters
    ----------
    modality
        ``intra-oral`` (70 kV) or ``panoramic`` (80 kV); cone-beam has no data.
    kap, distance
        KAP of a year; from the patient to the point.

    Raises
    ------
    InputError
        ``no-coefficient``, ``wrong-unit``, ``not-above-zero``.
    """
    if modality not in ("intra-oral", "panoramic"):
        raise InputError(
            f"There is no scatter factor for “{modality}”. There is one for intra-oral and "
            "panoramic.",
            code="no-coefficient",
        )
    made = Record("shielding-bir-dental", "1", "Unshielded scattered air kerma, dental")
    made.choice("Modality", modality)
    p = made.given("Kerma-area product per year", "KAP", kap, "Gy.cm2")
    d = made.given("Distance from the patient", "d", distance, "m")
    s = made.coefficient("Scatter per KAP at 1 m", "S", f"bir/dental/{modality}", "value",
                         "uGy/(Gy.cm2)")  # fmt: skip
    made.work(f"K = S KAP / d² = {s:g} × {p:g} / {d:g}² / 1000 mGy")
    made.assume("The highest value about the patient is taken in every direction.")
    return made.result(lambda v: v["S"] * v["KAP"] / v["d"] ** 2 / 1000.0, "mGy")


@calculates
def primary(
    kap: Quantity, *, field_area: Quantity, field_distance: Quantity, distance: Quantity
) -> Calculation:
    """Return the unshielded primary air kerma, mGy per year: (KAP / F) (dF / d)².

    KAP / F is the kerma in the field, F its area at the distance dF from the focus (row
    ``primary``); an entrance kerma enters as KAP = K F.

    Raises
    ------
    InputError
        ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("shielding-bir-primary", "1", "Unshielded primary air kerma from KAP")
    p = made.given("Kerma-area product per year", "KAP", kap, "Gy.cm2")
    f = made.given("Field area", "F", field_area, "cm2")
    df = made.given("Distance of the field from the focus", "dF", field_distance, "m")
    d = made.given("Distance of the point from the focus", "d", distance, "m")
    made.rests_on("bir/primary")
    made.work(f"K = (KAP / F) (dF / d)² = ({p:g} / {f:g}) × ({df:g} / {d:g})² Gy")
    made.assume("The patient is taken as absent from the primary beam.")
    made.limit("The book's tables of receptor kerma and of receptor transmission are not held.")
    return made.result(lambda v: v["KAP"] / v["F"] * (v["dF"] / v["d"]) ** 2 * 1000.0, "mGy")


def constraint() -> Quantity:
    """Return the constraint for the public and staff not working with radiation, mGy per year."""
    return quantity(row(_CONSTRAINT).number("value"), "mGy")


def occupancies() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the occupancy groups: their T as the row states it (a range is one), their areas."""
    return {
        r.text("group"): (r.text("T"), tuple(str(a) for a in r.fields["areas"]))
        for r in rows("bir") if r.id.startswith("bir/occupancy/") and r.text("group")
    }  # fmt: skip


def source(kerma: Calculation, kv: float, *, quality: str = "primary", case: str = "") -> Source:
    """Return a source per year with the transmission of a tube voltage.

    Parameters
    ----------
    kerma, kv
        Unshielded kerma of a year; tube voltage, kV.
    quality
        ``primary`` (the book's example takes it for scatter too), ``secondary`` (Table C.1) or
        ``ct_secondary``.
    case
        Preshielding in a primary beam, see `barrier.preshielding_mm`.
    """
    return Source(kerma, Beam(quality, kv=kv), YEAR, case)


@calculates
def barrier(
    sources: Sequence[Source],
    *,
    material: str,
    occupancy: Quantity,
    local_constraint: Quantity | None = None,
) -> Calculation:
    """Return the thickness in mm that keeps all sources within constraint / T per year.

    Parameters
    ----------
    sources, material, occupancy
        As `barrier.required`.
    local_constraint
        mSv or mGy per year where the employer set one; otherwise 0.3 mSv (row
        ``design_criterion``).

    Raises
    ------
    InputError
        As `barrier.required`.
    """
    goal, names = constraint(), ["bir/required_transmission", _CONSTRAINT]
    if local_constraint is not None:
        names = names[:1]
        goal = local_constraint
        if str(goal.unit).endswith("Sv"):
            inside = goal.to("mSv")
            goal = quantity(inside.value, "mGy", inside.u)
    made = required(
        sources, material=material, goal=goal, occupancy=occupancy, period=YEAR, rests_on=names
    )
    return _with(made, _KERMA_FOR_DOSE)


def _with(made: Calculation, sentence: str) -> Calculation:
    return replace(made, assumptions=(*made.assumptions, sentence))
