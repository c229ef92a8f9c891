"""What one barrier needs, as a calculation a physicist can check by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerma.core import quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.shielding.archer import THICKEST_MM, Curve, said
from kerma.physics.shielding.plan.goals import goal
from kerma.physics.shielding.plan.rays import Sight
from kerma.physics.shielding.plan.structure import credited, receptor

if TYPE_CHECKING:
    from kerma.physics.shielding.plan.need import Solver, Spot


def bisected(above: Callable[[float], bool], low: float, high: float) -> float:
    """Return the least that is not above, from an end that is above to one that is not."""
    while high - low > 1e-9 * max(high, 1.0):
        middle = (low + high) / 2.0
        low, high = (middle, high) if above(middle) else (low, middle)
    return high


def record_of(solver: Solver, n: int, spot: Spot) -> Calculation:
    """Work the extra of one barrier out again from the point that decides it."""
    scene, material = solver.scene, solver.materials[n]
    name = scene.structure.names[n]
    made = Record("shielding-plan-need", "1", f"What {name} needs of {said(material)}")
    area = spot.ground.area
    made.choice("Decided by", f"{area.name}, x = {spot.xy[0]:.3f} m, y = {spot.xy[1]:.3f} m")
    aim, goal_row = goal(scene.plan.method, area)
    if goal_row:
        made.rests_on(goal_row)
    p = made.given(f"Design goal per {scene.plan.period}", "P", aim, "mGy")
    made.given("Occupancy", "T", quantity(area.occupancy, "1"), "1")
    held = _taken(made, solver, spot)
    x = float(solver.extras[n])
    made.work(
        f"P / T = {p:g} / {area.occupancy:g} = {p / area.occupancy:.4g} mGy per "
        f"{scene.plan.period}",
        f"Σ K = {solver.total(spot):.4g} mGy with {x:.7g} mm more {said(material)} in {name} and "
        "the extras of all other barriers",
    )
    made.assume(
        "The extra joins what the barrier is made of already; layers of one material are one.",
        "All other barriers have the extras stated for them.",
    )
    made.limit("Thickness is as built: round up to a size whose least guaranteed thickness is it.")

    def equation(v: Mapping[str, float]) -> float:
        return _again(solver, n, held, v)

    return made.result(equation, "mm", others={"behind": quantity(solver.total(spot), "mGy")})


def _taken(made: Record, solver: Solver, spot: Spot) -> list[tuple[str, float, Sight, int]]:
    """Take all kermas at a point into a record: symbol, kerma at 1 m, sight and its row."""
    found = []
    names = solver.scene.structure.names
    for source, seen in zip(solver.scene.sources, spot.seen, strict=True):
        for way in spot.ground.ways(spot.xy, source, seen, solver.losses):
            emission = solver.scene.emissions[way.emission]
            if way.free <= 0.0:
                continue
            symbol = f"K{way.emission + 1}"
            made.given(f"Kerma at 1 m, {emission.name}, {emission.title}", symbol,
                       emission.kerma_1m.value, "mGy")  # fmt: skip
            for used in emission.kerma_1m.sources:
                made.rests_on(used.row)
            for _, _, curve in receptor(emission):
                _fits(made, curve)
            for column in way.crossed:
                _cite(made, solver, column, way.emission)
            made.work(
                f"{symbol}: {way.free:.4g} mGy unshielded at {way.distance_m:.4g} m, through "
                f"{', '.join(names[c] for c in way.crossed) or 'nothing'}: "
                f"B = {way.kerma / way.free:.4g}, {way.kerma:.4g} mGy"
            )
            found.append((symbol, emission.mgy_1m, seen, seen.of.index(way.emission)))
    return found


def _cite(made: Record, solver: Solver, column: int, number: int) -> None:
    beam = solver.scene.emissions[number].beam
    if beam is None:
        return
    of = [layer.material for layer in solver.layers[column]]
    if solver.extras[column] > 0.0:
        of.append(solver.materials[column])
    for material in dict.fromkeys(of):
        held = credited(material, beam)
        if held:
            _fits(made, held)


def _fits(made: Record, curve: Curve) -> None:
    for _, fit in curve.parts:
        made.rests_on(fit.found)


def _again(
    solver: Solver, n: int, held: Sequence[tuple[str, float, Sight, int]], v: Mapping[str, float]
) -> float:
    """Return the extra of one barrier for other kermas, a goal and an occupancy at its point."""
    allowed = v["P"] / v["T"]

    def total(mm: float) -> float:
        losses = solver.losses.with_column(n, *solver.column(n, mm))
        kerma = 0.0
        for symbol, mgy_1m, seen, row in held:
            passed = losses.transmission(seen.of[row], seen.rows)[seen.index[0]]
            kerma += v[symbol] / mgy_1m * float(np.fmax.reduce(seen.free[row, 0] * passed))
        return kerma

    if total(0.0) <= allowed:
        return 0.0
    high = 1.0
    while total(high) > allowed and high < THICKEST_MM:
        high *= 2.0
    return bisected(lambda mm: total(mm) > allowed, 0.0, high)
