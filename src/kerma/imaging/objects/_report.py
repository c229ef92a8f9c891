"""What every measurement of a planar object says of where it lies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerma.core import Image, Quantity, Region, quantity
from kerma.imaging.objects._find import Found
from kerma.imaging.objects._pose import MADE_MM


def geometry(image: Image, found: Found) -> dict[str, Quantity]:
    """Return rotation, scale and magnification with their uncertainties.

    The scale is known as well as the details agree on it; the magnification is that from the object
    to the plane whose pixel spacing the image states.
    """
    pose = found.pose
    relative = _relative(found)
    values = {
        "rotation": quantity(pose.turn_deg, "deg", math.degrees(relative)),
        "pixels_per_mm": quantity(pose.scale, "pixel/mm", pose.scale * relative),
    }
    if image.spacing_mm is not None:
        pixel = math.sqrt(image.spacing_mm[0] * image.spacing_mm[1])
        magnification = pose.scale * pixel
        values["magnification"] = quantity(magnification, "1", magnification * relative)
    return values


def _relative(found: Found) -> float:
    """Return the uncertainty of the scale as a share, which is that of the turn in radians.

    From the uncertainty of each middle, and from how the middles scatter about the pose where
    that is more.
    """
    usable = [s for s in found.clear if s.u_place > 0 and 0.75 < s.size_ratio < 1.3]
    if len(usable) < 3:
        return 0.01
    x, y = (np.array([getattr(s.detail, name) for s in usable]) for name in ("x_mm", "y_mm"))
    px, py = found.pose.place(x, y)
    off = np.hypot(px - [s.x for s in usable], py - [s.y for s in usable]) / found.pose.scale
    u = np.hypot([s.u_place / found.pose.scale for s in usable], MADE_MM + 0.02 / found.pose.scale)
    # An error of the pose moves all alike and does not show in the scatter; two axes share it.
    typical = float(np.median(off / u)) / 1.177
    u = u * max(1.0, typical)
    weight = 1.0 / u**2
    away = (x - np.average(x, weights=weight)) ** 2 + (y - np.average(y, weights=weight)) ** 2
    return 1.0 / math.sqrt(float((weight * away).sum()))


def outline(found: Found) -> Region:
    """Return the object's circle."""
    x, y = found.pose.middle
    return Region("Outline", "circle", ((x, y), (x + found.spec.circle_mm * found.pose.scale, y)))


def facts_of(found: Found) -> dict[str, Any]:
    """Return how the object lies and how well it fits its description."""
    pose = found.pose
    return {
        "object": found.spec.title,
        "mirrored": pose.mirrored,
        "attenuation_is": "higher pixel values" if pose.sign > 0 else "lower pixel values",
        "centre_px": [pose.middle[0], pose.middle[1]],
        "stretch": pose.stretch,
        "details_found": len(found.clear),
        "details": len(found.spec.details),
        "residual_mm": found.residual_mm,
        "likeness": found.score,
        "not_checked": found.spec.unchecked(),
    }
