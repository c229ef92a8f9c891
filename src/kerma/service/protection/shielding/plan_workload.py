"""The workload a plan was designed for, by system, where a dose record can be held beside it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kerma.core import InputError
from kerma.physics.shielding.plan.document import Plan
from kerma.physics.shielding.plan.emission import bins
from kerma.physics.shielding.plan.uses import Use

KAP, DLP, PATIENTS = "kap", "dlp", "patients"
UNITS: Mapping[str, str] = {KAP: "Gy.cm2", DLP: "mGy.cm", PATIENTS: "patients"}
NAMES: Mapping[str, str] = {KAP: "KAP", DLP: "DLP", PATIENTS: "Patients"}
_SECONDARY = {"kap": KAP, "kap_bins": KAP, "dental": KAP, "ct_dlp": DLP, "ct_procedures": DLP,
              "patients": PATIENTS, "own_workload": PATIENTS, "mammography": PATIENTS}  # fmt: skip
# The primary beam is of the same exposures as the scatter: counted only where there is no other.
_PRIMARY = {"primary": KAP, "patients_primary": PATIENTS}


@dataclass(frozen=True, slots=True)
class Designed:
    """What a system may do in the plan's period by one measure of workload."""

    asset: str
    measure: str
    amount: float
    period: str


def designed(plan: Plan) -> tuple[Designed, ...]:
    """Return the workloads of the systems a plan names; uses without a number are left out.

    Uses of one kind add. Of NCRP's distributions of one room for different barriers (“Rad Room
    (chest bucky)”, “Rad Room (floor or other barriers)”) the patients are the same people: the
    largest number of them counts.
    """
    by_system: dict[str, list[Use]] = defaultdict(list)
    for source in plan.sources:
        if source.system:
            by_system[source.system] += source.uses
    found = []
    for asset, uses in by_system.items():
        for measure in UNITS:
            amount = _amount(uses, measure, _SECONDARY) or _amount(uses, measure, _PRIMARY)
            if amount:
                found.append(Designed(asset, measure, amount, plan.period))
    return tuple(found)


def _amount(uses: Iterable[Use], measure: str, kinds: Mapping[str, str]) -> float:
    by_room: dict[str, float] = {}
    apart: list[float] = []
    for use in uses:
        if kinds.get(use.kind) != measure:
            continue
        try:
            amount = _of(use)
        except InputError:  # a version is complete; a drawing need not be
            continue
        if use.kind in ("patients", "patients_primary"):
            room = use.text("distribution").split("(")[0].strip()
            by_room[room] = max(by_room.get(room, 0.0), amount)
        else:
            apart.append(amount)
    return math.fsum([*by_room.values(), *apart])


def _of(use: Use) -> float:
    if use.kind == "kap_bins":
        return math.fsum(bins(use).values())
    if use.kind == "ct_procedures":
        return use.number("procedures") * use.number("dlp_mgy_cm")
    for key in ("kap_gy_cm2", "dlp_mgy_cm", "patients"):
        if key in use.given:
            return use.number(key)
    return 0.0
