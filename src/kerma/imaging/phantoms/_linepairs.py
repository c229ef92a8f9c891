"""Relative modulation of the line-pair groups.

The result is called rMTF: it is relative to the first group, of bars that are thin along the
axis, and comes from a few cycles. It is good for constancy, not for comparison with an MTF
measured by IEC 62220-1 or with a bead or wire.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.core import Curve, Region, quantity
from kerma.imaging.phantoms._gauge import SEARCH_MM, probe
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._spec import LinePairGroup, LinePairs, PhantomSpec, polar_arrays
from kerma.imaging.phantoms._grid import Volume

Array = npt.NDArray[np.float64]

_STEP_DEG = 0.2
_MOST_TURN_DEG = 8.0
_ALONG_MM = 0.08
_DEPTHS = np.linspace(-1.0, 1.0, 5)
# A slice shows bars from this share of the strongest slice's contrast on.
_SHOWN = 0.05
_LEVELS = (0.5, 0.3, 0.1)


@dataclass(frozen=True, slots=True)
class GroupModulation:
    """Fundamental amplitude of a group over that of sharp bars of the same contrast."""

    group: LinePairGroup
    modulation: float
    u: float


def line_pairs(volume: Volume, pose: Pose, spec: PhantomSpec) -> Part:
    """Return the modulation of each group relative to the first, and where it falls to 50/30/10 %.

    A profile along the bars (cubic interpolation, mean over their depth and over every slice that
    shows them, so that a tilt, which spreads the thin bars over slices unevenly, weighs all
    groups alike); a circular gauge is first turned, by up to 8 degrees, until it matches. In each
    group a sinusoid at its frequency is fitted over the whole cycles between the first and the
    last bar, and its amplitude divided by that of the same fit to perfectly sharp bars. Groups
    beyond the pixels' Nyquist frequency are left out.
    """
    part, lp = Part(), spec.line_pairs
    near = volume.within(pose.s_mm(lp.offset_mm - SEARCH_MM), pose.s_mm(lp.offset_mm + SEARCH_MM))
    look = probe(lp)
    signals = [look.amplitude(volume, pose, i) for i in near]
    slices = [i for i, v in zip(near, signals, strict=True) if v >= _SHOWN * max(signals)]
    best = near[int(np.argmax(signals))]
    ring = _ring(volume, pose, slices, lp)
    turn = _turn(ring, lp) if lp.circular else 0.0
    turned = pose.moved(roll_deg=pose.roll_deg + pose.sense * turn)
    noise = _noise(ring, lp, turn)
    nyquist = 1 / (2 * max(volume.spacing_mm))
    groups = [g for g in lp.groups if g.lp_per_mm < nyquist]
    found = _modulations(volume, turned, slices, lp, groups, noise=noise)
    first = found[0].modulation if found else 0.0
    if first <= 0 or len(found) < 2:
        part.warnings.append("rMTF not measured: the first line-pair group shows no bars.")
        return part
    f = [m.group.lp_per_mm for m in found]
    relative = [m.modulation / first for m in found]
    u = [math.hypot(m.u, r * found[0].u) / first for m, r in zip(found, relative, strict=True)]
    for level in _LEVELS:
        crossing = falls_to(np.array(f), np.array(relative), level)
        if crossing is None:
            part.warnings.append(
                f"rMTF {level:.0%} not measured: the modulation does not fall to it below "
                f"{f[-1]:.2f} mm⁻¹."
            )
            continue
        at, slope, k = crossing
        part.values[f"rmtf{level * 100:.0f}"] = quantity(
            at, "1/mm", max(u[k], u[k + 1]) / abs(slope)
        )
    part.curves.append(
        Curve("rMTF (relative to the first group)", tuple(f), tuple(relative),
              "Line pairs", "1/mm", "Relative modulation", "1", tuple(u))
    )  # fmt: skip
    part.regions += [_shown(volume, turned, best, g.group, lp) for g in found]
    part.facts["line_pair_slice"] = volume.order[best]
    part.facts["line_pair_turn_deg"] = round(turn, 2)
    return part


def _ring(volume: Volume, pose: Pose, slices: list[int], lp: LinePairs) -> Array:
    """Return the profile round the circle of the bars, in the phantom's own angles."""
    x, y = polar_arrays(lp.radius_mm, np.arange(0, 360, _STEP_DEG))
    rings = [volume.read(i, *pose.place(x, y, float(volume.s_mm[i]))) for i in slices]
    found: Array = np.mean(rings, axis=0)
    return found


def _turn(ring: Array, lp: LinePairs) -> float:
    """Return the module's rotation from the inserts, degrees, by matching the bars all round."""
    angles = np.arange(0, 360, _STEP_DEG)
    mask = np.zeros(len(angles))
    for group in lp.groups:
        half = math.degrees(1 / (4 * group.lp_per_mm) / lp.radius_mm)
        for bar in _bars_deg(group, lp):
            mask[np.abs((angles - bar + 180) % 360 - 180) <= half] = 1
    # Contrast clipped to half its range, so that the sharp strong groups do not decide alone.
    level: Array = np.clip(ring - np.median(ring), 0, 0.5 * float(np.percentile(ring, 98)))
    match = np.fft.irfft(
        np.fft.rfft(level - level.mean()) * np.conj(np.fft.rfft(mask - mask.mean())), n=len(angles)
    )
    shift = (angles + 180) % 360 - 180
    match[np.abs(shift) > _MOST_TURN_DEG] = -np.inf
    at = int(np.argmax(match))
    before, here, after = match[at - 1], match[at], match[(at + 1) % len(match)]
    bend = before - 2 * here + after
    fine = 0.5 * (before - after) / bend if np.isfinite(bend) and bend else 0.0
    return float((at + fine) * _STEP_DEG + 180) % 360 - 180


def _bars_deg(group: LinePairGroup, lp: LinePairs) -> Array:
    pitch = math.degrees(1 / group.lp_per_mm / lp.radius_mm)
    found: Array = (
        group.angle_deg + (np.arange(group.bars, dtype=np.float64) - (group.bars - 1) / 2) * pitch
    )
    return found


def _noise(ring: Array, lp: LinePairs, turn: float) -> float:
    """Return the noise of the profile where there are no bars: half the circle of a straight gauge."""
    angles = np.arange(0, 360, _STEP_DEG)
    clear = np.ones(len(angles), dtype=bool)
    for group in lp.groups:
        middle = math.degrees((group.along_mm or 0.0) / lp.radius_mm)
        half = math.degrees(group.bars / 2 / group.lp_per_mm / lp.radius_mm) + 3
        away = np.abs((angles - turn - group.angle_deg - middle + 180) % 360 - 180)
        clear &= away > half
    if clear.sum() <= 20:
        return 0.0
    # Bars that the description does not know are no noise: the quieter differences decide.
    steps = np.abs(np.diff(ring[clear]))
    return float(np.median(steps)) / 0.6745 / math.sqrt(2) if len(steps) else 0.0


def _modulations(
    volume: Volume,
    pose: Pose,
    slices: list[int],
    lp: LinePairs,
    groups: list[LinePairGroup],
    *,
    noise: float,
) -> list[GroupModulation]:
    """Return each group's modulation, all groups read in one go a slice."""
    alongs = []
    for group in groups:
        half = (group.bars - 1) / group.lp_per_mm / 2
        alongs.append(np.arange(-half, half, _ALONG_MM))
    depth = (_DEPTHS * lp.half_depth_mm)[:, None]
    places = [lp.place(g, a[None, :], depth) for g, a in zip(groups, alongs, strict=True)]
    x, y = (np.concatenate([p[k] for p in places], axis=1) for k in (0, 1))
    read = [
        volume.read_smooth(i, *pose.place(x, y, float(volume.s_mm[i]))).mean(axis=0) for i in slices
    ]
    values = np.split(np.mean(read, axis=0), np.cumsum([len(a) for a in alongs])[:-1])
    return [_modulation(g, a, v, noise) for g, a, v in zip(groups, alongs, values, strict=True)]


def _modulation(group: LinePairGroup, along: Array, values: Array, noise: float) -> GroupModulation:
    pitch = 1 / group.lp_per_mm
    bars = (np.arange(group.bars) - (group.bars - 1) / 2) * pitch
    sharp = (np.abs(along[:, None] - bars) <= pitch / 4).any(axis=1).astype(np.float64)
    phase = 2 * np.pi * group.lp_per_mm * along
    design = np.column_stack([np.cos(phase), np.sin(phase), np.ones_like(along), along])
    fit, *_ = np.linalg.lstsq(design, np.column_stack([values, sharp]), rcond=None)
    amplitude, ideal = np.hypot(fit[0], fit[1])
    # Noise is independent over about a millimetre; a sinusoid's amplitude has 2 / n of its variance.
    independent = max(2.0, float(along[-1] - along[0]))
    return GroupModulation(
        group, float(amplitude / ideal), noise * math.sqrt(2 / independent) / float(ideal)
    )


def falls_to(f: Array, values: Array, level: float) -> tuple[float, float, int] | None:
    """Return where a falling curve first crosses a level, its slope there, and the point before."""
    below = np.flatnonzero(values < level)
    if not len(below) or below[0] == 0:
        return None
    k = int(below[0]) - 1
    slope = float((values[k + 1] - values[k]) / (f[k + 1] - f[k]))
    return float(f[k] + (level - values[k]) / slope), slope, k


def _shown(volume: Volume, pose: Pose, index: int, group: LinePairGroup, lp: LinePairs) -> Region:
    half, depth = group.bars / group.lp_per_mm / 2, lp.half_depth_mm
    x, y = lp.place(group, np.array([-half, half, half, -half]), np.array([-1, -1, 1, 1]) * depth)
    px, py = pose.place(x, y, float(volume.s_mm[index]))
    corners = [(float(a), float(b)) for a, b in zip(px, py, strict=True)]
    return shape(volume, index, "polygon", f"{group.lp_per_mm:g} mm⁻¹", corners)
