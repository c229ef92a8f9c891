"""The Grayscale Standard Display Function (DICOM PS3.14) and its inverse."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from kerma.core import InputError

Array = npt.NDArray[np.floating[Any]]


@cache
def coefficients() -> dict[str, Any]:
    """Return the coefficients, from the data file beside this module, with their source."""
    text = resources.files("kerma.imaging.display").joinpath("data/gsdf.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def luminance(jnd_index: Array) -> Array:
    """Return the luminance in cd/m² of JND indices between 1 and 1023 (equation 7-1)."""
    c = coefficients()
    x = np.log(np.asarray(jnd_index, dtype=float))
    over = np.polynomial.polynomial.polyval(x, c["numerator"])
    under = np.polynomial.polynomial.polyval(x, c["denominator"])
    return np.asarray(10.0 ** (over / under))


def index_by_polynomial(luminance_cd_m2: Array) -> Array:
    """Return the JND index of luminances by the standard's own polynomial (equation 7-2).

    It misses the true inverse by up to 0.09 JND.
    """
    logs = np.log10(np.asarray(luminance_cd_m2, dtype=float))
    return np.asarray(np.polynomial.polynomial.polyval(logs, coefficients()["inverse"]))


def index(luminance_cd_m2: Array) -> Array:
    """Return the JND index of luminances, the exact inverse of `luminance`.

    Newton's method from the polynomial, to better than 1e-9 JND; the standard allows any
    numerical inverse (clause 7.1, note 3).

    Raises
    ------
    InputError
        Code ``outside-gsdf``: the function ends at 0.05 and 3993 cd/m².
    """
    wanted = np.asarray(luminance_cd_m2, dtype=float)
    low, high = (float(v) for v in coefficients()["jnd_range"])
    ends = luminance(np.array([low, high]))
    if not ((wanted >= ends[0]) & (wanted <= ends[1])).all():
        raise InputError(
            f"A luminance, ambient light included, lies outside {ends[0]:.2f} to {ends[1]:.0f} "
            "cd/m², where the DICOM display function ends. Check the readings and their unit.",
            code="outside-gsdf",
        )
    goal = np.log10(wanted)
    j = np.clip(index_by_polynomial(wanted), low, high)
    for _ in range(20):
        step = 1e-4 * j
        value = np.log10(luminance(j))
        slope = (np.log10(luminance(j + step)) - value) / step
        j = np.clip(j + (goal - value) / slope, low, high)
    return np.asarray(j)
