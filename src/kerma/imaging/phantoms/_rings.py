"""The ring of inserts: where along the scan it is, how it is rolled, and whose it is.

The profile along the circle the inserts stand on is compared with what every known model would
show there, seen from either end and at every roll, all slices and models at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.imaging.phantoms._grid import Volume, read_discs
from kerma.imaging.phantoms._outline import Axis
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._spec import SCALES, Insert, PhantomSpec, Sensitometry

Array = npt.NDArray[np.float64]

_SAMPLES = 360
_STEP_MM = 2.0
_DEPTHS_MM = (-2.0, 0.0, 2.0)
_BODY_HU = 100.0  # the modules' plastic; only the shape of a profile matters
_WATER_HU = 0.0
# Correlation of a ring profile with the expected one. The right module reaches 0.95 and more, a
# uniform or bar-pattern slice stays under 0.5.
LEAST_CORRELATION = 0.75
# Largest departure of an insert from its nominal CT number after the scale has been fitted, and of
# the bare parts of the ring. The inserts that tell the models apart differ from what is there
# instead by 130 HU (20 % bone) and 600 HU (50 % bone), on a density scale by 200 HU (50 % bone);
# cone-beam shading and streaks stay within 100 HU.
TOLERANCE_HU = 140.0
_DENSITY_TOLERANCE_HU = 110.0
_SCALE_RANGE = (0.5, 1.5)
# What makes a match hopeless, besides departures.
CUT, ODD_SCALE = "an insert outside of the field of view", "the CT number scale"
# Between inserts the ring is bare: what stands out from it over this length is no noise.
_CLEAR_MM = 3.0
_SMOOTH_MM = 6.0


@dataclass(frozen=True, slots=True)
class Match:
    """The best position of one model's ring of inserts in the series.

    Attributes
    ----------
    key
        The model.
    correlation
        Of the ring's profile with the expected one.
    roll_deg, turned, origin_mm
        Where it is, roughly.
    slices
        The middle half of the slices that show it.
    departure_hu, where
        Largest departure from the expected materials, and its place.
    scale, slope, offset_hu
        The scale the materials fit best, and the line through them.
    """

    key: str
    correlation: float
    roll_deg: float
    turned: bool
    origin_mm: float
    slices: tuple[int, ...]
    departure_hu: float
    where: str
    scale: str
    slope: float
    offset_hu: float

    @property
    def fits(self) -> bool:
        """Return whether every insert is there and nothing else."""
        usual = self.scale == SCALES[0]
        return self.departure_hu <= (TOLERANCE_HU if usual else _DENSITY_TOLERANCE_HU)


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """Profiles on the circle of the inserts: shape (slices, samples), and which slices."""

    slices: tuple[int, ...]
    profiles: Array


def read_rings(volume: Volume, axis: Axis, radius_mm: float, slices: Sequence[int]) -> Rings:
    """Return the profiles of slices, clockwise from +x, mean over 4 mm of depth."""
    angles = np.arange(_SAMPLES) * 2 * np.pi / _SAMPLES
    radii = radius_mm + np.array(_DEPTHS_MM)
    x, y = np.outer(radii, np.cos(angles)), np.outer(radii, np.sin(angles))
    found = []
    for i in slices:
        cx, cy = axis.at(float(volume.s_mm[i]))
        found.append(volume.read(i, cx + x, cy + y).mean(axis=0))
    return Rings(tuple(slices), np.array(found))


def spread(volume: Volume, low_mm: float, high_mm: float) -> list[int]:
    """Return the slices of a range, no closer together than 2 mm."""
    every = max(1, int(_STEP_MM / volume.increment_mm))
    return volume.within(low_mm, high_mm)[::every]


def match_ring(
    volume: Volume, axis: Axis, rings: Rings, spec: PhantomSpec, roll_deg: float | None = None
) -> Match | None:
    """Return the best position of a model's ring; ``None`` when no slice shows one like it.

    Parameters
    ----------
    volume, axis, rings
        The series and the profiles in it.
    spec
        The model.
    roll_deg
        The roll, when a person has set it.
    """
    best: tuple[float, bool, int, Array] | None = None
    for turned in (False, True):
        for template in _templates(spec.sensitometry, turned):
            scores = _correlations(rings.profiles, template)
            if roll_deg is not None:
                shift = round(roll_deg / 360 * _SAMPLES) % _SAMPLES
                scores = np.where(np.arange(_SAMPLES) == shift, scores, -1.0)
            top = scores.max(axis=1)
            if best is None or top.max() > best[0]:
                at = int(np.argmax(scores[int(np.argmax(top))]))
                best = (float(top.max()), turned, at, top)
    if best is None or best[0] < LEAST_CORRELATION:
        return None
    correlation, turned, at, top = best
    # The module's middle: the run of slices around the best one that match nearly as well.
    good = top > max(LEAST_CORRELATION, 0.9 * correlation)
    low = high = int(np.argmax(top))
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(good) - 1 and good[high + 1]:
        high += 1
    run = rings.slices[low : high + 1]
    roll = (at / _SAMPLES * 360 + 180) % 360 - 180 if roll_deg is None else roll_deg
    origin = float(np.mean([volume.s_mm[i] for i in run]))
    pose = Pose(axis, roll, turned, origin)
    middle = run[len(run) // 4 : len(run) - len(run) // 4] or run
    departure, where, scale, line = _materials(volume, pose, middle, spec.sensitometry)
    bare, angle = _bareness(rings, run, middle, pose, spec.sensitometry)
    if bare > departure:
        departure, where = bare, f"the body at {angle:.0f} degrees"
    return Match(
        spec.key, correlation, roll, turned, origin, tuple(middle), departure, where, scale, *line
    )


def likeness(rings: Rings, sens: Sensitometry, every: int) -> tuple[float, int]:
    """Return the best correlation of any slice with a model's ring, and the slice.

    Only ``every``-th sample is looked at.
    """
    best = (-1.0, 0)
    for turned in (False, True):
        for template in _templates(sens, turned):
            scores = _correlations(rings.profiles[:, ::every], template[::every]).max(axis=1)
            at = int(np.argmax(scores))
            best = max(best, (float(scores[at]), rings.slices[at]))
    return best


def _templates(sens: Sensitometry, turned: bool) -> list[Array]:
    """Return the expected profiles over body material, HU: air in each hole, or water in one."""
    holes = [i for i in sens.inserts if i.vial]
    return [_template(sens, turned, water) for water in (None, *holes)]


def _template(sens: Sensitometry, turned: bool, water: Insert | None) -> Array:
    profile = np.zeros(_SAMPLES)
    for insert in sens.inserts:
        value = _WATER_HU if insert is water else insert.nominal_hu
        profile[_covers(sens, insert, turned, 0.0)] = value - _BODY_HU
    return profile


def _covers(
    sens: Sensitometry, insert: Insert, turned: bool, more_mm: float
) -> npt.NDArray[np.bool_]:
    """Return which angles of the ring an insert covers."""
    at = 180 - insert.angle_deg if turned else insert.angle_deg
    half = np.degrees(np.arcsin((sens.insert_radius_mm + more_mm) / insert.radius_mm))
    angles = np.arange(_SAMPLES) * 360 / _SAMPLES
    found: npt.NDArray[np.bool_] = np.abs((angles - at + 180) % 360 - 180) <= half
    return found


def _correlations(profiles: Array, template: Array) -> Array:
    """Return Pearson correlation of each profile with the template at each roll."""
    p = profiles - profiles.mean(axis=1, keepdims=True)
    t = template - template.mean()
    product = np.fft.irfft(np.fft.rfft(p, axis=1) * np.conj(np.fft.rfft(t)), n=len(t), axis=1)
    scale = np.linalg.norm(p, axis=1, keepdims=True) * np.linalg.norm(t)
    found: Array = product / np.where(scale > 0, scale, np.inf)
    return found


def _materials(
    volume: Volume, pose: Pose, slices: Sequence[int], sens: Sensitometry
) -> tuple[float, str, str, tuple[float, float]]:
    """Return the largest departure from the expected materials, where, and on which scale."""
    places = np.array([i.xy_mm for i in sens.inserts])
    x, y = pose.places(places, volume.s_mm[list(slices)])
    seen = read_discs(volume, slices, x, y, 3.0).mean
    if not np.isfinite(seen).any(axis=1).all():
        return float("inf"), CUT, SCALES[0], (1.0, 0.0)
    found = np.nanmean(seen, axis=1)
    best: tuple[float, str, str, tuple[float, float]] | None = None
    certain = np.array([not i.vial for i in sens.inserts])
    for scale in SCALES:
        expected = np.array([i.expected(scale) for i in sens.inserts])
        slope, offset = np.polyfit(expected[certain], found[certain], 1)
        away = np.abs(found - offset - slope * expected)
        away[~certain] = np.minimum(away, np.abs(found - offset - slope * _WATER_HU))[~certain]
        worst = int(np.argmax(away))
        departure, where = float(away[worst]), sens.inserts[worst].material
        if not _SCALE_RANGE[0] < slope < _SCALE_RANGE[1]:
            departure, where = float("inf"), ODD_SCALE
        # A density scale must fit clearly better before CT numbers are doubted.
        if best is None or departure < 0.6 * best[0]:
            best = (departure, where, scale, (float(slope), float(offset)))
    assert best is not None
    return best


def _bareness(
    rings: Rings, run: Sequence[int], slices: Sequence[int], pose: Pose, sens: Sensitometry
) -> tuple[float, float]:
    """Return what stands out most from the bare parts of the ring, HU, and its angle.

    A constant and a first harmonic, which an offset centre or shading from side to side make, are
    fitted to the bare parts and taken off.
    """
    keep = [rings.slices.index(i) for i in slices if i in run]
    profile = rings.profiles[keep].mean(axis=0)
    profile = np.roll(profile, -round(pose.roll_deg / 360 * _SAMPLES))
    bare = np.ones(_SAMPLES, dtype=bool)
    for insert in sens.inserts:
        bare &= ~_covers(sens, insert, pose.turned, _CLEAR_MM)
    angles = np.arange(_SAMPLES) * 2 * np.pi / _SAMPLES
    design = np.column_stack([np.ones(_SAMPLES), np.cos(angles), np.sin(angles)])
    used = bare.copy()
    for _ in range(3):
        fit, *_ = np.linalg.lstsq(design[used], profile[used], rcond=None)
        left = profile - design @ fit
        used = bare & (np.abs(left) <= max(10.0, 3 * float(np.median(np.abs(left[used])))))
    width = max(1, round(_SMOOTH_MM / (2 * np.pi * sens.circle_mm / _SAMPLES)))
    kernel = np.ones(width)
    count = np.convolve(np.tile(bare, 3).astype(float), kernel, "same")[_SAMPLES : 2 * _SAMPLES]
    total = np.convolve(np.tile(np.where(bare, left, 0.0), 3), kernel, "same")
    smooth = np.abs(total[_SAMPLES : 2 * _SAMPLES]) / np.maximum(count, width / 2)
    smooth[~bare] = 0.0
    at = int(np.argmax(smooth))
    found = pose.sense * (at * 360 / _SAMPLES) + (180 if pose.turned else 0)
    return float(smooth[at]), float((found + 180) % 360 - 180)
