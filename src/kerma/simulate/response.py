"""Physical models behind simulated readings: what an instrument or a console would show.

Each model takes an `Exposure` and returns a quantity. Values follow from the system's true state
and the setup, never from a limit. Constants that are not physics are choices of the simulation and
live in the data files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kerma.core import Quantity, quantity
from kerma.simulate.conditions import Conditions
from kerma.simulate.department import load
from kerma.simulate.models import System
from kerma.simulate.seeding import stream
from kerma.simulate.truth import State


@dataclass(frozen=True)
class Exposure:
    """One reading about to be taken.

    Attributes
    ----------
    reading
        Id of the reading; names the system's own offset for it.
    words
        Title, quantity and setup title in lower case.
    index
        Which of the repeats or points, from 0.
    rule
        The matching entry of ``data/readings.yaml``.
    """

    system: System
    state: State
    conditions: Conditions
    reading: str
    words: str
    index: int
    rule: Mapping[str, Any] = field(default_factory=dict)

    def own(self, name: str = "") -> float:
        """Return the system's own standard normal offset for this reading; the same each visit."""
        generator = stream(self.state.seed, self.system.key, "own", name or self.reading)
        return float(generator.standard_normal())


# A beam some 12 % wider than its nominal collimation: a choice of the simulation.
_OVERBEAMING = 1.12

Model = Callable[[Exposure], Quantity]


def tube_voltage(e: Exposure) -> Quantity:
    """Return the tube voltage the generator gives."""
    return quantity(e.conditions.true_kv, "kV")


def half_value_layer(e: Exposure) -> Quantity:
    """Return the first half-value layer of the beam of the setup."""
    return quantity(e.conditions.beam().hvl_mm_al(), "mm Al")


def total_filtration(e: Exposure) -> Quantity:
    """Return the total filtration of the tube."""
    return quantity(e.state["filtration_mm_al"], "mm Al")


def exposure_time(e: Exposure) -> Quantity:
    """Return the time the timer gives; 100 ms where the setup states none."""
    asked = e.conditions.time_ms or 100.0
    return quantity(asked * (1 + e.state["time_error_percent"] / 100), "ms")


def output_kerma(e: Exposure) -> Quantity:
    """Return air kerma from output, charge, distance and filters; through the phantom if asked."""
    kerma = e.conditions.kerma_ugy()
    if e.rule.get("behind") and e.conditions.phantom_mm:
        kerma *= e.conditions.beam().transmission("PMMA", e.conditions.phantom_mm)
    return quantity(kerma * float(e.rule.get("share", 1.0)), "uGy")


def output_per_mas(e: Exposure) -> Quantity:
    """Return air kerma per charge at the distance of the setup."""
    return quantity(e.conditions.kerma_ugy() / e.conditions.mas, "uGy/mAs")


def output_rate(e: Exposure) -> Quantity:
    """Return the air kerma rate of a continuous exposure at the current of the setup."""
    current = e.conditions.any_number("mA") or 2.0
    per_mas = e.conditions.kerma_ugy() / e.conditions.mas
    return quantity(per_mas * current, "uGy/s")


def receptor_kerma(e: Exposure) -> Quantity:
    """Return the receptor air kerma under automatic control, which holds it nearly constant.

    The residual dependence on filter and tube voltage is a system's own few per cent.
    """
    kv_share = (e.conditions.kv - 75.0) / 75.0
    residual = 1 + 0.02 * e.own("aec kv") * kv_share + 0.008 * e.own()
    return quantity(e.state["receptor_dose_ugy"] * residual, "uGy")


def flat_series_kerma(e: Exposure) -> Quantity:
    """Return the detector air kerma of each flat image, the same as the images are made with."""
    return quantity(flat_kermas(e.system)[e.index % len(flat_kermas(e.system))], "uGy")


def flat_kermas(system: System) -> tuple[float, ...]:
    """Return the air kermas (µGy) of a system's series of flat fields, rising."""
    plans = load("detectors")["planar"]
    plan = plans.get(system.modality, plans["DX"])
    return tuple(float(k) for k in plan["flats_ugy"])


def flat_kerma(e: Exposure) -> Quantity:
    """Return the detector air kerma of the single flat image."""
    plans = load("detectors")["planar"]
    return quantity(float(plans.get(e.system.modality, plans["DX"])["flat_ugy"]), "uGy")


def shown_kap(e: Exposure) -> Quantity:
    """Return what the kerma-area product meter shows for the field of the rules (20 x 20 cm)."""
    side_cm = float(e.rule.get("side_cm", 20.0))
    true = e.conditions.kerma_ugy() / 1000 * side_cm**2
    return quantity(true * e.state["dap_ratio"], "mGy.cm2")


def true_kap(e: Exposure) -> Quantity:
    """Return the true kerma-area product of the same exposure."""
    side_cm = float(e.rule.get("side_cm", 20.0))
    return quantity(e.conditions.kerma_ugy() / 1000 * side_cm**2, "mGy.cm2")


def charge_under_control(e: Exposure) -> Quantity:
    """Return the mAs automatic control needs for its receptor dose behind the filter.

    At 1.5 m from the focus, behind the setup's own filter and a grid and table top that pass half.
    """
    c = e.conditions
    at_receptor = c.beam().kerma_ugy_per_mas(1500.0) * e.state["output_scale"] * 0.5
    return quantity(e.state["receptor_dose_ugy"] / at_receptor, "mAs")


def ct_kerma_length(e: Exposure) -> Quantity:
    """Return the chamber reading at the isocentre of a CT scanner, free in air or in a phantom.

    Air kerma in air times the width of the beam (which is wider than its nominal collimation),
    times the ``share`` that reaches the chamber's place in the phantom.
    """
    width_cm = (e.conditions.number("collimation", "cm") or 2.0) * _OVERBEAMING
    kerma_mgy = e.conditions.kerma_ugy() / 1000
    factors = e.rule.get("by_index", [1.0])
    uneven = float(factors[e.index % len(factors)])
    return quantity(kerma_mgy * width_cm * float(e.rule.get("share", 1.0)) * uneven, "mGy.cm")


def ct_index_shown(e: Exposure) -> Quantity:
    """Return the CTDIvol the console shows: the true one times the error of the indication.

    CTDIw = 1/3 centre + 2/3 edge (IEC 60601-2-44); ``shares`` holds both relative to free in air.
    """
    centre, edge = e.rule["shares"]
    weighted = (centre / 3 + 2 * edge / 3) * e.conditions.kerma_ugy() / 1000 * _OVERBEAMING
    return quantity(weighted * e.state["index_scale"], "mGy")


def entrance_rate(e: Exposure) -> Quantity:
    """Return the entrance air kerma rate that automatic control needs behind 20 cm of water.

    The receptor rate, carried back by the inverse square from the receptor to the entrance point
    and by the transmission of the water; ``gain`` stands for scatter, table and grid.
    With ``unit_of: uGy``, air kerma per image.
    """
    through = e.conditions.beam().transmission("water", e.conditions.phantom_mm or 200.0)
    inverse_square = (1000.0 / 700.0) ** 2
    rate = e.state["receptor_dose_ugy"] * inverse_square / (through * float(e.rule["gain"]))
    return quantity(rate * float(e.rule.get("times", 1.0)), str(e.rule.get("unit_of", "uGy/s")))


def typical(e: Exposure) -> Quantity:
    """Return a usual value, shifted by the system's own offset and by its true state.

    Rule keys: ``typical``, or ``cases`` (pairs of a regular expression and a value); ``spread``
    (per cent between systems; ``own`` names the offset, so that two readings can share one),
    ``added`` (name in the true state), ``by_index`` (factors, for a series).
    """
    text = str(e.rule.get("typical", ""))
    for pattern, case in e.rule.get("cases", ()):
        if re.search(pattern, e.words):
            text = str(case)
            break
    head, _, symbol = text.partition(" ")
    offset = e.own(str(e.rule.get("own", "")))
    value = float(head) * (1 + float(e.rule.get("spread", 1.0)) / 100 * offset)
    if "added" in e.rule:
        value += e.state[e.rule["added"]] * float(e.rule.get("added_times", 1.0))
    factors = e.rule.get("by_index")
    if factors:
        value *= float(factors[e.index % len(factors)])
    return quantity(value, symbol or "1")


def set_value(e: Exposure) -> Quantity:
    """Return what the setup asked for, with an error from the true state (``added``, own unit)."""
    symbol = str(e.rule["unit_of"])
    asked = e.conditions.any_number(symbol)
    value = asked if asked is not None else float(str(e.rule["otherwise"]))
    return quantity(value + e.state[e.rule["added"]] if "added" in e.rule else value, symbol)


MODELS: Mapping[str, Model] = {
    m.__name__: m
    for m in (
        tube_voltage,
        half_value_layer,
        total_filtration,
        exposure_time,
        output_kerma,
        output_per_mas,
        output_rate,
        receptor_kerma,
        flat_series_kerma,
        flat_kerma,
        shown_kap,
        true_kap,
        charge_under_control,
        ct_kerma_length,
        ct_index_shown,
        entrance_rate,
        typical,
        set_value,
    )
}
