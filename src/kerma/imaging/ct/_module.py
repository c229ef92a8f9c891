"""One CatPhan module by itself in a few slices: where it is, and what all its measurements need.

The geometry is that of the phantoms' descriptions in `kerma.imaging.phantoms`; nothing is copied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image, InputError
from kerma.imaging.ct import series
from kerma.imaging.ct._discs import correlation_factor
from kerma.imaging.tools.regions import Disc
from kerma.imaging.tools.statistics import Moments

Array = npt.NDArray[np.floating[Any]]

# Modules are 25 to 40 mm long; what covers more is a whole phantom. Design choice.
_LONGEST_MM = 45.0


@dataclass(frozen=True, slots=True)
class Placing:
    """How a module lies in the slices.

    Attributes
    ----------
    x, y
        Its middle, pixels.
    roll_deg
        Rotation, clockwise as displayed positive.
    mirrored
        Whether it is seen from its other end.
    pixel_mm
        Side of the pixels.
    u_roll_deg
        Standard uncertainty of the roll; ``None`` when set by hand.
    """

    x: float
    y: float
    roll_deg: float
    mirrored: bool
    pixel_mm: float
    u_roll_deg: float | None = None

    @property
    def sense(self) -> int:
        """Return -1 when the module is seen from its other end, else 1."""
        return -1 if self.mirrored else 1

    def turn(self, x: float, y: float) -> tuple[float, float]:
        """Return a direction of the module as a direction in the image."""
        roll = math.radians(self.roll_deg)
        x = self.sense * x
        return x * math.cos(roll) - y * math.sin(roll), x * math.sin(roll) + y * math.cos(roll)

    def place(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        """Return where a point of the module is in the image, (column, row)."""
        dx, dy = self.turn(x_mm, y_mm)
        return self.x + dx / self.pixel_mm, self.y + dy / self.pixel_mm


@dataclass(frozen=True, slots=True)
class Slices:
    """The slices of a module series, in order, and what was said of them."""

    images: tuple[Image, ...]
    order: tuple[int, ...]
    pixel_mm: float
    notes: tuple[str, ...]

    @property
    def middle(self) -> int:
        """Return the index of the middle slice."""
        return self.order[len(self.order) // 2]

    def some(self, most: int) -> Slices:
        """Return the first, the last and evenly spaced slices between, at most so many."""
        if len(self.order) <= most:
            return self
        picked = [round(k * (len(self.order) - 1) / (most - 1)) for k in range(most)]
        return Slices(self.images, tuple(self.order[i] for i in picked), self.pixel_mm, self.notes)

    def mean(self) -> Array:
        """Return the mean of the slices."""
        total = np.zeros(self.images[self.order[0]].pixels.shape)
        for index in self.order:
            total += self.images[index].pixels
        return np.asarray(total / len(self.order))


def read(images: Sequence[Image], module: str) -> Slices:
    """Return the slices of one series that may show one module.

    Raises
    ------
    InputError
        The codes of `kerma.imaging.ct.series.slices`; ``wrong-phantom`` when the slices cover
        more than a module.
    """
    order, notes = series.slices(images)
    pixel_mm = series.square_pixel_mm(images[order[0]])
    placed = [images[i].z_mm for i in order]
    known = [z for z in placed if z is not None]
    if len(known) == len(placed) and known[-1] - known[0] > _LONGEST_MM:
        raise InputError(
            f"These slices cover {known[-1] - known[0]:.0f} mm, more than one module; they may be "
            f"a whole phantom. For {module} by itself give the slices through it alone, or run the "
            "analysis of the whole CatPhan.",
            code="wrong-phantom",
            detail={"module": module, "covered_mm": known[-1] - known[0]},
        )
    return Slices(tuple(images), tuple(order), pixel_mm, notes)


def averaged(
    slices: Slices, place: tuple[float, float], radius_mm: float, module: str
) -> tuple[float, float, float, float]:
    """Return mean, u, noise and u of the noise of a disc over the slices, HU.

    u of the mean is the larger of what the noise within the discs gives and the scatter of the
    slices, which sees shading along the axis and streaks.

    Raises
    ------
    InputError
        Code ``phantom-cut-off``: the disc lies outside the image.
    """
    disc = Disc(place[0], place[1], radius_mm / slices.pixel_mm)
    found = [moments(slices.images[i].pixels, disc, module) for i in slices.order]
    mean = float(np.mean([m.mean for m in found]))
    stack = [slices.images[i].pixels.astype(float) for i in slices.order]
    factor = correlation_factor(stack, [disc])
    u = factor * math.hypot(*(m.u_mean for m in found)) / len(found)
    if len(found) > 1:
        scatter = float(np.std([m.mean for m in found], ddof=1)) / math.sqrt(len(found))
        u = max(u, scatter)
    sd = math.sqrt(sum(m.sd**2 for m in found) / len(found))
    u_sd = math.hypot(*(m.sd * m.u_sd for m in found)) / (len(found) * sd) if sd else 0.0
    return mean, u, sd, u_sd


def moments(pixels: Array, disc: Disc, module: str) -> Moments:
    """Return mean and noise of a disc, or refuse one outside the image.

    Raises
    ------
    InputError
        Code ``phantom-cut-off``.
    """
    rows, columns = pixels.shape
    room = min(disc.x, disc.y, columns - 1 - disc.x, rows - 1 - disc.y)
    if room < disc.radius:
        raise InputError(
            f"Part of {module} lies outside the image. Reconstruct a larger field of view.",
            code="phantom-cut-off",
        )
    return disc.moments(pixels.astype(float))


def wrong(module: str, why: str) -> InputError:
    """Return the refusal of images that show something else."""
    return InputError(
        f"This is not {module} by itself: {why}",
        code="wrong-phantom",
        detail={"module": module},
    )
