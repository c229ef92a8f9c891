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
from kerma.imaging.phantoms._locate import bar_signal
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._spec import LinePairGroup, LinePairs, PhantomSpec, polar
from kerma.imaging.phantoms._volume import Volume, mean_of

Array = npt.NDArray[np.float64]

_STEP_DEG = 0.1
_SEARCH_MM = 8.0
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

    A profile along the circle of the bars (cubic interpolation, mean over their depth and over
    every slice that shows them, so that a tilt, which spreads the thin bars over slices unevenly,
    weighs all groups alike) is turned until it matches the groups; in each group a sinusoid at
    its frequency is fitted over the whole cycles between the first and the last bar, and its
    amplitude divided by that of the same fit to perfectly sharp bars. Groups beyond the pixels'
    Nyquist frequency are left out.
    """
    part, lp = Part(), spec.line_pairs
    near = volume.within(pose.s_mm(lp.offset_mm - _SEARCH_MM), pose.s_mm(lp.offset_mm + _SEARCH_MM))
    signals = [bar_signal(volume, pose, i, spec) for i in near]
    slices = [i for i, v in zip(near, signals, strict=True) if v >= _SHOWN * max(signals)]
    best = near[int(np.argmax(signals))]
    profile = _profile(volume, pose, slices, lp)
    turn = _turn(profile, lp)
    nyquist = 1 / (2 * max(volume.spacing_mm))
    noise = _noise(profile, lp, turn)
    found = [_modulation(profile, g, lp, turn, noise) for g in lp.groups if g.lp_per_mm < nyquist]
    first = found[0].modulation if found else 0.0
    if first <= 0 or len(found) < 2:
        part.warnings.append("rMTF not measured: the first line-pair group shows no bars.")
        return part
    f = [m.group.lp_per_mm for m in found]
    relative = [m.modulation / first for m in found]
    u = [m.u / first for m in found]
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
    part.regions += [_shown(volume, pose, best, g.group, lp=lp, turn=turn) for g in found]
    part.facts["line_pair_slice"] = volume.order[best]
    part.facts["line_pair_turn_deg"] = round(turn, 2)
    return part


def _profile(volume: Volume, pose: Pose, slices: list[int], lp: LinePairs) -> Array:
    """Return the profile round the circle of the bars, in the phantom's own angles."""
    angle = np.radians(np.arange(0, 360, _STEP_DEG))
    depths = lp.radius_mm + np.linspace(-lp.half_depth_mm, lp.half_depth_mm, 5)
    x, y = np.outer(depths, np.cos(angle)), np.outer(depths, np.sin(angle))
    return mean_of(
        volume.read_smooth(i, *pose.place(x, y, float(volume.s_mm[i]))).mean(axis=0) for i in slices
    )


def _turn(profile: Array, lp: LinePairs) -> float:
    """Return the module's rotation from the inserts, degrees, by matching the bars all round."""
    angles = np.arange(0, 360, _STEP_DEG)
    mask = np.zeros(len(angles))
    for group in lp.groups:
        for bar in _bars_deg(group, lp):
            half = math.degrees(1 / (4 * group.lp_per_mm) / lp.radius_mm)
            mask[np.abs((angles - bar + 180) % 360 - 180) <= half] = 1
    # Contrast clipped to half its range, so that the sharp strong groups do not decide alone.
    level: Array = np.clip(profile - np.median(profile), 0, 0.5 * float(np.percentile(profile, 98)))
    match = np.fft.irfft(
        np.fft.rfft(level - level.mean()) * np.conj(np.fft.rfft(mask - mask.mean())), n=len(angles)
    )
    at = int(np.argmax(match))
    before, here, after = match[at - 1], match[at], match[(at + 1) % len(match)]
    bend = before - 2 * here + after
    fine = 0.5 * (before - after) / bend if bend else 0.0
    return float((at + fine) * _STEP_DEG + 180) % 360 - 180


def _bars_deg(group: LinePairGroup, lp: LinePairs) -> Array:
    pitch = math.degrees(1 / group.lp_per_mm / lp.radius_mm)
    found: Array = (
        group.angle_deg + (np.arange(group.bars, dtype=np.float64) - (group.bars - 1) / 2) * pitch
    )
    return found


def _noise(profile: Array, lp: LinePairs, turn: float) -> float:
    """Return the noise of the profile where there are no bars."""
    angles = np.arange(0, 360, _STEP_DEG)
    clear = np.ones(len(angles), dtype=bool)
    for group in lp.groups:
        half = math.degrees(group.bars / 2 / group.lp_per_mm / lp.radius_mm) + 3
        clear &= np.abs((angles - turn - group.angle_deg + 180) % 360 - 180) > half
    return float(np.std(profile[clear])) if clear.sum() > 20 else 0.0


def _modulation(
    profile: Array, group: LinePairGroup, lp: LinePairs, turn: float, noise: float
) -> GroupModulation:
    angles = np.arange(0, 360, _STEP_DEG)
    bars = _bars_deg(group, lp)
    # Whole cycles between the first and the last bar, along the circle.
    u = np.arange(bars[0], bars[-1], _STEP_DEG / 4)
    along = np.radians(u - group.angle_deg) * lp.radius_mm
    values = np.interp((u + turn) % 360, angles, profile, period=360)
    quarter = math.degrees(1 / (4 * group.lp_per_mm) / lp.radius_mm)
    sharp = (np.abs(u[:, None] - bars[None, :]) <= quarter).any(axis=1).astype(float)
    ideal = _amplitude(along, sharp, group.lp_per_mm)
    cycles_mm = float(along[-1] - along[0])
    # Noise is independent over about one pixel; amplitude of a sinusoid has 2 / n of its variance.
    independent = max(2.0, cycles_mm)
    return GroupModulation(
        group,
        _amplitude(along, values, group.lp_per_mm) / ideal,
        noise * math.sqrt(2 / independent) / ideal,
    )


def _amplitude(x_mm: Array, values: Array, frequency: float) -> float:
    """Return the amplitude of the sinusoid of one frequency, beside a straight line."""
    phase = 2 * np.pi * frequency * x_mm
    design = np.column_stack([np.ones_like(x_mm), x_mm, np.cos(phase), np.sin(phase)])
    fit, *_ = np.linalg.lstsq(design, values, rcond=None)
    return float(np.hypot(fit[2], fit[3]))


def falls_to(f: Array, values: Array, level: float) -> tuple[float, float, int] | None:
    """Return where a falling curve first crosses a level, its slope there, and the point before."""
    below = np.flatnonzero(values < level)
    if not len(below) or below[0] == 0:
        return None
    k = int(below[0]) - 1
    slope = float((values[k + 1] - values[k]) / (f[k + 1] - f[k]))
    return float(f[k] + (level - values[k]) / slope), slope, k


def _shown(
    volume: Volume, pose: Pose, index: int, group: LinePairGroup, *, lp: LinePairs, turn: float
) -> Region:
    half = math.degrees(group.bars / 2 / group.lp_per_mm / lp.radius_mm)
    at = group.angle_deg + turn
    corners = [
        (lp.radius_mm - lp.half_depth_mm, at - half),
        (lp.radius_mm - lp.half_depth_mm, at + half),
        (lp.radius_mm + lp.half_depth_mm, at + half),
        (lp.radius_mm + lp.half_depth_mm, at - half),
    ]
    s = float(volume.s_mm[index])
    places = [pose.place(*polar(r, a), s) for r, a in corners]
    return shape(volume, index, "polygon", f"{group.lp_per_mm:g} mm⁻¹", places)
