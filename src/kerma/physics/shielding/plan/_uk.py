"""Uses of the UK method: a year's kerma at 1 m."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from kerma.core import InputError, quantity
from kerma.physics.calculation import Calculation
from kerma.physics.shielding import bir
from kerma.physics.shielding.archer import Beam
from kerma.physics.shielding.barrier import Source
from kerma.physics.shielding.plan.document import PlacedSource, Plan
from kerma.physics.shielding.plan.emission import (
    SIDEWAYS_DEG,
    Emission,
    Shadow,
    Vector,
    bins,
    chosen,
    direction,
    half_angle,
)
from kerma.physics.shielding.plan.uses import Use
from kerma.reference import row

ONE_M = quantity(1.0, "m")
# Under it Table A.1 has tungsten beams in concrete only; as in `kerma.physics.shielding.mixed`.
SOFTEST_KV = 50.0
GANTRY = "bir/ct/gantry-transmission"


def _scatter(
    source: PlacedSource, use: Use, axis: Vector, kap: float, kv: float, title: str
) -> Emission:
    made = bir.scatter(
        quantity(kap, "Gy.cm2"), quantity(kv, "kV"), angle=quantity(SIDEWAYS_DEG, "deg"),
        distance=ONE_M,
    )  # fmt: skip
    made, beam = _penetrating(made, kv)
    return Emission(source.key, source.name, title, "scatter", made, beam, angular=(axis, kv),
                    kv=kv)  # fmt: skip


def _penetrating(made: Calculation, kv: float) -> tuple[Calculation, Beam]:
    """Return a kerma and its beam; a softer one than every material has stands at the softest."""
    if kv >= SOFTEST_KV:
        return made, bir.source(made, kv).beam
    words = (
        f"For its transmission {kv:g} kV stands at {SOFTEST_KV:g} kV, the lowest every material is "
        "tabulated for; that passes more."
    )
    return replace(made, assumptions=(*made.assumptions, words)), bir.source(made, SOFTEST_KV).beam


def _kap(plan: Plan, source: PlacedSource, use: Use) -> tuple[Emission, ...]:
    axis, kap, kv = direction(use, "direction"), use.number("kap_gy_cm2"), use.number("kv")
    return (_scatter(source, use, axis, kap, kv, use.said),)


def _kap_bins(plan: Plan, source: PlacedSource, use: Use) -> tuple[Emission, ...]:
    axis = direction(use, "direction")
    return tuple(
        _scatter(source, use, axis, kap, kv, f"{use.said}, {kv:g} kV")
        for kv, kap in bins(use).items()
    )


def _primary(plan: Plan, source: PlacedSource, use: Use) -> tuple[Emission, ...]:
    kv = use.number("kv")
    made = bir.primary(
        quantity(use.number("kap_gy_cm2"), "Gy.cm2"),
        field_area=quantity(use.number("field_area_cm2"), "cm2"),
        field_distance=quantity(use.number("field_distance_m"), "m"), distance=ONE_M,
    )  # fmt: skip
    found: Source = bir.source(made, kv, case=use.text("preshielding"))
    cone = (direction(use, "direction"), half_angle(use))
    return (
        Emission(
            source.key, source.name, use.said, "primary", found.kerma, found.beam, cone=cone,
            preshielding=found.preshielding, kv=kv,
        ),
    )  # fmt: skip


def _ct_dlp(plan: Plan, source: PlacedSource, use: Use) -> tuple[Emission, ...]:
    region, kv = chosen(use, "region"), use.number("kv")
    made = bir.ct(region, dlp=quantity(use.number("dlp_mgy_cm"), "mGy.cm"), phantom=region,
                  distance=ONE_M)  # fmt: skip
    shadow = _shadow(use)
    return (
        Emission(
            source.key, source.name, use.said, "scatter", made, Beam("ct_secondary", kv=kv),
            shadow=shadow, rests_on=(GANTRY,) if shadow else (), kv=kv,
        ),
    )  # fmt: skip


def _shadow(use: Use) -> Shadow | None:
    """Return the shadow of a gantry; none where its extent was not given."""
    if use.given.get("shadow_half_angle_deg") in (None, ""):
        return None
    if use.given.get("axis_deg") in (None, ""):
        raise InputError(
            f"{use.said}: the gantry's shadow needs the direction of the couch.",
            code="use-incomplete",
        )
    turned = math.radians(use.number("axis_deg"))
    couch = (math.cos(turned), math.sin(turned), 0.0)
    held = half_angle(use, "shadow_half_angle_deg")
    return Shadow(couch, held, row(GANTRY).number("value"))


def _dental(plan: Plan, source: PlacedSource, use: Use) -> tuple[Emission, ...]:
    kv = use.number("kv")
    made = bir.dental(chosen(use, "modality"), kap=quantity(use.number("kap_gy_cm2"), "Gy.cm2"),
                      distance=ONE_M)  # fmt: skip
    made, beam = _penetrating(made, kv)
    return (Emission(source.key, source.name, use.said, "scatter", made, beam, kv=kv),)


MAKERS: Mapping[str, Callable[[Plan, PlacedSource, Use], tuple[Emission, ...]]] = {
    "kap": _kap,
    "kap_bins": _kap_bins,
    "primary": _primary,
    "ct_dlp": _ct_dlp,
    "dental": _dental,
}
