"""What is known of a phantom model: its modules, where they are, and what is in them.

Angles are in degrees clockwise as displayed (x to the right, y down), seen with the slices in the
order of the phantom's own Z axis; Z is from the middle of the ramps of the sensitometry module.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# CT number scales an image may be in: on each, a material of nominal value v reads about v.
SCALES = ("CT number", "electron density", "mass density")


@dataclass(frozen=True, slots=True)
class Insert:
    """A rod of one material in the sensitometry module.

    Attributes
    ----------
    nominal_hu, range_hu
        Nominal CT number and the maker's range.
    density, electron_density
        Relative to water.
    vial
        True for a hole that may hold a vial of water in place of air.
    """

    key: str
    material: str
    angle_deg: float
    radius_mm: float
    nominal_hu: float
    range_hu: tuple[float, float]
    density: float
    electron_density: float
    vial: bool = False

    @property
    def xy_mm(self) -> tuple[float, float]:
        """Return the place in the phantom's own frame."""
        return polar(self.radius_mm, self.angle_deg)

    def expected(self, scale: str) -> float:
        """Return what it reads on one of `SCALES`, HU (density scales: 1000 (density - 1))."""
        if scale == "electron density":
            return 1000 * (self.electron_density - 1)
        return 1000 * (self.density - 1) if scale == "mass density" else self.nominal_hu


@dataclass(frozen=True, slots=True)
class Ramps:
    """Wire ramps: where they cross Z = 0, their slope, and how far in Z they may be relied on.

    `sense` is 1 when all move the same way round, clockwise, with increasing Z (-1: the other
    way); ``None`` when no document says, and the images decide.
    """

    radius_mm: float
    angles_deg: tuple[float, ...]
    slope_deg: float
    reach_mm: float
    sense: int | None


@dataclass(frozen=True, slots=True)
class Sensitometry:
    """Inserts, rods and ramps of the CT number and geometry module."""

    module: str
    half_range_mm: float
    insert_radius_mm: float
    roi_radius_mm: float
    inserts: tuple[Insert, ...]
    rods: Mapping[str, tuple[float, float]]
    rod_spacing_mm: float
    rod_radius_mm: float
    ramps: Ramps
    vial_mm: tuple[float, float] | None = None

    @property
    def circle_mm(self) -> float:
        """Return the radius of the circle the inserts stand on."""
        return self.inserts[0].radius_mm

    @property
    def solid(self) -> tuple[Insert, ...]:
        """Return the inserts whose material is certain."""
        return tuple(i for i in self.inserts if not i.vial)


@dataclass(frozen=True, slots=True)
class LinePairGroup:
    """One group of bars, `bars` of them, `lp_per_mm` line pairs per mm.

    A group of a circular gauge lies at `angle_deg` on the circle; one of a straight gauge at
    `along_mm` on the straight line that faces the middle from `angle_deg`.
    """

    lp_per_mm: float
    angle_deg: float
    bars: int
    along_mm: float | None = None


@dataclass(frozen=True, slots=True)
class LinePairs:
    """The bar pattern module: bars `half_depth_mm` either side of a circle or of straight lines."""

    module: str
    offset_mm: float
    radius_mm: float
    half_depth_mm: float
    groups: tuple[LinePairGroup, ...]
    sense: int = 1

    @property
    def circular(self) -> bool:
        """Return whether the groups lie on one circle."""
        return self.groups[0].along_mm is None

    def place(self, group: LinePairGroup, along_mm: Array, depth_mm: Array) -> tuple[Array, Array]:
        """Return (x, y) of points at distances along a group, from its middle, and in depth."""
        along = along_mm * self.sense
        if group.along_mm is None:
            angle = np.radians(group.angle_deg) + along / self.radius_mm
            return (self.radius_mm + depth_mm) * np.cos(angle), (
                self.radius_mm + depth_mm
            ) * np.sin(angle)
        facing = math.radians(group.angle_deg)
        across, along = self.radius_mm + depth_mm, along + group.along_mm
        return (
            across * math.cos(facing) - along * math.sin(facing),
            across * math.sin(facing) + along * math.cos(facing),
        )


@dataclass(frozen=True, slots=True)
class Uniformity:
    """The homogeneous module and the range of Z that may be averaged for the noise spectrum."""

    module: str
    offset_mm: float
    range_mm: tuple[float, float]
    roi_radius_mm: float
    edge_radius_mm: float
    body_radius_mm: float


@dataclass(frozen=True, slots=True)
class ContrastGroup:
    """Low contrast discs of one nominal contrast: (diameter, angle) pairs."""

    key: str
    contrast_percent: float
    discs: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class LowContrast:
    """The low contrast module."""

    module: str
    offset_mm: float
    half_range_mm: float
    radius_mm: float
    groups: tuple[ContrastGroup, ...]


@dataclass(frozen=True, slots=True)
class BeadRamp:
    """Rows of beads, `pitch_mm` apart in the slice and `rise_mm` along the phantom's axis."""

    key: str
    radius_mm: float
    angles_deg: tuple[float, ...]
    pitch_mm: float
    rise_mm: float
    reach_mm: float


@dataclass(frozen=True, slots=True)
class Beads:
    """The bead geometry module."""

    module: str
    offset_mm: float
    ramps: tuple[BeadRamp, ...]


@dataclass(frozen=True, slots=True)
class PointSource:
    """A bead or a wire for the MTF; `z_mm` is its extent along the phantom's axis."""

    kind: str
    diameter_mm: float
    x_mm: float
    y_mm: float
    z_mm: tuple[float, float]


@dataclass(frozen=True, slots=True)
class PhantomSpec:
    """Everything known of one phantom model.

    Attributes
    ----------
    required
        Modules without which neither the model nor the order of the slices can be proven: a scan
        that lacks one is refused. A scan that lacks another loses that one's values.
    sources
        Where each subject comes from, starting with ``seen``, ``measured``, ``computed`` or
        ``recalled``.
    sha256
        Hash of the description, modules included.
    """

    key: str
    title: str
    body_radius_mm: float
    required: tuple[str, ...]
    sensitometry: Sensitometry
    line_pairs: LinePairs
    uniformity: Uniformity
    low_contrast: LowContrast | None
    beads: Beads | None
    points: tuple[PointSource, ...]
    sources: Mapping[str, str]
    sha256: str

    @property
    def offsets_mm(self) -> dict[str, float]:
        """Return where each module's middle is, by module name."""
        parts = (self.line_pairs, self.low_contrast, self.uniformity, self.beads)
        return {self.sensitometry.module: 0.0, **{p.module: p.offset_mm for p in parts if p}}

    @property
    def needed_mm(self) -> float:
        """Return the distance between the outermost of the required modules."""
        at = [self.offsets_mm[name] for name in self.required]
        return max(at) - min(at)


def polar(radius_mm: float, angle_deg: float) -> tuple[float, float]:
    """Return (x, y), y down, of a point at a clockwise angle from +x."""
    angle = math.radians(angle_deg)
    return radius_mm * math.cos(angle), radius_mm * math.sin(angle)


def polar_arrays(radius_mm: Array | float, angle_deg: Array | float) -> tuple[Array, Array]:
    """Return (x, y), y down, of points at clockwise angles from +x."""
    angle = np.radians(angle_deg)
    return np.asarray(radius_mm * np.cos(angle)), np.asarray(radius_mm * np.sin(angle))
