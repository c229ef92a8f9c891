"""Whether a slice shows a model's line-pair gauge, and seen from which side.

The first groups of a gauge, wide enough to be resolved by any scanner, are each looked at where
they should be and at their own frequency. A gauge seen from its other side has other groups, or
none, in those places: so the gauge proves the order of the slices apart from the inserts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._spec import LinePairs

Array = npt.NDArray[np.float64]

_GROUPS = 4
_POINTS = 48
# Amplitude of the bars' fundamental, mean of the groups. Aluminium bars give 200 HU and more in
# cone-beam images and 5 mm slices, noise of 50 HU about 15.
LEAST_HU = 60.0
_LEAST_RATIO = 1.6
SEARCH_MM = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Places of the first groups, shape (groups, depths, points), and their sinusoids."""

    x_mm: Array
    y_mm: Array
    waves: Array

    def amplitude(self, volume: Volume, pose: Pose, index: int) -> float:
        """Return the mean amplitude of the groups' fundamentals in a slice, HU."""
        places = pose.place(self.x_mm, self.y_mm, float(volume.s_mm[index]))
        values = volume.read(index, *places).mean(axis=1)
        parts = np.einsum("gwp,gp->gw", self.waves, values)
        return float(np.hypot(parts[:, 0], parts[:, 1]).mean())


def probe(lp: LinePairs) -> Probe:
    """Return the probe of a gauge; the sinusoids are fitted beside a straight line."""
    xs, ys, waves = [], [], []
    depth = np.array([-0.7, 0.0, 0.7])[:, None] * lp.half_depth_mm
    for group in lp.groups[:_GROUPS]:
        # Whole cycles between the first and the last bar.
        half = (group.bars - 1) / group.lp_per_mm / 2
        along = np.linspace(-half, half, _POINTS)
        x, y = lp.place(group, along[None, :], depth)
        phase = 2 * np.pi * group.lp_per_mm * along
        design = np.column_stack([np.cos(phase), np.sin(phase), np.ones(_POINTS), along])
        xs.append(x)
        ys.append(y)
        waves.append(np.linalg.pinv(design)[:2])
    return Probe(np.array(xs), np.array(ys), np.array(waves))


def mirrored(lp: LinePairs) -> LinePairs:
    """Return the gauge as it is seen from its other side."""
    groups = tuple(
        replace(
            g, angle_deg=180 - g.angle_deg, along_mm=None if g.along_mm is None else -g.along_mm
        )
        for g in lp.groups
    )
    return replace(lp, groups=groups, sense=-lp.sense)


@dataclass(frozen=True, slots=True)
class Sight:
    """The strongest sight of a gauge near a place: amplitude there and of its mirror image, HU."""

    amplitude_hu: float
    mirrored_hu: float
    index: int

    @property
    def seen(self) -> bool:
        """Return whether the gauge is there, this side up."""
        return self.amplitude_hu > max(LEAST_HU, _LEAST_RATIO * self.mirrored_hu)


def look(volume: Volume, pose: Pose, lp: LinePairs, z_mm: float) -> Sight:
    """Return the strongest sight of a gauge within 8 mm of a Z of the phantom."""
    own, other = probe(lp), probe(mirrored(lp))
    near = volume.within(pose.s_mm(z_mm - SEARCH_MM), pose.s_mm(z_mm + SEARCH_MM))
    seen = [own.amplitude(volume, pose, i) for i in near]
    best = near[int(np.argmax(seen))]
    return Sight(max(seen), other.amplitude(volume, pose, best), best)
