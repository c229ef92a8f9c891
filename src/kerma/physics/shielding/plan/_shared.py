"""Uses both methods have: mammography and bone densitometry by NCRP 147, maker's isodoses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kerma.core import quantity
from kerma.physics.calculation import Record
from kerma.physics.shielding.archer import Beam
from kerma.physics.shielding.ncrp import secondary_source
from kerma.physics.shielding.plan._isodose import isodose
from kerma.physics.shielding.plan.document import PlacedSource, Plan
from kerma.physics.shielding.plan.emission import Emission, chosen
from kerma.physics.shielding.plan.uses import Use

MAMMOGRAPHY = "Mammography Room"
_PER_PATIENT = "bir/mammography/scatter-per-patient-at-1-m-from-isocentre-4-views"
_DEXA = "ncrp147/dxa"
_COLUMNS = {
    "fan": "fan_beam_mGy_per_h_at_1m_max", "pencil": "pencil_beam_mGy_per_h_at_1m",
}  # fmt: skip


def _mammography(plan: Plan, source: PlacedSource, use: Use) -> tuple[Emission, ...]:
    patients = quantity(use.number("patients"), "1")
    beam = Beam("secondary", MAMMOGRAPHY)
    if plan.method == "ncrp147":
        found = secondary_source(
            MAMMOGRAPHY, patients=patients, distance=quantity(1.0, "m"), direction="isocentre"
        ).kerma
    else:
        made = Record("shielding-mammography", "1", "Unshielded secondary air kerma, mammography")
        n = made.given(f"Patients per {plan.period}", "N", patients, "1")
        k1 = made.coefficient("Kerma per patient of four views at 1 m from the isocentre",
                              "K1sec", _PER_PATIENT, "value", "mGy")  # fmt: skip
        made.work(f"K = K1sec N / d² = {k1:g} × {n:g} / 1²")
        made.assume("Four views for each patient.")
        found = made.result(lambda v: v["K1sec"] * v["N"], "mGy")
    return (Emission(source.key, source.name, use.said, "secondary", found, beam),)


def _dexa(plan: Plan, source: PlacedSource, use: Use) -> tuple[Emission, ...]:
    made = Record("shielding-dexa", "1", "Unshielded scattered air kerma, bone densitometry")
    scanner = chosen(use, "scanner")
    made.choice("Scanner", scanner)
    hours = made.given(f"Beam on per {plan.period}", "t", quantity(use.number("hours"), "h"), "h")
    k1 = made.coefficient("Kerma rate at 1 m", "k", _DEXA, _COLUMNS[scanner], "mGy/h")
    made.work(f"K = k t / d² = {k1:g} × {hours:g} / 1²")
    made.limit("No transmission is held for bone densitometry: no barrier is credited.")
    found = made.result(lambda v: v["k"] * v["t"], "mGy")
    return (Emission(source.key, source.name, use.said, "scatter", found, None),)


def _isodose(plan: Plan, source: PlacedSource, use: Use) -> tuple[Emission, ...]:
    found, field = isodose(use, plan.period)
    kv = use.number("kv")
    return (
        Emission(
            source.key, source.name, use.said, "scatter", found,
            Beam(chosen(use, "quality"), kv=kv), field=field, kv=kv,
        ),
    )  # fmt: skip


MAKERS: Mapping[str, Callable[[Plan, PlacedSource, Use], tuple[Emission, ...]]] = {
    "mammography": _mammography,
    "dexa": _dexa,
    "isodose": _isodose,
}
