"""A run of fluoroscopy frames: noise over time, fixed pattern, lag in the noise, steadiness."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, InputError, Quantity, quantity
from kerma.imaging import identity
from kerma.imaging.planar._headers import number
from kerma.imaging.planar.region import linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.flat import require_flat
from kerma.imaging.tools.flat_fields import require_distinct
from kerma.imaging.tools.noise_power import detrended
from kerma.imaging.tools.regions import Array, Rectangle
from kerma.imaging.tools.statistics import moments

NAME, VERSION = "planar-temporal", "1"
EDITION = "Variances of frame differences at one, two and three steps; first-order recursion"
LEAST_FRAMES, _FEW_FRAMES = 4, 10
_TILES = 8
# Design choice: from how many standard uncertainties on, and from what share of the one-step
# variance, the noise is said not to follow a first-order recursion.
_ODD_SIGMAS, _ODD_SHARE = 4.0, 0.02
_MOST_LAG = 0.98


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    skip
        Frames left out at the beginning, while the exposure control settles.
    field_share
        Share of each side of the image that is measured, centred; a design choice.
    roi
        Left, top, right, bottom in pixels, instead.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    allow_processed
        Measure frames processed for display, with a warning; what recursive filtering and edge
        enhancement do is then part of the result.
    """

    skip: int = 0
    field_share: float = 0.5
    roi: tuple[int, int, int, int] | None = None
    stp: Mapping[str, Any] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.skip >= 0, "skip", "The frames to skip cannot be below zero.")
        require(0 < self.field_share <= 1, "field_share", "field_share lies between 0 and 1.")


@measurement(
    NAME,
    version=VERSION,
    title="Noise and lag over the frames of a run",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure consecutive frames of one exposure of a uniform field.

    Values ``mean``, ``temporal_noise`` (of one frame), ``noise_without_lag``, ``fixed_pattern``
    (PV, or uGy when linearised); ``snr`` (mean over temporal noise) and ``lag_factor`` (1), the
    share of a frame's noise that comes back in the next; ``mean_cv``, ``mean_max_deviation`` and
    ``drift`` over the run (%, of the frames' means).

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``mixed-images``, ``same-frame``, ``frames-out-of-order``,
        ``not-flat``, ``region-outside-image``, ``no-signal``, ``no-noise``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_least=LEAST_FRAMES + chosen.skip)
    identity.require_same_geometry(images)
    warnings = list(identity.require_raw(images, allow_processed=chosen.allow_processed))
    _require_order(images)
    require_distinct(images)
    used = images[chosen.skip :]
    identity.require_not_clinical(used[0])
    region = _region(used[0], chosen)
    require_flat(region.cut(used[0].pixels))
    frames, unit = [], "PV"
    for image in used:
        pixels, unit = linearised(image, chosen.stp)
        frames.append(region.cut(pixels))
    means = np.array([float(frame.mean()) for frame in frames])
    if not (means > 0).all():
        raise InputError(
            "The mean of a frame is not above zero. Use frames taken under exposure.",
            code="no-signal",
        )
    # What the exposure does from frame to frame is no noise of the detector.
    level = float(means.mean())
    frames = [frame * (level / m) for frame, m in zip(frames, means, strict=True)]
    steps = [_difference_map(frames, step) for step in (1, 2, 3)]
    if not steps[0].mean() > 0:
        raise InputError(
            "The frames do not differ at all, so they hold no noise over time. Export the frames "
            "of a run under exposure.",
            code="no-noise",
        )
    values, notes = _values(steps, frames, level, unit)
    values |= _steadiness(means)
    warnings += notes
    if len(used) < _FEW_FRAMES:
        warnings.append(f"Only {len(used)} frames were measured; {_FEW_FRAMES} or more are better.")
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            region_found=[region.x0, region.y0, region.x1, region.y1],
        ),
        values=values,
        regions=(
            region.region(
                "Field measured",
                frame=chosen.skip,
                values={n: values[n] for n in ("mean", "temporal_noise") if n in values},
            ),
        ),
        curves=_curves(means, steps, unit, chosen.skip),
        warnings=tuple(warnings),
        facts={"frames": len(used), "unit": unit, "frame_time_ms": number(used[0], "FrameTime")},
    )  # fmt: skip


def _require_order(images: Sequence[Image]) -> None:
    """Refuse frames that are not consecutive: of one object, or by their instance numbers."""
    for keyword in ("frame", "InstanceNumber"):
        places = [number(image, keyword) for image in images]
        several = len({image.sha256 for image in images}) > 1
        # The frames of one object share one instance number; each object's only frame is its 0th.
        if None in places or (keyword == "frame") == several:
            continue
        found = [p for p in places if p is not None]
        gaps = np.diff(found)
        # Instance numbers may count by more than one; frames of one object may not be left out.
        wanted = 1.0 if keyword == "frame" else float(gaps[0])
        if wanted <= 0 or (gaps != wanted).any():
            raise InputError(
                "The frames are not consecutive or not in order, so what changes from one to the "
                "next is not known. Give the whole run in the order of acquisition.",
                code="frames-out-of-order",
                detail={keyword: found},
            )


def _region(image: Image, chosen: Parameters) -> Rectangle:
    rows, columns = image.pixels.shape
    if chosen.roi is not None:
        return Rectangle.given(chosen.roi, (rows, columns))
    share = chosen.field_share
    return Rectangle.centred(
        (columns - 1) / 2, (rows - 1) / 2, int(columns * share), int(rows * share)
    )


def _difference_map(frames: Sequence[Array], step: int) -> Array:
    """Return the mean square of differences of frames `step` apart, pixel by pixel."""
    total = np.zeros_like(frames[0])
    for early, late in zip(frames[:-step], frames[step:], strict=True):
        total += (late - early) ** 2
    return np.asarray(total / (len(frames) - step))


def _tiles(values: Array) -> Array:
    rows, columns = (max(1, n // _TILES) for n in values.shape)
    down, across = (n // size for n, size in zip(values.shape, (rows, columns), strict=True))
    cut = values[: down * rows, : across * columns]
    return np.asarray(cut.reshape(down, rows, across, columns).mean(axis=(1, 3)))


def _values(
    steps: Sequence[Array], frames: Sequence[Array], level: float, unit: str
) -> tuple[dict[str, Quantity], list[str]]:
    """Return noise and lag from differences, which know nothing of the fixed pattern.

    With noise y(n) = l y(n-1) + fresh noise, the mean squares of differences one, two and three
    frames apart are in the ratios 1 : 1 + l : 1 + l + l², and the first is 2 s² (1 - l).
    """
    one, two, three = (float(s.mean()) for s in steps)
    lag = two / one - 1.0
    tiles = [_tiles(s) for s in steps]
    # Influence of each tile on D1 (relative) and on the lag: what results share is counted once.
    of_one, of_lag = tiles[0] / one - 1.0, (tiles[1] - (1.0 + lag) * tiles[0]) / one

    def u_of(influence: Array) -> float:
        return float(influence.std(ddof=1)) / math.sqrt(influence.size)

    level_seen = moments(np.mean(frames, axis=0))
    values = {
        "mean": quantity(level, unit, level_seen.u_mean),
        "lag_factor": quantity(lag, "1", u_of(of_lag)),
    }
    notes = []
    odd = three / one - (1.0 + lag + lag**2)
    of_odd = tiles[2] / one - (1.0 + lag + lag**2) * tiles[0] / one - (1.0 + 2.0 * lag) * of_lag
    if abs(odd) > max(_ODD_SIGMAS * u_of(of_odd), _ODD_SHARE):
        notes.append(
            "The noise over three frames does not follow from that over one and two: there is "
            "more than a first-order recursion in it, or an exposure that changes."
        )
    if not lag < _MOST_LAG:
        notes.append(
            "The frames differ from one to the next as if each held the whole noise of the one "
            "before (frames averaged, or repeated): no noise can be given."
        )
        return values, notes
    variance = one / (2.0 * (1.0 - lag))
    # d ln s² = dD1/D1 + dl/(1 - l)
    of_variance = of_one + of_lag / (1.0 - lag)
    sd, u_relative = math.sqrt(variance), 0.5 * u_of(of_variance)
    values["temporal_noise"] = quantity(sd, unit, sd * u_relative)
    values["snr"] = quantity(level / sd, "1", level / sd * u_relative)
    if lag > -_MOST_LAG:
        fresh = sd * math.sqrt((1.0 + lag) / (1.0 - lag))
        u_fresh = 0.5 * fresh * u_of(of_variance + 2.0 * of_lag / (1.0 - lag**2))
        values["noise_without_lag"] = quantity(fresh, unit, u_fresh)
    n = len(frames)
    left = variance * _share_of_mean(lag, n)
    slope = (_share_of_mean(lag + 1e-4, n) - _share_of_mean(lag - 1e-4, n)) / 2e-4
    values["fixed_pattern"] = _fixed_pattern(
        frames, left, u_of(left * of_variance + variance * slope * of_lag), unit
    )
    return values, notes


def _share_of_mean(lag: float, n: int) -> float:
    """Return the variance of the mean of n terms of a first-order recursion over that of one."""
    whole = (1.0 + lag) / (1.0 - lag) - 2.0 * lag * (1.0 - lag**n) / (n * (1.0 - lag) ** 2)
    return whole / n


def _fixed_pattern(frames: Sequence[Array], left: float, u_left: float, unit: str) -> Quantity:
    """Return the spatial noise of the mean frame without its trend and what is left of time's."""
    seen = moments(detrended(np.mean(frames, axis=0)))
    square = seen.sd**2 - left
    u_square = math.hypot(2.0 * seen.sd * seen.u_sd, u_left)
    value = math.sqrt(max(0.0, square))
    # Around zero the root of the uncertainty of the square is what is left.
    u = u_square / (2.0 * value) if value**2 > u_square else math.sqrt(u_square)
    return quantity(value, unit, u)


def _steadiness(means: Array) -> dict[str, Quantity]:
    n, level = len(means), float(means.mean())
    cv = float(means.std(ddof=1)) / level
    x = np.arange(n) - (n - 1) / 2
    slope = float((x * means).sum() / (x**2).sum())
    rest = means - level - slope * x
    u_slope = math.sqrt(float((rest**2).sum()) / (n - 2) / float((x**2).sum()))
    worst = float(np.abs(means / level - 1.0).max())
    return {
        "mean_cv": quantity(100.0 * cv, "%", 100.0 * cv / math.sqrt(2.0 * (n - 1))),
        "mean_max_deviation": quantity(100.0 * worst, "%", 100.0 * cv),
        "drift": quantity(100.0 * slope * (n - 1) / level, "%", 100.0 * u_slope * (n - 1) / level),
    }


def _curves(means: Array, steps: Sequence[Array], unit: str, skip: int) -> tuple[Curve, ...]:
    places = tuple(float(i + skip) for i in range(len(means)))
    return (
        Curve("Mean", places, tuple(map(float, means)), "Frame", "1", "Mean", unit),
        Curve(
            "Difference of frames",
            (1.0, 2.0, 3.0),
            tuple(math.sqrt(float(s.mean()) / 2.0) for s in steps),
            "Frames apart", "1", "Noise of a difference over √2", unit,
        ),
    )  # fmt: skip
