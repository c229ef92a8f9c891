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
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._spec import LinePairGroup, LinePairs, PhantomSpec, polar_arrays

Array = npt.NDArray[np.float64]

_STEP_DEG = 0.2
# The bars of a group are 2 mm thick and not all in one plane: on a public series half a millimetre
# apart, so that every second slice alone makes rMTF 50 % differ by a fifth.
_GAP = 1.25
_MOST_TURN_DEG = 8.0
_ALONG_MM = 0.08
_DEPTHS = np.linspace(-1.0, 1.0, 5)
# A slice shows bars from this share of the strongest slice's contrast on.
_SHOWN = 0.05
_LEVELS = (0.5, 0.3, 0.1)
# Half the extent of the bars along the axis (recalled 2 mm in all, with room).
_BAR_HALF_MM = 1.2
# Inside of the bars the gauge module is plain: a circle there tells the noise.
_PLAIN_SHARE, _PLAIN_STEP_MM = 0.65, 0.16


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
    groups alike, which slices with gaps between them would not: then nothing is measured); a
    circular gauge is first turned, by up to 8 degrees, until it matches. In each
    group a sinusoid at its frequency is fitted over the whole cycles between the first and the
    last bar, and its amplitude divided by that of the same fit to perfectly sharp bars. Groups
    beyond the pixels' Nyquist frequency are left out.
    """
    part, lp = Part(), spec.line_pairs
    if volume.thickness_mm is not None and volume.increment_mm > _GAP * volume.thickness_mm:
        part.warnings.append(
            f"rMTF not measured: there are gaps between the slices ({volume.thickness_mm:.2f} mm, "
            f"{volume.increment_mm:.2f} mm apart), which may hold some of the bars. Scan without "
            "gaps."
        )
        return part
    near = volume.within(pose.s_mm(lp.offset_mm - SEARCH_MM), pose.s_mm(lp.offset_mm + SEARCH_MM))
    look = probe(lp)
    signals = [look.amplitude(volume, pose, i) for i in near]
    slices = _showing(volume, pose, near, np.array(signals), lp)
    best = near[int(np.argmax(signals))]
    ring = _ring(volume, pose, slices, lp)
    turn = _turn(ring, lp) if lp.circular else 0.0
    turned = pose.moved(roll_deg=pose.roll_deg + pose.sense * turn)
    nyquist = 1 / (2 * max(volume.spacing_mm))
    groups = [g for g in lp.groups if g.lp_per_mm < nyquist]
    plain = _plain(volume, pose, slices, lp)
    found = _modulations(volume, turned, slices, lp, groups, plain=plain)
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


def _showing(
    volume: Volume, pose: Pose, near: list[int], signals: Array, lp: LinePairs
) -> list[int]:
    """Return every slice that shows a bar somewhere.

    Those that show the first groups, and those that the lean of the phantom makes show bars on the
    other side of it.
    """
    s = volume.s_mm[near]
    middle = float((s * signals**2).sum() / (signals**2).sum())
    lean = lp.radius_mm * math.hypot(pose.axis.slope_x, pose.axis.slope_y)
    half = (volume.thickness_mm or volume.increment_mm) / 2 + _BAR_HALF_MM + lean
    shown = (signals >= _SHOWN * signals.max()) | (np.abs(s - middle) <= half)
    return [i for i, keep in zip(near, shown, strict=True) if keep]


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
            ends = math.ceil((bar - half) / _STEP_DEG), math.floor((bar + half) / _STEP_DEG)
            mask[np.arange(ends[0], ends[1] + 1) % len(mask)] = 1
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


def _plain(volume: Volume, pose: Pose, slices: list[int], lp: LinePairs) -> Array:
    """Return the profile round a circle inside the gauge, where there is nothing but noise."""
    radius = _PLAIN_SHARE * lp.radius_mm
    angle = np.arange(0, 360, math.degrees(_PLAIN_STEP_MM / radius))
    depth = np.linspace(-1, 1, 3)[:, None] * lp.half_depth_mm
    x, y = polar_arrays(radius + depth, angle[None, :])
    rings = [volume.read_smooth(i, *pose.place(x, y, float(volume.s_mm[i]))) for i in slices]
    found: Array = np.mean(rings, axis=(0, 1))
    return found


def _modulations(
    volume: Volume,
    pose: Pose,
    slices: list[int],
    lp: LinePairs,
    groups: list[LinePairGroup],
    *,
    plain: Array,
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
    return [_modulation(g, a, v, plain) for g, a, v in zip(groups, alongs, values, strict=True)]


def _modulation(group: LinePairGroup, along: Array, values: Array, plain: Array) -> GroupModulation:
    pitch = 1 / group.lp_per_mm
    bars = (np.arange(group.bars) - (group.bars - 1) / 2) * pitch
    sharp = (np.abs(along[:, None] - bars) <= pitch / 4).any(axis=1).astype(np.float64)
    fit, *_ = np.linalg.lstsq(_sinusoid(group, along), np.column_stack([values, sharp]), rcond=None)
    amplitude, ideal = np.hypot(fit[0], fit[1])
    return GroupModulation(
        group, float(amplitude / ideal), _noise(group, along, plain) / float(ideal)
    )


def _sinusoid(group: LinePairGroup, along: Array) -> Array:
    """Return the design of the fit: cosine, sine, level and slope."""
    phase = 2 * np.pi * group.lp_per_mm * along
    return np.column_stack([np.cos(phase), np.sin(phase), np.ones_like(along), along])


def _noise(group: LinePairGroup, along: Array, plain: Array) -> float:
    """Return what noise adds to an amplitude: the same fit all round a circle without bars."""
    length = float(along[-1] - along[0])
    count = max(8, round(length / _PLAIN_STEP_MM) + 1)
    u = np.linspace(-length / 2, length / 2, count)
    both = np.linalg.pinv(_sinusoid(group, u))[:2]
    starts = np.arange(0, len(plain), max(1, count // 4))
    windows = plain[(starts[:, None] + np.arange(count)) % len(plain)]
    parts = np.einsum("wp,sp->ws", both, windows)
    return math.sqrt(float(np.mean(parts**2)))


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
