"""Patients made of simple surfaces, divided into cells: plane, elliptical cylinder, trunk and head.

A phantom is made of patches; a patch is a grid of nu × nv cells of one size, numbered u + nu v, so
that it can be divided as finely as wanted anywhere. Patient's coordinates: x left, y posterior,
z cranial, zero at the top of the phantom and in the middle of its cross-section (mm).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import scipy.special
import yaml

from kerma.core import InputError
from kerma.physics.skin.events import Patient

Array = npt.NDArray[np.float64]
_special: Any = scipy.special
_ARC_STEPS = 4096


class Patch(Protocol):
    """A surface with two running numbers, each cell of it one unit of both."""

    @property
    def part(self) -> str:
        """``trunk``, ``head`` or ``plane``."""

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of cells (nu, nv)."""

    @property
    def cell_mm(self) -> tuple[float, float]:
        """Size of a cell along u and v."""

    @property
    def closed(self) -> bool:
        """Whether the last cell along u touches the first."""

    @property
    def bend(self) -> float:
        """Largest turn of the normal from the middle of a cell to its corner, in radians."""

    def at(self, u: Array, v: Array) -> tuple[Array, Array]:
        """Return points and outward normals, each (n, 3), at running numbers u and v."""


@dataclass(frozen=True)
class Plane:
    """A flat back (or front): width across, length along."""

    width_mm: float
    length_mm: float
    grid_mm: float = 10.0
    front: bool = False
    part: str = "plane"
    closed: bool = False
    bend: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of cells across and along."""
        return _count(self.width_mm, self.grid_mm), _count(self.length_mm, self.grid_mm)

    @property
    def cell_mm(self) -> tuple[float, float]:
        """Size of a cell."""
        return self.width_mm / self.shape[0], self.length_mm / self.shape[1]

    def at(self, u: Array, v: Array) -> tuple[Array, Array]:
        """Return points and normals."""
        du, dv = self.cell_mm
        outwards = -1.0 if self.front else 1.0
        x = outwards * (self.width_mm / 2 - u * du)
        points = np.stack([x, np.zeros_like(u), v * dv - self.length_mm], axis=-1)
        return points, np.broadcast_to([0.0, outwards, 0.0], points.shape).copy()


@dataclass(frozen=True)
class EllipticCylinder:
    """An upright elliptical cylinder without ends; cells of equal arc and height.

    Any ratio of the semi-axes; the normal at (a cos t, b sin t) is along (b cos t, a sin t).
    """

    half_width_mm: float
    half_depth_mm: float
    length_mm: float
    top_mm: float = 0.0
    grid_mm: float = 10.0
    part: str = "trunk"
    closed: bool = True

    @cached_property
    def _turns(self) -> tuple[Array, Array]:
        """Return parameter angles, and the arc length up to each, from the middle of the front."""
        a, b = self.half_width_mm, self.half_depth_mm
        turn = np.linspace(0.0, 2 * math.pi, _ARC_STEPS + 1)
        # The point is (a sin turn, -b cos turn); its arc an elliptic integral of the second kind,
        # whose parameter may be negative for a deep ellipse.
        return turn - math.pi / 2, np.asarray(a * _special.ellipeinc(turn, 1 - (b / a) ** 2))

    @property
    def girth_mm(self) -> float:
        """Circumference."""
        return float(self._turns[1][-1])

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of cells around and along."""
        return _count(self.girth_mm, self.grid_mm), _count(self.length_mm, self.grid_mm)

    @property
    def cell_mm(self) -> tuple[float, float]:
        """Size of a cell."""
        return self.girth_mm / self.shape[0], self.length_mm / self.shape[1]

    @property
    def bend(self) -> float:
        """Largest turn of the normal over half a cell: half an arc over the least radius."""
        small, large = sorted((self.half_width_mm, self.half_depth_mm))
        return self.cell_mm[0] / 2 * large / small**2

    def at(self, u: Array, v: Array) -> tuple[Array, Array]:
        """Return points and normals."""
        a, b = self.half_width_mm, self.half_depth_mm
        turns, arcs = self._turns
        t = np.interp((u * self.cell_mm[0]) % self.girth_mm, arcs, turns)
        cos, sin, zero = np.cos(t), np.sin(t), np.zeros_like(t)
        z = self.top_mm - self.length_mm + v * self.cell_mm[1]
        normals = np.stack([b * cos, a * sin, zero], axis=-1)
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        return np.stack([a * cos, b * sin, z], axis=-1), normals


def _count(length_mm: float, grid_mm: float) -> int:
    return max(1, round(length_mm / grid_mm))


@dataclass(frozen=True)
class Phantom:
    """A patient: patches, what it is in words, and what was assumed to make it."""

    title: str
    patches: tuple[Patch, ...]
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for patch in self.patches:
            nu, nv = patch.shape
            if not (min(patch.cell_mm) > 0 and 1 < nu * nv <= 2_000_000):
                raise InputError(
                    "The phantom's sizes must be above zero, and its cells not smaller than need "
                    "be.",
                    code="bad-phantom",
                )


def _sized(*sizes_mm: float) -> None:
    if not all(math.isfinite(s) and 1 <= s <= 5000 for s in sizes_mm):
        raise InputError(
            "A phantom's sizes lie between 1 mm and 5 m, and so does its grid.", code="bad-phantom"
        )


def plane(width_mm: float = 400.0, length_mm: float = 1200.0, grid_mm: float = 10.0) -> Phantom:
    """Return a flat patient of no thickness, as public programs use for comparison."""
    _sized(width_mm, length_mm, grid_mm)
    return Phantom(
        f"plane {width_mm:g} mm × {length_mm:g} mm", (Plane(width_mm, length_mm, grid_mm),)
    )


def cylinder(
    half_width_mm: float, half_depth_mm: float, length_mm: float, grid_mm: float = 10.0
) -> Phantom:
    """Return an elliptical cylinder of any ratio."""
    _sized(half_width_mm, half_depth_mm, length_mm, grid_mm)
    return Phantom(
        f"elliptical cylinder, semi-axes {half_width_mm:g} mm × {half_depth_mm:g} mm, "
        f"{length_mm:g} mm long",
        (EllipticCylinder(half_width_mm, half_depth_mm, length_mm, grid_mm=grid_mm),),
    )


@cache
def design() -> Mapping[str, Any]:
    """Return the figures of ``design.yaml``."""
    file = resources.files("kerma.physics.skin") / "data" / "design.yaml"
    found: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def sized(patient: Patient, head: bool = False, grid_mm: float = 10.0) -> Phantom:
    """Return a trunk, as long as the patient, scaled from height and mass.

    Both semi-axes grow with √(mass/height), as the equivalent cylinder of a body of one density
    does; sources and the person they start from are in ``design.yaml``. The legs are as wide as the
    trunk: where the patient lies along the table is known too poorly for more.

    Parameters
    ----------
    patient
        Size; what is not known is that of the reference person, and said to be.
    head
        Put an elliptical head on top; the trunk is shorter by as much.
    grid_mm
        Size of the cells.
    """
    about = design()["patient"]
    height = patient.height_mm or about["height_mm"]
    mass = patient.mass_kg or about["mass_kg"]
    told = [
        f"the patient's {what} is not known: {used:g} {unit} assumed"
        for known, what, used, unit in (
            (patient.height_mm, "height", height, "mm"),
            (patient.mass_kg, "mass", mass, "kg"),
        )
        if known is None
    ]
    grow = math.sqrt(mass / height * about["height_mm"] / about["mass_kg"])
    half_width, half_depth = grow * about["half_width_mm"], grow * about["half_depth_mm"]
    _sized(grid_mm)
    if not head:
        patches: tuple[Patch, ...] = (
            EllipticCylinder(half_width, half_depth, height, grid_mm=grid_mm),
        )
    else:
        of_head, by = about["head"], height / about["height_mm"]
        tall = by * of_head["height_mm"]
        patches = (
            EllipticCylinder(half_width, half_depth, height - tall, -tall, grid_mm),
            EllipticCylinder(
                by * of_head["half_width_mm"], by * of_head["half_depth_mm"], tall,
                grid_mm=grid_mm, part="head",
            ),
        )  # fmt: skip
    return Phantom(
        f"trunk of semi-axes {half_width:.0f} mm × {half_depth:.0f} mm, {height:g} mm long"
        + (" with a head" if head else ""),
        patches,
        tuple(told),
    )


def centres(patch: Patch) -> tuple[Array, Array]:
    """Return points and normals at the middles of a patch's cells, in their order."""
    nu, nv = patch.shape
    u, v = np.meshgrid(np.arange(nu) + 0.5, np.arange(nv) + 0.5, indexing="xy")
    return patch.at(u.ravel(), v.ravel())


def corners(patch: Patch) -> tuple[Array, npt.NDArray[np.int64]]:
    """Return the corners of a patch's cells (m, 3) and, of each cell, their four numbers.

    Counter-clockwise as seen from outside.
    """
    nu, nv = patch.shape
    wide = nu if patch.closed else nu + 1
    u, v = np.meshgrid(np.arange(wide, dtype=float), np.arange(nv + 1, dtype=float), indexing="xy")
    points, _ = patch.at(u.ravel(), v.ravel())
    i, j = (a.ravel() for a in np.meshgrid(np.arange(nu), np.arange(nv), indexing="xy"))
    right = (i + 1) % wide
    quads = np.stack(
        [i + wide * j, right + wide * j, right + wide * (j + 1), i + wide * (j + 1)], axis=-1
    )
    return points, quads.astype(np.int64)
