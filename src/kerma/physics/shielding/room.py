"""Air kerma over a plan: many point sources, straight barriers, many points at once.

K(p) = Σ K1_i / d_i² B_i(barriers the straight ray crosses). Everything lies in one plane; lengths
of the plan are metres, thicknesses as given. Rays go straight: nothing is scattered round an end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerma.core import InputError, Quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.shielding._crossing import meeting
from kerma.physics.shielding.archer import Beam, curve
from kerma.physics.shielding.layers import LAYER_RULE

Array = NDArray[np.float64]
PRODUCT_RULE = (
    "Transmissions of barriers crossed one after another are multiplied; as the first hardens the "
    "beam for the next, this may understate the kerma."
)
RULES = {"hardened": LAYER_RULE, "product": PRODUCT_RULE}


@dataclass(frozen=True, slots=True)
class PlanSource:
    """A point source: position (x, y) in m, kerma at 1 m (mGy in the period), beam quality."""

    name: str
    position: tuple[float, float]
    kerma_1m: Calculation | Quantity
    beam: Beam


@dataclass(frozen=True, slots=True)
class PlanBarrier:
    """A straight barrier from one end to the other (m), of one material."""

    name: str
    start: tuple[float, float]
    end: tuple[float, float]
    material: str
    thickness: Quantity


@dataclass(frozen=True, slots=True)
class KermaMap:
    """Kerma at points.

    Attributes
    ----------
    kerma
        mGy in the period, of the shape of the points; not a number nearer to a source than
        `closest`.
    by_source
        The same of each source, first axis.
    worst
        The highest point, as a calculation with its working.
    """

    x: Array
    y: Array
    kerma: Array
    by_source: Array
    worst: Calculation


def _direction(barrier: PlanBarrier) -> tuple[float, float]:
    along = (barrier.end[0] - barrier.start[0], barrier.end[1] - barrier.start[1])
    if not (np.isfinite(along).all() and np.hypot(*along) > 0.0):
        raise InputError(f"Barrier {barrier.name} has no length.", code="no-length")
    return along


def _require_clear(source: PlanSource, barriers: Sequence[PlanBarrier]) -> None:
    """Refuse a source that stands on the line of a barrier."""
    for barrier in barriers:
        ax, ay = _direction(barrier)
        wx, wy = (source.position[i] - barrier.start[i] for i in (0, 1))
        part = min(1.0, max(0.0, (wx * ax + wy * ay) / (ax * ax + ay * ay)))
        gap = float(np.hypot(wx - part * ax, wy - part * ay))
        if not gap > barrier.thickness.to("m").value / 2.0:
            raise InputError(
                f"{source.name} stands inside the barrier {barrier.name}.",
                code="source-in-barrier",
            )


def crossed(
    source: tuple[float, float], x: Array, y: Array, barrier: PlanBarrier
) -> NDArray[np.bool_]:
    """Return which points' straight rays from a source cross a barrier.

    The ends of a barrier belong to it, so a joint of two is no gap. A ray along the barrier does
    not count as crossing, nor does a point on its near face.
    """
    px, py = source
    met = meeting(source, x - px, y - py, barrier.start, _direction(barrier))
    return met.hit & met.between(0.0, 1.0)


def _log_passed(
    source: PlanSource, barriers: Sequence[PlanBarrier], x: Array, y: Array, rule: str
) -> Array:
    """Return ln of what the barriers between a source and each point let through."""
    hard: Array = np.zeros(x.shape)
    excess: Array = np.full(x.shape, np.inf)
    for barrier in barriers:
        held = curve(barrier.material, source.beam)
        mm = barrier.thickness.to("mm").value
        log_fit = float(held.log_transmission(mm))
        log_hard = log_fit if rule == "product" else -held.least_slope * mm
        hit = crossed(source.position, x, y, barrier)
        hard += np.where(hit, log_hard, 0.0)
        np.minimum(excess, np.where(hit, log_fit - log_hard, np.inf), out=excess)
    return hard + np.where(np.isfinite(excess), excess, 0.0)


def _kerma_1m(source: PlanSource) -> Quantity:
    held = source.kerma_1m
    value = (held.value if isinstance(held, Calculation) else held).to("mGy")
    if not value.value > 0.0:
        raise InputError(f"{source.name} has no kerma at 1 m.", code="not-above-zero")
    return value


def _require_plan(
    sources: Sequence[PlanSource], barriers: Sequence[PlanBarrier], rule: str
) -> None:
    if rule not in RULES:
        raise InputError(f"“{rule}” is no rule. There are: {', '.join(RULES)}.", code="which-rule")
    if not sources:
        raise InputError("Place at least one source.", code="no-sources")
    for barrier in barriers:
        if not barrier.thickness.to("mm").value > 0.0:
            raise InputError(f"Barrier {barrier.name} has no thickness.", code="not-above-zero")
    for source in sources:
        _require_clear(source, barriers)


def kerma_at(
    sources: Sequence[PlanSource],
    barriers: Sequence[PlanBarrier],
    x: ArrayLike,
    y: ArrayLike,
    *,
    rule: str = "hardened",
    closest: Quantity | None = None,
) -> KermaMap:
    """Return the air kerma at points of a plan.

    Parameters
    ----------
    sources, barriers
        Of the plan; none of the barriers is a plan too.
    x, y
        Of the points, m, of one shape.
    rule
        How barriers crossed one after another combine: ``hardened`` (does not understate) or
        ``product`` (of the transmissions).
    closest
        Nearer to a source than this nothing is stated; 0.1 m when not given.

    Raises
    ------
    InputError
        ``no-sources``, ``which-rule``, ``source-in-barrier``, ``no-length``, ``other-shape``,
        ``no-points``, ``not-above-zero``; as `archer.curve`.
    """
    _require_plan(sources, barriers, rule)
    px, py = np.asarray(x, float), np.asarray(y, float)
    if px.shape != py.shape or not (np.isfinite(px).all() and np.isfinite(py).all()):
        raise InputError("x and y of the points must match and be finite.", code="other-shape")
    near = closest.to("m").value if closest is not None else 0.1
    if not near > 0.0:
        raise InputError("The closest distance must be above zero.", code="not-above-zero")
    by_source: Array = np.empty((len(sources), *px.shape))
    for n, source in enumerate(sources):
        d2 = (px - source.position[0]) ** 2 + (py - source.position[1]) ** 2
        passed = np.exp(_log_passed(source, barriers, px, py, rule))
        with np.errstate(divide="ignore"):
            by_source[n] = np.where(d2 >= near**2, _kerma_1m(source).value * passed / d2, np.nan)
    total: Array = by_source.sum(axis=0)
    if np.isnan(total).all():
        raise InputError("Every point lies too close to a source.", code="no-points")
    where = np.unravel_index(int(np.nanargmax(total)), total.shape)
    point = (float(px[where]), float(py[where]))
    return KermaMap(px, py, total, by_source, _worst(sources, barriers, point, rule))


def _worst(
    sources: Sequence[PlanSource], barriers: Sequence[PlanBarrier], point: tuple[float, float],
    rule: str,
) -> Calculation:  # fmt: skip
    """Work the kerma of one point out in full."""
    made = Record("shielding-room-point", "1", f"Air kerma at x = {point[0]:g}, y = {point[1]:g} m")
    made.choice("Barriers one after another", rule)
    px, py = np.asarray([point[0]]), np.asarray([point[1]])
    factors: dict[str, float] = {}
    for n, source in enumerate(sources, 1):
        made.given(f"Kerma at 1 m of {source.name}", f"K{n}", _kerma_1m(source), "mGy")
        if isinstance(source.kerma_1m, Calculation):
            for used in source.kerma_1m.sources:
                made.rests_on(used.row)
            made.assume(*source.kerma_1m.assumptions)
            made.limit(*source.kerma_1m.limits)
        between = [b for b in barriers if crossed(source.position, px, py, b)[0]]
        for barrier in between:
            curve(barrier.material, source.beam).cite(made)
        passed = float(np.exp(_log_passed(source, barriers, px, py, rule)[0]))
        d2 = (point[0] - source.position[0]) ** 2 + (point[1] - source.position[1]) ** 2
        factors[f"K{n}"] = passed / d2
        names = ", ".join(b.name for b in between) or "nothing"
        made.work(f"{source.name}: d = {d2**0.5:.4g} m, through {names}: B = {passed:.4g}")
    made.assume(
        RULES[rule],
        "Each source is a point and radiates the same in all directions.",
        "Barriers are crossed at right angles; oblique ways through are longer.",
    )
    made.limit("One plane, straight rays: no scatter round ends, over partial screens or ceilings.")
    return made.result(lambda v: sum(v[k] * f for k, f in factors.items()), "mGy")


def kerma_map(
    sources: Sequence[PlanSource],
    barriers: Sequence[PlanBarrier],
    *,
    x: ArrayLike,
    y: ArrayLike,
    rule: str = "hardened",
    closest: Quantity | None = None,
) -> KermaMap:
    """Return the air kerma on a grid: rows are y, columns x (m). See `kerma_at`."""
    gx, gy = np.meshgrid(np.asarray(x, float), np.asarray(y, float))
    return kerma_at(sources, barriers, gx, gy, rule=rule, closest=closest)
