"""What every measurement of a planar object says of where it lies."""

from __future__ import annotations

import math
from typing import Any

from kerma.core import Image, Quantity, Region, quantity
from kerma.imaging.objects._find import Found


def geometry(image: Image, found: Found) -> dict[str, Quantity]:
    """Return rotation, scale and magnification with their uncertainties.

    The scale is known as well as the details agree on it; the magnification is that from the object
    to the plane whose pixel spacing the image states.
    """
    pose, count = found.pose, max(3, len(found.clear))
    reach = found.spec.reach_mm / math.sqrt(2.0)
    relative = found.residual_mm / (reach * math.sqrt(count))
    values = {
        "rotation": quantity(pose.turn_deg, "deg", math.degrees(relative)),
        "pixels_per_mm": quantity(pose.scale, "pixel/mm", pose.scale * relative),
    }
    if image.spacing_mm is not None:
        pixel = math.sqrt(image.spacing_mm[0] * image.spacing_mm[1])
        magnification = pose.scale * pixel
        values["magnification"] = quantity(magnification, "1", magnification * relative)
    return values


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
