"""The kerma at one point of an area as a calculation a physicist can check by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kerma.core import Quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.shielding.angular import scatter_factor
from kerma.physics.shielding.archer import Curve, said
from kerma.physics.shielding.plan.document import PlacedSource
from kerma.physics.shielding.plan.emission import Emission, angles
from kerma.physics.shielding.plan.ground import Ground, Way
from kerma.physics.shielding.plan.places import TOP, height_m, reference_m
from kerma.physics.shielding.plan.rays import Passing
from kerma.physics.shielding.plan.structure import credited, merged, receptor
from kerma.physics.shielding.room import RULES

TERTIARY = "bir/scatter_from_kap/tertiary_scatter"
_STRAIGHT = "Rays go straight and cross every barrier at right angles; oblique ways are longer."
_POINT = "Each source is a point; its radiation falls off as 1/d² unless isodoses say otherwise."


def record_of(
    ground: Ground, xy: Sequence[float], losses: Passing, goal: Quantity, goal_row: str
) -> Calculation:
    """Return the kerma at a point of an area with its working and budget."""
    scene, area = ground.scene, ground.area
    made = Record("shielding-plan-area", "1", f"Air kerma per {scene.plan.period} in {area.name}")
    made.choice("Method", scene.plan.method)
    made.choice("Point", f"x = {xy[0]:.3f} m, y = {xy[1]:.3f} m")
    if goal_row:
        made.rests_on(goal_row)
    made.rests_on(reference_m(scene.plan.method, "wall")[1])
    factors: dict[str, float] = {}
    seen_curves: set[str] = set()
    for source, seen in zip(scene.sources, ground.spot(xy), strict=True):
        _heights(made, ground, source)
        for way in ground.ways(xy, source, seen, losses):
            if way.free <= 0.0:
                continue
            emission = scene.emissions[way.emission]
            symbol = f"K{way.emission + 1}"
            value = made.given(f"Kerma at 1 m, {emission.name}, {emission.title}", symbol,
                               emission.kerma_1m.value, "mGy")  # fmt: skip
            _carried(made, emission)
            _curves(made, ground, way, emission, seen_curves)
            factors[symbol] = way.kerma / value
            _lines(made, ground, source, way, emission, xy)
    made.assume(RULES[scene.plan.rule], _STRAIGHT, _POINT)
    made.limit(
        "No scatter round ends, over partial screens, from ceilings or through open doors.",
        "The budget takes the sources' kermas as independent, and has no part for the fits: none "
        "is stated.",
    )
    if scene.structure.partial.any():
        made.rests_on(TERTIARY)
    made.work(
        f"Allowed: P / T = {goal.value:g} / {area.occupancy:g} = "
        f"{goal.value / area.occupancy:.4g} mGy per {scene.plan.period}"
    )
    return made.result(lambda v: math.fsum(v[k] * f for k, f in factors.items()), "mGy")


def _heights(made: Record, ground: Ground, source: PlacedSource) -> None:
    height, name = height_m(ground.scene.plan, ground.area, source)
    if name:
        made.rests_on(name)
        made.work(f"Height of the point for {source.name}: {height:.3g} m above the datum")
        return
    made.assume("On a source's own storey the distance is taken at the height of the source.")
    if len(ground.fine[source.key]) > 1:
        made.rests_on(TOP)
        made.assume(
            "Where radiation or shielding depend on height, every height from the floor to 2.1 m "
            "is looked at as well, a centimetre apart and where a ray grazes an edge of an opening "
            "or the rim of a beam, and each kind of radiation counts at its worst."
        )


def _carried(made: Record, emission: Emission) -> None:
    """Take over what a kerma at 1 m rests on."""
    for used in emission.kerma_1m.sources:
        made.rests_on(used.row)
    for name in emission.rests_on:
        made.rests_on(name)
    made.assume(*emission.kerma_1m.assumptions)
    made.limit(*emission.kerma_1m.limits)
    if emission.preshielding:
        made.rests_on("ncrp147/preshielding")
        made.assume(
            "The image receptor in the beam counts as so much more of the one material taken by "
            "its fit; where none of lead, concrete and steel is crossed, as the one of them that "
            "transmits most."
        )


def _curves(made: Record, ground: Ground, way: Way, emission: Emission, cited: set[str]) -> None:
    if emission.beam is None:
        return
    # Any of them may be the one that decides.
    for material, _, fit in receptor(emission):
        _cite(made, f"{material}, {emission.beam}", fit, cited)
    for column in way.crossed:
        for material, _ in _of(ground, column):
            held = credited(material, emission.beam)
            if held is None:
                made.assume(f"{said(material).capitalize()} counts as air for {emission.beam}.")
            else:
                _cite(made, f"{material}, {emission.beam}", held, cited)


def _cite(made: Record, name: str, held: Curve, cited: set[str]) -> None:
    if name not in cited:
        cited.add(name)
        held.cite(made)


def _lines(
    made: Record, ground: Ground, source: PlacedSource, way: Way, emission: Emission,
    xy: Sequence[float],
) -> None:  # fmt: skip
    built = ground.scene.structure
    away = np.array([[xy[0], xy[1], way.height_m]])
    away -= np.asarray(ground.scene.positions[source.key])
    symbol = f"K{way.emission + 1}"
    made.work(f"{symbol}, {emission.name}, {emission.title}:",
              *(f"  {line}" for line in emission.kerma_1m.working))  # fmt: skip
    where = f"  d = {way.distance_m:.4g} m"
    if way.height_m != ground.own[source.key]:
        where += f" at {way.height_m:.2f} m above the datum"
    if emission.angular is not None:
        theta = float(angles(emission.angular[0], away)[0])
        kv = emission.angular[1]
        there, at_1m = float(scatter_factor(theta, kv)), float(scatter_factor(90.0, kv))
        where += f"; θ = {theta:.4g}°, S(θ) / S(90°) = {there:.4g} / {at_1m:.4g}"
    if emission.shadow is not None:
        inside = float(angles(emission.shadow.couch, away)[0])
        if abs(inside - 90.0) <= emission.shadow.half_angle_deg:
            where += f"; in the gantry's shadow × {emission.shadow.transmission:g}"
    if emission.cone is not None:
        where += "; inside the beam"
    names = [
        f"{built.names[n]} ({', '.join(_layer(m, mm) for m, mm in _of(ground, n))})"
        + (" not credited" if built.partial[n] else "")
        for n in way.crossed
    ]
    if emission.preshielding:
        names.insert(0, f"the image receptor ({_receptor(emission)})")
    spread, passed = way.free / emission.mgy_1m, way.kerma / way.free
    made.work(
        f"{where}; K / K(1 m) unshielded = {spread:.4g}",
        f"  through {', '.join(names) or 'nothing'}: B = {passed:.4g}",
        f"  {symbol} × {spread:.4g} × {passed:.4g} = {way.kerma:.4g} mGy",
    )


def _receptor(emission: Emission) -> str:
    """Return what the receptor counts as, and what each of these would let through alone."""
    parts = [
        f"{_layer(material, mm)}, B = {math.exp(float(held.log_transmission(mm))):.4g}"
        for material, mm, held in receptor(emission)
    ]
    return "; or ".join(parts)


def _of(ground: Ground, column: int) -> list[tuple[str, float]]:
    built = ground.scene.structure
    return list(merged(built.layers[built.keys[column]]).items())


def _layer(material: str, mm: float) -> str:
    return f"{mm:.4g} mm {said(material)}"
