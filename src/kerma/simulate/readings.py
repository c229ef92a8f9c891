"""Readings a survey would have produced, for any protocol.

For each reading of a protocol the first fitting rule of ``data/readings.yaml`` names a physical
model; the model gives the true value, the instrument's calibration turns it into an indication,
and noise is added. Nothing here knows a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from kerma.core import InputError, Quantity, parse_quantity, unit
from kerma.protocols.model import Protocol, ReadingSpec
from kerma.simulate.conditions import Conditions
from kerma.simulate.department import load
from kerma.simulate.models import Instrument, System
from kerma.simulate.response import MODELS, Exposure
from kerma.simulate.truth import State

if TYPE_CHECKING:
    from kerma.simulate.history import History

# Certificate quantity by the kind of unit of the reading.
_CALIBRATED = (
    ("uGy", "air kerma"),
    ("kV", "tube voltage"),
    ("mm Al", "half-value layer"),
    ("ms", "exposure time"),
    ("mGy.cm2", "kerma-area product"),
    ("mGy.cm", "air kerma length"),
    ("lx", "illuminance"),
    ("cd/m2", "luminance"),
    ("mm", "length"),
    ("uSv/h", "ambient dose equivalent rate"),
)


def readings_for(
    protocol: Protocol,
    system: System,
    day: date,
    rng: np.random.Generator,
    *,
    history: History,
    instruments: Mapping[str, str] | None = None,
) -> dict[str, list[str]]:
    """Return the readings of one survey as they would be typed on the form.

    Parameters
    ----------
    protocol
        Any protocol; its readings, setups and units decide what is produced.
    system
        The system tested.
    day
        Day of the survey; the system's true state on it decides the values.
    rng
        Source of the noise.
    history
        Holds the truth and the department's instruments.
    instruments
        Instrument keys by kind; the department's own choice for the system by default.

    Returns
    -------
    dict
        Reading id to values in order, each a number with its unit (``"60.31 kV"``); a yes/no
        check is ``"1"`` or ``"0"``.

    Raises
    ------
    InputError
        Code ``no-model``: no rule fits a reading.
    """
    from kerma.simulate.people import Signatories

    state = history.state(system.key, day)
    carried = instruments or Signatories(history.department).instruments(system, day)
    by_key = {i.key: i for i in history.department.instruments}
    found: dict[str, list[str]] = {}
    for reading in protocol.readings:
        part = protocol.instruments.get(reading.instrument or "")
        meter = by_key.get(carried.get(part.kind, "")) if part else None
        factor = _factor(reading, system, day, meter)
        found[reading.id] = [
            _typed(value, reading, factor=factor, noise=_noise(rule, state), rule=rule, rng=rng)
            for value, rule in _values(protocol, reading, system, state)
        ]
    return found


def _words(reading: ReadingSpec) -> str:
    return " | ".join((reading.id, reading.title, reading.quantity)).lower()


def rule_for(protocol: Protocol, reading: ReadingSpec, system: System) -> Mapping[str, Any]:
    """Return the rule that decides a reading.

    Raises
    ------
    InputError
        Code ``no-model``.
    """
    words = _words(reading)
    title = protocol.setups[reading.setup].title.lower() if reading.setup else ""
    for rule in load("readings")["rules"]:
        if "setup" in rule and not _pattern(rule["setup"]).search(f"{reading.setup} {title}"):
            continue
        if _fits(rule, reading, words, system.equipment_type):
            found: Mapping[str, Any] = rule
            return found
    raise InputError(
        f"The simulation has no model for the reading “{reading.id}” ({reading.title}, "
        f"{reading.unit}) of protocol {protocol.id}. Add a rule to data/readings.yaml.",
        code="no-model",
        detail={"protocol": protocol.id, "reading": reading.id},
    )


def _fits(rule: Mapping[str, Any], reading: ReadingSpec, words: str, equipment: str) -> bool:
    wanted = rule.get("unit")
    if wanted == "yes/no":
        if not reading.functional:
            return False
    elif reading.functional or (
        wanted is not None and not reading.unit.same_kind(unit(str(wanted)))
    ):
        return False
    if "only" in rule and equipment not in rule["only"]:
        return False
    return "words" not in rule or bool(_pattern(rule["words"]).search(words))


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _values(
    protocol: Protocol, reading: ReadingSpec, system: System, state: State
) -> Iterator[tuple[Quantity, Mapping[str, Any]]]:
    """Give the true value of each repeat or point of a reading, with the rule behind it."""
    rule = rule_for(protocol, reading, system)
    words = _words(reading)
    setup = protocol.setups[reading.setup].values if reading.setup else {}
    title = protocol.setups[reading.setup].title if reading.setup else ""
    count = max([reading.repeats, *(len(p) for p in reading.points.values())])
    for index in range(count):
        at = {name: points[index] for name, points in reading.points.items() if index < len(points)}
        assumed = {k: parse_quantity(v) for k, v in rule.get("assume", {}).items()}
        given = {**assumed, **setup, **at}
        conditions = Conditions(system.equipment_type, state, given, title.lower())
        if reading.functional:
            yield Quantity(0.0 if state.failing(words) else 1.0, unit("1")), rule
            continue
        exposure = Exposure(system, state, conditions, reading.id, words, index, rule)
        value = MODELS[rule.get("model", "typical")](exposure)
        for name in rule.get("scaled", ()):
            value = replace(value, value=value.value * state[name])
        yield value, rule


def _noise(rule: Mapping[str, Any], state: State) -> float:
    """Return the relative standard deviation between readings."""
    model = str(rule.get("model", "typical"))
    if "noise" in rule:
        return float(rule["noise"]) / 100
    if model == "tube_voltage":
        return state["kv_noise_percent"] / 100
    if model.endswith("kerma"):
        return state["output_noise_percent"] / 100
    return float(load("readings")["noise_percent"]) / 100


def _typed(
    true: Quantity,
    reading: ReadingSpec,
    *,
    factor: float,
    noise: float,
    rule: Mapping[str, Any],
    rng: np.random.Generator,
) -> str:
    """Return what is typed: the true value with noise, as the uncorrected meter indicates it."""
    if reading.functional:
        return f"{true.value:.0f}"
    value = true.to(reading.unit).value * (1 + noise * float(rng.standard_normal())) / factor
    shown = f"{value:.0f}" if rule.get("whole") else _shown(value)
    return f"{shown} {reading.unit}".removesuffix(" 1")


def _shown(value: float) -> str:
    """Return four significant figures without an exponent, as a display shows them."""
    rounded = float(f"{value:.4g}")
    return f"{rounded:.10f}".rstrip("0").rstrip(".") or "0"


def _factor(reading: ReadingSpec, system: System, day: date, meter: Instrument | None) -> float:
    """Return the true calibration factor of the meter for a reading; 1 where none is certified."""
    certificate = meter.certificate_on(day) if meter else None
    if meter is not None and certificate is None:
        # Out of date: the meter still has the factor of its last calibration before the day.
        earlier = [c for c in meter.certificates if c.calibrated <= day]
        certificate = earlier[-1] if earlier else None
    if certificate is None:
        return 1.0
    names = {reading.quantity} | {
        name for symbol, name in _CALIBRATED if reading.unit.same_kind(unit(symbol))
    }
    fitting = [f for f in certificate.factors if f.quantity in names]
    breast = system.equipment_type in ("mammography", "tomosynthesis")
    best = [f for f in fitting if f.beam.startswith("RQR-M") == breast] or fitting
    return best[0].factor if best else 1.0
