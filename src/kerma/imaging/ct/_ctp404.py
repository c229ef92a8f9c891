"""Find the insert module (CTP404) of a CatPhan in single slices, and prove it is that."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError
from kerma.imaging.ct._module import Placing, Slices, wrong
from kerma.imaging.phantoms._describe import load_spec
from kerma.imaging.phantoms._spec import Insert, Sensitometry, polar
from kerma.imaging.tools.regions import Disc
from kerma.imaging.tools.rods import Rod, find_rods

Array = npt.NDArray[np.floating[Any]]

MODULE = "CTP404"
# An insert found is taken for the one of the description it lies nearest to, within this.
_NEAR_MM = 2.5
_LEAST_MATCHED = 5
# The ring fits itself at several turns; the contrasts of the rods tell which is right.
_LEAST_CORRELATION = 0.9
# Largest departure of an insert from its nominal CT number after scale and offset are fitted: as
# for the whole phantom. 20 and 50 % bone, which tell the 604 apart, are 130 and 600 HU off.
_IDENTITY_HU = 110.0
_SCALE_RANGE = (0.6, 1.4)
_WIDEST_GAP_DEG = 50.0
# Air that reads no lower is a vial of water or something else.
_AIR_HU = -800.0


def description() -> Sensitometry:
    """Return the description of the module as it lies in a CatPhan 504."""
    return load_spec("catphan504").sensitometry


def is_air(insert: Insert) -> bool:
    """Return whether an insert is a hole."""
    return insert.nominal_hu <= _AIR_HU


def find(slices: Slices) -> Placing:
    """Return how the module lies, from the inserts that stand out of the mean slice.

    Every pair of rods found is laid on every pair of inserts as far apart, seen from either end;
    the placing that brings most rods to inserts is refined on all of them (least squares, no
    scale). No angle is taken for granted.

    Raises
    ------
    InputError
        Code ``wrong-phantom``.
    """
    rods = find_rods(slices.mean(), slices.pixel_mm)
    best = _best(rods, slices.pixel_mm)
    if best is None:
        raise wrong(
            MODULE,
            f"its ring of eight inserts was not found ({len(rods)} rods stand out of the slices). "
            "It may be another module or phantom.",
        )
    return best


def _best(rods: Sequence[Rod], pixel_mm: float) -> Placing | None:
    inserts = description().inserts
    seen = np.array([complex(r.x, r.y) * pixel_mm for r in rods])
    contrast = np.array([r.contrast_hu for r in rods])
    expected = np.array([i.nominal_hu for i in inserts])
    best: tuple[int, float] = (0, 0.0)
    placing: Placing | None = None
    for sense in (1, -1):
        nominal = np.array([complex(sense * i.xy_mm[0], i.xy_mm[1]) for i in inserts])
        for a in range(len(seen)):
            for b in range(len(seen)):
                for turn, shift in _candidates(seen, nominal, a, b):
                    matched, off = _matched(seen, turn * nominal + shift)
                    score = (len(matched), -off)
                    if len(matched) < _LEAST_MATCHED or score <= best:
                        continue
                    if _alike(contrast, expected, matched) > _LEAST_CORRELATION:
                        best = score
                        placing = _refined(seen, nominal, matched, sense, pixel_mm)
    return placing


def _alike(contrast: Array, expected: Array, matched: Sequence[tuple[int, int]]) -> float:
    """Return the correlation of the rods' contrasts with the inserts'; one hole may be filled."""
    holes = [k for k, (_, i) in enumerate(matched) if expected[i] <= _AIR_HU]
    best = -1.0
    for left_out in (None, *holes):
        pairs = [pair for k, pair in enumerate(matched) if k != left_out]
        seen = contrast[[r for r, _ in pairs]]
        best = max(best, float(np.corrcoef(seen, expected[[i for _, i in pairs]])[0, 1]))
    return best


def _candidates(
    seen: npt.NDArray[np.complex128], nominal: npt.NDArray[np.complex128], a: int, b: int
) -> list[tuple[complex, complex]]:
    """Return the placings (turn, shift) that bring two inserts to two rods."""
    if a >= b:
        return []
    apart = seen[b] - seen[a]
    found = []
    for i in range(len(nominal)):
        for j in range(len(nominal)):
            other = nominal[j] - nominal[i]
            if i != j and abs(abs(other) - abs(apart)) < _NEAR_MM:
                turn = complex(apart / other)
                turn /= abs(turn)
                shift = (seen[a] + seen[b]) / 2 - turn * (nominal[i] + nominal[j]) / 2
                found.append((turn, complex(shift)))
    return found


def _matched(
    seen: npt.NDArray[np.complex128], placed: npt.NDArray[np.complex128]
) -> tuple[list[tuple[int, int]], float]:
    """Return (rod, insert) pairs that lie near, and their mean distance."""
    away = np.abs(seen[:, None] - placed[None, :])
    nearest = away.argmin(axis=0)
    pairs = [(int(r), i) for i, r in enumerate(nearest) if away[r, i] < _NEAR_MM]
    return pairs, float(np.mean([away[r, i] for r, i in pairs])) if pairs else math.inf


def _refined(
    seen: npt.NDArray[np.complex128],
    nominal: npt.NDArray[np.complex128],
    matched: Sequence[tuple[int, int]],
    sense: int,
    pixel_mm: float,
) -> Placing:
    source = np.array([nominal[i] for _, i in matched])
    target = np.array([seen[r] for r, _ in matched])
    turn = complex(np.vdot(source - source.mean(), target - target.mean()))
    turn /= abs(turn)
    shift = complex(target.mean() - turn * source.mean())
    left = target - turn * source - shift
    # Three of the 2 n coordinates go into roll and middle.
    scatter = math.sqrt(float(np.sum(np.abs(left) ** 2)) / (2 * len(source) - 3))
    spread = math.sqrt(float(np.sum(np.abs(source - source.mean()) ** 2)))
    shift /= pixel_mm
    return Placing(
        shift.real,
        shift.imag,
        math.degrees(cmath.phase(turn)),
        sense < 0,
        pixel_mm,
        math.degrees(scatter / spread),
    )


def identify(slices: Slices, placing: Placing) -> str:
    """Return what shows that these are the inserts of the module, or refuse.

    The inserts of every slice must fit their nominal CT numbers within 110 HU after scale and
    offset have been fitted, and the gaps between them must be bare.

    Raises
    ------
    InputError
        Codes ``wrong-phantom``, ``phantom-cut-off``.
    """
    for index in slices.order:
        _require_inserts(slices.images[index].pixels, placing, index)
    seen = "from the other end" if placing.mirrored else "as described"
    return f"the eight inserts of {MODULE} in {len(slices.order)} slice(s), {seen}"


def _require_inserts(pixels: Array, placing: Placing, index: int) -> None:
    sens = description()

    def level(x_mm: float, y_mm: float, radius_mm: float = 3.0) -> float:
        x, y = placing.place(x_mm, y_mm)
        room = min(x, y, pixels.shape[1] - 1 - x, pixels.shape[0] - 1 - y)
        if room < radius_mm / placing.pixel_mm:
            raise InputError(
                f"Part of the ring of inserts of {MODULE} lies outside the image. Reconstruct a "
                "larger field of view.",
                code="phantom-cut-off",
            )
        return Disc(x, y, radius_mm / placing.pixel_mm).moments(pixels.astype(float)).mean

    solid = [i for i in sens.inserts if not is_air(i)]
    holes = [i for i in sens.inserts if is_air(i)]
    air = [level(*i.xy_mm) for i in holes]
    found = np.array([*(level(*i.xy_mm) for i in solid), min(air)])
    nominal = np.array([*(i.nominal_hu for i in solid), holes[0].nominal_hu])
    slope, offset = np.polyfit(nominal, found, 1)
    away = np.abs(found - offset - slope * nominal)
    names = [*(i.material for i in solid), "air"]
    worst = int(np.argmax(away))
    if not _SCALE_RANGE[0] < slope < _SCALE_RANGE[1] or away[worst] > _IDENTITY_HU:
        raise wrong(
            MODULE,
            f"in image {index + 1} the place of the {names[worst]} reads {found[worst]:.0f} HU, "
            f"{away[worst]:.0f} HU from what fits the others.",
        )
    bare = [level(*polar(sens.inserts[0].radius_mm, a)) for a in _gaps(sens)]
    for angle, value in zip(_gaps(sens), bare, strict=True):
        if abs(value - float(np.median(bare))) > _IDENTITY_HU:
            raise wrong(
                MODULE,
                f"in image {index + 1} there is another insert ({value:.0f} HU) at {angle:.0f} "
                "degrees, as in the insert module of a CatPhan 604.",
            )


def _gaps(sens: Sensitometry) -> list[float]:
    """Return the middles of the gaps wide enough to show the bare plastic."""
    angles = sorted(i.angle_deg % 360 for i in sens.inserts)
    pairs = zip(angles, [*angles[1:], angles[0] + 360], strict=True)
    return [(a + b) / 2 % 360 for a, b in pairs if b - a >= _WIDEST_GAP_DEG]
