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
from kerma.imaging.tools import beam as beams
from kerma.imaging.tools import snr_in
from kerma.imaging.tools.dqe import Spectrum, noise_equivalent_quanta
from kerma.imaging.tools.flat_fields import require_paired, value_name

NAME, VERSION = "planar-dqe", "2"
EDITION = "IEC 62220-1-1:2015 method; SNR²in of the edition named, or of the beam's own spectrum"
# The trend removed from each square takes noise power with it up to here. Design choice.
_FIRST_STEP = 4
# Beyond this the transfer property belongs to another detector or beam. Design choice.
_MOST_KERMA_SHARE = 0.10
# A beam whose SNR²in is so far from the table's is hardly the quality named. Design choice.
_MOST_SNR_SHARE = 0.05
TABLE, COMPUTED = "table", "computed"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What must and may be chosen.

    Attributes
    ----------
    kerma_ugy
        Air kerma at the detector of each flat field, in the order of the images.
    quality
        Radiation quality, such as ``RQA5``. Left out only when SNR²in is computed.
    edition
        Edition of the standard SNR²in is taken from: ``2003``, ``2015``, ``2007`` (mammography).
    beam
        What is known of the beam measured with, for a computed SNR²in: the fields of
        `kerma.imaging.tools.beam.Stated`, such as ``hvl_mm_al`` or ``combination``.
    snr2_in_from
        Which SNR²in the DQE uses: ``table`` or ``computed``.
    edges
        How many of the images, from the first, show the edge; the others are flat fields.
    u_kerma_percent
        Standard uncertainty (k = 1) of the air kerma.
    at_per_mm
        Frequencies at which values are given.
    band_per_mm
        Width of the bands the result is averaged in; a design choice.
    mtf_mode, angle_limits_deg, half_width_mm, edge_roi
        For the edge: as in `planar-mtf-edge`.
    square_px, margin_mm, flat_roi
        For the flat fields: as in `planar-nnps`.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    """

    kerma_ugy: tuple[float, ...]
    quality: str | None = None
    edition: str | int | None = None
    beam: Mapping[str, Any] | None = None
    snr2_in_from: str = TABLE
    edges: int = 1
    u_kerma_percent: float | None = None
    at_per_mm: tuple[float, ...] = (0.5, 1.0, 2.0)
    band_per_mm: float = 0.1
    mtf_mode: str = mtf_edge.PROJECTION
    angle_limits_deg: tuple[float, float] = (1.5, 3.0)
    half_width_mm: float = 25.0
    edge_roi: tuple[int, int, int, int] | None = None
    square_px: int = nnps_of.STANDARD_SQUARE_PX
    margin_mm: float = 10.0
    flat_roi: tuple[int, int, int, int] | None = None
    stp: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        computed = self.snr2_in_from == COMPUTED
        require(
            self.snr2_in_from in (TABLE, COMPUTED),
            "snr2_in_from",
            f"SNR²in is taken from “{TABLE}”, or is “{COMPUTED}” for the beam given.",
        )
        require(
            not computed or self.beam is not None,
            "beam",
            "A computed SNR²in needs the beam: its half-value layer or its filters.",
        )
        named = (self.quality, self.edition)
        if None in named and not (computed and named == (None, None)):
            raise InputError(
                "This measurement needs the radiation quality and the edition its SNR²in is taken "
                "from, or a beam whose SNR²in is computed.",
                code="missing-parameter",
                detail={"missing": ["quality", "edition"]},
            )
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
    or the mean of both; ``kerma`` (uGy) and ``snr2_in`` (1/(mm2.uGy)), the one used. With a `beam`
    also ``snr2_in_table`` (when a quality is named), ``snr2_in_computed``, their difference
    ``snr2_in_difference`` (%) and the beam's ``hvl`` (mm Al). The facts name quality, edition,
    value, source and row of the table, and the beam.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``unknown-quality``, ``beam-quality``, ``kerma-count``,
        ``bad-kerma``, ``mixed-images``, those of `planar-nnps`, `planar-mtf-edge` and
        `kerma.imaging.tools.beam`.
    AnalysisError
        Those of `planar-mtf-edge`.
    """
    chosen = choose(Parameters, parameters)
    quality = None
    if chosen.quality is not None:
        quality = snr_in.find(chosen.quality, str(chosen.edition))
    identity.check(images, modalities=identity.PLANAR, at_least=chosen.edges + 1)
    identity.require_same_geometry(images)
    snr2 = _snr_in(chosen, images, quality)
    edges, flats = images[: chosen.edges], images[chosen.edges :]
    require_paired(flats, chosen.kerma_ugy)
    kerma = _kerma(chosen)
    mtf = mtf_edge.measure(
        edges, mode=chosen.mtf_mode, angle_limits_deg=chosen.angle_limits_deg,
        half_width_mm=chosen.half_width_mm, roi=chosen.edge_roi, stp=chosen.stp,
    )  # fmt: skip
    nnps = nnps_of.measure(
        flats, square_px=chosen.square_px, margin_mm=chosen.margin_mm, roi=chosen.flat_roi,
        at_per_mm=chosen.at_per_mm, stp=chosen.stp,
    )  # fmt: skip
    warnings = [*snr2.notes, *_kerma_warnings(chosen, nnps, kerma), *mtf.warnings, *nnps.warnings]
    values = {"kerma": kerma, **snr2.values}
    curves: list[Curve] = []
    u_scale = math.hypot((kerma.u or 0.0) / kerma.value, snr2.u_relative)
    for axis in mtf.facts["axes"]:
        neq = _neq(mtf, nnps, axis, images[0], chosen)
        efficiency = neq.scaled(1.0 / (kerma.value * snr2.used), u_scale)
        curves += [_drawn(f"DQE {axis}", efficiency, "1"), _drawn(f"NEQ {axis}", neq, "1/mm2")]
        for name, found, unit in (("dqe", efficiency, "1"), ("neq", neq, "1/mm2")):
            values |= _values(f"{name}_{axis}", found, unit, chosen.at_per_mm)
    values |= _overall(values, mtf.facts["axes"], chosen.at_per_mm)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            snr_in=snr2.facts,
            parts=[mtf.provenance.as_dict(), nnps.provenance.as_dict()],
        ),
        values=values,
        regions=(*mtf.regions, *_shifted(nnps.regions, chosen.edges)),
        curves=(*curves, *_carried(mtf, "MTF"), *_carried(nnps, "NNPS")),
        warnings=tuple(dict.fromkeys(warnings)),
        facts={"axes": list(mtf.facts["axes"]), **snr2.facts},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _SnrIn:
    """SNR²in as used, with what is said about it."""

    used: float
    u_relative: float
    values: dict[str, Quantity]
    facts: dict[str, Any]
    notes: tuple[str, ...]


def _snr_in(
    chosen: Parameters, images: Sequence[Image], quality: snr_in.BeamQuality | None
) -> _SnrIn:
    """Return SNR²in of the table and of the beam, as far as they are known, and which is used."""
    unit = "1/(mm2.uGy)"
    values: dict[str, Quantity] = {}
    facts: dict[str, Any] = {"snr2_in_from": chosen.snr2_in_from}
    notes: tuple[str, ...] = ()
    if quality is not None:
        notes = snr_in.require_beam(images, quality)
        facts |= quality.facts()
        values["snr2_in"] = quantity(quality.snr2_per_mm2_ugy, unit)
    if chosen.beam is None:
        return _SnrIn(values["snr2_in"].value, 0.0, values, facts, notes)
    found = beams.compute(chosen.beam, images, quality)
    computed = quantity(found.snr2_per_mm2_ugy, unit, found.u)
    facts["beam"] = found.facts()
    if quality is not None:
        table = values["snr2_in_table"] = values["snr2_in"]
        share = computed.value / table.value - 1.0
        values["snr2_in_difference"] = quantity(100.0 * share, "%", 100.0 * found.u / table.value)
        if abs(share) > _MOST_SNR_SHARE:
            notes = (
                *notes,
                f"SNR²in computed for the beam differs from that of {quality.name} "
                f"({quality.edition}) by {100 * share:.1f} %. Check which beam was measured with.",
            )
    values["snr2_in_computed"] = computed
    values["hvl"] = quantity(found.beam.hvl(), "mm Al", chosen.beam.get("u_hvl_mm_al"))
    if chosen.snr2_in_from == COMPUTED:
        values["snr2_in"] = computed
    used = values["snr2_in"]
    return _SnrIn(used.value, (used.u or 0.0) / used.value, values, facts, (*notes, *found.notes))


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
