"""What one barrier needs, as a calculation a physicist can check by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kerma.core import quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.shielding.archer import THICKEST_MM, said
from kerma.physics.shielding.plan.document import Layer
from kerma.physics.shielding.plan.protect import goal
from kerma.physics.shielding.plan.structure import credited, passing

if TYPE_CHECKING:
    from kerma.physics.shielding.plan.need import Solver, Spot

Mask = NDArray[np.bool_]


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
        f"Σ K = {solver.total(spot):.4g} mGy with {x:.4g} mm more {said(material)} in {name} and "
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


def _taken(made: Record, solver: Solver, spot: Spot) -> list[tuple[str, int, float, Mask]]:
    """Take all kermas at a point into a record: symbol, emission, spread and crossings of each."""
    found = []
    for seen in spot.seen:
        for row, number in enumerate(seen.of):
            emission = solver.scene.emissions[number]
            free = float(seen.free[row, 0])
            if free <= 0.0:
                continue
            symbol = f"K{number + 1}"
            made.given(f"Kerma at 1 m, {emission.name}, {emission.title}", symbol,
                       emission.kerma_1m.value, "mGy")  # fmt: skip
            for used in emission.kerma_1m.sources:
                made.rests_on(used.row)
            crossed = [solver.scene.structure.names[c] for c in np.flatnonzero(seen.rows[0])]
            passed = float(solver.losses.transmission(number, seen.rows)[0])
            for c in np.flatnonzero(seen.rows[0]):
                _cite(made, solver, int(c), number)
            made.work(
                f"{symbol}: {free:.4g} mGy unshielded at {float(seen.distance[0]):.4g} m, through "
                f"{', '.join(crossed) or 'nothing'}: B = {passed:.4g}, {free * passed:.4g} mGy"
            )
            found.append((symbol, number, free / emission.mgy_1m, seen.rows))
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
        for _, fit in held.parts if held else ():
            made.rests_on(fit.found)


def _again(
    solver: Solver, n: int, held: Sequence[tuple[str, int, float, Mask]], v: Mapping[str, float]
) -> float:
    """Return the extra of one barrier for other kermas, a goal and an occupancy at its point."""
    allowed = v["P"] / v["T"]
    layers, material = solver.layers[n], solver.materials[n]

    def total(mm: float) -> float:
        of: dict[str, float] = {}
        for layer in (*layers, Layer(material, mm)):
            of[layer.material] = of.get(layer.material, 0.0) + layer.mm
        kerma = 0.0
        for symbol, number, spread, rows in held:
            emission = solver.scene.emissions[number]
            hard, excess = passing(emission, of, solver.scene.plan.rule)
            every = np.ones(len(solver.losses.base))
            column = solver.losses.with_column(n, hard * every, excess * every)
            kerma += v[symbol] * spread * float(column.transmission(number, rows)[0])
        return kerma

    if total(0.0) <= allowed:
        return 0.0
    high = 1.0
    while total(high) > allowed and high < THICKEST_MM:
        high *= 2.0
    return bisected(lambda mm: total(mm) > allowed, 0.0, high)
