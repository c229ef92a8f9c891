"""Signal transfer property: how the pixel value of a detector follows its air kerma.

Models (IEC 62220-1-1:2015 calls this the conversion function; the three forms are those in use for
DR and CR): linear P = a + b K, log P = a + b ln K, power P = a + b K^c, with K in µGy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from kerma.core import InputError
from kerma.imaging.tools.untyped import optimize

Array = npt.NDArray[np.floating[Any]]
Model = Literal["linear", "log", "power"]
MODELS: tuple[Model, ...] = get_args(Model)
_LEAST_POINTS: Mapping[str, int] = {"linear": 3, "log": 3, "power": 4}


@dataclass(frozen=True, slots=True)
class Stp:
    """A signal transfer property with K in µGy; `c` is 1 except for the power model."""

    model: Model
    a: float
    b: float
    c: float = 1.0

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Stp:
        """Rebuild from plain data, for example the facts of a `planar-stp` analysis.

        Raises
        ------
        InputError
            Code ``bad-stp``.
        """
        model = str(data.get("model", ""))
        try:
            a, b, c = float(data["a"]), float(data["b"]), float(data.get("c", 1.0))
        except (KeyError, TypeError, ValueError):
            a, b, c = math.nan, math.nan, math.nan
        if model not in MODELS or not all(map(math.isfinite, (a, b, c))) or b == 0 or c == 0:
            raise InputError(
                "A signal transfer property needs a model (linear, log or power) and the numbers "
                "a and b, and c for the power model; b and c must not be zero.",
                code="bad-stp",
                detail={"given": dict(data)},
            )
        return cls(model, a, b, c)

    def predict(self, kerma_ugy: Array) -> Array:
        """Return the pixel value at these air kermas (µGy)."""
        if self.model == "log":
            return self.a + self.b * np.log(kerma_ugy)
        return self.a + self.b * kerma_ugy**self.c

    def linearise(self, pixels: Array) -> Array:
        """Return the air kerma in µGy that would give these pixel values.

        Pixel values beyond `a`, where noise may take an unexposed pixel, are continued oddly so
        that noise is not rectified.
        """
        if self.model == "log":
            return np.asarray(np.exp((pixels - self.a) / self.b))
        ratio = (pixels - self.a) / self.b
        if self.c == 1.0:
            return ratio
        return np.asarray(np.sign(ratio) * np.abs(ratio) ** (1.0 / self.c))

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, accepted as the parameter `stp` of other measurements."""
        return {"model": self.model, "a": self.a, "b": self.b, "c": self.c}


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted signal transfer property with its quality.

    Attributes
    ----------
    stp
        The coefficients.
    u
        Standard uncertainties of a, b and c from the scatter about the fit.
    r_squared
        1 - residual sum of squares / total sum of squares, unweighted, on pixel values.
    max_residual_percent
        Largest |measured - fitted| as % of the fitted pixel value.
    max_kerma_error_percent
        Largest |linearised - stated| air kerma as % of the stated one.
    u_residual_percent
        Standard deviation of the residuals (degrees of freedom removed), as % of the fitted
        pixel value at the worst point.
    """

    stp: Stp
    u: tuple[float, float, float]
    r_squared: float
    max_residual_percent: float
    max_kerma_error_percent: float
    u_residual_percent: float


def fit(model: Model, kerma_ugy: Sequence[float], pixel_values: Sequence[float]) -> Fit:
    """Fit one model by unweighted least squares, as a spreadsheet's trend line does.

    Raises
    ------
    InputError
        Code ``too-few-points``, ``bad-kerma`` or ``flat-response``.
    """
    kerma, values = np.asarray(kerma_ugy, dtype=float), np.asarray(pixel_values, dtype=float)
    _require_points(model, kerma, values)
    if model == "power":
        stp = _power(kerma, values)
        x = kerma**stp.c
        design = np.column_stack((np.ones_like(x), x, stp.b * x * np.log(kerma)))
    else:
        x = np.log(kerma) if model == "log" else kerma
        design = np.column_stack((np.ones_like(x), x))
        a, b = _line(x, values)
        stp = Stp(model, a, b)
    return _judged(stp, kerma, values, design)


def _require_points(model: Model, kerma: Array, values: Array) -> None:
    if not np.isfinite(kerma).all() or (kerma <= 0).any():
        raise InputError("Every air kerma must be a number above zero, in µGy.", code="bad-kerma")
    if len(np.unique(kerma)) < _LEAST_POINTS[model]:
        raise InputError(
            f"A {model} fit needs {_LEAST_POINTS[model]} different air kermas or more; "
            f"{len(np.unique(kerma))} given.",
            code="too-few-points",
        )
    if np.ptp(values) == 0:
        raise InputError(
            "The pixel value does not change with air kerma. Check that these are raw images.",
            code="flat-response",
        )


def _line(x: Array, y: Array) -> tuple[float, float]:
    middle_x, middle_y = float(x.mean()), float(y.mean())
    slope = float(((x - middle_x) * (y - middle_y)).sum() / ((x - middle_x) ** 2).sum())
    return middle_y - slope * middle_x, slope


def _power(kerma: Array, values: Array) -> Stp:
    """Fit c by a one-dimensional search (a and b follow linearly), then polish all three."""
    scale = float(np.ptp(values))

    def residual(c: float) -> float:
        a, b = _line(kerma**c, values)
        return float((((values - a - b * kerma**c) / scale) ** 2).sum())

    # Exponents of detectors in use lie near 0.5 (square-root CR) to 1; the bounds are wide.
    grid = np.linspace(0.05, 3.0, 60)
    start = float(grid[int(np.argmin([residual(c) for c in grid]))])
    low, high = max(0.02, start - 0.06), start + 0.06
    found = optimize.minimize_scalar(residual, bounds=(low, high), options={"xatol": 1e-12})
    a, b = _line(kerma ** float(found.x), values)
    polished = optimize.least_squares(
        lambda p: (values - p[0] - p[1] * kerma ** p[2]) / scale,
        (a, b, float(found.x)),
        x_scale=(abs(a) + scale, abs(b), 1.0),
        xtol=1e-15, ftol=1e-15, gtol=1e-15,
    )  # fmt: skip
    return Stp("power", *(float(v) for v in polished.x))


def _judged(stp: Stp, kerma: Array, values: Array, design: Array) -> Fit:
    fitted = stp.predict(kerma)
    residual = values - fitted
    freedom = len(values) - design.shape[1]
    variance = float((residual**2).sum()) / freedom if freedom > 0 else 0.0
    covariance = variance * np.linalg.pinv(design.T @ design)
    u = [math.sqrt(max(0.0, float(v))) for v in np.diag(covariance)]
    # A percentage of a fitted value near zero means nothing; the span keeps it finite.
    floor = 1e-6 * float(np.ptp(values))
    relative = np.abs(residual) / np.maximum(np.abs(fitted), floor)
    worst = int(np.argmax(relative))
    kerma_error = np.abs(stp.linearise(values) / kerma - 1.0)
    return Fit(
        stp=stp,
        u=(u[0], u[1], u[2] if len(u) > 2 else 0.0),
        r_squared=1.0 - float((residual**2).sum() / ((values - values.mean()) ** 2).sum()),
        max_residual_percent=100.0 * float(relative[worst]),
        max_kerma_error_percent=100.0 * float(kerma_error.max()),
        u_residual_percent=100.0 * math.sqrt(variance) / max(abs(float(fitted[worst])), floor),
    )


def best(kerma_ugy: Sequence[float], pixel_values: Sequence[float]) -> Fit:
    """Return the fit whose model describes the points, preferring fewer coefficients.

    Linear or log, whichever leaves the smaller residuals; the power model only when there are at
    least 5 air kermas, the simpler fit misses a point by more than 1 %, and the power model
    halves the residuals (a quarter of their sum of squares). Design choice.
    """
    simple = max(
        (fit(model, kerma_ugy, pixel_values) for model in ("linear", "log")),
        key=lambda f: f.r_squared,
    )
    if len(set(kerma_ugy)) < 5 or simple.max_residual_percent <= 1.0:
        return simple
    power = fit("power", kerma_ugy, pixel_values)
    better = (1 - power.r_squared) < 0.25 * (1 - simple.r_squared)
    return power if better else simple
