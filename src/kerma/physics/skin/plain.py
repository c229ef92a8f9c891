"""The sums of `kerma.physics.skin.kernel` in numpy: what the compiled ones are tested against.

Also used where the factors of each event are wanted one by one, at the few cells of the peak.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.physics.skin.factors import table
from kerma.physics.skin.kernel import Beams, Slab

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Parts:
    """Factors of every beam (rows) at every cell (columns); all zero where the beam misses."""

    hit: npt.NDArray[np.bool_]
    kerma: Array
    spline: Array
    transmission: Array
    side_cm: Array

    @property
    def dose(self) -> Array:
        """Dose in mGy."""
        return self.kerma * self.spline * self.transmission


def parts(points: Array, normals: Array, beams: Beams, slab: Slab) -> Parts:
    """Return the factors; arrays of beams × cells, so for few of either."""
    d = points[None, :, :] - beams.focus[:, None, :]
    w, u, v = (
        np.einsum("ijk,ik->ij", d, direction)
        for direction in (beams.axis, beams.transverse, beams.along)
    )
    a, b, c, e = (edge[:, None] for edge in beams.edges.T)
    hit = (w > 0) & (a * w <= u) & (u <= b * w) & (c * w <= v) & (v <= e * w)
    hit &= np.einsum("ijk,jk->ij", d, normals) < 0
    length = np.linalg.norm(d, axis=-1)
    side_cm = np.where(hit, beams.unit_side[:, None] * w / 10.0, 0.0)
    way = np.where(hit, _way(beams.focus[:, None, :], d, length, slab), 0.0)
    share = way / slab.thickness if slab.obliquity else (way > 0).astype(float)
    return Parts(
        hit,
        np.where(hit, beams.weight[:, None] / length**2, 0.0),
        np.where(hit, _smooth(side_cm, beams), 0.0),
        np.where(hit, np.exp(beams.log_transmission[beams.event][:, None] * share), 0.0),
        side_cm,
    )


def _smooth(side_cm: Array, beams: Beams) -> Array:
    sides = table().sides_cm
    x = np.clip(side_cm, sides[0], sides[-1])
    i = np.clip(np.searchsorted(sides, x, side="right") - 1, 0, sides.size - 2)
    of = beams.spline[beams.event[:, None], i]
    x = x - sides[i]
    return np.asarray(sum(of[..., power] * x**power for power in range(4)))


def _way(start: Array, d: Array, length: Array, slab: Slab) -> Array:
    """Return the way of each ray through the slab (the slab method of a ray and a box)."""
    low, high = np.array(slab.low), np.array(slab.high)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.stack([(low - start) / d, (high - start) / d])
    # A ray along a face has 0/0 there: between the faces it is inside throughout, else never.
    along = d == 0
    within = (low <= start) & (start <= high)
    first = np.where(along, np.where(within, 0.0, 2.0), t.min(axis=0))
    second = np.where(along, np.where(within, 1.0, -1.0), t.max(axis=0))
    inside = np.minimum(second.min(axis=-1), 1.0) - np.maximum(first.max(axis=-1), 0.0)
    return np.asarray(np.maximum(inside, 0.0) * length)
