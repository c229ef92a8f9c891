"""Uses of the NCRP 147 method: a week's kerma at 1 m."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kerma.core import quantity
from kerma.physics.shielding import mixed, ncrp
from kerma.physics.shielding.barrier import Source
from kerma.physics.shielding.plan.document import PlacedSource, Plan
from kerma.physics.shielding.plan.emission import (
    Emission,
    Vector,
    bins,
    chosen,
    direction,
    half_angle,
)
from kerma.physics.shielding.plan.uses import Use

ONE_M = quantity(1.0, "m")


def _emission(
    source: PlacedSource, use: Use, found: Source, radiation: str, *,
    cone: tuple[Vector, float] | None = None,
) -> Emission:  # fmt: skip
    return Emission(
        source.key, source.name, use.said, radiation, found.kerma, found.beam,
        cone=cone, preshielding=found.preshielding, kv=found.beam.kv,
    )  # fmt: skip


def _patients(plan: Plan, source: PlacedSource, use: Use) -> tuple[Emission, ...]:
    found = ncrp.secondary_source(
        chosen(use, "distribution"), patients=quantity(use.number("patients"), "1"),
        distance=ONE_M, direction=chosen(use, "direction"),
    )  # fmt: skip
    return (_emission(source, use, found, "secondary"),)


def _patients_primary(plan: Plan, source: PlacedSource, use: Use) -> tuple[Emission, ...]:
    found = ncrp.primary_source(
        chosen(use, "distribution"), patients=quantity(use.number("patients"), "1"),
        distance=ONE_M, use=quantity(use.number("use"), "1"), preshielding=use.text("preshielding"),
    )  # fmt: skip
    cone = (direction(use, "beam"), half_angle(use))
    return (_emission(source, use, found, "primary", cone=cone),)


def _own_workload(plan: Plan, source: PlacedSource, use: Use) -> tuple[Emission, ...]:
    found = mixed.secondary_source(
        bins(use), patients=quantity(use.number("patients"), "1"),
        field_area=quantity(use.number("field_area_cm2"), "cm2"),
        field_distance=quantity(use.number("field_distance_m"), "m"),
        angle=quantity(use.number("angle_deg"), "deg"), distance=ONE_M, leakage_distance=ONE_M,
    )  # fmt: skip
    return (_emission(source, use, found, "secondary"),)


def _ct_procedures(plan: Plan, source: PlacedSource, use: Use) -> tuple[Emission, ...]:
    region = chosen(use, "region")
    found = ncrp.ct_source(
        region, procedures=quantity(use.number("procedures"), "1"),
        dlp=quantity(use.number("dlp_mgy_cm"), "mGy.cm"), phantom=region, distance=ONE_M,
        kv=use.number("kv"),
    )  # fmt: skip
    return (_emission(source, use, found, "scatter"),)


MAKERS: Mapping[str, Callable[[Plan, PlacedSource, Use], tuple[Emission, ...]]] = {
    "patients": _patients,
    "patients_primary": _patients_primary,
    "own_workload": _own_workload,
    "ct_procedures": _ct_procedures,
}
