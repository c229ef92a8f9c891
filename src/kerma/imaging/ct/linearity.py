"""CT number linearity of inserts at given places, against nominal CT numbers or attenuation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, AnalysisError, Curve, Image, InputError, Quantity, Region, quantity
from kerma.imaging.ct import series
from kerma.imaging.ct._discs import correlation_factor
from kerma.imaging.ct._object import require_test_object
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.regions import Disc
from kerma.imaging.tools.statistics import robust_sd

NAME, VERSION = "ct-linearity", "1"
EDITION = "Least squares of measured CT number on nominal CT number or linear attenuation"
AGAINST = ("hu", "mu")
_LEAST_INSERTS = 3
# Means of the disc and of its inner half that differ by this much: the edge is in it.
_EDGE_HU = 2.0
_EDGE_U = 5.0
_LEAST_CONTRAST_HU = 20.0  # over all inserts; plain water scatters by a few HU

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What must be and may be chosen.

    Attributes
    ----------
    places
        (column, row) of the middle of each insert.
    nominal
        What each insert should be: CT number in HU, or linear attenuation coefficient in 1/cm at
        the effective energy of the beam.
    names
        What the inserts are called, for values ``hu_<name>``; ``insert1`` and so on when absent.
    against
        ``hu`` or ``mu``: what `nominal` holds.
    radius_mm
        Radius of the discs measured.
    """

    places: tuple[tuple[float, float], ...]
    nominal: tuple[float, ...]
    names: tuple[str, ...] | None = None
    against: str = "hu"
    radius_mm: float = 4.0

    def __post_init__(self) -> None:
        n = len(self.places)
        require(n >= _LEAST_INSERTS, "places", f"Give {_LEAST_INSERTS} inserts or more.")
        require(len(self.nominal) == n, "nominal", "Give one nominal value for each insert.")
        require(len(set(self.nominal)) > 1, "nominal", "The nominal values must not be all equal.")
        require(self.against in AGAINST, "against", f"Choose one of {', '.join(AGAINST)}.")
        require(
            self.against == "hu" or all(m >= 0 for m in self.nominal),
            "nominal",
            "An attenuation coefficient is not below zero.",
        )
        require(self.radius_mm > 0, "radius_mm", "The radius is above zero.")
        if self.names is not None:
            require(
                len(self.names) == n
                and len(set(self.names)) == n
                and all(name.isidentifier() and name.isascii() for name in self.names),
                "names",
                "Give one name for each insert, different, of letters, digits and underscores.",
            )

    @property
    def called(self) -> tuple[str, ...]:
        """Return the names of the inserts."""
        return self.names or tuple(f"insert{k + 1}" for k in range(len(self.places)))


@dataclass(frozen=True, slots=True)
class Fit:
    """A straight line through measured CT numbers: y = slope x + intercept."""

    slope: float
    u_slope: float
    intercept: float
    u_intercept: float
    r2: float
    residuals: tuple[float, ...]


def fit(x: Array, y: Array, u: Array | None = None) -> Fit:
    """Return the least-squares line (all points of one weight).

    Its uncertainties are from the scatter about it or, when that is larger, from the points' own.
    """
    design = np.column_stack((x, np.ones_like(x)))
    solved = np.linalg.lstsq(design, y, rcond=None)[0]
    residual = y - design @ solved
    variance = float(residual @ residual) / (len(x) - 2)
    inverse = np.linalg.inv(design.T @ design)
    covariance = variance * inverse
    own: Array = np.zeros((2, 2))
    if u is not None:
        gain = inverse @ design.T
        own = (gain * u**2) @ gain.T
    spread = float(((y - y.mean()) ** 2).sum())
    return Fit(
        float(solved[0]),
        math.sqrt(max(float(covariance[0, 0]), float(own[0, 0]))),
        float(solved[1]),
        math.sqrt(max(float(covariance[1, 1]), float(own[1, 1]))),
        1.0 - float(residual @ residual) / spread if spread else 0.0,
        tuple(map(float, residual)),
    )


@measurement(
    NAME,
    version=VERSION,
    title="CT number linearity of inserts",
    edition=EDITION,
    modalities=("CT",),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the CT numbers of inserts at given places and the line through them.

    Values: ``hu_<name>`` (HU, mean over the slices), ``intercept`` (HU), ``r2`` (1),
    ``max_residual`` (HU). Against nominal CT numbers also ``slope`` (1) and ``max_deviation`` (HU,
    largest |measured - nominal|); against attenuation coefficients ``slope`` (HU.cm) and
    ``mu_water`` (1/cm, where the line passes 0 HU).

    Raises
    ------
    InputError
        The codes of `kerma.imaging.ct.series.slices`; ``clinical-looking``;
        ``region-outside-image``; ``bad-parameter``.
    AnalysisError
        ``no-contrast``: all inserts read the same.
    """
    chosen = choose(Parameters, parameters)
    order, notes = series.slices(images)
    pixel_mm = series.square_pixel_mm(images[order[0]])
    require_test_object(images[order[len(order) // 2]], pixel_mm)
    discs = _discs(chosen, images[order[0]], pixel_mm)
    measured, u, warnings = _means(images, order, discs, chosen)
    nominal = np.asarray(chosen.nominal)
    if float(np.ptp(measured)) < _LEAST_CONTRAST_HU:
        raise AnalysisError(
            "All the inserts read the same CT number, so no line can be fitted. Check the places.",
            stage="fit line",
            code="no-contrast",
        )
    line = fit(nominal, measured, u)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen, slices_used=order),
        values=_values(chosen, measured, u, line),
        regions=_regions(chosen, order, discs, measured, u),
        curves=_curves(chosen, measured, u, line),
        warnings=(*notes, *warnings),
        facts={
            "inserts": [
                {"name": name, "nominal": float(x), "measured_hu": float(y), "residual_hu": r}
                for name, x, y, r in zip(
                    chosen.called, nominal, measured, line.residuals, strict=True
                )
            ],
            "slices_used": list(order),
        },
    )


def _discs(chosen: Parameters, image: Image, pixel_mm: float) -> list[Disc]:
    rows, columns = image.pixels.shape
    radius = chosen.radius_mm / pixel_mm
    for x, y in chosen.places:
        if min(x, y, columns - 1 - x, rows - 1 - y) < radius:
            raise InputError(
                f"The disc about ({x:g}, {y:g}) does not lie inside the image of {columns} columns "
                f"by {rows} rows. Give column and row of the middle of each insert.",
                code="region-outside-image",
            )
    return [Disc(x, y, radius) for x, y in chosen.places]


def _means(
    images: Sequence[Image], order: Sequence[int], discs: Sequence[Disc], chosen: Parameters
) -> tuple[Array, Array, list[str]]:
    """Return means over the slices, their uncertainties, and warnings on discs that hold an edge.

    The uncertainty is the larger of what the noise within the discs gives and the scatter of the
    slices.
    """
    means, u, warnings = [], [], []
    stack = [images[i].pixels.astype(float) for i in order]
    factor = correlation_factor(stack, discs)
    for name, disc in zip(chosen.called, discs, strict=True):
        found = [disc.moments(pixels) for pixels in stack]
        inner = Disc(disc.x, disc.y, disc.radius / math.sqrt(2.0))
        core = [inner.moments(pixels) for pixels in stack]
        mean = float(np.mean([m.mean for m in found]))
        noise = factor * math.hypot(*(m.u_mean for m in found)) / len(found)
        scatter = 0.0
        if len(found) > 1:
            scatter = float(np.std([m.mean for m in found], ddof=1)) / math.sqrt(len(found))
        means.append(mean)
        u.append(max(noise, scatter))
        off = abs(float(np.mean([m.mean for m in core])) - mean)
        grain = [robust_sd(p[inner.mask(p.shape)]) for p in stack]
        limit = _EDGE_U * float(np.median(grain)) / math.sqrt(core[0].count * len(stack) / 8.0)
        if off > max(_EDGE_HU, limit):
            warnings.append(
                f"The disc in {name} is not even: its inner half reads {off:.1f} HU differently. "
                "Its middle or radius may be wrong."
            )
    return np.array(means), np.array(u), warnings


def _values(chosen: Parameters, measured: Array, u: Array, line: Fit) -> dict[str, Quantity]:
    values = {
        f"hu_{name}": quantity(float(y), "HU", float(v))
        for name, y, v in zip(chosen.called, measured, u, strict=True)
    }
    worst = int(np.argmax(np.abs(line.residuals)))
    values["intercept"] = quantity(line.intercept, "HU", line.u_intercept)
    values["r2"] = quantity(line.r2, "1")
    values["max_residual"] = quantity(abs(line.residuals[worst]), "HU", float(u[worst]))
    if chosen.against == "hu":
        off = np.abs(measured - np.asarray(chosen.nominal))
        far = int(np.argmax(off))
        values["slope"] = quantity(line.slope, "1", line.u_slope)
        values["max_deviation"] = quantity(float(off[far]), "HU", float(u[far]))
        return values
    values["slope"] = quantity(line.slope, "HU.cm", line.u_slope)
    if line.slope > 0:
        mu = -line.intercept / line.slope
        relative = math.hypot(line.u_intercept / line.intercept, line.u_slope / line.slope)
        values["mu_water"] = quantity(mu, "1/cm", abs(mu) * relative)
    return values


def _regions(
    chosen: Parameters, order: Sequence[int], discs: Sequence[Disc], measured: Array, u: Array
) -> tuple[Region, ...]:
    frame = order[len(order) // 2]
    return tuple(
        disc.region(name, frame=frame, values={"mean": quantity(float(y), "HU", float(v))})
        for name, disc, y, v in zip(chosen.called, discs, measured, u, strict=True)
    )


def _curves(chosen: Parameters, measured: Array, u: Array, line: Fit) -> tuple[Curve, ...]:
    order = np.argsort(chosen.nominal, kind="stable")
    x = np.asarray(chosen.nominal)[order]
    label, unit = (
        ("Nominal CT number", "HU")
        if chosen.against == "hu"
        else ("Linear attenuation coefficient", "1/cm")
    )
    at = tuple(map(float, x))
    return (
        Curve("CT number linearity", at, tuple(map(float, measured[order])), label, unit,
              "Measured CT number", "HU", tuple(map(float, u[order]))),
        Curve("Fitted line", at, tuple(map(float, line.slope * x + line.intercept)), label, unit,
              "Fitted CT number", "HU"),
        Curve("Residuals", at, tuple(float(line.residuals[i]) for i in order), label, unit,
              "Measured less fitted", "HU", tuple(map(float, u[order]))),
    )  # fmt: skip
