"""What the blur of the slice plane adds to the width of a ramp's image."""

from __future__ import annotations

import math

from kerma.imaging.phantoms._spec import PhantomSpec
from kerma.imaging.tools.untyped import special

# Design choice: less than this share is not worth a warning.
_WORTH_SAYING = 0.02
_STEPS = 40


def point_spread_mm(rmtf50: float, first_mm: float) -> float:
    """Return the SD of the Gaussian whose modulation halves between two frequencies, mm.

    exp(-2 π² σ² (f² - f1²)) = 1/2; frequencies in mm⁻¹.
    """
    return math.sqrt(math.log(2) / (2 * math.pi**2 * (rmtf50**2 - first_mm**2)))


def blurred_width(width_mm: float, sd_mm: float) -> float:
    """Return the full width at half maximum of a rectangle blurred by a Gaussian, mm."""

    def value(x: float) -> float:
        half = width_mm / 2
        return float(special.ndtr((x + half) / sd_mm) - special.ndtr((x - half) / sd_mm))

    low, high = 0.0, width_mm / 2 + 4 * sd_mm
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if value(middle) > value(0.0) / 2 else (low, middle)
    return low + high


def widening(seen_mm: float, sd_mm: float) -> float:
    """Return by what share blur has widened a rectangle that is seen this wide."""
    low, high = 0.0, seen_mm
    for _ in range(_STEPS):
        middle = (low + high) / 2
        narrow = blurred_width(max(middle, 1e-6), sd_mm) < seen_mm
        low, high = (middle, high) if narrow else (low, middle)
    return seen_mm / max(low, 1e-6) - 1


def warnings(spec: PhantomSpec, thickness_mm: float, rmtf50: float) -> list[str]:
    """Return what to say of a thickness that blur may have made larger."""
    first = spec.line_pairs.groups[0].lp_per_mm
    if rmtf50 <= first:
        return []
    sd = point_spread_mm(rmtf50, first)
    seen = thickness_mm / math.tan(math.radians(spec.sensitometry.ramps.slope_deg))
    share = widening(seen, sd)
    if share < _WORTH_SAYING:
        return []
    much = f"about {100 * share:.0f} %" if share < 0.5 else "half and more"
    return [
        f"The blur of the slice plane (SD {sd:.2f} mm by the line pairs) widens the ramp images: "
        f"the slice thickness is {much} too large. Use a sharper kernel, or a smaller field "
        "of view if the pixels are coarse."
    ]
