"""Lag and ghosting of a planar detector after the exposure of a high-contrast object."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, AnalysisError, Curve, Image, Quantity, quantity
from kerma.imaging import identity
from kerma.imaging.planar.region import linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.flat import block_means
from kerma.imaging.tools.flat_fields import require_distinct, value_name
from kerma.imaging.tools.regions import Array, Rectangle
from kerma.imaging.tools.untyped import ndimage

NAME, VERSION = "planar-lag", "1"
EDITION = "Residual signal relative to the exposed signal, at stated delays"
BEFORE_DARK, BEFORE_FLAT, EXPOSURE, DARK, FLAT = (
    "before-dark", "before-flat", "exposure", "dark", "flat",
)  # fmt: skip
ROLES = (BEFORE_DARK, BEFORE_FLAT, EXPOSURE, DARK, FLAT)
# Design choice: the step of the object must stand this far above its own uncertainty.
_LEAST_STEP = 20.0


@dataclass(frozen=True, slots=True)
class Parameters:
    """What must and may be chosen.

    Attributes
    ----------
    roles
        What each image is: ``exposure`` (the object, once), ``dark`` or ``flat`` (after it,
        without exposure or with a uniform one), ``before-dark``, ``before-flat`` (at most one of
        each, before it).
    delays_s
        Time of each image after the end of the exposure; 0 for the exposure and those before.
    exposed, reference
        Left, top, right, bottom in pixels: a region open to the beam and one behind the object.
        Found in the exposure when absent.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    """

    roles: tuple[str, ...]
    delays_s: tuple[float, ...]
    exposed: tuple[int, int, int, int] | None = None
    reference: tuple[int, int, int, int] | None = None
    stp: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        require(
            set(self.roles) <= set(ROLES),
            "roles",
            f"The role of an image is one of {', '.join(ROLES)}.",
        )
        for role in (EXPOSURE, BEFORE_DARK, BEFORE_FLAT):
            most = self.roles.count(role)
            require(most <= 1, "roles", f"At most one image is “{role}”.")
        require(EXPOSURE in self.roles, "roles", "One image must be “exposure”.")
        require(
            DARK in self.roles or FLAT in self.roles,
            "roles",
            "At least one image after the exposure is needed, “dark” or “flat”.",
        )
        require(
            len(self.delays_s) == len(self.roles),
            "delays_s",
            "Each image needs its role and its delay.",
        )
        after = [
            (r, d) for r, d in zip(self.roles, self.delays_s, strict=True) if r in (DARK, FLAT)
        ]
        require(
            all(math.isfinite(d) and d > 0 for _, d in after),
            "delays_s",
            "The delay of an image after the exposure must be above zero, in seconds.",
        )
        require(
            len(set(after)) == len(after), "delays_s", "Two images have the same role and delay."
        )


@dataclass(frozen=True, slots=True)
class _Value:
    """A number with its standard uncertainty, carried through sums and quotients."""

    value: float
    u: float

    def plus(self, other: _Value, factor: float = 1.0) -> _Value:
        return _Value(self.value + factor * other.value, math.hypot(self.u, factor * other.u))

    def over(self, other: _Value) -> _Value:
        ratio = self.value / other.value
        return _Value(ratio, math.hypot(self.u, ratio * other.u) / abs(other.value))

    def times(self, other: _Value) -> _Value:
        return _Value(
            self.value * other.value, math.hypot(self.u * other.value, other.u * self.value)
        )

    def percent(self) -> Quantity:
        return quantity(100.0 * self.value, "%", 100.0 * self.u)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Means of the exposed and the reference region in one image."""

    exposed: _Value
    reference: _Value

    @property
    def step(self) -> _Value:
        return self.exposed.plus(self.reference, -1.0)


@measurement(
    NAME,
    version=VERSION,
    title="Lag and ghosting",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure what an exposure leaves behind in later images.

    E and S are the means of the region that was exposed and of the one behind the object. Values,
    all in %, for each delay (``lag_at_1`` is at 1 s, ``lag_at_0_5`` at 0.5 s):

    - ``lag_at_...`` from each dark image: (E - S), less that of ``before-dark``, over the
      exposure's own E - S;
    - ``residual_at_...`` from each flat image: (E - g S) over the exposure's E - S, with g = E / S
      of ``before-flat``: additive lag and change of gain together;
    - ``ghost_at_...`` from each flat image: E / (g S) - 1;
    - ``gain_change_at_...``: the ghost without the additive lag, where dark images before and
      after that delay give it.

    ``lag`` and ``ghost`` are those of the shortest delay.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``role-count``, ``mixed-images``, ``same-frame``,
        ``region-outside-image``.
    AnalysisError
        Codes ``no-object``, ``no-contrast``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_least=2)
    require(
        len(images) == len(chosen.roles),
        "roles",
        f"{len(images)} images and {len(chosen.roles)} roles were given; each image needs its own.",
    )
    identity.require_same_geometry(images)
    warnings = list(identity.require_raw(images))
    require_distinct(images)
    for image in images:
        identity.require_not_clinical(image)
    at = chosen.roles.index(EXPOSURE)
    exposed, reference = _regions(images[at].pixels, chosen)
    pairs: list[_Pair] = []
    drawn = []
    unit = "PV"
    for frame, image in enumerate(images):
        pixels, unit = linearised(image, chosen.stp)
        of = {"Exposed": exposed.moments(pixels), "Reference": reference.moments(pixels)}
        pairs.append(_Pair(*(_Value(m.mean, m.u_mean) for m in of.values())))
        for (name, found), region in zip(of.items(), (exposed, reference), strict=True):
            drawn.append(region.region(name, frame=frame, values=found.values(unit)))
    values, notes = _measured(chosen, pairs)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            regions_found=[list(_corners(exposed)), list(_corners(reference))],
        ),
        values=_named(values),
        regions=tuple(drawn),
        curves=_curves(values),
        warnings=(*warnings, *notes),
        facts={"unit": unit, "delays_s": {n: [d for d, _ in v] for n, v in values.items()}},
    )  # fmt: skip


_Series = dict[str, list[tuple[float, _Value]]]


def _measured(chosen: Parameters, pairs: Sequence[_Pair]) -> tuple[_Series, list[str]]:
    """Return each quantity as (delay, value), in order of delay, and the warnings."""
    one = {role: pairs[i] for i, role in enumerate(chosen.roles) if role not in (DARK, FLAT)}
    nothing = _Value(0.0, 0.0)
    offset = one[BEFORE_DARK].step if BEFORE_DARK in one else nothing
    step = one[EXPOSURE].step.plus(offset, -1.0)
    if abs(step.value) < _LEAST_STEP * step.u:
        raise AnalysisError(
            "The two regions hardly differ in the exposure, so there is nothing whose lag could be "
            "seen. Expose a high-contrast object, such as a lead plate over part of the field.",
            stage="compare regions",
            code="no-contrast",
            detail={"step": step.value, "u": step.u},
        )
    notes = []
    after = sorted((d, r, p) for d, r, p in _after(chosen, pairs))
    lag = [(d, p.step.plus(offset, -1.0).over(step)) for d, r, p in after if r == DARK]
    gain = _Value(1.0, 0.0)
    if BEFORE_FLAT in one:
        gain = one[BEFORE_FLAT].exposed.over(one[BEFORE_FLAT].reference)
    elif FLAT in chosen.roles:
        notes.append(
            "No flat field from before the exposure was given, so a difference the two regions "
            "always had counts as ghost. Give one as “before-flat”."
        )
    if DARK in chosen.roles and BEFORE_DARK not in one:
        notes.append(
            "No dark image from before the exposure was given, so an offset that differs between "
            "the two regions counts as lag. Give one as “before-dark”."
        )
    series: _Series = {"lag": lag, "residual": [], "ghost": [], "gain_change": []}
    for d, role, pair in after:
        if role != FLAT:
            continue
        usual = pair.reference.times(gain)
        left = pair.exposed.plus(usual, -1.0)
        series["residual"].append((d, left.over(step)))
        series["ghost"].append((d, left.over(usual)))
        additive = _between(lag, d)
        if additive is not None:
            rest = left.plus(additive.times(step), -1.0)
            series["gain_change"].append((d, rest.over(usual)))
    return {name: found for name, found in series.items() if found}, notes


def _after(chosen: Parameters, pairs: Sequence[_Pair]) -> list[tuple[float, str, Any]]:
    rows = zip(chosen.delays_s, chosen.roles, pairs, strict=True)
    return [(d, r, p) for d, r, p in rows if r in (DARK, FLAT)]


def _between(lag: Sequence[tuple[float, _Value]], delay_s: float) -> _Value | None:
    """Return the lag at a delay, straight between the dark images on both sides, or ``None``."""
    for (d0, v0), (d1, v1) in zip(lag, [*lag[1:], lag[-1]], strict=True) if lag else ():
        if d0 == delay_s:
            return v0
        if d0 < delay_s <= d1:
            share = (delay_s - d0) / (d1 - d0)
            return _Value((1 - share) * v0.value, (1 - share) * v0.u).plus(v1, share)
    return None


def _regions(pixels: Array, chosen: Parameters) -> tuple[Rectangle, Rectangle]:
    shape = (pixels.shape[0], pixels.shape[1])
    given = [
        None if corners is None else Rectangle.given(corners, shape)
        for corners in (chosen.exposed, chosen.reference)
    ]
    if given[0] is not None and given[1] is not None:
        return given[0], given[1]
    blocks, size = block_means(np.asarray(pixels, dtype=float), across=48)
    low, high = (float(p) for p in np.percentile(blocks, (2, 98)))
    bright = blocks > 0.5 * (low + high)
    return (
        given[0] or _largest_square(bright, size),
        given[1] or _largest_square(~bright, size),
    )


def _largest_square(mask: Any, size: int) -> Rectangle:
    """Return the largest square of blocks in the mask, less one block all round."""
    depth = ndimage.distance_transform_cdt(np.pad(mask, 1), metric="chessboard")[1:-1, 1:-1]
    row, column = (int(i) for i in np.unravel_index(int(np.argmax(depth)), depth.shape))
    reach = int(depth[row, column]) - 2
    if reach < 0:
        raise AnalysisError(
            "No region open to the beam beside one behind an object was found in the exposure. "
            "Expose a high-contrast object, or give the two regions.",
            stage="find regions",
            code="no-object",
        )
    return Rectangle(
        (column - reach) * size,
        (row - reach) * size,
        (column + reach + 1) * size,
        (row + reach + 1) * size,
    )


def _corners(region: Rectangle) -> tuple[int, int, int, int]:
    return region.x0, region.y0, region.x1, region.y1


def _named(series: _Series) -> dict[str, Quantity]:
    values: dict[str, Quantity] = {}
    for name in ("lag", "ghost"):
        if name in series:
            values[name] = series[name][0][1].percent()
    for name, found in series.items():
        for delay, value in found:
            values[f"{name}_at_{value_name(delay)}"] = value.percent()
    return values


def _curves(series: _Series) -> tuple[Curve, ...]:
    titles = {"lag": "Lag", "residual": "Residual", "ghost": "Ghost", "gain_change": "Gain change"}
    return tuple(
        Curve(
            titles[name],
            tuple(d for d, _ in found),
            tuple(100.0 * v.value for _, v in found),
            "Delay",
            "s",
            "Relative to the exposure" if name in ("lag", "residual") else "Relative to the field",
            "%",
            tuple(100.0 * v.u for _, v in found),
        )
        for name, found in series.items()
    )
