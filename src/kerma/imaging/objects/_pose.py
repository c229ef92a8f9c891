"""Where an object lies in an image, refined on the details that show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.objects._match import Likeness
from kerma.imaging.objects._places import inside, squares
from kerma.imaging.objects._spec import Detail, ObjectSpec

Array = npt.NDArray[np.floating[Any]]

_SMALLEST_PX = 2.5  # radius of a detail whose middle can be found
_CLEAR = 8.0  # contrast over the uncertainty of the mean, for a detail to be used for the place
_ROUNDS = 4
_RING_PIXELS = 300
MADE_MM = 0.03  # design choice: what details differ from their description by
_HEAVY = 0.5  # weight of the details that place the object in the first rounds


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """From mm in the object to pixels of the image: place = middle + matrix (x, y).

    Attributes
    ----------
    middle
        (x, y) in pixels.
    matrix
        2 x 2, pixels per mm; its determinant is below zero when the object is mirrored.
    sign
        1 where more attenuation is a higher pixel value, else -1.
    """

    middle: tuple[float, float]
    matrix: Array
    sign: int

    @property
    def scale(self) -> float:
        """Pixels per mm."""
        return math.sqrt(abs(float(np.linalg.det(self.matrix))))

    @property
    def mirrored(self) -> bool:
        """Whether the object is seen from the other side than its description."""
        return float(np.linalg.det(self.matrix)) < 0

    @property
    def turn_deg(self) -> float:
        """Rotation, clockwise as displayed, -180 to 180: where the object's upper end points."""
        up = -self.matrix[:, 1]
        return (math.degrees(math.atan2(up[0], -up[1])) + 180.0) % 360.0 - 180.0

    @property
    def stretch(self) -> float:
        """Larger over smaller magnification along two axes: 1 for an object square to the beam."""
        sizes = np.linalg.svd(self.matrix, compute_uv=False)
        return float(sizes[0] / sizes[1])

    def place(self, x_mm: npt.ArrayLike, y_mm: npt.ArrayLike) -> tuple[Array, Array]:
        """Return pixels (x, y) of places in the object."""
        x, y = np.asarray(x_mm, dtype=float), np.asarray(y_mm, dtype=float)
        m = self.matrix
        return (
            self.middle[0] + m[0, 0] * x + m[0, 1] * y,
            self.middle[1] + m[1, 0] * x + m[1, 1] * y,
        )

    @classmethod
    def of(cls, middle: tuple[float, float], like: Likeness, factor: float) -> Pose:
        """Return the pose of a likeness found in a working image."""
        return cls.made(middle, like.scale * factor, like.turn_deg, like.mirrored, like.sign)

    @classmethod
    def made(
        cls, middle: tuple[float, float], scale: float, turn_deg: float, mirrored: bool, sign: int
    ) -> Pose:
        """Return a pose from its parts: mirrored left to right first, then turned clockwise."""
        t = math.radians(turn_deg)
        turn = np.array([[math.cos(t), -math.sin(t)], [math.sin(t), math.cos(t)]])
        flip = np.diag([-1.0 if mirrored else 1.0, 1.0])
        return cls(middle, scale * turn @ flip, sign)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One detail as found in the image.

    Attributes
    ----------
    detail
        Which.
    contrast, u
        Mean of its inner half less its surroundings, positive when it attenuates, and the
        uncertainty of that from the noise around it.
    x, y
        Its middle in pixels (only when it is clear).
    u_place
        Standard uncertainty of its middle along each axis, from noise, in pixels.
    size_ratio
        Its size over the size expected.
    """

    detail: Detail
    contrast: float
    u: float
    x: float
    y: float
    u_place: float
    size_ratio: float

    @property
    def clear(self) -> bool:
        """Whether it stands far enough above the noise to say where it is."""
        return self.contrast > _CLEAR * self.u


def look(pixels: Array, pose: Pose, details: Sequence[Detail], *, fine: bool = True) -> list[Seen]:
    """Look at details where a pose says they are; those outside the image are left out.

    Not `fine`: middles are centroids, right from far off. Fine: the middle of a disc comes from its
    rim only, which the noise inside and a slope of the field touch less; right to a quarter of its
    radius.
    """
    found: list[Seen] = []
    for size in sorted({d.size_mm for d in details}):
        some = [d for d in details if d.size_mm == size]
        x, y = pose.place([d.x_mm for d in some], [d.y_mm for d in some])
        radius = pose.scale * size / 2 * (math.sqrt(4 / math.pi) if some[0].square else 1.0)
        whole = inside(pixels.shape, x, y, 1.4 * radius)
        if radius < 1.5 or not whole.any():
            continue
        kept = [d for d, ok in zip(some, whole, strict=True) if ok]
        found += _looked(pixels, pose, kept, (x[whole], y[whole]), radius, fine=fine)
    return found


def _looked(
    pixels: Array,
    pose: Pose,
    details: Sequence[Detail],
    at: tuple[Array, Array],
    radius: float,
    *,
    fine: bool,
) -> list[Seen]:
    values, dx, dy = squares(pixels, at[0], at[1], 1.45 * radius)
    away = np.hypot(dx, dy)
    ring = (away > 1.2 * radius) & (away < 1.45 * radius + 0.5)
    inner = away < 0.6 * radius
    found = []
    for i, detail in enumerate(details):
        around, ax, ay = (v[i][ring[i]] for v in (values, dx, dy))
        # A few hundred pixels of a wide ring say as much of the level; all of them of the slope.
        step = max(1, len(around) // _RING_PIXELS)
        middle = float(np.median(around[::step]))
        slope = _slope(around - middle, ax, ay)
        level = pose.sign * (values[i] - middle - slope[0] * dx[i] - slope[1] * dy[i])
        rest = (around - slope[0] * ax - slope[1] * ay)[::step]
        # A quarter of the spread between quartiles, times 1.4826 x 2: a robust deviation.
        low, high = np.percentile(rest, (25, 75))
        noise = 0.7413 * float(high - low)
        contrast = float(level[inner[i]].mean())
        u = noise * math.sqrt(1.0 / inner[i].sum() + 1.57 / len(rest))
        x, y, ratio, u_place = at[0][i], at[1][i], 0.0, 0.0
        if contrast > _CLEAR * u and contrast > 0:
            # Pixels far outside of the range of the detail (a bar, a wire) do not pull it.
            share = np.clip(level / contrast, -0.5, 1.5)
            share[away[i] > 1.45 * radius] = 0.0
            total = float(share.sum())
            if total > 0.2 * math.pi * radius**2:
                ratio = math.sqrt(total / math.pi) / radius
                rim = fine and not detail.square
                move = _off_rim if rim else _off_middle
                mx, my = move(share, dx[i], dy[i], away[i], radius)
                x, y = x + mx, y + my
                width = max(2.0, 0.25 * radius) / radius
                # Noise in the band, and of the slope that was taken out; or in all of the disc.
                share_of = math.hypot(math.sqrt(2 * width / math.pi), 1.5 * width)
                u_place = noise / contrast * (share_of if rim else 0.6)
        found.append(Seen(detail, contrast, u, float(x), float(y), u_place, ratio))
    return found


def _off_middle(
    share: Array, dx: Array, dy: Array, away: Array, radius: float
) -> tuple[float, float]:
    """Return how far the centroid lies from the place looked at."""
    total = float(share.sum())
    return float((share * dx).sum()) / total, float((share * dy).sum()) / total


def _off_rim(share: Array, dx: Array, dy: Array, away: Array, radius: float) -> tuple[float, float]:
    """Return how far a disc lies from the place looked at, from a band about its rim.

    A disc moved by d raises the band's sum of share times cosine by d pi r.
    """
    width = max(2.0, 0.25 * radius)
    band = np.clip(width + 0.5 - np.abs(away - radius), 0.0, 1.0) / np.maximum(away, 1e-9)
    per = math.pi * radius
    return float((share * band * dx).sum()) / per, float((share * band * dy).sum()) / per


def _slope(values: Array, dx: Array, dy: Array) -> tuple[float, float]:
    """Return the slope of the field around a detail; what stands out of it does not count."""
    kept = np.ones(len(values), dtype=bool)
    x = y = 0.0
    for _ in range(3):
        a, b, v = dx[kept], dy[kept], values[kept] - values[kept].mean()
        xx, yy, xy = float(a @ a), float(b @ b), float(a @ b)
        det = xx * yy - xy * xy
        if det <= 0:
            return 0.0, 0.0
        x = (float(a @ v) * yy - float(b @ v) * xy) / det
        y = (float(b @ v) * xx - float(a @ v) * xy) / det
        rest = np.abs(values - x * dx - y * dy)
        kept = rest <= 2.5 * max(1.4826 * float(np.median(rest)), 1e-12)
    return x, y


def refine(pixels: Array, pose: Pose, spec: ObjectSpec) -> tuple[Pose, list[Seen]]:
    """Fit the pose to the middles of the clear details, and return it with what was seen.

    A similarity first, then (with ten details or more) an affine map, which follows an object that
    is tilted in the beam.
    """
    heavy = [d for d in spec.details if d.weight >= _HEAVY]
    seen = look(pixels, pose, heavy, fine=False)
    for turn in range(_ROUNDS):
        usable = [s for s in seen if s.clear and 0.75 < s.size_ratio < 1.3]
        usable = [s for s in usable if s.detail.size_mm * pose.scale / 2 >= _SMALLEST_PX]
        if len(usable) < 3:
            break
        pose = _fitted(pose, usable, affine=turn >= _ROUNDS - 2 and len(usable) >= 10)
        if turn < _ROUNDS - 1:
            seen = look(pixels, pose, heavy, fine=turn > 0)
    return pose, look(pixels, pose, spec.details)


def _fitted(pose: Pose, seen: Sequence[Seen], *, affine: bool) -> Pose:
    mm = np.array([[s.detail.x_mm, s.detail.y_mm] for s in seen])
    px = np.array([[s.x, s.y] for s in seen])
    # No detail is where its description says to better than this.
    known = 1.0 / np.hypot(np.array([s.u_place for s in seen]), 0.02 + MADE_MM * pose.scale)
    weight = known
    for _ in range(3):
        if affine:
            design = np.column_stack((np.ones(len(mm)), mm)) * weight[:, None]
            solved = np.linalg.lstsq(design, px * weight[:, None], rcond=None)[0]
            middle, matrix = solved[0], solved[1:].T
        else:
            middle, matrix = _similar(mm, px, weight, pose.mirrored)
        off = np.hypot(*(px - middle - mm @ matrix.T).T) * known
        limit = 3.0 * max(float(np.median(off)), 0.1)
        weight = known * np.where(off <= limit, 1.0, limit / np.maximum(off, 1e-9))
    return Pose((float(middle[0]), float(middle[1])), matrix, pose.sign)


def _similar(mm: Array, px: Array, weight: Array, mirrored: bool) -> tuple[Array, Array]:
    """Least squares for a middle, a scale and a turn (J. C. Gower's form, written out)."""
    flip = np.array([-1.0 if mirrored else 1.0, 1.0])
    q = mm * flip
    w = weight**2 / (weight**2).sum()
    qm, pm = w @ q, w @ px
    dq, dp = q - qm, px - pm
    a = float((w[:, None] * dq * dp).sum())
    b = float((w * (dq[:, 0] * dp[:, 1] - dq[:, 1] * dp[:, 0])).sum())
    size = float((w[:, None] * dq**2).sum())
    turn = np.array([[a, -b], [b, a]]) / size
    return pm - turn @ qm, turn * flip
