"""Invented patients and examinations: what was done, before any file is written.

Each study draws from a stream named after its number, so study 7 is the same whether 10 or
10,000 are made. Dose distributions are choices of the simulation (``data/examinations.yaml``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np

from kerma.simulate.department import load
from kerma.simulate.dose_truth import Patient, Study
from kerma.simulate.events import FLUOROSCOPIC, Draw, bounded, events_for
from kerma.simulate.models import Department, System
from kerma.simulate.seeding import digits, stream, uid

_TEMPLATES = {"ct": "ct", "mammography": "mammography", "tomosynthesis": "mammography"}
_LETTERS = "ABCDEFGHJKLMNPRSTVWY"
# Average BMI over childhood is flat compared with its spread; a choice of the simulation.
_CHILD_BMI = 17.0
_WINDOW_DAYS = 365


def emitting_systems(department: Department) -> list[System]:
    """Return the systems that send dose reports: all that irradiate patients."""
    plans = load("examinations")
    return [s for s in department.systems if s.equipment_type in plans]


def draw_study(
    department: Department, number: int, *, today: date, system: System | None = None
) -> Study:
    """Draw study `number` of the department's year before `today`, optionally on one system."""
    rng = stream(department.seed, "study", number)
    chosen = system or _weighted(rng, emitting_systems(department), _weights(department))
    plan = load("examinations")[chosen.equipment_type]
    child = chosen.site == "lc"
    examinations = plan.get("children", plan["examinations"]) if child else plan["examinations"]
    examinations = [e for e in examinations if e.get("feature", "") in ("", *chosen.features)]
    examination = _weighted(rng, examinations, [e["share"] for e in examinations])
    started = _working_time(rng, today)
    kind = "child" if child else "breast" if examination["region"] == "breast" else "adult"
    patient = _patient(rng, kind, number, started.date(), department.seed)
    factor = math.exp(plan.get("per_kg", 0.0) * (patient.mass_kg - (25 if child else 70)))
    study_uid = uid(department.seed, "study", number)
    draw = Draw(rng, examination, plan, started, factor, study_uid, department.seed)
    events = tuple(events_for(chosen.equipment_type)(draw))
    return Study(
        modality=_modality(chosen),
        template=_TEMPLATES.get(chosen.equipment_type, "projection"),
        system=chosen.key,
        uid=study_uid,
        accession=f"A-{digits(department.seed, 7, 'accession', number)}",
        patient=patient,
        started=started,
        ended=events[-1].started + timedelta(seconds=30),
        description=str(examination["name"]),
        protocol=events[-1].protocol,
        region=str(examination["region"]),
        events=events,
    )


def _weights(department: Department) -> list[float]:
    plans = load("examinations")
    return [float(plans[s.equipment_type]["weight"]) for s in emitting_systems(department)]


def _weighted(rng: np.random.Generator, items: Sequence[Any], weights: Sequence[float]) -> Any:
    edges = np.cumsum(weights)
    return items[int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))]


def _working_time(rng: np.random.Generator, today: date) -> datetime:
    day = today - timedelta(days=int(rng.integers(1, _WINDOW_DAYS)))
    if day.weekday() > 4 and rng.random() < 0.7:
        day -= timedelta(days=2)
    minutes = int(np.clip(rng.normal(13 * 60, 170), 20, 23 * 60 + 30))
    return datetime.combine(day, time(minutes // 60, minutes % 60, int(rng.integers(60))))


def _patient(rng: np.random.Generator, kind: str, number: int, on: date, seed: int) -> Patient:
    plan = load("examinations")["patients"][kind]
    age = bounded(rng, plan["age_y"])
    if kind == "child":
        sex = "M" if rng.random() < 0.5 else "F"
        # From about half a metre at birth, levelling off: a smooth curve, not a growth chart.
        height = 0.52 + 1.2 * (1 - math.exp(-age / 8.5)) + rng.normal(0, 0.03)
        mass = _CHILD_BMI * height**2 * math.exp(rng.normal(0, 0.12))
    else:
        sexes = list(plan["height_m"])
        sex = _weighted(rng, sexes, [1.0 if s == "O" else 50.0 for s in sexes])
        height = float(rng.normal(*plan["height_m"][sex]))
        mass = bounded(rng, plan["bmi"]) * height**2
    born = on - timedelta(days=int(age * 365.25))
    first, second = (_LETTERS[int(i)] for i in rng.integers(len(_LETTERS), size=2))
    return Patient(
        id=f"DEMO{digits(seed, 7, 'patient', number)}",
        name=f"Simulated^{first}{second}{number}",
        sex=sex,
        born=f"{born:%Y%m%d}",
        age_y=round(age, 2),
        height_m=round(height, 2),
        mass_kg=round(mass, 1),
    )


def _modality(system: System) -> str:
    """Return CT, MG, XA, RF or DX: the kind of dose record, not always that of the images."""
    if system.equipment_type == "interventional":
        return "XA"
    if system.equipment_type in FLUOROSCOPIC:
        return "RF"
    return system.modality if system.modality in ("CT", "MG") else "DX"
