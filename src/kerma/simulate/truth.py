"""The physical state of each simulated system on each day of its history.

A state is a handful of named numbers (see ``data/truth.yaml``): a typical value for the kind of
equipment, an offset of the system's own, a drift, steps at component changes, and the planned
faults while they last. Readings are generated from it and from nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from kerma.simulate.department import load
from kerma.simulate.models import System
from kerma.simulate.seeding import stream

_CHANGE_OF = {"tube": "tube_change", "detector": "detector_change", "dap_meter": "dap_change"}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something planned to be wrong with a system from `began` until `repaired`.

    `effect` is added to the state; `check` names yes/no checks that fail meanwhile. `found` is
    the day of the survey that finds it.
    """

    system: str
    title: str
    severity: str
    began: date
    found: date
    repaired: date | None
    effect: Mapping[str, float]
    check: str = ""

    def present(self, day: date) -> bool:
        """Return whether the fault exists on a day."""
        return self.began <= day and (self.repaired is None or day < self.repaired)


@dataclass(frozen=True, slots=True)
class State:
    """The true state of a system on a day: numbers by name, faults present, seed it came from."""

    system: str
    day: date
    seed: int
    values: Mapping[str, float]
    faults: tuple[Fault, ...] = ()

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def failing(self, words: str) -> bool:
        """Return whether a yes/no check described by `words` fails because of a fault."""
        return any(f.check and f.check in words.lower() for f in self.faults)


def state_of(system: System, day: date, *, seed: int, faults: Sequence[Fault] = ()) -> State:
    """Return the true state of a system on a day.

    Parameters
    ----------
    system
        Its kind, installation date and component changes decide.
    day
        Any day since installation.
    seed
        Of the department.
    faults
        Every planned fault; those of the system that are present on the day count.
    """
    plan = load("truth")
    typical = {**plan["defaults"], **plan["kinds"].get(system.equipment_type, {})}
    values: dict[str, float] = {}
    for name, (mean, spread, drift) in typical.items():
        own = stream(seed, system.key, "truth", name)
        offset = spread * float(own.standard_normal())
        # Systems age at different rates: half to one and a half times the typical drift.
        rate = drift * float(own.uniform(0.5, 1.5))
        values[name] = mean + offset + rate * _years(_fresh_since(system, name, day), day)
    for part in system.components:
        if part.reason_removed and part.removed is not None and part.removed <= day:
            _add(values, plan[_CHANGE_OF[part.kind]])
    present = tuple(f for f in faults if f.system == system.key and f.present(day))
    for fault in present:
        _add(values, fault.effect)
    return State(system.key, day, seed, values, present)


def planned_faults(routine_days: Mapping[str, Sequence[date]]) -> tuple[Fault, ...]:
    """Return the planned faults, dated from the routine surveys that find them.

    Parameters
    ----------
    routine_days
        Days of routine surveys by system, oldest first.
    """
    faults = []
    for row in load("truth")["faults"]:
        found = routine_days[row["system"]][row["survey"]]
        repaired = row["repaired"]
        faults.append(
            Fault(
                system=row["system"],
                title=row["title"],
                severity=row["severity"],
                began=found - timedelta(days=row["began"]),
                found=found,
                repaired=None if repaired is None else found + timedelta(days=repaired),
                effect=dict(row["effect"]),
                check=row.get("check", ""),
            )
        )
    return tuple(faults)


def _add(values: dict[str, float], effect: Mapping[str, Any]) -> None:
    for name, change in effect.items():
        values[name] += change


def _years(since: date, day: date) -> float:
    return (day - since).days / 365.25


def _fresh_since(system: System, name: str, day: date) -> date:
    """Return when the part a quantity depends on was new: its drift counts from then."""
    kind = {
        "output_scale": "tube",
        "kv_error_percent": "generator",
        "noise_scale": "detector",
        "sharpness_scale": "detector",
        "dap_ratio": "dap_meter",
    }.get(name)
    part = system.component(kind, day) if kind else None
    return part.installed if part else system.installed
