"""How the noise of a disc's mean falls with the size of the disc, in the image at hand.

Contrasts are measured where there is no detail, for discs of many sizes, each exactly as a detail
is (a disc less the mean of two beside it), so noise that is correlated, structured or sloping
counts as it acts. Their variance is described by a/(s² + l²) + c with no term below zero: noise
correlated over a length (none for white noise), and structure that does not average out. Large
discs, of which few fit, so gain from the small ones without being taken for white.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.objects import _free
from kerma.imaging.objects._find import Found
from kerma.imaging.objects._places import disc_means, squares
from kerma.imaging.tools.untyped import optimize

Array = npt.NDArray[np.floating[Any]]

_RATIO = 1.6
_LENGTHS_PX = (0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 13.0)
_NOTHING = 5e-6  # of the range of the pixels: rounding and tails of blur, not noise
_PRICE = 6.0  # of -2 log likelihood; design choice
_SMALLEST_PX = 3.0  # diameter


@dataclass(frozen=True, slots=True, eq=False)
class Grain:
    """The noise of disc means.

    Attributes
    ----------
    scale
        Pixels per mm.
    length_mm
        l: what is finer than this does not average further.
    terms
        a and c.
    covariance
        Of the terms (those at zero have none).
    white
        Taken for white, for want of free places.
    """

    scale: float
    length_mm: float
    terms: Array
    covariance: Array
    white: bool = False

    def sd(self, size_mm: float) -> float:
        """Return the standard deviation of the mean over a disc of this diameter."""
        return math.sqrt(max(0.0, float(_row(size_mm, self.scale, self.length_mm) @ self.terms)))

    def relative_u(self, size_mm: float) -> float:
        """Return the relative standard uncertainty of `sd`."""
        row = _row(size_mm, self.scale, self.length_mm)
        variance = float(row @ self.terms)
        if variance <= 0:
            return 0.0
        return 0.5 * math.sqrt(max(0.0, float(row @ self.covariance @ row))) / variance

    @classmethod
    def of(cls, pixels: Array, found: Found) -> Grain:
        """Measure the noise beside the details of an object."""
        sizes, variances, counts = [], [], []
        largest = max(d.size_mm for d in found.spec.details if not d.square)
        smallest = max(_SMALLEST_PX / found.pose.scale, largest / 30.0)
        steps = max(2, math.ceil(math.log(largest / smallest) / math.log(_RATIO)) + 1)
        for size in np.geomspace(smallest, largest, steps):
            tries = _free.tries(found.spec, round(float(size), 3))
            if tries is None:
                continue
            x, y = found.pose.place(tries.x_mm, tries.y_mm)
            ax, ay = found.pose.place(tries.around_x_mm.ravel(), tries.around_y_mm.ravel())
            radius = found.pose.scale * float(size) / 2
            middle = disc_means(pixels, x, y, radius).mean
            beside = disc_means(pixels, ax, ay, _free.BESIDE * radius).mean
            beside = beside.reshape(tries.around_x_mm.shape)
            # Where there is nothing the mean contrast is nothing: known, not estimated.
            values = middle - beside.mean(axis=1)
            sizes.append(float(size))
            variances.append(_variance(values))
            counts.append(tries.independent)
        if not sizes:
            return cls._as_white(pixels, found)
        if np.median(variances) <= (_NOTHING * float(np.ptp(pixels))) ** 2:
            return cls(found.pose.scale, 0.0, np.zeros(2), np.zeros((2, 2)))
        return cls._fitted(found.pose.scale, np.array(sizes), np.array(variances), np.array(counts))

    @classmethod
    def _fitted(cls, scale: float, sizes: Array, variances: Array, counts: Array) -> Grain:
        best: tuple[float, Grain] | None = None
        for length_px in _LENGTHS_PX:
            length = length_px / scale
            # What was measured is the variance of a disc and half that of a smaller one beside it.
            rows = np.array(
                [
                    _row(s, scale, length) + 0.5 * _row(_free.BESIDE * s, scale, length)
                    for s in sizes
                ]
            )
            for used in ([0], [0, 1]):
                misfit, terms, covariance = _fit(rows[:, used], variances, counts)
                # A further parameter must earn its place, else white noise reads as structure.
                misfit += _PRICE * (len(used) + (length > 0))
                if best is None or misfit < best[0]:
                    whole, spread = np.zeros(2), np.zeros((2, 2))
                    whole[used], spread[np.ix_(used, used)] = terms, covariance
                    best = (misfit, cls(scale, length, whole, spread))
        assert best is not None
        return best[1]

    @classmethod
    def _as_white(cls, pixels: Array, found: Found) -> Grain:
        """Return the noise of the pixels around the details, as if each pixel were independent."""
        details = [d for d in found.spec.details if not d.square]
        x, y = found.pose.place([d.x_mm for d in details], [d.y_mm for d in details])
        radius = max(1.5, found.pose.scale * min(d.size_mm for d in details) / 2)
        values, dx, dy = squares(pixels, x, y, 1.5 * radius + 2)
        ring = np.hypot(dx, dy) > radius + 1
        spread = [float(v[r].std(ddof=1)) for v, r in zip(values, ring, strict=True)]
        noise = float(np.median(spread)) / found.pose.scale
        term = noise**2 * 4.0 / math.pi
        return cls(
            found.pose.scale,
            0.0,
            np.array([term, 0.0]),
            np.diag([(0.3 * term) ** 2, 0.0]),
            white=True,
        )


def _fit(rows: Array, variances: Array, counts: Array) -> tuple[float, Array, Array]:
    """Return chi-squared, terms and their covariance of a weighted fit with no term below zero."""
    scale = rows.max(axis=0)
    weight = 1.0 / (np.maximum(variances, 1e-300) * np.sqrt(2.0 / counts))
    for _ in range(3):
        terms = optimize.nnls(weight[:, None] * rows / scale, weight * variances)[0]
        # Weights from the model, not from the scatter itself, which would favour low values.
        model = rows / scale @ terms
        weight = 1.0 / (np.maximum(model, 1e-300) * np.sqrt(2.0 / counts))
    design = weight[:, None] * rows / scale
    used = terms > 0
    covariance = np.zeros((len(terms), len(terms)))
    covariance[np.ix_(used, used)] = np.linalg.pinv(design[:, used].T @ design[:, used])
    # -2 log likelihood of a variance from n tries: n (ln model + measured / model).
    misfit = float((counts * (np.log(np.maximum(model, 1e-300)) + variances / model)).sum())
    return misfit, terms / scale, covariance / np.outer(scale, scale)


def _variance(values: Array) -> float:
    """Return the mean square, with the few beyond four robust deviations drawn in to four."""
    robust = 1.482602218505602 * float(np.median(np.abs(values)))
    return float(np.mean(np.minimum(values**2, (4.0 * robust) ** 2 if robust else np.inf)))


def _row(size_mm: float, scale: float, length_mm: float) -> Array:
    """Return what multiplies each term.

    In white noise pixels at the rim count in part: the sum of squared weights of a disc of radius
    r pixels falls short of its area by a sixth of a pixel along its rim, pi r / 3 in all.
    """
    rim = 1.0 if length_mm > 0 else max(0.3, 1.0 - 1.0 / (1.5 * size_mm * scale))
    return np.array([rim / (size_mm**2 + length_mm**2), 1.0])
