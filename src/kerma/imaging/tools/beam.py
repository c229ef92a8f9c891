"""SNR²in of the beam that was measured with, from its spectrum (`kerma.physics.beams`).

A radiation quality's tabled SNR²in is that of the standard's own beam. A beam is seldom quite it,
and for most mammographic anodes and filters there is no table at all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import Image, InputError
from kerma.imaging.record import choose, require
from kerma.imaging.tools.snr_in import BeamQuality, contradiction, number, words
from kerma.physics.beams import Beam

# Rectangular, from what spectra of different physics models and attenuation data give at one
# measured half-value layer (2 %), and from how far the mammographic table of IEC 62220-1-2:2007
# lies from every model (6 %); divided by sqrt 3.
MODEL_U, MODEL_U_MAMMOGRAPHIC = 0.012, 0.035
_MAMMOGRAPHIC_BELOW_KV = 40.0
# A half-value layer calculated from filters is good to about 2 % (IEC 61267), rectangular.
_CALCULATED_HVL_U = 0.012
_MOST_KV_SHARE = 0.05
# Anode, filter and its thickness in mm, as tubes have them (data set snr-in; Mo/Mo IEC 61267).
COMBINATIONS: Mapping[str, tuple[str, str, float]] = {
    "Mo/Mo": ("Mo", "Mo", 0.032), "Mo/Rh": ("Mo", "Rh", 0.025), "Rh/Rh": ("Rh", "Rh", 0.025),
    "W/Rh": ("W", "Rh", 0.050), "W/Ag": ("W", "Ag", 0.050), "W/Al": ("W", "Al", 0.700),
}  # fmt: skip
# So soft a beam also loses to its window and to air. Design choice; behind 2 mm of aluminium it
# changes SNR²in by under 1 %.
_WINDOW_AND_AIR: Mapping[str, float] = {"Be": 0.8, "air": 600.0}
# The phantom of IEC 62220-1-2 in front of the detector.
_STANDARD_AL_MM = 2.0
_NAMES: Mapping[str, tuple[str, ...]] = {
    "W": ("TUNGSTEN", "W"), "Mo": ("MOLYBDENUM", "MO"), "Rh": ("RHODIUM", "RH"),
    "Ag": ("SILVER", "AG"), "Al": ("ALUMINUM", "ALUMINIUM", "AL"), "Cu": ("COPPER", "CU"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stated:
    """What is known of the beam.

    Attributes
    ----------
    kv
        Tube voltage; the images' own (KVP) when absent, else that of the radiation quality.
    combination
        Anode and filter of a mammographic tube by name, see `COMBINATIONS`; with 2 mm Al unless
        the half-value layer says how much.
    anode, angle_deg
        ``W``, ``Mo`` or ``Rh``, instead of a combination; that of the images or of the radiation
        quality when absent, else ``W``. Anode angle.
    filters
        Material -> mm, everything between focus and detector, inherent filtration included.
    hvl_mm_al, u_hvl_mm_al
        Measured half-value layer and its standard uncertainty (k = 1). Aluminium is added to the
        filters until the calculated one agrees.
    """

    kv: float | None = None
    combination: str | None = None
    anode: str | None = None
    angle_deg: float = 12.0
    filters: Mapping[str, float] | None = None
    hvl_mm_al: float | None = None
    u_hvl_mm_al: float | None = None

    def __post_init__(self) -> None:
        require(
            self.combination is None or self.combination in COMBINATIONS,
            "beam",
            f"The anode and filter of the beam are one of {', '.join(COMBINATIONS)}.",
        )
        require(
            self.combination is None or (self.anode is None and self.filters is None),
            "beam",
            "Give the beam's combination, or its anode and filters, not both.",
        )
        require(
            self.hvl_mm_al is not None or self.filters is not None or self.combination is not None,
            "beam",
            "The beam needs its measured half-value layer (hvl_mm_al), or its filters in mm.",
        )
        u = self.u_hvl_mm_al
        require(
            u is None or (self.hvl_mm_al is not None and math.isfinite(u) and u >= 0),
            "beam",
            "The uncertainty of the half-value layer is zero or more, and goes with the layer.",
        )
        require(
            all(isinstance(mm, int | float) for mm in (self.filters or {}).values()),
            "beam",
            "Filters are given as material and mm, such as Al: 2.5.",
        )


@dataclass(frozen=True, slots=True)
class Computed:
    """A beam made to fit what was measured, its SNR²in and how it was found.

    Attributes
    ----------
    beam
        With every filter, the aluminium found included.
    snr2_per_mm2_ugy, u
        SNR²in, quanta counted, and its standard uncertainty.
    energy_weighted
        The same for a detector that adds up energy, in 1/(mm² µGy).
    notes
        Warnings.
    """

    beam: Beam
    snr2_per_mm2_ugy: float
    u: float
    energy_weighted: float
    notes: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """Return what is stored with a result."""
        return {
            **self.beam.as_dict(),
            "hvl_mm_al": self.beam.hvl(),
            "snr2_in_energy_weighted_per_mm2_ugy": self.energy_weighted,
        }


def compute(given: Mapping[str, Any], images: Sequence[Image], quality: BeamQuality | None,
            ) -> Computed:  # fmt: skip
    """Return SNR²in of a beam, quanta counted.

    Parameters
    ----------
    given
        The fields of `Stated`.
    images
        Their headers must not contradict the beam.
    quality
        The radiation quality it should be, when one is named.

    Raises
    ------
    InputError
        Codes ``unknown-parameter``, ``bad-parameter``, ``beam-quality``, ``no-tube-voltage``, and
        those of `kerma.physics.beams`.
    """
    stated = choose(Stated, given)
    kv, notes = _voltage(stated, images, quality)
    bare = _bare(stated, kv, _anode(stated, images, quality))
    _require_headers(bare, images)
    _require_quality(bare, quality)
    beam = bare
    if stated.hvl_mm_al is not None:
        beam = _hardened(bare, stated.hvl_mm_al)
        if stated.u_hvl_mm_al is None:
            notes = (
                *notes,
                "The uncertainty of the half-value layer was not given; 1.2 % was taken. Give "
                "u_hvl_mm_al.",
            )
    elif stated.combination is not None:
        beam = bare.filtered("Al", _STANDARD_AL_MM)
    return Computed(beam, beam.snr2_in(), _uncertainty(beam, stated), beam.snr2_in("energy"), notes)


def _voltage(
    stated: Stated, images: Sequence[Image], quality: BeamQuality | None
) -> tuple[float, tuple[str, ...]]:
    said = [kv for kv in (number(image.facts.get("KVP")) for image in images) if kv is not None]
    if stated.kv is not None:
        for kv in said:
            if abs(kv - stated.kv) > _MOST_KV_SHARE * stated.kv:
                raise contradiction("the beam as given", f"{stated.kv:g} kV", f"{kv:g} kV")
        return stated.kv, ()
    if said:
        return sum(said) / len(said), ()
    if quality is None:
        raise InputError(
            "Neither the beam as given nor the images state the tube voltage. Give kv.",
            code="no-tube-voltage",
        )
    return quality.kv, (f"The tube voltage of the beam was taken from {quality.name}.",)


def _anode(stated: Stated, images: Sequence[Image], quality: BeamQuality | None) -> str:
    if stated.anode is not None:
        return stated.anode
    said = [word for image in images for word in words(image.facts.get("AnodeTargetMaterial"))]
    if quality is not None:
        said.append(quality.entry.text("anode"))
    return next((a for a in ("W", "Mo", "Rh") for word in said if word in _NAMES[a]), "W")


def _bare(stated: Stated, kv: float, anode: str) -> Beam:
    """Return the beam before aluminium is added to it."""
    if stated.combination is not None:
        anode, material, mm = COMBINATIONS[stated.combination]
        filters = {material: mm, **_WINDOW_AND_AIR}
        return Beam(kv, anode, stated.angle_deg, tuple(filters.items()))
    require(
        stated.filters is not None or (anode == "W" and kv >= _MAMMOGRAPHIC_BELOW_KV),
        "beam",
        "A mammographic beam needs its filters in mm, or its combination such as W/Rh, beside the "
        "half-value layer.",
    )
    filters = {name: float(mm) for name, mm in (stated.filters or {}).items()}
    return Beam(kv, anode, stated.angle_deg, tuple(filters.items()))


def _hardened(bare: Beam, hvl_mm: float) -> Beam:
    return bare.filtered("Al", bare.added_filtration(hvl_mm))


def _uncertainty(beam: Beam, stated: Stated) -> float:
    """Return u: that of the model, and what the half-value layer leaves open."""
    value, hvl = beam.snr2_in(), beam.hvl()
    # The slope is taken towards the harder beam, which more aluminium always reaches.
    slope = (_hardened(beam, 1.01 * hvl).snr2_in() - value) / (0.01 * hvl)
    u_hvl = _CALCULATED_HVL_U * hvl if stated.u_hvl_mm_al is None else stated.u_hvl_mm_al
    model = MODEL_U_MAMMOGRAPHIC if beam.kv < _MAMMOGRAPHIC_BELOW_KV else MODEL_U
    return math.hypot(model * value, slope * u_hvl)


def _require_headers(bare: Beam, images: Sequence[Image]) -> None:
    filters = [name for name, _ in bare.filters if name in _NAMES]
    for image in images:
        anodes = words(image.facts.get("AnodeTargetMaterial"))
        if anodes and not set(anodes) & set(_NAMES[bare.anode]):
            raise contradiction("the beam as given", f"anode {bare.anode}", ", ".join(anodes))
        seen = [f for f in words(image.facts.get("FilterMaterial")) if f not in ("", "NONE")]
        known = {spelling for name in filters for spelling in _NAMES[name]}
        if seen and filters and not set(seen) & known:
            raise contradiction(
                "the beam as given", f"filter {', '.join(filters)}", ", ".join(seen)
            )


def _require_quality(bare: Beam, quality: BeamQuality | None) -> None:
    """Refuse a tabled quality beside a beam of another anode, filter or voltage."""
    if quality is None:
        return
    anode, material = quality.entry.text("anode"), quality.entry.text("filter")
    if anode and anode not in _NAMES[bare.anode]:
        raise contradiction(quality.name, f"anode {anode}", bare.anode)
    if abs(bare.kv - quality.kv) > _MOST_KV_SHARE * quality.kv:
        raise contradiction(quality.name, f"{quality.kv:g} kV", f"{bare.kv:g} kV")
    there = [name for name, _ in bare.filters if name in _NAMES]
    if material and there and not any(material in _NAMES[name] for name in there):
        raise contradiction(quality.name, f"filter {material}", ", ".join(there))
