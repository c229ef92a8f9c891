"""X-ray fields, markers, balls, meshes, stars and wedges in closed form, with known truth.

Lengths are in mm from the middle of the image, x along the rows to the right, y down the columns,
at the detector unless said otherwise. Straight edges are error functions, so an edge's place and
its penumbra are exact whatever the pixel; what has no closed form is sampled 8 times finer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.untyped import ndimage, special

Array = npt.NDArray[np.floating[Any]]


def positions(shape: tuple[int, int], pixel_mm: float) -> tuple[Array, Array]:
    """Return x and y of every pixel centre."""
    rows, columns = np.indices(shape, dtype=float)
    return (columns - (shape[1] - 1) / 2) * pixel_mm, (rows - (shape[0] - 1) / 2) * pixel_mm


def to_px(shape: tuple[int, int], pixel_mm: float, x: float, y: float) -> tuple[float, float]:
    """Return column and row of a point."""
    return x / pixel_mm + (shape[1] - 1) / 2, y / pixel_mm + (shape[0] - 1) / 2


def step(distance: Array, sigma: float) -> Array:
    """Return the integral of a Gaussian of standard deviation `sigma` up to `distance`."""
    return np.asarray(0.5 * special.erfc(-distance / (sigma * math.sqrt(2.0))))


def turned(x: Array, y: Array, angle_deg: float) -> tuple[Array, Array]:
    """Return coordinates along axes turned by an angle (clockwise as displayed)."""
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    return x * c + y * s, -x * s + y * c


def rectangle(
    shape: tuple[int, int],
    *,
    pixel_mm: float,
    edges_mm: tuple[float, float, float, float],
    sigma_mm: float | tuple[float, float, float, float],
    turn_deg: float = 0.0,
) -> Array:
    """Render 1 inside a rectangle and 0 outside, with erf penumbra.

    `edges_mm` are left, top, right, bottom in axes turned about the image's middle by `turn_deg`;
    `sigma_mm` is the penumbra of all sides, or of each in that order.
    """
    left, top, right, bottom = edges_mm
    s = (sigma_mm,) * 4 if isinstance(sigma_mm, float) else sigma_mm
    reach = 7.0 * max(s)
    c, n = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    corners = [(x, y) for x in (left - reach, right + reach) for y in (top - reach, bottom + reach)]
    # Only the part of the image the rectangle can reach is computed.
    columns = [(x * c - y * n) / pixel_mm + (shape[1] - 1) / 2 for x, y in corners]
    rows = [(x * n + y * c) / pixel_mm + (shape[0] - 1) / 2 for x, y in corners]
    part = tuple(
        slice(max(0, math.floor(min(at))), max(0, math.ceil(max(at)) + 1)) for at in (rows, columns)
    )
    out = np.zeros(shape)
    x, y = (
        (np.arange(size)[p] - (size - 1) / 2) * pixel_mm
        for size, p in ((shape[1], part[1]), (shape[0], part[0]))
    )
    u, v = turned(x[None, :], y[:, None], turn_deg)
    out[part] = (
        step(u - left, s[0]) * step(right - u, s[2]) * step(v - top, s[1]) * step(bottom - v, s[3])
    )
    return out


def disc(
    shape: tuple[int, int],
    *,
    pixel_mm: float,
    centre_mm: tuple[float, float],
    radius_mm: float,
    sigma_mm: float,
) -> Array:
    """Render 1 inside a circle with an erf rim, 0 outside (radius much larger than `sigma_mm`)."""
    x, y = positions(shape, pixel_mm)
    return step(radius_mm - np.hypot(x - centre_mm[0], y - centre_mm[1]), sigma_mm)


def exposed(cover: Array, *, inside: float, outside: float, heel_percent_per_cm: float = 0.0,
            pixel_mm: float = 1.0) -> Array:  # fmt: skip
    """Return the signal of a field: `outside` plus what the field lets through, with a heel."""
    x, _ = positions((cover.shape[0], cover.shape[1]), pixel_mm)
    return np.asarray(
        outside + (inside - outside) * cover * (1.0 + heel_percent_per_cm * x / 1000.0)
    )


def l_corner(
    shape: tuple[int, int],
    *,
    pixel_mm: float,
    corner_mm: tuple[float, float],
    towards: tuple[int, int],
    arm_mm: float = 20.0,
    width_mm: float = 2.0,
    sigma_mm: float = 0.2,
    turn_deg: float = 0.0,
) -> Array:
    """Render an L whose arms' middle lines meet at a point, in axes turned about the middle.

    `towards` are the signs of the directions in which the arms run.
    """
    x, y = corner_mm
    h = width_mm / 2

    def arm(end_x: float, end_y: float) -> Array:
        edges = (min(x, end_x) - h, min(y, end_y) - h, max(x, end_x) + h, max(y, end_y) + h)
        return rectangle(shape, pixel_mm=pixel_mm, edges_mm=edges, sigma_mm=sigma_mm,
                         turn_deg=turn_deg)  # fmt: skip

    one = arm(x + towards[0] * arm_mm, y)
    return np.asarray(np.maximum(one, arm(x, y + towards[1] * arm_mm)))


def projected(
    point_mm: tuple[float, float, float], focus_mm: tuple[float, float], fdd_mm: float
) -> tuple[float, float]:
    """Return where a point at a height above the detector is imaged.

    The focus stands `fdd_mm` above the point `focus_mm` of the detector.
    """
    x, y, z = point_mm
    m = fdd_mm / (fdd_mm - z)
    return focus_mm[0] + (x - focus_mm[0]) * m, focus_mm[1] + (y - focus_mm[1]) * m


def balls(
    shape: tuple[int, int],
    *,
    pixel_mm: float,
    placed: Sequence[tuple[tuple[float, float], float, float]],
    sigma_mm: float = 0.1,
) -> Array:
    """Return the transmission of balls, their shadows blurred together.

    `placed` are (centre, radius, attenuation per mm) as imaged: that of the ball divided by its
    magnification. Sampled 8 times finer around the balls.
    """
    at = [(*to_px(shape, pixel_mm, *centre), radius / pixel_mm) for centre, radius, _ in placed]
    more = 6 * sigma_mm / pixel_mm + 2
    c0, r0 = (math.floor(min(p[i] - p[2] for p in at) - more) for i in (0, 1))
    c1, r1 = (math.ceil(max(p[i] + p[2] for p in at) + more) + 1 for i in (0, 1))
    fine = 8
    y = (r0 + (np.arange((r1 - r0) * fine) + 0.5) / fine - 0.5)[:, None]
    x = (c0 + (np.arange((c1 - c0) * fine) + 0.5) / fine - 0.5)[None, :]
    path = np.zeros((y.size, x.size))
    for (column, row, radius), (_, _, per_mm) in zip(at, placed, strict=True):
        square = np.clip(radius**2 - (x - column) ** 2 - (y - row) ** 2, 0.0, None)
        path += per_mm * 2.0 * pixel_mm * np.sqrt(square)
    soft = ndimage.gaussian_filter(np.exp(-path), sigma_mm / pixel_mm * fine, mode="nearest")
    patch = soft.reshape(r1 - r0, fine, c1 - c0, fine).mean(axis=(1, 3))
    out = np.ones(shape)
    top, left = max(0, r0), max(0, c0)
    bottom, right = min(shape[0], r1), min(shape[1], c1)
    out[top:bottom, left:right] = patch[top - r0 : bottom - r0, left - c0 : right - c0]
    return out


def undistorted(x: Array, y: Array, per_mm2: float) -> tuple[Array, Array]:
    """Return where the points came from that radial distortion moved by r -> r (1 + k r²).

    Solved by Newton's method to machine precision.
    """
    r = np.hypot(x, y)
    s = r.copy()
    for _ in range(30):
        s = s - (s + per_mm2 * s**3 - r) / (1.0 + 3.0 * per_mm2 * s**2)
    share = np.divide(s, r, out=np.ones_like(r), where=r > 0)
    return x * share, y * share


def mesh(
    shape: tuple[int, int],
    *,
    pixel_mm: tuple[float, float],
    pitch_mm: float,
    wire_mm: float = 1.0,
    sigma_mm: float = 0.15,
    turn_deg: float = 0.0,
    dots: bool = False,
    per_mm2: float = 0.0,
) -> Array:
    """Return the cover of a square mesh (1 under a wire or dot), pixels (across, down) in mm.

    `per_mm2` is radial distortion about the middle, r -> r (1 + k r²).
    """
    rows, columns = np.indices(shape, dtype=float)
    x = (columns - (shape[1] - 1) / 2) * pixel_mm[0]
    y = (rows - (shape[0] - 1) / 2) * pixel_mm[1]
    u, v = turned(*undistorted(x, y, per_mm2), turn_deg)

    def wires(w: Array) -> Array:
        away = np.abs((w / pitch_mm + 0.3) % 1.0 - 0.5) * pitch_mm
        return step(wire_mm / 2 - away, sigma_mm)

    if dots:
        a, b = (((w / pitch_mm + 0.3) % 1.0 - 0.5) * pitch_mm for w in (u, v))
        return step(wire_mm / 2 - np.hypot(a, b), sigma_mm)
    across, down = wires(u), wires(v)
    return np.asarray(across + down - across * down)


def ruler(
    shape: tuple[int, int],
    *,
    pixel_mm: float,
    pitch_mm: float,
    width_mm: float = 15.0,
    mark_mm: float = 1.0,
    sigma_mm: float = 0.15,
    turn_deg: float = 0.0,
) -> Array:
    """Return the cover of a ruler's marks along a line through the middle."""
    u, v = turned(*positions(shape, pixel_mm), turn_deg)
    away = np.abs((u / pitch_mm + 0.3) % 1.0 - 0.5) * pitch_mm
    marks = step(mark_mm / 2 - away, sigma_mm)
    return np.asarray(marks * step(width_mm / 2 - np.abs(v), sigma_mm))


def noisy(signal: Array, *, seed: int, share: float = 0.02, floor: float = 1.0) -> Array:
    """Add noise: `share` of the root of signal times its maximum (quantum-like), and a floor."""
    sd = np.hypot(share * np.sqrt(np.clip(signal, 0, None) * float(signal.max())), floor)
    return np.asarray(signal + np.random.default_rng(seed).normal(0.0, 1.0, signal.shape) * sd)
