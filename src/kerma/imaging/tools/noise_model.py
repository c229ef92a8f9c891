"""Split of detector noise: variance against air kerma, as three parts by weighted least squares.

Model: s²(K) = se² + kq K + ks² K², electronic, quantum and structural noise, on pixel values linear
in air kerma (after IEC 62220-1-1 practice; the three-part form is in general use for DR).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError
from kerma.imaging.tools.untyped import special

Array = npt.NDArray[np.floating[Any]]

LEAST_KERMAS = 4
_ROUNDS = 20


@dataclass(frozen=True, slots=True, eq=False)
class NoiseModel:
    """A fitted split.

    Attributes
    ----------
    parts
        se², kq, ks², in the unit of variance and per µGy and µGy².
    covariance
        Of `parts`, shape (3, 3).
    chi_squared, freedom
        Weighted residual sum of squares and its degrees of freedom.
    """

    parts: Array
    covariance: Array
    chi_squared: float
    freedom: int

    @property
    def u(self) -> Array:
        """Return the standard uncertainties of the parts."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def probability(self) -> float:
        """Return the probability of a worse fit if the model is right (chi-squared test)."""
        if not self.freedom:
            return 1.0
        return float(special.gammaincc(self.freedom / 2.0, self.chi_squared / 2.0))

    def components(self, kerma_ugy: Array) -> Array:
        """Return the three variances at these air kermas; shape (3, kermas)."""
        return self.parts[:, None] * _powers(kerma_ugy).T

    def variance(self, kerma_ugy: Array) -> Array:
        """Return the variance at these air kermas."""
        return np.asarray(self.components(kerma_ugy).sum(axis=0))

    def ratio(self, over: int, under: int) -> tuple[float, float] | None:
        """Return the quotient of two parts and its uncertainty, or ``None``.

        There is no quotient unless both are above zero.
        """
        a, b = float(self.parts[over]), float(self.parts[under])
        if a <= 0 or b <= 0:
            return None
        gradient = np.zeros(3)
        gradient[over], gradient[under] = 1.0 / b, -a / b**2
        return a / b, math.sqrt(float(gradient @ self.covariance @ gradient))


def fit(
    kerma_ugy: Sequence[float], variance: Sequence[float], u_variance: Sequence[float]
) -> NoiseModel:
    """Fit the three parts.

    A variance scatters in proportion to itself, so the weights are 1 / (r s²)², with r the
    relative uncertainty of a variance (root mean square over the fields, which are measured
    alike) and s² the fitted variance: weights from the measured values would favour the points
    that happen to lie low. Repeated until the weights stand still.

    Raises
    ------
    InputError
        Code ``too-few-points`` (four different air kermas needed) or ``no-noise``.
    """
    kerma, found = np.asarray(kerma_ugy, dtype=float), np.asarray(variance, dtype=float)
    if len(np.unique(kerma)) < LEAST_KERMAS:
        raise InputError(
            f"Splitting the noise needs {LEAST_KERMAS} different air kermas or more; "
            f"{len(np.unique(kerma))} given.",
            code="too-few-points",
        )
    if not (found > 0).all():
        raise InputError(
            "One of the fields holds no noise at all. Use raw images of the exposed detector.",
            code="no-noise",
        )
    relative = math.sqrt(float(((np.asarray(u_variance) / found) ** 2).mean()))
    # Kerma in units of the largest keeps the three columns of like size.
    scale = float(kerma.max()) ** np.arange(3)
    design = _powers(kerma) / scale
    expected = found
    for _ in range(_ROUNDS):
        weight = 1.0 / (relative * expected)
        covariance = np.linalg.inv((design * weight[:, None] ** 2).T @ design)
        parts = covariance @ (design * weight[:, None] ** 2).T @ found
        # A fit below a tenth of a measured variance is no basis for a weight.
        moved, expected = expected, np.maximum(design @ parts, 0.1 * found)
        if np.abs(expected / moved - 1.0).max() < 1e-9:
            break
    residual = (found - design @ parts) * weight
    return NoiseModel(
        parts=parts / scale,
        covariance=covariance / np.outer(scale, scale),
        chi_squared=float((residual**2).sum()),
        freedom=len(found) - 3,
    )


def _powers(kerma_ugy: Array) -> Array:
    return np.asarray(np.asarray(kerma_ugy, dtype=float)[:, None] ** np.arange(3))
