"""Between the points of an isodose map: triangles in a plane, tetrahedra in space.

ln(K r²) is linear inside each, so that points of one strength give the inverse square law. Outside
the points, nearer to the isocentre than any of them, and across a gap nothing is stated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, QhullError

from kerma.core import InputError

Array = NDArray[np.float64]
KNOWN, OUTSIDE, TOO_NEAR, GAP = range(4)
_ROUNDING = 1e-9  # of a weight
_HOPS = 3  # a corner shared by more simplices than these is met at a point of the map only


@dataclass(frozen=True, slots=True)
class Between:
    """Where positions (n) lie in a map.

    Attributes
    ----------
    corners, weights
        Numbers of the map's points about each, and their weights: (n, dimensions + 1).
    longest_m
        Longest side between those points.
    state
        ``KNOWN``, ``OUTSIDE``, ``TOO_NEAR`` to the isocentre, or in a ``GAP``.
    """

    corners: NDArray[np.intp]
    weights: Array
    longest_m: Array
    state: NDArray[np.intp]


class Mesh:
    """The simplices between the points of a map.

    Parameters
    ----------
    places
        (n, 3) from the isocentre, m. Points of one height are a map of that height alone.
    largest_gap_m
        Longest side that is still interpolated over.

    Raises
    ------
    InputError
        ``no-map``: too few points, one at the isocentre, two at one place, or nothing between.
    """

    def __init__(self, places: Array, largest_gap_m: float) -> None:
        radii = np.sqrt(np.einsum("ij,ij->i", places, places))
        if len(places) < 3 or not np.isfinite(places).all() or not (radii > 0.0).all():
            raise InputError(
                "A map needs three points or more, none of them at the isocentre.", code="no-map"
            )
        if len(np.unique(places, axis=0)) < len(places):
            raise InputError("Two points of the map lie at one place.", code="no-map")
        flat = bool(np.ptp(places[:, 2]) == 0.0)
        self.height_m = float(places[0, 2]) if flat else None
        self.axes = [0, 1] if flat else [0, 1, 2]
        self.nearest_m = float(radii.min())
        self.largest_gap_m = largest_gap_m
        try:
            self._mesh = Delaunay(places[:, self.axes])
        except (QhullError, ValueError):
            raise InputError(
                "The points of the map lie on one line or in one upright plane; nothing lies "
                "between them.",
                code="no-map",
            ) from None
        at = self._mesh.points[self._mesh.simplices]
        sides = at[:, :, None, :] - at[:, None, :, :]
        self._longest: Array = np.sqrt(np.einsum("nijk,nijk->nij", sides, sides)).max(axis=(1, 2))

    def between(self, away: Array) -> Between:
        """Return where displacements (n, 3) from the isocentre, m, lie."""
        at = away[:, self.axes]
        which = np.asarray(self._mesh.find_simplex(at, tol=_ROUNDING), np.intp)
        outside = which < 0
        which[outside] = 0
        weights = self._weights(which, at)
        for _ in range(_HOPS):
            self._narrowest(which, weights, at)
        if self.height_m is not None:
            outside |= np.abs(away[:, 2] - self.height_m) > 1e-9
        near = np.sqrt(np.einsum("ij,ij->i", away, away)) < self.nearest_m * (1.0 - 1e-9)
        wide = self._longest[which] > self.largest_gap_m * (1.0 + 1e-12)
        state = np.select([outside, near, wide], [OUTSIDE, TOO_NEAR, GAP], KNOWN)
        corners = np.asarray(self._mesh.simplices[which], np.intp)
        return Between(corners, weights, self._longest[which], state)

    def _weights(self, which: NDArray[np.intp], at: Array) -> Array:
        """Return the barycentric coordinates of positions in simplices."""
        affine = self._mesh.transform[which]
        dimensions = at.shape[1]
        first = np.einsum("nij,nj->ni", affine[:, :dimensions], at - affine[:, dimensions])
        return np.column_stack([first, 1.0 - first.sum(axis=1)])

    def _narrowest(self, which: NDArray[np.intp], weights: Array, at: Array) -> None:
        """Where a position lies on a side of two simplices take the narrower, in place."""
        for corner in range(weights.shape[1]):
            beyond = self._mesh.neighbors[which, corner]
            shared = (np.abs(weights[:, corner]) <= _ROUNDING) & (beyond >= 0)
            better = np.flatnonzero(shared & (self._longest[beyond] < self._longest[which]))
            if better.size:
                which[better] = beyond[better]
                weights[better] = self._weights(which[better], at[better])


def strength(between: Between, logs: Array) -> Array:
    """Return K r² of positions from ln(K r²) of the map's points; not a number where not known."""
    found: Array = np.exp(np.einsum("ij,ij->i", between.weights, logs[between.corners]))
    found[between.state != KNOWN] = np.nan
    return found
