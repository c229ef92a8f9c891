"""A CT series put in order, and the axis of the round phantom in it."""

from __future__ import annotations

from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._outline import Axis, find_axis
from kerma.imaging.phantoms._series import order_series

__all__ = ["BODY_THRESHOLD_HU", "Axis", "Volume", "find_axis", "order_series"]

# Between air (-1000 HU) and any housing or module plastic, cone-beam shading included.
BODY_THRESHOLD_HU = -400.0
