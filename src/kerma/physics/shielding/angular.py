"""Scatter per KAP by angle and tube voltage: the polynomial of the UK method (Williams 1996)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerma.core import InputError
from kerma.physics.shielding._expression import evaluate
from kerma.reference import row

ANGULAR = "bir/scatter_from_kap/angular"


def scatter_factor(angle_deg: ArrayLike, kv: float) -> NDArray[np.float64]:
    """Return S, µGy per Gy cm² at 1 m, of angles from the forward beam (row ``angular``).

    Raises
    ------
    InputError
        ``outside-domain``: an angle outside 0° to 180°.
    """
    held = row(ANGULAR)
    theta = np.asarray(angle_deg, float)
    if not np.all((theta >= 0.0) & (theta <= 180.0)):
        raise InputError("A scattering angle is 0° to 180°.", code="outside-domain")
    found: NDArray[np.float64] = np.asarray(
        evaluate(held, {**held.fields["coefficients"], "theta": theta, "kV": kv}), float
    )
    return found


def angle_between(beam: ArrayLike, toward: ArrayLike) -> float:
    """Return the scattering angle in degrees between a beam's direction and that to a point.

    Raises
    ------
    InputError
        ``no-direction``: a vector without length.
    """
    a, b = np.asarray(beam, float), np.asarray(toward, float)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    if not lengths > 0.0:
        raise InputError("A direction needs a length.", code="no-direction")
    return math.degrees(math.acos(max(-1.0, min(1.0, float(a @ b) / lengths))))
