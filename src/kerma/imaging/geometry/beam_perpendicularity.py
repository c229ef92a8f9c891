"""Whether the beam meets the detector at a right angle, from a tool with two balls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, AnalysisError, Image, InputError, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.geometry import _setup
from kerma.imaging.geometry._balls import Ball, along, find_spots, fit_balls
from kerma.imaging.geometry._setup import Setup
from kerma.imaging.geometry.field_size import POLARITIES
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement

NAME, VERSION = "beam-perpendicularity", "1"
EDITION = "Displacement of the upper ball against the lower, similar triangles"
_BALL_MM = 1.6  # 1/16 inch; seen: Ludlum Medical Physics, manual of tool L-661-662, June 2020
_SURE = 3.0
_SIZE_WITHIN = 0.25
_APART = 2.4  # in mean radii: nearer than that, two balls are fitted together


@dataclass(frozen=True, slots=True)
class Parameters:
    """What must and may be chosen.

    Attributes
    ----------
    separation_mm
        Distance of the balls, one above the other.
    lower_height_mm
        Height of the lower ball above the detector (table top to detector).
    ball_mm
        Diameter of the balls, to find them.
    fdd_mm
        Focus-detector distance, instead of the header's.
    balls_px
        The balls set by hand (column, row), lower first.
    polarity
        ``bright`` or ``dark``: whether pixel values rise or fall with dose; as the header says when
        ``auto``, ``bright`` when it does not.
    allow_processed
        Measure an image processed for display, with a warning; places hardly suffer from it.
    """

    separation_mm: float
    lower_height_mm: float = 0.0
    ball_mm: float = _BALL_MM
    fdd_mm: float | None = None
    balls_px: tuple[tuple[float, float], tuple[float, float]] | None = None
    polarity: str = "auto"
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.polarity in POLARITIES, "polarity",
                f"The polarity is one of {', '.join(POLARITIES)}.")  # fmt: skip
        require(self.separation_mm > 0, "separation_mm", "The balls are apart by more than zero.")
        require(self.lower_height_mm >= 0, "lower_height_mm",
                "The lower ball is not behind the detector.")  # fmt: skip
        require(self.ball_mm > 0, "ball_mm", "The balls have a diameter above zero.")
        _setup.require_distances(self.fdd_mm, None)


@measurement(
    NAME,
    version=VERSION,
    title="Beam perpendicularity, two balls",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the angle of the beam at a two-ball tool that stands upright on the detector.

    With F the focus-detector distance, h the distance of the balls, z the height of the lower one
    and d the displacement of the upper ball's image: tan(angle) = d (F - z - h) / (F h).

    Values ``angle`` (deg between the ray through the lower ball and the normal), ``angle_x`` and
    ``angle_y`` (its parts to the right and downwards), ``displacement`` (mm at the detector);
    where all sides of the X-ray field show, ``central_ray_angle`` and its parts ``..._x``,
    ``..._y``: of the ray through the field's middle.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``no-distance``.
    AnalysisError
        ``no-balls``, ``too-many-balls``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_most=1)
    setup = _setup.prepare(images[0], stp=None, allow_processed=chosen.allow_processed,
                           fdd_mm=chosen.fdd_mm, needs_linear=False)  # fmt: skip
    _setup.require_not_clinical(setup, chosen.polarity)
    fdd = _required_distance(chosen, setup)
    top = fdd - chosen.lower_height_mm - chosen.separation_mm
    scales = fdd / (fdd - chosen.lower_height_mm), fdd / top
    (lower, upper), sure = _two_balls(chosen, setup, scales)
    _require_balls(chosen, lower, upper, scales)
    dx, dy = upper.x - lower.x, upper.y - lower.y
    per_mm = top / (fdd * chosen.separation_mm)
    u = math.hypot(lower.u, upper.u)
    values = {
        "displacement": quantity(math.hypot(dx, dy), "mm", u),
        **_angle("angle", dx * per_mm, dy * per_mm, u * per_mm),
    }
    foot = lower.x - dx * top / chosen.separation_mm, lower.y - dy * top / chosen.separation_mm
    u_foot = math.hypot(lower.u, u * top / chosen.separation_mm)
    central, drawn, said = _central_ray(chosen, setup, foot, u_foot, fdd)
    warnings = [*setup.warnings, *said]
    if not sure:
        warnings.append(
            "Which ball is the upper one could not be told from their sizes: the angle holds, its "
            "direction may be the opposite one."
        )
    if chosen.balls_px is not None:
        warnings.append("The balls were set by hand.")
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen, fdd_mm_used=fdd),
        values={**values, **(central if sure else {})},
        regions=(_region(setup, lower, "Lower ball"), _region(setup, upper, "Upper ball"), *drawn),
        warnings=tuple(warnings),
        facts={
            "radius_mm": [lower.radius, upper.radius], "expected_ratio": scales[1] / scales[0],
            "perpendicular_foot_px": list(setup.to_px(*foot)),
        },
    )  # fmt: skip


def _required_distance(chosen: Parameters, setup: Setup) -> float:
    if setup.fdd_mm is None:
        raise InputError(
            "The angle needs the focus-detector distance; the header does not state it. Give it "
            "(fdd_mm).",
            code="no-distance",
        )
    require(
        setup.fdd_mm > chosen.lower_height_mm + chosen.separation_mm,
        "separation_mm",
        "The upper ball would be above the focus. Check the distances.",
    )
    return setup.fdd_mm


def _two_balls(
    chosen: Parameters, setup: Setup, scales: tuple[float, float]
) -> tuple[tuple[Ball, Ball], bool]:
    """Return lower and upper ball, and whether it is sure which is which."""
    pixels, spacing = setup.pixels, setup.spacing_mm
    if chosen.balls_px is not None:
        spots = [(c * spacing[1], r * spacing[0]) for c, r in chosen.balls_px]
        sign = -1.0 if _darker(pixels, chosen.balls_px) else 1.0
    else:
        spots, sign = find_spots(pixels, spacing, 1.3 * chosen.ball_mm * scales[1])
    size = 0.5 * chosen.ball_mm * (scales[0] + scales[1]) / 2
    if len(spots) == 2 and math.dist(*spots) > _APART * size:
        one, other = (
            fit_balls(pixels, spacing, [s], [1.0], chosen.ball_mm * scales[0], sign).balls[0]
            for s in spots
        )
        apart = (other.radius - one.radius) / max(math.hypot(one.u_radius, other.u_radius), 1e-12)
        if chosen.balls_px is None and apart < 0:
            one, other = other, one
        return (one, other), chosen.balls_px is not None or abs(apart) > _SURE
    return _overlapping(chosen, setup, spots, scales, sign)


def _require_balls(
    chosen: Parameters, lower: Ball, upper: Ball, scales: tuple[float, float]
) -> None:
    """Refuse spots that are not of the balls' size, as imaged at their heights."""
    for ball, scale in ((lower, scales[0]), (upper, scales[1])):
        expected = 0.5 * chosen.ball_mm * scale
        if abs(ball.radius / expected - 1.0) > _SIZE_WITHIN:
            raise AnalysisError(
                f"A spot was found {2 * ball.radius:.1f} mm across at the detector; a ball of "
                f"{chosen.ball_mm:g} mm would be {2 * expected:.1f} mm. Give the balls' diameter "
                "(ball_mm), or an image of the tool.",
                stage="find balls",
                code="no-balls",
            )


def _overlapping(
    chosen: Parameters,
    setup: Setup,
    spots: list[tuple[float, float]],
    scales: tuple[float, float],
    sign: float,
) -> tuple[tuple[Ball, Ball], bool]:
    """Fit two balls whose images touch, from several starts and both ways round."""
    (x, y) = spots[0]
    if len(spots) == 2:
        dx, dy = (spots[1][0] - x) / 2, (spots[1][1] - y) / 2
        x, y = x + dx, y + dy
    else:
        reach = 1.2 * chosen.ball_mm * scales[1]
        dx, dy = along(setup.pixels, setup.spacing_mm, (x, y), reach, sign)
    ways = (1.0,) if chosen.balls_px is not None else (1.0, -1.0)
    fits = [
        fit_balls(
            setup.pixels, setup.spacing_mm, [(x - w * dx, y - w * dy), (x + w * dx, y + w * dy)],
            scales, chosen.ball_mm, sign,
        )
        for w in ways
    ]  # fmt: skip
    fits.sort(key=lambda f: f.rms)
    lower, upper = fits[0].balls
    # The other way round fits worse by more than noise would, or leads to the same place.
    (low, up), gain = fits[-1].balls, 2 * fits[0].pixels * math.log(fits[-1].rms / fits[0].rms)
    turned = math.hypot(up.x - low.x - upper.x + lower.x, up.y - low.y - upper.y + lower.y)
    sure = gain > _SURE**2 or turned < _SURE * math.hypot(lower.u, upper.u)
    return (lower, upper), chosen.balls_px is not None or sure


def _darker(pixels: np.ndarray[Any, Any], balls_px: Sequence[tuple[float, float]]) -> bool:
    values, around = [], []
    for c, r in balls_px:
        row, column = round(r), round(c)
        require(0 <= row < pixels.shape[0] and 0 <= column < pixels.shape[1], "balls_px",
                "The balls lie inside the image.")  # fmt: skip
        values.append(float(pixels[row, column]))
        around.append(float(np.median(pixels[max(0, row - 40) : row + 41,
                                             max(0, column - 40) : column + 41])))  # fmt: skip
    return sum(values) < sum(around)


def _angle(name: str, tx: float, ty: float, u: float) -> dict[str, Quantity]:
    """Return an angle and its parts from its tangents."""
    found = {}
    for suffix, t in (("", math.hypot(tx, ty)), ("_x", tx), ("_y", ty)):
        found[f"{name}{suffix}"] = quantity(
            math.degrees(math.atan(t)), "deg", math.degrees(u / (1.0 + t * t))
        )
    return found


def _central_ray(
    chosen: Parameters, setup: Setup, foot: tuple[float, float], u_foot: float, fdd: float
) -> tuple[dict[str, Quantity], list[Region], tuple[str, ...]]:
    """Return the angle of the ray through the field's middle, where the field's edges show."""
    said = ("The X-ray field's edges do not all show, so only the ray at the tool is measured.",)
    try:
        field = _setup.field_of(setup, shape="auto", polarity=chosen.polarity)
    except AnalysisError:
        return {}, [], said
    if field.circle is None and len(field.sides) < 4:
        return {}, [], said
    x, y = field.centre()
    u = math.hypot(u_foot, max((s.u for s in field.sides.values()), default=0.0)) / fdd
    values = _angle("central_ray_angle", (x - foot[0]) / fdd, (y - foot[1]) / fdd, u)
    return values, _setup.side_regions(setup, field), ()


def _region(setup: Setup, ball: Ball, name: str) -> Region:
    rim = setup.to_px(ball.x + ball.radius, ball.y)
    return Region(name, "circle", (setup.to_px(ball.x, ball.y), rim))
