"""Scattered kerma of a CT scanner from a maker's or a measured isodose map.

K = K_map(p) W / W0, with ln(K r²) linear over the triangle of the three map points about p: what is
left after the inverse square is smooth. Outside the points, or across a gap in them, nothing is
stated: kerma is neither continued by the inverse square nor through the gantry.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.calls import calculates
from kerma.physics.shielding._mesh import GAP, OUTSIDE, TOO_NEAR, Mesh
from kerma.physics.shielding.archer import Beam
from kerma.physics.shielding.barrier import Source


@dataclass(frozen=True, slots=True)
class MapPoint:
    """A point of an isodose map: position from the isocentre (m) in its plane, and the kerma."""

    x_m: float
    y_m: float
    kerma: Quantity


@dataclass(frozen=True, slots=True)
class _Corner:
    point: MapPoint
    weight: float


def _corners(points: Sequence[MapPoint], x: float, y: float, largest_gap_m: float) -> list[_Corner]:
    """Return the map points about a position with their weights, or refuse."""
    places = np.array([(p.x_m, p.y_m, 0.0) for p in points], float).reshape(-1, 3)
    found = Mesh(places, largest_gap_m).between(np.array([[x, y, 0.0]]))
    state, longest = int(found.state[0]), float(found.longest_m[0])
    if state == OUTSIDE:
        raise InputError(
            f"({x:g}, {y:g}) m lies outside the map. Nothing is stated there; use a larger map or "
            "the DLP.",
            code="outside-map",
        )
    if state == TOO_NEAR:
        raise InputError(
            f"({x:g}, {y:g}) m is nearer to the isocentre than any point of the map.",
            code="outside-map",
        )
    if state == GAP:
        raise InputError(
            f"The map has no points closer than {longest:.2g} m about ({x:g}, {y:g}) m; "
            f"{largest_gap_m:g} m is allowed.",
            code="gap-in-map",
        )
    return [_Corner(points[int(i)], float(w))
            for i, w in zip(found.corners[0], found.weights[0], strict=True)]  # fmt: skip


@calculates
def kerma(
    points: Sequence[MapPoint],
    *,
    x: Quantity,
    y: Quantity,
    workload: Quantity,
    per: Quantity,
    largest_gap: Quantity,
    document: str,
    u_map: Quantity | None = None,
) -> Calculation:
    """Return the unshielded scattered air kerma at a position of an isodose map, mGy in the period.

    K = K_map(x, y) W / W0 (module head).

    Parameters
    ----------
    points
        Of the map, kerma per `per`.
    x, y
        Position in the plane of the map, from the isocentre.
    workload, per
        W in the period, and the W0 the map is stated for: scans, mAs or DLP, of one kind.
    largest_gap
        Longest side of a triangle of map points that is still interpolated over.
    document
        Whose map it is: document, scanner, phantom, tube voltage, collimation.
    u_map
        Relative standard uncertainty of the map, where it is stated.

    Raises
    ------
    InputError
        ``no-map``, ``outside-map``, ``gap-in-map``, ``no-document``, ``wrong-unit``,
        ``not-above-zero``.
    """
    if not document.strip():
        raise InputError("Name the document the map is from.", code="no-document")
    made = Record("shielding-isodose-point", "1", "Unshielded air kerma from an isodose map")
    made.choice("Map", f"{document}; {len(points)} points")
    px = made.given("Position x", "x", x, "m", above_zero=False)
    py = made.given("Position y", "y", y, "m", above_zero=False)
    unit = str(per.unit)
    w = made.given("Workload in the period", "W", workload, unit)
    w0 = made.given("The map is for", "W0", per, unit)
    gap = largest_gap.to("m").value
    if not gap > 0.0:
        raise InputError("The largest gap is above zero.", code="not-above-zero")
    if any(not p.kerma.to("mGy").value > 0.0 for p in points):
        raise InputError("Every point of the map has a kerma above zero.", code="not-above-zero")
    held = _corners(points, px, py, gap)

    def of(at_x: float, at_y: float) -> float:
        total = 0.0
        for c in _moved(held, at_x, at_y):
            r2 = c.point.x_m**2 + c.point.y_m**2
            total += c.weight * math.log(c.point.kerma.to("mGy").value * r2)
        return math.exp(total) / (at_x**2 + at_y**2)

    found = of(px, py)
    for c in held:
        made.work(f"{c.point.kerma} at ({c.point.x_m:g}, {c.point.y_m:g}) m, weight {c.weight:.4g}")
    made.work(f"K_map = {found:.4g} mGy for {per}", f"K = K_map W / W0 = {found:.4g} × {w:.4g} / "
              f"{w0:.4g} mGy")  # fmt: skip
    made.assume("ln(K r²) is linear between three points of the map; r is from the isocentre.")
    made.limit(
        "For the phantom, tube voltage and collimation of the map; a workload of others scales "
        "differently.",
        "In the plane of the map only.",
    )
    if u_map is None:
        made.limit("No uncertainty of the map is stated; it is not in the budget.")
    else:
        inside = u_map.to("1").value
        made.given("Factor for the map's uncertainty", "m", quantity(1.0, "1", inside), "1")
    return made.result(lambda v: v.get("m", 1.0) * of(v["x"], v["y"]) * v["W"] / v["W0"], "mGy")


def _moved(held: Sequence[_Corner], x: float, y: float) -> list[_Corner]:
    """Return the same three points with the weights of another place (for uncertainties)."""
    (ax, ay), (bx, by), (cx, cy) = ((c.point.x_m, c.point.y_m) for c in held)
    whole = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
    first = ((by - cy) * (x - cx) + (cx - bx) * (y - cy)) / whole
    second = ((cy - ay) * (x - cx) + (ax - cx) * (y - cy)) / whole
    weights = (first, second, 1.0 - first - second)
    return [_Corner(c.point, w) for c, w in zip(held, weights, strict=True)]


def source(made: Calculation, kv: float, *, period: str) -> Source:
    """Return a source with the transmission of CT scatter at a tube voltage, kV.

    Parameters
    ----------
    made
        Of `kerma`, its workload of the period.
    kv
        120 to 140, for which lead and concrete are tabulated.
    period
        ``week`` or ``year``.
    """
    return Source(made, Beam("ct_secondary", kv=kv), period)
