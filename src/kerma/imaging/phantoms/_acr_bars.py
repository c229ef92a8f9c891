"""The line-pair squares of module 4, relative to the coarsest.

rMTF: amplitude of the bars' fundamental over that of the first group. It comes from a few cycles
and from bars of one height, and is for constancy; it is not an IEC 62220-1 or wire MTF.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.core import Curve, Region, quantity
from kerma.imaging.phantoms._acr_locate import bar_signal as stands_out
from kerma.imaging.phantoms._acr_spec import AcrSpec, BarGroup
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._patch import pixels_of
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._spec import polar
from kerma.imaging.tools.bars import BarSignal, bar_signal, falls_to

Array = npt.NDArray[np.float64]

_LEVELS = (0.5, 0.3, 0.1)
_SHARE_OF_SIDE = 0.48
_ORIENTED = 3


@dataclass(frozen=True, slots=True)
class _Patch:
    group: BarGroup
    x: Array
    y: Array
    values: Array


def line_pairs(volume: Volume, pose: Pose, spec: AcrSpec) -> Part:
    """Return the modulation of each group relative to the first, and where it falls.

    To 50, 30 and 10 %; and the finest group that stands out from noise with every coarser one. The
    mean of the slices that lie wholly inside the bars. Which way the bars run is found in the
    three coarsest groups: the same way everywhere, or turned with the square's place.
    """
    part, bars = Part(), spec.bars
    slices = _whole(volume, pose, spec)
    if not slices:
        part.warnings.append("rMTF not measured: no slice lies wholly inside the bars of module 4.")
        return part
    # Close to the Nyquist frequency the modulation depends on where the pixels fall.
    finest = 0.95 / (2 * max(volume.spacing_mm))
    patches = [_patch(volume, pose, slices, spec, g) for g in bars.groups if g.lp_per_mm < finest]
    turned = _which_way(patches, spec)
    found = [
        _signal(p, spec, None if turned is None else turned[0] + turned[1] * p.group.angle_deg)
        for p in patches
    ]
    if len(found) < 2 or turned is None or not found[0].seen:
        part.warnings.append("rMTF not measured: the coarsest groups of module 4 show no bars.")
        return part
    part.add(_relative(patches, found))
    shown = slices[len(slices) // 2]
    part.regions += [_region(volume, pose, shown, spec, p.group) for p in patches]
    part.facts["line_pair_slices"] = [volume.order[i] for i in slices]
    part.facts["bars_across_deg"] = [round(f.across_deg, 1) for f in found]
    return part


def _whole(volume: Volume, pose: Pose, spec: AcrSpec) -> list[int]:
    # A tilted slice meets the squares at different Z.
    lean = math.hypot(pose.axis.slope_x, pose.axis.slope_y)
    margin = (volume.thickness_mm or volume.increment_mm) / 2 + lean * spec.bars.radius_mm
    low, high = spec.bars.z_mm
    inside = volume.within(pose.s_mm(low + margin), pose.s_mm(high - margin))
    first, last = pose.axis.span_mm
    there = [i for i in inside if first <= volume.s_mm[i] <= last]
    signals = [stands_out(volume, pose, i, spec) for i in there]
    strongest = max(signals, default=0.0)
    return [i for i, v in zip(there, signals, strict=True) if v > 0.9 * strongest]


def _patch(volume: Volume, pose: Pose, slices: list[int], spec: AcrSpec, group: BarGroup) -> _Patch:
    """Return the pixels around a square in all slices, at their places in the phantom's frame.

    The pixels as they are: interpolation would take modulation away near the Nyquist frequency.
    """
    reach = spec.bars.side_mm / 2
    middle = polar(spec.bars.radius_mm, group.angle_deg)
    return _Patch(group, *pixels_of(volume, pose, slices, middle, reach))


def _signal(patch: _Patch, spec: AcrSpec, across_deg: float | None) -> BarSignal:
    return bar_signal(
        patch.x,
        patch.y,
        patch.values,
        radius_mm=_SHARE_OF_SIDE * spec.bars.side_mm,
        per_mm=patch.group.lp_per_mm,
        across_deg=across_deg,
    )


def _which_way(patches: list[_Patch], spec: AcrSpec) -> tuple[float, float] | None:
    """Return (start, turn): bars run across start + turn x place angle; ``None`` if not seen."""
    free = [(p, _signal(p, spec, None)) for p in patches[:_ORIENTED]]
    seen = [(p.group.angle_deg, f.across_deg) for p, f in free if f.seen]
    if not seen:
        return None
    best: tuple[float, float, float] | None = None
    for turn in (0.0, 1.0):
        # Directions across bars repeat after half a turn: average on the doubled angle.
        double = [math.radians(2 * (across - turn * angle)) for angle, across in seen]
        mean = complex(np.mean(np.exp(1j * np.array(double))))
        start = math.degrees(math.atan2(mean.imag, mean.real)) / 2
        if best is None or abs(mean) > best[0] + 0.02:
            best = (abs(mean), start, turn)
    assert best is not None
    return best[1], best[2]


def _relative(patches: list[_Patch], found: list[BarSignal]) -> Part:
    part = Part()
    f = np.array([p.group.lp_per_mm for p in patches])
    first = found[0]
    relative = np.array([v.amplitude / first.amplitude for v in found])
    u = np.array([math.hypot(v.u, r * first.u) for v, r in zip(found, relative, strict=True)])
    u = u / first.amplitude
    for level in _LEVELS:
        crossing = falls_to(f, relative, u, level)
        if crossing is None:
            part.warnings.append(
                f"rMTF {level:.0%} not measured: the modulation does not fall to it below "
                f"{f[-1]:.2f} mm⁻¹."
            )
            continue
        part.values[f"rmtf{level * 100:.0f}"] = quantity(crossing[0], "1/mm", crossing[1])
    seen = 0
    while seen < len(found) and found[seen].seen:
        seen += 1
    part.values["limiting_line_pairs"] = quantity(float(f[seen - 1]), "1/mm")
    part.curves.append(
        Curve("rMTF (relative to the first group)", tuple(f.tolist()), tuple(relative.tolist()),
              "Line pairs", "1/mm", "Relative modulation", "1", tuple(u.tolist()))
    )  # fmt: skip
    return part


def _region(volume: Volume, pose: Pose, index: int, spec: AcrSpec, group: BarGroup) -> Region:
    mx, my = polar(spec.bars.radius_mm, group.angle_deg)
    reach = _SHARE_OF_SIDE * spec.bars.side_mm
    x, y = pose.place(mx, my, float(volume.s_mm[index]))
    name = f"{group.lp_per_mm:g} mm⁻¹"
    return shape(
        volume, index, "circle", name, [(float(x), float(y)), (float(x) + reach, float(y))]
    )
