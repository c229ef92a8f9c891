"""Kerma about a source by a maker's isodose points, between the points only."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.core import InputError, quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.shielding._mesh import Mesh, strength
from kerma.physics.shielding.plan.uses import Use

Array = NDArray[np.float64]
MOST_POINTS = 5000  # a maker's sheet has a few hundred; their mesh is made at every look


def isodose(use: Use, period: str) -> tuple[Calculation, Callable[[Array], Array]]:
    """Return the highest kerma of the points brought to 1 m, and kerma about the source over it.

    Raises
    ------
    InputError
        ``use-incomplete``, ``outside-domain``: too few points, or on one line.
    """
    points = _points(use)
    r2 = np.einsum("ij,ij->i", points[:, :3], points[:, :3])
    scaled = points[:, 3] * r2
    made = Record("shielding-isodose-points", "1", "Unshielded air kerma by a maker's isodoses")
    made.choice("Document", use.text("document"))
    made.choice("Points", f"{len(points)}")
    workload = quantity(use.number("workload"), "1")
    n = made.given(f"Units of workload per {period}", "n", workload, "1")
    top = float(scaled.max())
    at = points[int(scaled.argmax())]
    made.work(
        f"Highest K r² of the points: {at[3]:g} µGy × {math.sqrt(float(r2[scaled.argmax()])):.4g}² "
        f"= {top:.4g} µGy at 1 m for one unit",
        f"K = {top:.4g} × {n:g} / 1000 mGy",
    )
    made.assume("Between the points ln(K r²) is linear.")
    made.limit(
        "The points are the user's, from the maker's document; outside them nothing is stated."
    )
    held = made.result(lambda v: top * v["n"] / 1000.0, "mGy")
    return held, _between(use, points, scaled / top)


def _points(use: Use) -> Array:
    given: Any = use.given.get("points")
    try:
        points = np.asarray(given, float)
    except (TypeError, ValueError):
        points = np.empty((0, 4))
    if points.ndim != 2 or points.shape[1:] != (4,) or len(points) < 3:
        raise InputError(
            f"{use.said}: give at least three points, each x, y, z (m) and kerma (µGy).",
            code="use-incomplete",
        )
    if len(points) > MOST_POINTS:
        raise InputError(
            f"{use.said}: {len(points)} points are more than {MOST_POINTS}; thin them out.",
            code="outside-domain",
        )
    r2 = np.einsum("ij,ij->i", points[:, :3], points[:, :3])
    if not (np.isfinite(points).all() and (points[:, 3] > 0.0).all() and (r2 > 0.0).all()):
        raise InputError(
            f"{use.said}: every point has a kerma above zero and lies off the source.",
            code="outside-domain",
        )
    return points


def _between(use: Use, points: Array, relative: Array) -> Callable[[Array], Array]:
    try:
        mesh = Mesh(points[:, :3], use.number("largest_gap_m"))
    except InputError as error:
        raise InputError(f"{use.said}: {error.message}", code="outside-domain") from None
    logs = np.log(relative)

    def field(away: Array) -> Array:
        squared = np.einsum("ij,ij->i", away, away)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(strength(mesh.between(away), logs) / squared, float)

    return field
