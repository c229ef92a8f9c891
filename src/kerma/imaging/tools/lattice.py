"""A square lattice of spots: which spot is which, and how far each is from the best lattice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError

Array = npt.NDArray[np.floating[Any]]

_STAGE = "lattice"
_LEAST_SPOTS = 9
# A spot belongs to the lattice when it is this near, in pitches, to a node.
_NEAR = 0.3


@dataclass(frozen=True, slots=True)
class Lattice:
    """Nodes found, and the affine lattice place = origin + i first + j second that fits them best.

    Attributes
    ----------
    nodes
        Shape (n, 2): i and j of each spot.
    places
        Shape (n, 2): (x, y) of each spot.
    origin, first, second
        Of the lattice; `first` is the axis nearest to +x.
    residuals
        Shape (n, 2): spot less node.
    u_pitch
        Standard uncertainty of the length of an axis, from the residuals.
    """

    nodes: npt.NDArray[np.intp]
    places: Array
    origin: Array
    first: Array
    second: Array
    residuals: Array
    u_pitch: float

    @property
    def pitches(self) -> tuple[float, float]:
        """Return the lengths of the two axes."""
        return float(np.hypot(*self.first)), float(np.hypot(*self.second))

    @property
    def angle_deg(self) -> float:
        """Return the angle of the first axis, clockwise from +x."""
        return math.degrees(math.atan2(float(self.first[1]), float(self.first[0])))

    @property
    def square_deg(self) -> float:
        """Return the angle between the axes less 90 degrees."""
        second = math.degrees(math.atan2(float(self.second[1]), float(self.second[0])))
        return (second - self.angle_deg) % 360 - 90

    @property
    def rms(self) -> float:
        """Return the root mean square distance of spots from their nodes."""
        return float(np.sqrt((self.residuals**2).sum(axis=1).mean()))

    @property
    def largest(self) -> float:
        """Return the largest distance of a spot from its node."""
        return float(np.hypot(*self.residuals.T).max())


def fit_lattice(places: Array, pitch: float) -> Lattice:
    """Return the square lattice of about this pitch that holds most of the spots.

    Starting from the spot with most neighbours a pitch away, nodes are named outwards and the
    lattice is fitted again until no further spot joins.

    Raises
    ------
    AnalysisError
        Code ``no-lattice``.
    """
    spots = np.asarray(places, dtype=float)
    if len(spots) < _LEAST_SPOTS:
        raise _none(len(spots))
    steps = spots[None, :, :] - spots[:, None, :]
    apart = np.hypot(steps[..., 0], steps[..., 1])
    beside = np.abs(apart - pitch) < 0.15 * pitch
    if not beside.any():
        raise _none(0)
    # Directions of neighbours repeat after a quarter turn: average on four times the angle.
    directions = np.arctan2(steps[beside][:, 1], steps[beside][:, 0])
    turn = float(np.angle(np.exp(4j * directions).mean())) / 4
    length = float(np.median(apart[beside]))
    first: Array = length * np.array([math.cos(turn), math.sin(turn)])
    second: Array = length * np.array([-math.sin(turn), math.cos(turn)])
    origin: Array = spots[int(np.argmax(beside.sum(axis=1)))]
    nodes: npt.NDArray[np.intp] = np.empty((0, 2), dtype=np.intp)
    kept: npt.NDArray[np.intp] = np.empty(0, dtype=np.intp)
    reach = 1.6
    for _ in range(40):
        if abs(first[0] * second[1] - first[1] * second[0]) < 0.5 * length**2:
            raise _none(len(kept))
        inverse = np.linalg.inv(np.column_stack([first, second]))
        exact = (spots - origin) @ inverse.T
        whole = np.rint(exact).astype(np.intp)
        near = np.abs(exact - whole).max(axis=1) < _NEAR
        now = np.flatnonzero(near & (np.abs(whole).max(axis=1) <= reach))
        now = _one_each(now, exact, whole)
        if len(now) < 4 or min(np.ptp(whole[now], axis=0)) < 1:
            reach += 1
            continue
        before, kept, nodes = len(kept), now, whole[now]
        origin, first, second = _affine(nodes, spots[kept])
        if len(kept) == before and reach > np.abs(whole[near]).max(initial=0):
            break
        reach += 1
    if len(kept) < _LEAST_SPOTS:
        raise _none(len(kept))
    rest = spots[kept] - (origin + nodes[:, :1] * first + nodes[:, 1:] * second)
    spread = float(((nodes - nodes.mean(axis=0)) ** 2).sum(axis=0).min())
    scatter = math.sqrt(float((rest**2).sum()) / max(1, 2 * len(kept) - 6))
    return Lattice(nodes, spots[kept], origin, first, second, rest, scatter / math.sqrt(spread))


def _one_each(
    now: npt.NDArray[np.intp], exact: Array, whole: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Keep the nearest spot of each node."""
    off = np.hypot(*(exact[now] - whole[now]).T)
    order = now[np.argsort(off, kind="stable")]
    _, first = np.unique(whole[order], axis=0, return_index=True)
    return np.sort(order[first])


def _affine(nodes: npt.NDArray[np.intp], places: Array) -> tuple[Array, Array, Array]:
    design = np.column_stack([np.ones(len(nodes)), nodes])
    fit, *_ = np.linalg.lstsq(design, places, rcond=None)
    return fit[0], fit[1], fit[2]


def _none(count: int) -> AnalysisError:
    return AnalysisError(
        f"No lattice of evenly spaced spots was found: {count} spots fit one, {_LEAST_SPOTS} "
        "needed. Check the pitch and that the slices hold the layer.",
        stage=_STAGE,
        code="no-lattice",
    )
