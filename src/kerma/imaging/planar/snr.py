"""Mean, noise and signal-to-noise ratio in the middle of a flat field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import Analysis, Image, quantity
from kerma.imaging import identity
from kerma.imaging.planar.region import central_region, linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.flat import require_flat

NAME, VERSION = "planar-snr", "1"
EDITION = "Region mean and standard deviation; KCARE DR protocol practice"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    side_mm
        Side of the central square; a design choice, state the service's own.
    roi
        Left, top, right, bottom in pixels, instead of the central square.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    allow_processed
        Measure an image processed for display, with a warning.
    """

    side_mm: float = 40.0
    roi: tuple[int, int, int, int] | None = None
    stp: Mapping[str, Any] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.side_mm > 0, "side_mm", "The side of the region must be above zero.")


@measurement(
    NAME,
    version=VERSION,
    title="Signal, noise and SNR of a flat field",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure mean pixel value, noise and SNR in one flat-field image.

    Values ``mean`` and ``noise`` (PV, or uGy when linearised) and ``snr`` (1).

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``not-flat`` when there is an object in the field.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_most=1)
    warnings = identity.require_raw(images, allow_processed=chosen.allow_processed)
    image = images[0]
    identity.require_not_clinical(image)
    region = central_region(image, chosen.side_mm, chosen.roi)
    require_flat(region.cut(image.pixels))
    pixels, unit = linearised(image, chosen.stp)
    found = region.moments(pixels)
    values = found.values(unit)
    if found.snr is None:
        warnings = (*warnings, "The region holds no noise at all, so there is no SNR.")
    else:
        values["snr"] = quantity(found.snr, "1", found.u_snr)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=values,
        regions=(region.region("Centre", values=values),),
        warnings=warnings,
    )
