"""Signal against thickness of a step wedge or a ramp: levels, linearity, resolved steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from kerma.core import Analysis, AnalysisError, Curve, Image, InputError, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.geometry import _setup
from kerma.imaging.geometry._setup import Array, Setup
from kerma.imaging.geometry._wedge import Wedge, find_wedge, others_share
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.regions import Rectangle
from kerma.imaging.tools.statistics import Moments, moments

NAME, VERSION = "step-wedge", "1"
EDITION = "Mean and standard deviation of each step; logarithm of the signal against thickness"
SCALES = ("auto", "linear", "log")
# Design choices.
_KEPT = 0.6  # of a step's length and width
_MOST_OTHERS = 0.5
_FEWEST = 3
_MOST_UNEVEN = 0.25


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    step_mm, thickness_mm
        Thickness of each step, all alike, or one by one in the order found; without them the
        thickness is the number of the step.
    steps
        Steps the wedge has; a different number found is a warning.
    scale
        Whether pixel values follow dose (``linear``) or its logarithm (``log``); from the header
        when ``auto``.
    least_cnr
        Steps are resolved while the difference from the one before is at least this many pixel
        standard deviations.
    baseline
        Means of the steps of an earlier image, in order, for constancy.
    roi
        Left, top, right, bottom in pixels: the part of the image that shows the wedge.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    allow_processed
        Measure an image processed for display, with a warning.
    """

    step_mm: float | None = None
    thickness_mm: tuple[float, ...] | None = None
    steps: int | None = None
    scale: str = "auto"
    least_cnr: float = 1.0
    baseline: tuple[float, ...] | None = None
    roi: tuple[int, int, int, int] | None = None
    stp: Mapping[str, Any] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.step_mm is None or self.step_mm > 0, "step_mm", "A step is thicker than zero.")
        require(self.step_mm is None or self.thickness_mm is None, "thickness_mm",
                "Give the thickness of a step or of each step, not both.")  # fmt: skip
        require(self.scale in SCALES, "scale", f"The scale is one of {', '.join(SCALES)}.")
        require(self.least_cnr > 0, "least_cnr", "The least difference is above zero.")


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """Steps measured, thin end first: their moments, their thickness, and their corners (mm)."""

    moments: tuple[Moments, ...]
    thickness: Array
    corners: tuple[tuple[tuple[float, float], ...], ...]


def recognise(images: Sequence[Image]) -> str:
    """Say what shows that this is an image of a step wedge and nothing else, or refuse.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`.
    AnalysisError
        Code ``wrong-phantom``.
    """
    identity.check(images, modalities=identity.PLANAR, at_most=1)
    setup = _prepared(images[0], Parameters(allow_processed=True))
    wedge = _proven(setup.image.pixels.astype(float), setup.spacing_mm)
    return f"{wedge.steps} steps of {wedge.step:.1f} mm in a row"


@measurement(
    NAME,
    version=VERSION,
    title="Step wedge",
    edition=EDITION,
    modalities=identity.PLANAR,
    recognise=recognise,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure a step wedge in one image.

    Values ``steps`` and ``resolved_steps`` (1), ``slope`` (1/mm, or 1 a step: change of the
    logarithm of the signal with thickness), ``r_squared`` (1) and ``max_residual`` (% of the
    range) of the straight line, ``range`` (1, logarithm of thinnest over thickest), ``mean_1``,
    ``noise_1`` and so on (PV, or uGy when linearised). With `baseline` ``constancy_max`` and
    ``constancy_mean`` (%), and ``constancy_shift`` (mm or steps: the thickness that would make the
    same change). `facts` hold the table of steps.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``wrong-baseline``, ``wrong-thickness``.
    AnalysisError
        Codes ``wrong-phantom``, ``uneven-steps``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_most=1)
    setup = _prepared(images[0], chosen)
    rows, columns = setup.pixels.shape
    region = (
        Rectangle(0, 0, columns, rows) if chosen.roi is None
        else Rectangle.given(chosen.roi, (rows, columns))
    )  # fmt: skip
    raw = region.cut(setup.image.pixels).astype(float)
    wedge = find_wedge(raw, setup.spacing_mm) if chosen.roi else _proven(raw, setup.spacing_mm)
    steps = _measured(region.cut(setup.pixels), setup, wedge, chosen)
    unit = "uGy" if chosen.stp is not None else "PV"
    values, warnings = _values(steps, unit, chosen, _log_scale(chosen, setup.image))
    warnings = [*setup.warnings, *warnings]
    if chosen.steps is not None and chosen.steps != len(steps.moments):
        warnings.append(
            f"{len(steps.moments)} steps were found; the wedge has {chosen.steps}. Steps at an end "
            "may lie outside the image or be lost in noise or saturation."
        )
    if chosen.roi is not None:
        warnings.append("The region was set by hand.")
    offset = region.x0 * setup.spacing_mm[1], region.y0 * setup.spacing_mm[0]
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=values,
        regions=tuple(
            Region(f"Step {n}", "polygon",
                   tuple(setup.to_px(x + offset[0], y + offset[1]) for x, y in corners),
                   values=m.values(unit))
            for n, (m, corners) in enumerate(zip(steps.moments, steps.corners, strict=True), 1)
        ),
        curves=(
            Curve("Signal", tuple(map(float, steps.thickness)),
                  tuple(m.mean for m in steps.moments), "Thickness",
                  "mm" if _known(chosen) else "1", "Mean", unit,
                  tuple(m.u_mean for m in steps.moments)),
        ),
        warnings=tuple(warnings),
        facts={
            "turn_deg": math.degrees(wedge.turn), "step_length_mm": wedge.step,
            "table": [{"thickness": float(t), "mean": m.mean, "sd": m.sd}
                      for t, m in zip(steps.thickness, steps.moments, strict=True)],
        },
    )  # fmt: skip


def _prepared(image: Image, chosen: Parameters) -> Setup:
    return _setup.prepare(image, stp=chosen.stp, allow_processed=chosen.allow_processed,
                          fdd_mm=None, needs_linear=False)  # fmt: skip


def _proven(pixels: Array, spacing_mm: tuple[float, float]) -> Wedge:
    wedge = find_wedge(pixels, spacing_mm)
    share = others_share(pixels, spacing_mm, wedge)
    if share > _MOST_OTHERS:
        raise AnalysisError(
            "There is a step wedge in this image, but much else as well: another test object, or a "
            "patient. Give the part of the image that shows the wedge (roi) to measure it.",
            stage="find wedge",
            code="wrong-phantom",
            detail={"edges_elsewhere": share},
        )
    return wedge


def _known(chosen: Parameters) -> bool:
    return chosen.step_mm is not None or chosen.thickness_mm is not None


def _log_scale(chosen: Parameters, image: Image) -> bool:
    if chosen.scale != "auto":
        return chosen.scale == "log"
    stated = str(image.facts.get("PixelIntensityRelationship", "")).upper()
    return chosen.stp is None and stated == "LOG"


def _measured(pixels: Array, setup: Setup, wedge: Wedge, chosen: Parameters) -> _Steps:
    trim = 0.5 * (1.0 - _KEPT)
    width = wedge.high - wedge.low
    low, high = wedge.low + trim * width, wedge.high - trim * width
    middle = 0.5 * (low + high)
    found: list[Moments] = []
    uneven: list[float] = []
    corners = []
    numbers = []
    for n in range(wedge.steps):
        first = wedge.start + (n + trim) * wedge.step
        last = wedge.start + (n + 1 - trim) * wedge.step
        place = wedge.corners(first, last, low, high)
        part = _inside(pixels, setup, place)
        if part is None:
            continue
        found.append(part)
        halves = [
            _inside(pixels, setup, wedge.corners(first, last, *side))
            for side in ((low, middle), (middle, high))
        ]
        uneven.append(abs(halves[0].mean - halves[1].mean) if halves[0] and halves[1] else 0.0)
        corners.append(place)
        numbers.append(n + 1)
    if len(found) < _FEWEST:
        raise InputError(
            "Fewer than three steps of the wedge lie wholly inside the image.",
            code="wedge-cut-off",
        )
    _require_even(found, uneven)
    thickness = np.array(numbers, dtype=float) * (chosen.step_mm or 1.0)
    if chosen.thickness_mm is not None:
        if len(chosen.thickness_mm) != len(found):
            raise InputError(
                f"{len(found)} steps were found and {len(chosen.thickness_mm)} thicknesses given. "
                "Give one for each, in the order the signal changes from the thin end.",
                code="wrong-thickness",
                detail={"steps": len(found)},
            )
        thickness = np.array(chosen.thickness_mm)
    return _Steps(tuple(found), thickness, tuple(corners))


def _require_even(found: Sequence[Moments], uneven: Sequence[float]) -> None:
    """Refuse regions whose halves across the wedge differ as much as steps do: not on the steps."""
    step = float(np.median([abs(a.mean - b.mean) for a, b in pairwise(found)]))
    if float(np.mean([u > step for u in uneven])) > _MOST_UNEVEN:
        raise AnalysisError(
            "The steps found are not even across the wedge, so its outline was not found well. "
            "Give the part of the image that shows the wedge (roi).",
            stage="find wedge",
            code="uneven-steps",
        )


def _inside(pixels: Array, setup: Setup, place: Sequence[tuple[float, float]]) -> Moments | None:
    """Return the moments of the pixels inside a rectangle, or nothing when it leaves the image."""
    xs, ys = zip(*(setup.to_px(x, y) for x, y in place), strict=True)
    rows, columns = pixels.shape
    if min(xs) < 0 or min(ys) < 0 or max(xs) > columns - 1 or max(ys) > rows - 1:
        return None
    x0, x1, y0, y1 = (math.floor(min(xs)), math.ceil(max(xs)), math.floor(min(ys)),
                      math.ceil(max(ys)))  # fmt: skip
    y, x = np.mgrid[y0 : y1 + 1, x0 : x1 + 1]
    mask = np.ones(x.shape, dtype=bool)
    for i in range(4):
        ax, ay, bx, by = xs[i], ys[i], xs[(i + 1) % 4], ys[(i + 1) % 4]
        mask &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0
    return moments(pixels[y0 : y1 + 1, x0 : x1 + 1], mask)


def _values(
    steps: _Steps, unit: str, chosen: Parameters, is_log: bool
) -> tuple[dict[str, Quantity], list[str]]:
    values: dict[str, Quantity] = {
        "steps": quantity(len(steps.moments), "1"),
        "resolved_steps": quantity(_resolved(steps, chosen.least_cnr), "1"),
    }
    warnings: list[str] = []
    means = np.array([m.mean for m in steps.moments])
    if is_log or (means > 0).all():
        values.update(_line(steps, means, chosen, is_log))
    else:
        warnings.append("Steps without signal above zero have no logarithm; no line was fitted.")
    for n, m in enumerate(steps.moments, 1):
        values[f"mean_{n}"] = quantity(m.mean, unit, m.u_mean)
        values[f"noise_{n}"] = quantity(m.sd, unit, m.u_sd)
    return values, warnings


def _resolved(steps: _Steps, least_cnr: float) -> int:
    """Return how many steps in a row, anywhere, differ each from the one before in one sense."""
    m = steps.moments
    sense = math.copysign(1.0, m[-1].mean - m[0].mean)
    best = run = 1
    for one, other in pairwise(m):
        noise = math.sqrt((one.sd**2 + other.sd**2) / 2)
        difference = sense * (other.mean - one.mean)
        run = run + 1 if difference > 0 and difference >= least_cnr * noise else 1
        best = max(best, run)
    return best


def _logs(steps: _Steps, means: Array, is_log: bool) -> tuple[Array, Array]:
    u = np.array([m.u_mean for m in steps.moments])
    return (means, u) if is_log else (np.log(means), u / means)


def _line(steps: _Steps, means: Array, chosen: Parameters, is_log: bool) -> dict[str, Quantity]:
    y, u = _logs(steps, means, is_log)
    t = steps.thickness
    slope, start = (float(v) for v in np.polyfit(t, y, 1))
    residual = y - start - slope * t
    spread = float(((t - t.mean()) ** 2).sum())
    # From the steps' own noise: the bend of the line is no noise, and is given beside it.
    u_slope = math.sqrt(float((u**2 * (t - t.mean()) ** 2).sum())) / spread
    reach = float(np.ptp(y))
    total = float(((y - y.mean()) ** 2).sum())
    if reach == 0 or total == 0:
        return {}
    per = ("PV/mm" if _known(chosen) else "PV") if is_log else ("1/mm" if _known(chosen) else "1")
    worst = int(np.argmax(np.abs(residual)))
    values = {
        "slope": quantity(slope, per, u_slope),
        "r_squared": quantity(1.0 - float((residual**2).sum()) / total, "1"),
        "max_residual": quantity(100.0 * abs(float(residual[worst])) / reach, "%",
                                 100.0 * float(u[worst]) / reach),
        "range": quantity(abs(float(y[0] - y[-1])), "PV" if is_log else "1",
                          math.hypot(float(u[0]), float(u[-1]))),
    }  # fmt: skip
    if chosen.baseline is not None:
        values.update(_constancy(means, y, u, slope, chosen, is_log))
    return values


def _constancy(
    means: Array, y: Array, u: Array, slope: float, chosen: Parameters, is_log: bool
) -> dict[str, Quantity]:
    baseline = np.array(chosen.baseline)
    if len(baseline) != len(means) or not (is_log or (baseline > 0).all()):
        raise InputError(
            f"{len(means)} steps were found and the baseline has {len(baseline)}; both need the "
            "same number, all above zero.",
            code="wrong-baseline",
        )
    change = 100.0 * (means / baseline - 1.0)
    u_change = 100.0 * np.abs(means / baseline) * (u / means if is_log else u)
    worst = int(np.argmax(np.abs(change)))
    moved = y - (baseline if is_log else np.log(baseline))
    u_mean = math.sqrt(float((u**2).sum())) / len(u)
    return {
        "constancy_max": quantity(float(change[worst]), "%", float(abs(u_change[worst]))),
        "constancy_mean": quantity(float(change.mean()), "%",
                                   math.sqrt(float((u_change**2).sum())) / len(u)),
        "constancy_shift": quantity(float(moved.mean()) / slope, "mm" if _known(chosen) else "1",
                                    u_mean / abs(slope)),
    }  # fmt: skip
