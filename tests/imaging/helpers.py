"""What the image tests share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image, KermaError


def refused(name: str, images: Sequence[Image], code: str, **parameters: Any) -> KermaError:
    """Assert that a measurement refuses with this code and a sentence a person can act on."""
    with pytest.raises(KermaError) as caught:
        imaging.analyse(name, images, **parameters)
    assert caught.value.code == code, caught.value.message
    assert len(caught.value.message) > 20
    assert caught.value.message.endswith(".")
    return caught.value


def value(analysis: Analysis, name: str) -> float:
    """Return a value's number."""
    return analysis.values[name].value


def u(analysis: Analysis, name: str) -> float:
    """Return a value's standard uncertainty."""
    found = analysis.values[name].u
    assert found is not None
    return found


def curve(analysis: Analysis, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y and u of a curve."""
    found = next(c for c in analysis.curves if c.name == name)
    return np.array(found.x), np.array(found.y), np.array(found.u)


def centre_of_points(analysis: Analysis, name: str) -> tuple[float, float]:
    """Return the mean of a region's points."""
    points = np.array(next(r for r in analysis.regions if r.name == name).points)
    x, y = points.mean(axis=0)
    return float(x), float(y)
