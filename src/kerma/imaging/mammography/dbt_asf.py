"""Artefact spread function of small spheres in breast tomosynthesis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, Quantity, Region, quantity
from kerma.imaging.mammography._beads import (
    MODALITIES,
    TO_FWHM,
    Bead,
    Stack,
    find_beads,
    fwhm_in_plane,
    stack_of,
)
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement

NAME, VERSION = "dbt-asf", "1"
EDITION = (
    "Artefact spread function, EUREF draft 0.15 (2014) and EFOMP 01.03.2023 practice (recalled)"
)
_FINE_ENOUGH = 3.0


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    diameter_mm
        Of the spheres.
    plane_pitch_mm
        Distance between planes, when it is not to be taken from the images.
    most
        So many of the clearest spheres are measured.
    """

    diameter_mm: float = 1.0
    plane_pitch_mm: float | None = None
    most: int = 60

    def __post_init__(self) -> None:
        require(0.1 <= self.diameter_mm <= 5, "diameter_mm", "The diameter is from 0.1 to 5 mm.")
        require(
            self.plane_pitch_mm is None or 0.05 <= self.plane_pitch_mm <= 20,
            "plane_pitch_mm",
            "The planes lie from 0.05 to 20 mm apart.",
        )
        require(self.most >= 1, "most", "Measure one sphere or more.")


@measurement(
    NAME,
    version=VERSION,
    title="Artefact spread function of tomosynthesis",
    edition=EDITION,
    modalities=MODALITIES,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure how far spheres spread through the planes of one stack, lowest plane first.

    Values ``fwhm_z`` (mm, by interpolation) and ``fwhm_z_gauss`` (mm, Gaussian), means over the
    spheres; ``fwhm_z_longest``; ``fwhm_x``, ``fwhm_y`` (mm, in focus); ``plane_pitch`` (mm).

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``no-plane-pitch``, ``planes-out-of-order``, ``same-frame``.
    AnalysisError
        Code ``wrong-phantom``: no sphere comes into focus.
    """
    chosen = choose(Parameters, parameters)
    stack = stack_of(images, chosen.plane_pitch_mm)
    beads = find_beads(stack, chosen.diameter_mm)[: chosen.most]
    warnings = []
    if chosen.plane_pitch_mm is not None:
        warnings.append(f"The plane pitch was set by hand: {chosen.plane_pitch_mm:g} mm.")
    whole = [b for b in beads if b.fwhm_mm is not None]
    if len(whole) < len(beads):
        warnings.append(
            f"{len(beads) - len(whole)} of {len(beads)} spheres do not fade to half within the "
            "planes on both sides and are left out."
        )
    table = _table(stack, beads, chosen.diameter_mm)
    facts = {"spheres": table, "planes": len(images), "pitch_from": stack.pitch_from}
    values = _values(stack, whole, table)
    if whole and values["fwhm_z"].value < _FINE_ENOUGH * stack.pitch_mm:
        warnings.append(
            "The spread is less than three planes: its width is only roughly known. Reconstruct "
            "planes closer together."
        )
    return Analysis(
        name=NAME,
        status="measured" if whole else "not measurable",
        reason="" if whole else "No sphere fades to half within the planes on both sides.",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen, pitch_mm=stack.pitch_mm),
        values=values,
        regions=tuple(_region(stack, n, b, chosen.diameter_mm) for n, b in enumerate(beads, 1)),
        curves=_curves(stack, whole),
        warnings=tuple(warnings),
        facts=facts,
    )


def _table(stack: Stack, beads: Sequence[Bead], diameter_mm: float) -> list[dict[str, Any]]:
    rows = []
    for number, bead in enumerate(beads, 1):
        across = fwhm_in_plane(stack, bead, diameter_mm)
        rows.append(
            {
                "sphere": number, "column": bead.x, "row": bead.y, "plane": bead.plane,
                "z_mm": bead.z_mm, "fwhm_z_mm": bead.fwhm_mm,
                "fwhm_z_gauss_mm": TO_FWHM * bead.sigma_mm,
                "fwhm_x_mm": across[0] if across else None,
                "fwhm_y_mm": across[1] if across else None,
            }
        )  # fmt: skip
    return rows


def _values(
    stack: Stack, whole: Sequence[Bead], table: Sequence[dict[str, Any]]
) -> dict[str, Quantity]:
    if not whole:
        return {}
    widths = [b.fwhm_mm for b in whole if b.fwhm_mm is not None]
    u = [b.u_fwhm_mm for b in whole]
    longest = int(np.argmax(widths))
    values = {
        "fwhm_z": quantity(*_mean(widths, u)),
        "fwhm_z_gauss": quantity(*_mean([TO_FWHM * b.sigma_mm for b in whole], u)),
        "fwhm_z_longest": quantity(widths[longest], "mm", u[longest]),
        "plane_pitch": quantity(stack.pitch_mm, "mm"),
    }
    for name in ("fwhm_x", "fwhm_y"):
        seen = [row[f"{name}_mm"] for row in table if row[f"{name}_mm"] is not None]
        if seen:
            values[name] = quantity(*_mean(seen, [0.0] * len(seen)))
    return values


def _mean(values: Sequence[float], u: Sequence[float]) -> tuple[float, str, float]:
    """Return mean, unit and standard uncertainty: from the scatter, at least what noise makes."""
    n = len(values)
    middle = math.fsum(values) / n
    noise = math.hypot(*u) / n
    if n < 2:
        return middle, "mm", noise
    scatter = math.sqrt(math.fsum((v - middle) ** 2 for v in values) / (n - 1) / n)
    return middle, "mm", max(scatter, noise)


def _region(stack: Stack, number: int, bead: Bead, diameter_mm: float) -> Region:
    radius = 1.5 * diameter_mm / stack.pixel_mm[1]
    values = {"z": quantity(bead.z_mm, "mm", bead.u_z_mm)}
    if bead.fwhm_mm is not None:
        values["fwhm_z"] = quantity(bead.fwhm_mm, "mm", bead.u_fwhm_mm)
    return Region(
        f"Sphere {number}",
        "circle",
        ((bead.x, bead.y), (bead.x + radius, bead.y)),
        bead.plane,
        values,
    )


def _curves(stack: Stack, beads: Sequence[Bead]) -> tuple[Curve, ...]:
    """Return the profiles in depth, each about the middle of its sphere (the clearest twelve)."""
    return tuple(
        Curve(
            f"Sphere {number}", tuple(map(float, stack.z_mm - bead.z_mm)),
            tuple(map(float, bead.profile)), "Depth from focus", "mm", "ASF", "1",
            (bead.noise,) * len(bead.profile),
        )
        for number, bead in enumerate(beads[:12], 1)
    )  # fmt: skip
