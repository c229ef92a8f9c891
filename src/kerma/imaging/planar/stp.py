"""Signal transfer property of a planar detector from several flat fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from kerma.core import Analysis, Curve, Image, InputError, Quantity, quantity
from kerma.imaging import identity
from kerma.imaging.planar.region import central_region
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.flat import require_flat
from kerma.imaging.tools.statistics import Moments
from kerma.imaging.tools.stp import MODELS, Fit, Model, best, fit

NAME, VERSION = "planar-stp", "1"
EDITION = "IEC 62220-1-1:2015 conversion function; unweighted least squares"
_UNITS: Mapping[str, str] = {"linear": "PV/uGy", "log": "PV", "power": "PV"}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What must and may be chosen.

    Attributes
    ----------
    kerma_ugy
        Air kerma at the detector of each image, in the order of the images.
    model
        ``linear``, ``log``, ``power``, or ``best`` (see `kerma.imaging.tools.stp.best`).
    side_mm, roi
        Central square, or left, top, right, bottom in pixels.
    """

    kerma_ugy: tuple[float, ...]
    model: str = "best"
    side_mm: float = 40.0
    roi: tuple[int, int, int, int] | None = None

    def __post_init__(self) -> None:
        known = (*MODELS, "best")
        require(self.model in known, "model", f"The model is one of {', '.join(known)}.")
        require(self.side_mm > 0, "side_mm", "The side of the region must be above zero.")


@measurement(
    NAME,
    version=VERSION,
    title="Signal transfer property",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Fit the pixel value against air kerma.

    Values ``a``, ``b`` (and ``c`` for the power model), ``r_squared`` (1), ``max_residual`` (%)
    and ``max_kerma_error`` (%). ``facts["stp"]`` is accepted by other measurements as their
    parameter `stp`.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``kerma-count`` when images and air kermas do not pair up;
        the codes of `kerma.imaging.tools.stp.fit`.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_least=3)
    identity.require_same_geometry(images)
    warnings = identity.require_raw(images)
    if len(images) != len(chosen.kerma_ugy):
        raise InputError(
            f"{len(images)} images and {len(chosen.kerma_ugy)} air kermas were given; each image "
            "needs its own.",
            code="kerma-count",
        )
    region = central_region(images[0], chosen.side_mm, chosen.roi)
    for image in images:
        identity.require_not_clinical(image)
        require_flat(region.cut(image.pixels))
    found = [region.moments(image.pixels.astype(float)) for image in images]
    means = [m.mean for m in found]
    if chosen.model == "best":
        fitted = best(chosen.kerma_ugy, means)
    else:
        fitted = fit(cast("Model", chosen.model), chosen.kerma_ugy, means)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=_values(fitted),
        regions=tuple(
            region.region(f"{kerma:g} µGy", frame=i, values=m.values("PV"))
            for i, (kerma, m) in enumerate(zip(chosen.kerma_ugy, found, strict=True))
        ),
        curves=_curves(fitted, chosen.kerma_ugy, found),
        warnings=warnings,
        facts={"stp": fitted.stp.as_dict(), "model": fitted.stp.model},
    )


def _values(fitted: Fit) -> dict[str, Quantity]:
    stp = fitted.stp
    values = {
        "a": quantity(stp.a, "PV", fitted.u[0]),
        "b": quantity(stp.b, _UNITS[stp.model], fitted.u[1]),
        # R² and the residuals are statistics of these points; what a repeat would change is
        # carried by the scatter about the fit.
        "r_squared": quantity(fitted.r_squared, "1", 1.0 - fitted.r_squared)
        if fitted.r_squared < 1
        else quantity(1.0, "1", 0.0),
        "max_residual": quantity(fitted.max_residual_percent, "%", fitted.u_residual_percent),
        "max_kerma_error": quantity(fitted.max_kerma_error_percent, "%", fitted.u_residual_percent),
    }
    if stp.model == "power":
        values["c"] = quantity(stp.c, "1", fitted.u[2])
    return values


def _curves(fitted: Fit, kerma: Sequence[float], found: Sequence[Moments]) -> tuple[Curve, ...]:
    order = np.argsort(kerma)
    smooth = np.geomspace(min(kerma), max(kerma), 60)
    labels = ("Air kerma", "uGy", "Pixel value", "PV")
    measured = Curve(
        "Measured",
        tuple(float(kerma[i]) for i in order),
        tuple(found[i].mean for i in order),
        *labels,
        tuple(found[i].u_mean for i in order),
    )
    line = fitted.stp.predict(smooth)
    return (
        measured,
        Curve(f"Fit ({fitted.stp.model})", tuple(map(float, smooth)), tuple(map(float, line)),
              *labels),
    )  # fmt: skip
