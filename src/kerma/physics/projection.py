"""Projection X-rays: incident air kerma, entrance surface kerma, effective dose from KAP.

Backscatter is from data set ``bsf`` through `kerma.physics.skin.factors`, refused beyond its ends;
effective dose per kerma-area product from ``radiography-e-dap``, one named set for a calculation.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record, Values
from kerma.physics.calls import calculates
from kerma.physics.skin import factors
from kerma.reference import Row, rows

_NO_UNCERTAINTY = (
    "The table states no uncertainty of its factors; beyond its ends their change with an input is "
    "taken as none.",
)
# What a set is called, by how its document begins.
_SETS = {
    "EC Radiation Protection 154": "RP 154",
    "Brambilla": "Brambilla 2017",
    "Vano": "Vano",
    "Kim DS": "Kim 2014",
    "Mah E": "Mah 2021",
    "Looe HK": "Looe 2008",
}


@calculates
def incident_air_kerma(
    output: Quantity, mas: Quantity, *, output_distance: Quantity, distance: Quantity
) -> Calculation:
    """Return the incident air kerma at a distance from the focus, without backscatter.

    Ka,i = Y Q (d0 / d)² (IAEA TRS 457; methods note, dosimetry.md).

    Parameters
    ----------
    output
        Air kerma per tube current-time product at `output_distance`, for this kV and filtration.
    mas
        Of the exposure.
    output_distance, distance
        Focus to where the output was measured, d0; focus to the skin, d.

    Raises
    ------
    InputError
        ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("projection-incident-kerma", "1", "Incident air kerma from tube output")
    y = made.given("Tube output", "Y", output, "uGy/mAs")
    q = made.given("Tube current-time product", "Q", mas, "mAs")
    d0 = made.given("Distance of the output", "d0", output_distance, "cm")
    d = made.given("Focus-to-skin distance", "d", distance, "cm")
    made.work(f"Ka,i = Y Q (d0 / d)² = {y:.4g} µGy/mAs × {q:.4g} mAs × ({d0:.4g} / {d:.4g})²")
    made.assume(
        "The output is that of the tube voltage and filtration of the exposure.",
        "Kerma falls with the square of distance: attenuation in air is left out.",
    )
    made.limit("Free in air, without backscatter; not a skin dose.")
    return made.result(lambda v: v["Y"] * v["Q"] * (v["d0"] / v["d"]) ** 2 / 1000.0, "mGy")


@calculates
def incident_from_kap(
    kap: Quantity,
    *,
    width: Quantity,
    height: Quantity,
    field_distance: Quantity,
    distance: Quantity,
) -> Calculation:
    """Return the incident air kerma, averaged over the field, from the kerma-area product.

    Ka,i = KAP / (w h (d / df)²) (methods note, dosimetry.md; KAP does not change with distance).

    Parameters
    ----------
    kap
        Kerma-area product of the exposure.
    width, height
        Of the field where its size is known.
    field_distance, distance
        Focus to where the size is known, df; focus to the skin, d.

    Raises
    ------
    InputError
        ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("projection-kerma-from-kap", "1", "Incident air kerma from kerma-area product")
    p = made.given("Kerma-area product", "P", kap, "mGy.cm2")
    w = made.given("Field width", "w", width, "cm")
    h = made.given("Field height", "h", height, "cm")
    df = made.given("Distance of the field size", "df", field_distance, "cm")
    d = made.given("Focus-to-skin distance", "d", distance, "cm")
    area = w * h * (d / df) ** 2
    made.work(
        f"A = w h (d / df)² = {w:.4g} × {h:.4g} × ({d:.4g} / {df:.4g})² = {area:.4g} cm²",
        f"Ka,i = P / A = {p:.4g} mGy cm² / {area:.4g} cm²",
    )
    made.assume("The kerma is even over the field, and the whole field is on the patient.")
    made.limit(
        "Free in air, without backscatter. The meter's calibration, and whatever lies between it "
        "and the patient, belong to the kerma-area product that is given."
    )
    return made.result(
        lambda v: v["P"] / (v["w"] * v["h"] * (v["d"] / v["df"]) ** 2), "mGy",
        others={"field_area": quantity(area, "cm2")},
    )  # fmt: skip


def _backscatter(kv: float, hvl_mm: float) -> factors.BeamFactors:
    # The half-value layer is given, so the filtration that would otherwise lead to it is not used.
    return factors.beam_factors(kv, 1.0, 0.0, lambda *_: hvl_mm)


def _require_tabulated(kv: float, hvl_mm: float, side_cm: float) -> None:
    """Refuse a beam or a field the backscatter table does not reach."""
    held = factors.table()
    low, high = (float(np.interp(kv, held.kv, held.hvl[:, end])) for end in (0, -1))
    for what, value, least, most in (
        ("tube voltages (kV)", kv, held.kv[0], held.kv[-1]),
        (f"half-value layers at {kv:g} kV (mm Al)", hvl_mm, low, high),
        ("sides of a square field (cm)", side_cm, held.sides_cm[0], held.sides_cm[-1]),
    ):
        # Conversions of units move the last bits.
        if not least * (1 - 1e-9) <= value <= most * (1 + 1e-9):
            raise InputError(
                f"Backscatter is tabulated for {what} of {least:.4g} to {most:.4g}; this is "
                f"{value:.4g}.",
                code="outside-domain",
            )


def _take_entrance(
    made: Record, incident: Quantity, kv: Quantity, hvl: Quantity, width: Quantity,
    height: Quantity,
) -> tuple[tuple[float, float], tuple[float, float, float, float]]:  # fmt: skip
    """Take what entrance kerma and dose need; return the field, and (K, kV, HVL, side)."""
    k = made.given("Incident air kerma", "K", incident, "mGy")
    volts = made.given("Tube voltage", "kV", kv, "kV")
    layer = made.given("Half-value layer", "HVL", hvl, "mm Al")
    w = made.given("Field width", "w", width, "cm")
    h = made.given("Field height", "h", height, "cm")
    a = math.sqrt(w * h)
    _require_tabulated(volts, layer, a)
    for row_id in dict.fromkeys(_backscatter(volts, layer).rows):
        made.rests_on(row_id)
    made.assume(
        "Backscatter is that of a thick flat water phantom and a square field of equal area.",
    )
    return (w, h), (k, volts, layer, a)


@calculates
def entrance_surface_kerma(
    incident: Quantity, *, kv: Quantity, hvl: Quantity, width: Quantity, height: Quantity
) -> Calculation:
    """Return the entrance surface air kerma: incident air kerma with backscatter.

    Ka,e = Ka,i B (IAEA TRS 457; B from data set ``bsf``: linear in kV and HVL, cubic spline in the
    side of the square field of equal area).

    Parameters
    ----------
    incident
        Incident air kerma at the skin.
    kv, hvl
        Tube voltage; half-value layer, mm Al.
    width, height
        Of the field at the skin.

    Raises
    ------
    InputError
        ``outside-domain``, ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("projection-entrance-kerma", "1", "Entrance surface air kerma")
    w_h, (k, volts, layer, a) = _take_entrance(made, incident, kv, hvl, width, height)
    factor = _backscatter(volts, layer).at(a)[0]
    made.work(
        f"a = √(w h) = √({w_h[0]:.4g} × {w_h[1]:.4g}) = {a:.4g} cm",
        f"B = {factor:.4f} at {volts:.4g} kV, {layer:.4g} mm Al, {a:.4g} cm",
        f"Ka,e = Ka,i B = {k:.4g} mGy × {factor:.4f}",
    )
    made.limit(
        "Air kerma at the surface, not the absorbed dose to skin.",
        *_NO_UNCERTAINTY,
    )
    return made.result(
        lambda v: v["K"] * _backscatter(v["kV"], v["HVL"]).at(math.sqrt(v["w"] * v["h"]))[0], "mGy",
        others={"backscatter_factor": quantity(factor, "1")},
    )  # fmt: skip


@calculates
def backscatter_factor(
    kv: Quantity, hvl: Quantity, *, width: Quantity, height: Quantity
) -> Calculation:
    """Return the backscatter factor B of a beam and a field: entrance surface over incident kerma.

    Parameters
    ----------
    kv, hvl, width, height
        As `entrance_surface_kerma`.

    Raises
    ------
    InputError
        ``outside-domain``, ``wrong-unit``, ``not-above-zero``.
    """
    one = entrance_surface_kerma(quantity(1.0, "mGy"), kv=kv, hvl=hvl, width=width, height=height)
    u = one.value.u
    return replace(
        one, name="projection-backscatter", title="Backscatter factor",
        value=quantity(one.value.value, "1", u),
        inputs=tuple(i for i in one.inputs if i.symbol != "K"),
        budget=tuple(replace(c, u_result=quantity(c.u_result.value, "1")) for c in one.budget),
        others={}, working=one.working[:2],
    )  # fmt: skip


@calculates
def entrance_surface_dose(
    incident: Quantity, *, kv: Quantity, hvl: Quantity, width: Quantity, height: Quantity
) -> Calculation:
    """Return the absorbed dose to water at the entrance surface.

    Dw = Ka,i B (μen/ρ)water/air (methods note, dosimetry.md; both factors from data set ``bsf``).

    Parameters
    ----------
    incident, kv, hvl, width, height
        As `entrance_surface_kerma`.

    Raises
    ------
    InputError
        ``outside-domain``, ``wrong-unit``, ``not-above-zero``.
    """
    made = Record("projection-entrance-dose", "1", "Entrance surface dose, to water")
    _, used = _take_entrance(made, incident, kv, hvl, width, height)
    k, volts, layer, a = used
    factor, ratio = _backscatter(volts, layer).at(a)
    made.work(
        f"B = {factor:.4f}, (μen/ρ) water/air = {ratio:.4f}",
        f"Dw = Ka,i B (μen/ρ) = {k:.4g} mGy × {factor:.4f} × {ratio:.4f}",
    )
    made.limit(
        "Dose to water at the surface. Skin tissue takes several per cent less at low voltages.",
        *_NO_UNCERTAINTY,
    )

    def equation(v: Values) -> float:
        both = _backscatter(v["kV"], v["HVL"]).at(math.sqrt(v["w"] * v["h"]))
        return v["K"] * both[0] * both[1]

    return made.result(
        equation, "mGy",
        others={"backscatter_factor": quantity(factor, "1"), "water_air": quantity(ratio, "1")},
    )  # fmt: skip


def _set_of(held: Row) -> str:
    document = held.text("source")
    return next((name for head, name in _SETS.items() if document.startswith(head)), document)


def coefficient_sets() -> dict[str, list[Row]]:
    """Return the named sets of effective dose per KAP; ranges, which give no one value, left out.

    The set ``Vano`` has no year in its row; the others are named by theirs.
    """
    found: dict[str, list[Row]] = {}
    for item in rows("radiography-e-dap"):
        if item.text("coefficient") == "E/KAP" and "range only" not in item.text("use_status"):
            found.setdefault(_set_of(item), []).append(item)
    return found


def _coefficient(set_name: str, examination: str, population: str) -> Row:
    sets = coefficient_sets()
    if set_name not in sets:
        raise InputError(
            f"There is no set “{set_name}” with single values. There are: {', '.join(sets)}.",
            code="unknown-set",
        )
    fits = [r for r in sets[set_name] if r.text("population") == population]
    named = [r for r in fits if r.text("examination") == examination]
    if len(named) != 1:
        have = "; ".join(r.text("examination") for r in fits)
        raise InputError(
            f"The set {set_name} has no coefficient for {examination}, {population}. "
            + (f"For this population it has: {have}." if have else "It has none for them."),
            code="no-coefficient",
        )
    return named[0]


@calculates
def effective_dose(
    kap: Quantity, *, set_name: str, examination: str, population: str = "adult"
) -> Calculation:
    """Return the effective dose of a reference person from the kerma-area product.

    E = k KAP (one named set for the calculation, data set ``radiography-e-dap``). A standard
    deviation stated with the coefficient is in the budget as that of an examination.

    Parameters
    ----------
    kap
        Kerma-area product of the examination.
    set_name, examination, population
        Which coefficient; see `coefficient_sets`.

    Raises
    ------
    InputError
        ``unknown-set``, ``no-coefficient``, ``wrong-unit``, ``not-above-zero``.
    """
    chosen = _coefficient(set_name, examination, population)
    made = Record("projection-effective-dose", "1", "Effective dose from kerma-area product")
    made.choice("Coefficients", f"{set_name} ({chosen.text('weighting')})")
    made.choice("Examination", f"{examination}, {population}")
    value = made.given("Kerma-area product", "P", kap, "Gy.cm2")
    note = chosen.text("spread_or_note")
    sd = re.match(r"SD ([\d.]+)", note)
    unit = chosen.text("unit")
    in_use = quantity(chosen.number("value"), unit).to("mSv/(Gy.cm2)").value
    k = made.coefficient(
        "Effective dose per KAP", "k", chosen, "value", unit,
        u_relative=float(sd[1]) / chosen.number("value") if sd else None,
    )  # fmt: skip
    made.work(f"E = k P = {in_use:.4g} mSv/(Gy cm²) × {value:.4g} Gy cm²")
    made.assume(
        "The dose is that of a reference person of the set, not of the patient.",
        *([f"The row adds: {note}."] if note else []),
    )
    made.limit(
        "Coefficients depend on filtration, voltage and field: a copper filter can double them. "
        "The set is part of the result.",
        "For comparison and for communicating risk in bands; not an individual's dose.",
        "Weights of ICRP 60 and ICRP 103 are not to be mixed in one comparison.",
    )
    if not sd:
        made.limit("The uncertainty of the coefficient is not stated and is not in the budget.")
    scale = in_use / k

    def equation(v: Values) -> float:
        return v["k"] * scale * v["P"]

    return made.result(equation, "mSv")
