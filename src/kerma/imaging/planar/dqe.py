"""Noise-equivalent quanta and detective quantum efficiency of a planar detector."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, InputError, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.planar import mtf_edge
from kerma.imaging.planar import nnps as nnps_of
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import snr_in
from kerma.imaging.tools.dqe import Spectrum, noise_equivalent_quanta
from kerma.imaging.tools.flat_fields import require_paired, value_name

NAME, VERSION = "planar-dqe", "1"
EDITION = "IEC 62220-1-1:2015 method; SNR²in of the edition named in the parameters"
# The trend removed from each square takes noise power with it up to here. Design choice.
_FIRST_STEP = 4
# Beyond this the transfer property belongs to another detector or beam. Design choice.
_MOST_KERMA_SHARE = 0.10


@dataclass(frozen=True, slots=True)
class Parameters:
    """What must and may be chosen.

    Attributes
    ----------
    kerma_ugy
        Air kerma at the detector of each flat field, in the order of the images.
    quality
        Radiation quality, such as ``RQA5``.
    edition
        Edition of the standard SNR²in is taken from: ``2003``, ``2015``, ``2007`` (mammography).
    edges
        How many of the images, from the first, show the edge; the others are flat fields.
    u_kerma_percent
        Standard uncertainty (k = 1) of the air kerma.
    at_per_mm
        Frequencies at which values are given.
    band_per_mm
        Width of the bands the result is averaged in; a design choice.
    angle_limits_deg, half_width_mm, edge_roi
        For the edge: as in `planar-mtf-edge`.
    square_px, margin_mm, flat_roi
        For the flat fields: as in `planar-nnps`.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    """

    kerma_ugy: tuple[float, ...]
    quality: str
    edition: str | int
    edges: int = 1
    u_kerma_percent: float | None = None
    at_per_mm: tuple[float, ...] = (0.5, 1.0, 2.0)
    band_per_mm: float = 0.1
    angle_limits_deg: tuple[float, float] = (1.5, 3.0)
    half_width_mm: float = 25.0
    edge_roi: tuple[int, int, int, int] | None = None
    square_px: int = nnps_of.STANDARD_SQUARE_PX
    margin_mm: float = 10.0
    flat_roi: tuple[int, int, int, int] | None = None
    stp: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        require(self.edges >= 1, "edges", "At least one image must show the edge.")
        require(
            0 < self.band_per_mm <= 1,
            "band_per_mm",
            "The bands are above 0 and at most 1 per mm wide.",
        )
        u = self.u_kerma_percent
        require(
            u is None or (math.isfinite(u) and u >= 0),
            "u_kerma_percent",
            "The uncertainty of the air kerma must be zero or more.",
        )


@measurement(
    NAME,
    version=VERSION,
    title="NEQ and DQE",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure NEQ and DQE from edge images followed by flat fields of one exposure.

    Values for each axis the edge was measured along, at each frequency of `at_per_mm` the detector
    reaches: ``dqe_x_at_1`` (1), ``neq_x_at_1`` (1/mm2); without axis (``dqe_at_1``) the only axis,
    or the mean of both; ``kerma`` (uGy) and ``snr2_in`` (1/(mm2.uGy)). The facts name quality,
    edition, value, source and row of SNR²in.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``unknown-quality``, ``beam-quality``, ``kerma-count``,
        ``bad-kerma``, ``mixed-images``, those of `planar-nnps` and `planar-mtf-edge`.
    AnalysisError
        Those of `planar-mtf-edge`.
    """
    chosen = choose(Parameters, parameters)
    quality = snr_in.find(chosen.quality, str(chosen.edition))
    identity.check(images, modalities=identity.PLANAR, at_least=chosen.edges + 1)
    identity.require_same_geometry(images)
    warnings = list(snr_in.require_beam(images, quality))
    edges, flats = images[: chosen.edges], images[chosen.edges :]
    require_paired(flats, chosen.kerma_ugy)
    kerma = _kerma(chosen)
    mtf = mtf_edge.measure(
        edges, angle_limits_deg=chosen.angle_limits_deg, half_width_mm=chosen.half_width_mm,
        roi=chosen.edge_roi, stp=chosen.stp,
    )  # fmt: skip
    nnps = nnps_of.measure(
        flats, square_px=chosen.square_px, margin_mm=chosen.margin_mm, roi=chosen.flat_roi,
        at_per_mm=chosen.at_per_mm, stp=chosen.stp,
    )  # fmt: skip
    warnings += [*_kerma_warnings(chosen, nnps, kerma), *mtf.warnings, *nnps.warnings]
    snr2 = quality.snr2_per_mm2_ugy
    values = {"kerma": kerma, "snr2_in": quantity(snr2, "1/(mm2.uGy)")}
    curves: list[Curve] = []
    for axis in mtf.facts["axes"]:
        neq = _neq(mtf, nnps, axis, images[0], chosen)
        efficiency = neq.scaled(1.0 / (kerma.value * snr2), (kerma.u or 0.0) / kerma.value)
        curves += [_drawn(f"DQE {axis}", efficiency, "1"), _drawn(f"NEQ {axis}", neq, "1/mm2")]
        for name, found, unit in (("dqe", efficiency, "1"), ("neq", neq, "1/mm2")):
            values |= _values(f"{name}_{axis}", found, unit, chosen.at_per_mm)
    values |= _overall(values, mtf.facts["axes"], chosen.at_per_mm)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            snr_in=quality.facts(),
            parts=[mtf.provenance.as_dict(), nnps.provenance.as_dict()],
        ),
        values=values,
        regions=(*mtf.regions, *_shifted(nnps.regions, chosen.edges)),
        curves=(*curves, *_carried(mtf, "MTF"), *_carried(nnps, "NNPS")),
        warnings=tuple(dict.fromkeys(warnings)),
        facts={"axes": list(mtf.facts["axes"]), **quality.facts()},
    )  # fmt: skip


def _kerma(chosen: Parameters) -> Quantity:
    mean = sum(chosen.kerma_ugy) / len(chosen.kerma_ugy)
    if max(chosen.kerma_ugy) - min(chosen.kerma_ugy) > _MOST_KERMA_SHARE * mean:
        raise InputError(
            f"The air kermas of the flat fields differ, from {min(chosen.kerma_ugy):g} to "
            f"{max(chosen.kerma_ugy):g} µGy. Measure each exposure by itself.",
            code="mixed-exposures",
        )
    u = chosen.u_kerma_percent
    return quantity(mean, "uGy", None if u is None else mean * u / 100.0)


def _kerma_warnings(chosen: Parameters, nnps: Analysis, kerma: Quantity) -> list[str]:
    notes = []
    if chosen.u_kerma_percent is None:
        notes.append(
            "The uncertainty of the air kerma was not given, so that of the DQE leaves it out. "
            "Give u_kerma_percent from the meter's certificate."
        )
    seen = nnps.values["mean"]
    if str(seen.unit) == "uGy" and abs(seen.value / kerma.value - 1.0) > _MOST_KERMA_SHARE:
        notes.append(
            f"The linearised flat fields read {seen.value:.3g} µGy; {kerma.value:.3g} µGy is "
            "stated. Check that the signal transfer property belongs to this detector and beam."
        )
    return notes


def _neq(mtf: Analysis, nnps: Analysis, axis: str, image: Image, chosen: Parameters) -> Spectrum:
    dy, dx = image.require_spacing()
    step = 1.0 / (chosen.square_px * (dx if axis == "x" else dy))
    return noise_equivalent_quanta(
        _spectrum(mtf, f"MTF {axis}"),
        _spectrum(nnps, f"NNPS {axis}"),
        from_per_mm=(_FIRST_STEP - 0.5) * step,
        band_per_mm=max(chosen.band_per_mm, step),
    )


def _spectrum(analysis: Analysis, name: str) -> Spectrum:
    found = next(c for c in analysis.curves if c.name == name)
    return Spectrum(np.array(found.x), np.array(found.y), np.array(found.u))


def _values(
    name: str, found: Spectrum, unit: str, at_per_mm: Sequence[float]
) -> dict[str, Quantity]:
    values = {}
    for f in at_per_mm:
        at = found.at(f)
        if at is not None:
            values[f"{name}_at_{value_name(f)}"] = quantity(at[0], unit, at[1])
    return values


def _overall(
    values: Mapping[str, Quantity], axes: Sequence[str], at_per_mm: Sequence[float]
) -> dict[str, Quantity]:
    """Return the only axis' values, or the mean of two, under the names without axis."""
    result = {}
    for name in ("dqe", "neq"):
        for f in at_per_mm:
            here = [values.get(f"{name}_{a}_at_{value_name(f)}") for a in axes]
            found = [q for q in here if q is not None]
            if found and len(found) == len(axes):
                mean = sum(q.value for q in found) / len(found)
                # Air kerma is common to both axes; the mean of the two is on the safe side.
                u = sum(q.u or 0.0 for q in found) / len(found)
                result[f"{name}_at_{value_name(f)}"] = quantity(mean, str(found[0].unit), u)
    return result


def _drawn(name: str, found: Spectrum, unit: str) -> Curve:
    return Curve(
        name,
        tuple(map(float, found.frequency_per_mm)),
        tuple(map(float, found.value)),
        "Spatial frequency",
        "1/mm",
        name.partition(" ")[0],
        unit,
        tuple(map(float, found.u)),
    )


def _carried(analysis: Analysis, what: str) -> list[Curve]:
    names = (f"{what} x", f"{what} y")
    return [curve for curve in analysis.curves if curve.name in names]


def _shifted(regions: Sequence[Region], by: int) -> list[Region]:
    """Return the regions of the flat fields at their place among all images."""
    return [Region(r.name, r.shape, r.points, r.frame + by, r.values) for r in regions]
