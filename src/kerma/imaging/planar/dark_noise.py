"""Offset and noise of a detector without exposure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Image, InputError, quantity
from kerma.imaging import identity
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.regions import Rectangle

NAME, VERSION = "planar-dark-noise", "1"
EDITION = "Offset and standard deviation; pair difference over sqrt 2 removes fixed pattern"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    field_share
        Share of each side of the detector that is measured, centred; a design choice.
    allow_processed
        Measure an image processed for display, with a warning.
    """

    field_share: float = 0.8
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(0 < self.field_share <= 1, "field_share", "field_share lies between 0 and 1.")


@measurement(
    NAME,
    version=VERSION,
    title="Dark noise",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure one unexposed frame, or a pair of them.

    Values ``offset`` (mean) and ``noise`` (SD over the field), in PV. With two frames also
    ``temporal_noise``, SD of their difference over sqrt 2, and ``fixed_pattern``, the rest in
    quadrature: sqrt(noise² - temporal²).

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``same-frame`` when the pair is one frame twice;
        ``clinical-looking``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_most=2)
    identity.require_same_geometry(images)
    warnings = identity.require_raw(images, allow_processed=chosen.allow_processed)
    for image in images:
        identity.require_not_clinical(image)
    rows, columns = images[0].pixels.shape
    share = chosen.field_share
    region = Rectangle.centred(
        (columns - 1) / 2, (rows - 1) / 2, int(columns * share), int(rows * share)
    )
    frames = [region.cut(image.pixels.astype(float)) for image in images]
    found = [region.moments(image.pixels.astype(float)) for image in images]
    mean = sum(m.mean for m in found) / len(found)
    noise = math.sqrt(sum(m.sd**2 for m in found) / len(found))
    u_noise = math.sqrt(sum((m.sd * m.u_sd) ** 2 for m in found)) / (len(found) * noise)
    values = {
        "offset": quantity(mean, "PV", math.hypot(*(m.u_mean for m in found)) / len(found)),
        "noise": quantity(noise, "PV", u_noise),
    }
    if len(frames) == 2:
        if np.array_equal(frames[0], frames[1]):
            raise InputError(
                "The two frames are one and the same. Give two separate unexposed frames.",
                code="same-frame",
            )
        whole = Rectangle(0, 0, frames[0].shape[1], frames[0].shape[0])
        pair = whole.moments((frames[0] - frames[1]) / math.sqrt(2.0))
        fixed = math.sqrt(max(0.0, noise**2 - pair.sd**2))
        # The temporal part is common to both SDs; leaving that out is on the safe side.
        u_fixed = math.hypot(noise * u_noise, pair.sd * pair.u_sd) / max(fixed, u_noise)
        values["temporal_noise"] = quantity(pair.sd, "PV", pair.u_sd)
        values["fixed_pattern"] = quantity(fixed, "PV", u_fixed)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=values,
        regions=tuple(
            region.region("Dark field", frame=i, values=m.values("PV")) for i, m in enumerate(found)
        ),
        warnings=warnings,
    )
