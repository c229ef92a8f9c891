"""Calculators of NCRP Report 147: kerma per week, and the barrier of one source."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kerma.core import InputError, Quantity
from kerma.physics.calculation import Calculation
from kerma.physics.shielding import barrier, histogram, mixed, ncrp, workload
from kerma.physics.shielding.barrier import WEEK, Source
from kerma.reference import rows
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.protection.calculators.fields import (
    Choice,
    Given,
    Number,
    Option,
    Rows,
    fixed,
    named,
)
from kerma.service.protection.calculators.kinds.common import PHANTOM, dlp, metres, ratio
from kerma.service.protection.calculators.kinds.shielding_common import (
    ARCHER,
    MATERIAL,
    OCCUPANCY,
    PRESHIELDING,
    distance,
    thickness,
    volts,
)

GROUP = "Shielding: NCRP 147"
_AREA_UNITS = ("cm2", "m2")
_ROOM = Choice("distribution", "Workload distribution", named(ncrp.distributions))
_N = ratio("patients", "Patients per week", "N")
_U = ratio("use", "Use factor", "U", hint="share of the workload directed at the barrier")
_REGION = Choice("region", "Region scanned", fixed("head", "body"))
_PROCEDURES = ratio("procedures", "Procedures per week", "N",
                    hint="with and without contrast is two")  # fmt: skip
_CT_KV = Number("kv", "Tube voltage", "kV", ("kV",), uncertain=False)
_FIELD = (Number("field_area", "Field area", "F", _AREA_UNITS),
          metres("field_distance", "Distance of the field", "dF"),
          Number("angle", "Scattering angle", "θ", ("deg",), hint="90° to the side"))  # fmt: skip
# Of a rebuilt kerma nothing but number, distance and use factor has a part in the budget.
_SURE_FIELD = tuple(replace(field, uncertain=False) for field in _FIELD)
_WHICH = Choice("distribution", "Workload distribution",
                named(lambda: [d for d in ncrp.distributions() if not d.startswith("Mammo")]),
                optional=True, hint="or the room’s own below")  # fmt: skip
_OWN = Rows("own", "Own workload per patient", (("kV", "kV"), ("mA min", "mA.min")), optional=True)
_DIRECTION = Choice("direction", "Direction", fixed(
    ("side", "Side scatter"), ("fwd_back", "Forward and back scatter"),
    ("isocentre", "Isocentre (mammography)"),
))  # fmt: skip


def _areas(_: Given) -> list[Option]:
    held = [r for r in rows("ncrp147") if r.id.startswith("ncrp147/design_goals/")
            and "P_mGy_per_week" in r.fields]  # fmt: skip
    return [(n, f"{n.capitalize()} area") for r in held if (n := r.id.rpartition("/")[2])]


_GOAL = Choice("area", "Area to protect", _areas)
_ROOM_ROWS = ("ncrp147/room_types", "ncrp147/design_goals/", "ncrp147/preshielding", ARCHER)
_RADIOGRAPHY = {"distribution": "Rad Room (all barriers)", "patients": "160", "distance": "2.5",
                "distance-unit": "m"}  # fmt: skip
_WALL = {"material": "lead", "area": "uncontrolled", "occupancy": "1"}
_SCAN = {"region": "body", "phantom": "body", "procedures": "180", "dlp": "550",
         "dlp-unit": "mGy.cm", "distance": "3.2", "distance-unit": "m"}  # fmt: skip
_BARRIER_OTHERS = {
    "unshielded": "Unshielded, per week", "allowed": "Allowed, P / T", "transmission":
    "Transmission needed", "behind": "Behind the barrier, per week",
}  # fmt: skip


def workload_of(distribution: str, own: Any) -> Any:
    """Return a workload distribution's name, or the own mA min by kV.

    Raises
    ------
    InputError
        ``which-workload``; ``two-bins``.
    """
    if bool(distribution) == bool(own):
        raise InputError("Choose a workload distribution, or give the room's own.",
                         code="which-workload")  # fmt: skip
    if distribution:
        return distribution
    bins = {volts(kv): w.to("mA.min").value for kv, w in own}
    if len(bins) < len(own):
        raise InputError("Two lines have one tube voltage. Add them.", code="two-bins")
    return bins


def _per_patient(*, distribution: str = "", own: Any = None, **field: Quantity) -> Calculation:
    return workload.per_patient(workload_of(distribution, own), **field)


def _unshielded(*, distribution: str = "", own: Any = None, what: str, patients: Quantity,
                distance: Quantity, use: Quantity, **field: Quantity) -> Calculation:  # fmt: skip
    per = workload.per_patient(workload_of(distribution, own), **field)
    return workload.unshielded(per, what, patients=patients, distance=distance, use=use)


def _own_secondary(*, distribution: str = "", own: Any = None, **given: Quantity) -> Calculation:
    return mixed.secondary(workload_of(distribution, own), **given)


def _ct(*, region: str, **given: Any) -> Calculation:
    return ncrp.ct(region, **given)


def _walled(source: Source, material: str, area: str, occupancy: Quantity) -> Calculation:
    return ncrp.barrier([source], material=material, area=area, occupancy=occupancy)


def _primary_wall(*, distribution: str, patients: Quantity, distance: Quantity, use: Quantity,
                  material: str, area: str, occupancy: Quantity,
                  preshielding: str = "") -> Calculation:  # fmt: skip
    source = ncrp.primary_source(distribution, patients=patients, distance=distance, use=use,
                                 preshielding=preshielding)  # fmt: skip
    return _walled(source, material, area, occupancy)


def _secondary_source(
    distribution: str, patients: Quantity, distance: Quantity, direction: str,
    leakage_distance: Quantity | None,
) -> Source:  # fmt: skip
    return ncrp.secondary_source(
        distribution, patients=patients, distance=distance, direction=direction,
        leakage_distance=leakage_distance,
    )  # fmt: skip


def _secondary_wall(
    *, distribution: str, patients: Quantity, distance: Quantity, direction: str, material: str,
    area: str, occupancy: Quantity, leakage_distance: Quantity | None = None,
) -> Calculation:  # fmt: skip
    source = _secondary_source(distribution, patients, distance, direction, leakage_distance)
    return _walled(source, material, area, occupancy)


def _secondary_behind(
    *, distribution: str, patients: Quantity, distance: Quantity, direction: str, material: str,
    x: Quantity, leakage_distance: Quantity | None = None,
) -> Calculation:  # fmt: skip
    source = _secondary_source(distribution, patients, distance, direction, leakage_distance)
    return barrier.behind([source], material=material, x=x, period=WEEK)


def _ct_wall(*, region: str, kv: Quantity, material: str, area: str, occupancy: Quantity,
             **scan: Any) -> Calculation:  # fmt: skip
    return _walled(ncrp.ct_source(region, kv=volts(kv), **scan), material, area, occupancy)


_LEAK = metres("leakage_distance", "Distance from the tube", "dL", optional=True,
               hint="where it is another than from the patient")  # fmt: skip

CALCULATORS = (
    Calculator(
        "shielding-ncrp-primary", "Primary kerma of a workload", GROUP,
        "Unshielded primary air kerma per week at a point.",
        ncrp.primary, (_ROOM, _N, distance("Distance from the focus"), _U), "shielding",
        {**_RADIOGRAPHY, "distribution": "Rad Room (chest bucky)", "use": "1"},
        draws_on=("ncrp147/room_types",),
    ),
    Calculator(
        "shielding-ncrp-secondary", "Secondary kerma of a workload", GROUP,
        "Unshielded scatter and leakage per week at a point.",
        ncrp.secondary, (_ROOM, _N, _DIRECTION, distance("Distance from the patient"), _LEAK),
        "shielding", {**_RADIOGRAPHY, "direction": "side"}, draws_on=("ncrp147/room_types",),
    ),
    Calculator(
        "shielding-ncrp-ct", "CT scatter from DLP", GROUP,
        "Unshielded scattered air kerma of a CT room per week.",
        _ct, (_REGION, PHANTOM, _PROCEDURES, dlp("DLP per procedure"),
              distance("Distance from the isocentre")),
        "shielding", _SCAN, covers=(ncrp.ct,), draws_on=("ncrp147/ct/",),
    ),
    Calculator(
        "shielding-ncrp-workload", "Kerma per patient rebuilt", GROUP,
        "Primary, scattered and leakage kerma per patient at 1 m, rebuilt from a workload.",
        _per_patient, (_WHICH, _OWN, *_SURE_FIELD), "shielding",
        {"distribution": "Rad Room (all barriers)", "field_area": "1000", "field_area-unit": "cm2",
         "field_distance": "1", "field_distance-unit": "m", "angle": "90", "angle-unit": "deg"},
        covers=(workload.per_patient,),
        draws_on=("ncrp147/formulae/", "workload-distributions/"),
    ),
    Calculator(
        "shielding-ncrp-unshielded", "Unshielded kerma, rebuilt", GROUP,
        "Unshielded air kerma per week at a point, from a workload rebuilt by tube voltage.",
        _unshielded,
        (_WHICH, _OWN, *_SURE_FIELD,
         Choice("what", "Kerma", fixed("primary", "scatter", "leakage", "secondary")), _N,
         distance("Distance"), _U),
        "shielding",
        {"own": "70 0.5\n80 1.2\n120 0.3", "field_area": "1000", "field_area-unit": "cm2",
         "field_distance": "1", "field_distance-unit": "m", "angle": "90", "angle-unit": "deg",
         "what": "secondary", "patients": "120", "distance": "2.5", "distance-unit": "m",
         "distance-u": "0.05", "use": "1"},
        covers=(workload.unshielded,),
        draws_on=("ncrp147/formulae/", "workload-distributions/"),
    ),
    Calculator(
        "shielding-own-secondary", "Secondary kerma of the room’s own workload", GROUP,
        "Scatter and leakage per week, each at its own distance, from a workload by tube voltage.",
        _own_secondary,
        (_WHICH, _OWN, *_FIELD, _N, distance("Distance from the patient", "dS"),
         metres("leakage_distance", "Distance from the tube", "dL")),
        "shielding",
        {"own": "70 0.5\n80 1.2\n120 0.3", "field_area": "1000", "field_area-unit": "cm2",
         "field_distance": "1", "field_distance-unit": "m", "angle": "90", "angle-unit": "deg",
         "patients": "120", "distance": "2.5", "distance-unit": "m", "leakage_distance": "3",
         "leakage_distance-unit": "m"},
        covers=(mixed.secondary,), draws_on=("ncrp147/formulae/", "workload-distributions/"),
    ),
    Calculator(
        "shielding-kap-workload", "Workload from KAP", GROUP,
        "The mA min behind a week’s kerma-area product, by tube voltage.",
        histogram.kap_workload,
        (Rows("histogram", "KAP of a week", (("kV", "kV"), ("KAP", "Gy.cm2"))),
         Number("field_area", "Mean field area", "F", _AREA_UNITS),
         metres("field_distance", "Distance of the field", "dF"),
         Rows("output", "Measured output at 1 m", (("kV", "kV"), ("output", "uGy/mAs")),
              optional=True, hint="blank: the output of the NCRP 147 survey")),
        "shielding",
        {"histogram": "70 22\n80 41\n120 9", "field_area": "900", "field_area-unit": "cm2",
         "field_distance": "1", "field_distance-unit": "m"},
        draws_on=("ncrp147/formulae/",),
    ),
    Calculator(
        "shielding-ncrp-primary-wall", "Barrier against a primary beam", GROUP,
        "The thickness one material needs against the primary beam of a workload.",
        _primary_wall,
        (_ROOM, _N, distance("Distance from the focus"), _U, PRESHIELDING, MATERIAL, _GOAL,
         OCCUPANCY),
        "shielding",
        {**_RADIOGRAPHY, "distribution": "Rad Room (chest bucky)", "use": "1", **_WALL},
        covers=(ncrp.barrier, barrier.required), draws_on=_ROOM_ROWS, others=_BARRIER_OTHERS,
    ),
    Calculator(
        "shielding-ncrp-secondary-wall", "Barrier against scatter and leakage", GROUP,
        "The thickness one material needs against the secondary radiation of a workload.",
        _secondary_wall,
        (_ROOM, _N, _DIRECTION, distance("Distance from the patient"), _LEAK, MATERIAL, _GOAL,
         OCCUPANCY),
        "shielding", {**_RADIOGRAPHY, "direction": "side", "distance-u": "0.05", **_WALL},
        covers=(ncrp.barrier,), draws_on=_ROOM_ROWS, others=_BARRIER_OTHERS,
    ),
    Calculator(
        "shielding-ncrp-ct-wall", "Barrier of a CT room", GROUP,
        "The thickness one material needs against the scatter of a CT scanner.",
        _ct_wall,
        (_REGION, PHANTOM, _PROCEDURES, dlp("DLP per procedure"),
         distance("Distance from the isocentre"), _CT_KV, MATERIAL, _GOAL, OCCUPANCY),
        "shielding", {**_SCAN, "kv": "120", "kv-unit": "kV", **_WALL},
        covers=(ncrp.barrier,), draws_on=("ncrp147/ct/", "ncrp147/design_goals/", ARCHER),
        others=_BARRIER_OTHERS,
    ),
    Calculator(
        "shielding-ncrp-behind", "Kerma behind a wall", GROUP,
        "What passes a wall that stands already, from the scatter and leakage of a workload.",
        _secondary_behind,
        (_ROOM, _N, _DIRECTION, distance("Distance from the patient"), _LEAK, MATERIAL,
         thickness()),
        "shielding",
        {**_RADIOGRAPHY, "direction": "side", "material": "lead", "x": "0.79", "x-unit": "mm"},
        covers=(barrier.behind,), draws_on=_ROOM_ROWS,
    ),
)  # fmt: skip
