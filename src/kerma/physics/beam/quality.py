"""Half-value layer, homogeneity, effective energy; total filtration from a measured HVL.

Narrow-beam half-value layers of modelled spectra (`kerma.physics.beams`). The model's own part of
the uncertainty is its largest difference from IEC 61267, row ``spectra/hvl_model``, as the
half-width of a rectangular distribution (JCGM 100:2008, 4.3.7).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from kerma.core import InputError, Quantity, quantity
from kerma.physics.beams import SOLVED_FOR, Beam
from kerma.physics.calculation import Calculation, Record, Values
from kerma.physics.calls import calculates
from kerma.reference import Row, row

Filters = Mapping[str, Quantity]
# Thickness of these has a unit of its own; plain mm is understood too.
_OWN_UNIT = {"Al": "mm Al", "Cu": "mm Cu", "Pb": "mm Pb"}
MODEL = "m"
_NARROW = "Narrow-beam geometry; scatter into the meter lowers a measured half-value layer's worth."


def filter_mm(material: str, thickness: Quantity) -> Quantity:
    """Return a filter's thickness in mm, given in mm or in mm of its own material.

    Raises
    ------
    InputError
        ``wrong-unit``.
    """
    own = _OWN_UNIT.get(material)
    if own and thickness.unit.same_kind(quantity(1, own).unit):
        inside = thickness.to(own)
        return quantity(inside.value, "mm", inside.u)
    return thickness.to("mm")


def take_tube(
    made: Record, kv: Quantity, anode: str, angle: Quantity, model: str, suffix: str = ""
) -> None:
    """Take a tube into a record: symbols ``kV`` and ``φ``, with a suffix where there are two."""
    made.given("Tube voltage", f"kV{suffix}", kv, "kV")
    if not suffix or suffix == "1":
        made.choice("Anode", anode)
        made.given("Anode angle", "φ", angle, "deg")
        made.choice("Model of the spectrum", f"{model}, SpekPy {_version()}")


def take_filters(made: Record, filtration: Filters, suffix: str = "") -> dict[str, str]:
    """Take filters into a record; return material by symbol."""
    found = {}
    for material, thickness in filtration.items():
        symbol = f"t{suffix}_{material}"
        made.given(f"Filter, {material}", symbol, filter_mm(material, thickness), "mm",
                   above_zero=False)  # fmt: skip
        found[symbol] = material
    return found


def beam_of(
    v: Values, anode: str, model: str, filters: Mapping[str, str], suffix: str = ""
) -> Beam:
    """Return the beam of a record's values."""
    stack = tuple((material, max(v[symbol], 0.0)) for symbol, material in filters.items())
    return Beam(v[f"kV{suffix}"], anode, v["φ"], stack, model)


def model_row(anode: str) -> Row:
    """Return the row that says how far the model's half-value layers are from IEC 61267."""
    return row("spectra/hvl_model" if anode == "W" else "spectra/hvl_model_mammography")


def take_model(made: Record, anode: str) -> None:
    """Take the model's part of the uncertainty into a record, as a factor of 1."""
    held = made.rests_on(model_row(anode))
    u = held.number("value") / 100.0 / math.sqrt(3.0)
    made.given("Half-value layer of the model", MODEL, quantity(1.0, "1", u), "1")


def _version() -> str:
    return str(Beam(80.0).as_dict()["spekpy"])


@calculates
def half_value_layer(
    kv: Quantity,
    *,
    filtration: Filters,
    angle: Quantity,
    anode: str = "W",
    model: str = "casim",
    of: str = "Al",
) -> Calculation:
    """Return the first half-value layer of a beam, and what else describes its quality.

    Parameters
    ----------
    kv
        Tube voltage (constant potential).
    filtration
        Thickness by material, inherent filtration included; see `beams.MATERIALS`.
    angle, anode, model
        Anode angle; ``W``, ``Mo`` or ``Rh``; physics model of the spectrum.
    of
        ``Al`` or ``Cu``: material of the half-value layer.

    Returns
    -------
    Calculation
        Half-value layer in mm of `of`; in `others` the second half-value layer, the homogeneity
        coefficient, effective and mean energy (keV).

    Raises
    ------
    InputError
        ``bad-beam``, ``unknown-material``, ``wrong-unit``, ``not-above-zero``.
    """
    if of not in ("Al", "Cu"):
        raise InputError("A half-value layer is given in Al or Cu.", code="unknown-material")
    made = Record("beam-hvl", "1", f"Half-value layer of a beam, mm {of}")
    take_tube(made, kv, anode, angle, model)
    filters = take_filters(made, filtration)
    take_model(made, anode)
    tube = {"kV": kv.to("kV").value, "φ": angle.to("deg").value}
    beam = beam_of(
        {**tube, **{s: filter_mm(m, filtration[m]).value for s, m in filters.items()}},
        anode, model, filters,
    )  # fmt: skip
    unit = _OWN_UNIT[of]
    first, second = beam.hvl(of), beam.hvl(of, 2)
    made.work(
        f"HVL1 = {first:.4g} mm {of}, HVL2 = {second:.4g} mm {of}, h = HVL1 / HVL2 = "
        f"{first / second:.4g}",
        f"Effective energy {beam.effective_energy(of):.4g} keV, mean {beam.mean_energy():.4g} keV",
    )
    made.assume(_NARROW, "The tube voltage is constant; a rippled one is softer.")
    made.limit("Modelled. A measured half-value layer stands above it.")
    return made.result(
        lambda v: v[MODEL] * beam_of(v, anode, model, filters).hvl(of),
        unit,
        others={
            "second_hvl": quantity(second, unit),
            "homogeneity": quantity(first / second, "1"),
            "effective_energy": quantity(beam.effective_energy(of), "keV"),
            "mean_energy": quantity(beam.mean_energy(), "keV"),
        },
    )


@calculates
def total_filtration(
    hvl: Quantity,
    kv: Quantity,
    *,
    angle: Quantity,
    anode: str = "W",
    model: str = "casim",
    material: str = "Al",
    behind: Filters | None = None,
) -> Calculation:
    """Return the filtration that gives a measured half-value layer, in mm of a material.

    The thickness t with HVL(kV, t) = HVL, by bisection (`beams.Beam.added_filtration`).

    Parameters
    ----------
    hvl
        Measured first half-value layer, mm Al.
    kv
        Measured tube voltage.
    angle, anode, model
        As `half_value_layer`.
    material
        ``Al``, ``Cu`` or ``PMMA``: what the filtration is expressed in.
    behind
        Known filters the answer comes on top of; none for the total.

    Raises
    ------
    InputError
        ``hvl-too-low``, ``hvl-too-high``, ``bad-beam``, ``uncertainty-too-large``,
        ``wrong-unit``, ``not-above-zero``.
    """
    if material not in SOLVED_FOR:
        raise InputError(f"Filtration is found for {', '.join(SOLVED_FOR)}.", code="bad-beam")
    made = Record("beam-filtration", "1", f"Total filtration, mm {material}")
    made.given("Half-value layer", "HVL", hvl, "mm Al")
    take_tube(made, kv, anode, angle, model)
    filters = take_filters(made, behind or {})
    take_model(made, anode)

    def equation(v: Values) -> float:
        return beam_of(v, anode, model, filters).added_filtration(v["HVL"] / v[MODEL], material)

    tube = {"kV": kv.to("kV").value, "φ": angle.to("deg").value}
    known = {s: filter_mm(m, (behind or {})[m]).value for s, m in filters.items()}
    bare = beam_of({**tube, **known}, anode, model, filters)
    found = bare.added_filtration(hvl.to("mm Al").value, material)
    there = bare.filtered(material, found).homogeneity()
    made.work(
        f"HVL({kv}, t) = {hvl} at t = {found:.4g} mm, by bisection; h of that beam = {there:.4g}"
    )
    made.assume(_NARROW)
    made.limit(
        f"Equivalent of {material} at this tube voltage: a beam with other filters has another "
        "equivalent at another voltage."
    )
    others = {"homogeneity": quantity(there, "1")}
    return made.result(_reached(equation), _OWN_UNIT.get(material, "mm"), others=others)


def _reached(equation: Callable[[Values], float]) -> Callable[[Values], float]:
    """Let an input moved to where no filter reaches it be said in terms of its uncertainty."""
    asked: list[bool] = []

    def guarded(v: Values) -> float:
        moved = bool(asked)
        asked.append(True)
        try:
            return equation(v)
        except InputError as error:
            if moved and error.code in ("hvl-too-low", "hvl-too-high"):
                raise ValueError(error.message) from None
            raise

    return guarded
