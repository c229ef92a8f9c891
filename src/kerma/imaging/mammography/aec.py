"""Automatic exposure control of a mammography unit: what each PMMA thickness was given."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import Analysis, Curve, Image, InputError, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.planar.region import central_region, linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.flat import require_flat
from kerma.imaging.tools.flat_fields import require_distinct, value_name
from kerma.imaging.tools.regions import Rectangle

NAME, VERSION = "mammo-aec", "1"
EDITION = "Thickness compensation and repeatability, EUREF and NHSBSP practice (recalled)"
MODALITIES = ("MG",)
# Header value, what it becomes, unit. Organ Dose is in dGy (PS3.3 C.8.7.2), shown in mGy.
_HEADER: Mapping[str, tuple[str, str, float]] = {
    "kv": ("KVP", "kV", 1.0),
    "organ_dose": ("OrganDose", "mGy", 100.0),
    "entrance_dose": ("EntranceDoseInmGy", "mGy", 1.0),
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    pmma_mm
        Thickness of PMMA of each image, in their order; equal ones are repeats.
    side_mm, roi
        Side of the central square, or a region by hand: left, top, right, bottom in pixels.
    offset
        Pixel value without exposure, taken off when there is no `stp`.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    """

    pmma_mm: tuple[float, ...]
    side_mm: float = 20.0
    roi: tuple[int, int, int, int] | None = None
    offset: float | None = None
    stp: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        require(bool(self.pmma_mm), "pmma_mm", "Give the thickness of PMMA of each image.")
        require(
            all(0 < t <= 150 for t in self.pmma_mm),
            "pmma_mm",
            "Thicknesses of PMMA lie above 0 and up to 150 mm.",
        )
        require(self.side_mm > 0, "side_mm", "The side of the region must be above zero.")
        require(
            self.offset is None or self.stp is None,
            "offset",
            "Give either the offset or the signal transfer property, which holds it.",
        )


@dataclass(frozen=True, slots=True)
class Exposure:
    """One image: signal and SNR with their uncertainties, and what its header says."""

    signal: float
    u_signal: float
    snr: float | None
    u_snr: float
    header: Mapping[str, float]
    beam: str


@measurement(
    NAME,
    version=VERSION,
    title="Automatic exposure control of mammography",
    edition=EDITION,
    modalities=MODALITIES,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure what the automatic exposure control does from thickness to thickness.

    For each thickness, the mean of its images: ``signal_45mm`` (PV or uGy), ``snr_45mm``,
    ``mas_45mm``, ``kv_45mm``, ``organ_dose_45mm``, ``entrance_dose_45mm`` where headers state
    them. Over two or more thicknesses ``signal_compensation`` and ``snr_compensation``: max
    |x_i - mean(x)| / mean(x), %. Over repeats ``mas_repeatability_45mm``,
    ``signal_repeatability_45mm``, ``snr_repeatability_45mm``: the same over the repeats, %.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``bad-parameter``, ``not-flat``, ``same-frame``,
        ``region-outside-image``, ``no-pixel-spacing``, ``offset-too-high``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=MODALITIES)
    warnings = list(identity.require_raw(images))
    require_distinct(images)
    if len(images) != len(chosen.pmma_mm):
        raise InputError(
            f"{len(images)} images and {len(chosen.pmma_mm)} thicknesses of PMMA were given; each "
            "image needs its own.",
            code="bad-parameter",
        )
    found: dict[float, list[Exposure]] = {}
    drawn: list[Region] = []
    unit = "PV"
    for number, (image, thickness) in enumerate(zip(images, chosen.pmma_mm, strict=True)):
        identity.require_not_clinical(image)
        region = central_region(image, chosen.side_mm, chosen.roi)
        require_flat(region.cut(image.pixels))
        exposure, unit = _exposure(image, region, chosen)
        found.setdefault(thickness, []).append(exposure)
        drawn.append(region.region(f"{thickness:g} mm PMMA", frame=number))
    if chosen.offset is None and chosen.stp is None:
        warnings.append(
            "Neither offset nor signal transfer property was given: signal and SNR are of pixel "
            "values as they are."
        )
    if chosen.roi is not None:
        warnings.append("The region was set by hand.")
    warnings += _unsaid(found)
    values: dict[str, Quantity] = {}
    for thickness, exposures in sorted(found.items()):
        values |= _of_thickness(f"_{value_name(thickness)}mm", exposures, unit)
    values |= _compensation(found)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=values,
        regions=tuple(drawn),
        curves=_curves(values, sorted(found), unit),
        warnings=tuple(warnings),
        facts={
            "exposures": [
                {"pmma_mm": thickness, "beam": e.beam, **e.header}
                for thickness, exposures in sorted(found.items())
                for e in exposures
            ]
        },
    )


def _exposure(image: Image, region: Rectangle, chosen: Parameters) -> tuple[Exposure, str]:
    pixels, unit = linearised(image, chosen.stp)
    moments = region.moments(pixels - (chosen.offset or 0.0))
    if moments.mean <= 0:
        raise InputError(
            "The offset is above the signal of an image. Give the pixel value without exposure.",
            code="offset-too-high",
        )
    header = {
        name: value * factor
        for name, (keyword, _, factor) in _HEADER.items()
        if (value := _number(image.facts.get(keyword))) is not None
    }
    mas = _mas(image)
    if mas is not None:
        header["mas"] = mas
    words = [str(image.facts.get(k) or "?") for k in ("AnodeTargetMaterial", "FilterMaterial")]
    exposure = Exposure(
        moments.mean, moments.u_mean, moments.snr, moments.u_snr, header, "/".join(words)
    )
    return exposure, unit


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value > 0 else None


def _mas(image: Image) -> float | None:
    """Return the tube charge; Exposure in µAs is finer than Exposure in mAs, which is whole."""
    fine = _number(image.facts.get("ExposureInuAs"))
    return fine / 1000.0 if fine is not None else _number(image.facts.get("Exposure"))


def _unsaid(found: Mapping[float, list[Exposure]]) -> list[str]:
    every = [e for es in found.values() for e in es]
    said = {"mas": "the mAs", "organ_dose": "the organ dose", "kv": "the tube voltage"}
    return [
        f"Not every header states {words}, so it is left out where it is missing."
        for name, words in said.items()
        if any(name not in e.header for e in every)
    ]


def _mean(values: Sequence[float], u: Sequence[float]) -> tuple[float, float]:
    """Return the mean and its standard uncertainty: from the scatter of repeats, else as given."""
    n = len(values)
    middle = math.fsum(values) / n
    single = math.hypot(*u) / n
    if n < 2:
        return middle, single
    scatter = math.sqrt(math.fsum((v - middle) ** 2 for v in values) / (n - 1) / n)
    return middle, max(single, scatter)


def _of_thickness(name: str, exposures: Sequence[Exposure], unit: str) -> dict[str, Quantity]:
    columns: dict[str, tuple[list[float], list[float], str]] = {
        "signal": ([e.signal for e in exposures], [e.u_signal for e in exposures], unit),
    }
    snr = [e.snr for e in exposures if e.snr is not None]
    if len(snr) == len(exposures):
        columns["snr"] = (snr, [e.u_snr for e in exposures], "1")
    for header, symbol in (*((k, v[1]) for k, v in _HEADER.items()), ("mas", "mAs")):
        stated = [e.header[header] for e in exposures if header in e.header]
        if len(stated) == len(exposures):
            columns[header] = (stated, [0.0] * len(stated), symbol)
    values: dict[str, Quantity] = {}
    for key, (numbers, u, symbol) in columns.items():
        middle, u_middle = _mean(numbers, u)
        # What a header states once, or always the same, has no uncertainty of its own to show.
        values[f"{key}{name}"] = quantity(middle, symbol, u_middle or None)
        if len(numbers) > 1 and key in ("signal", "snr", "mas"):
            values[f"{key}_repeatability{name}"] = _deviation(numbers, u)
    return values


def _deviation(values: Sequence[float], u: Sequence[float]) -> Quantity:
    """Return max |x_i - mean(x)| / mean(x) in %, with the uncertainty of the x that decides."""
    middle = math.fsum(values) / len(values)
    worst = max(range(len(values)), key=lambda i: abs(values[i] - middle))
    rest = math.sqrt(1.0 - 1.0 / len(values))
    return quantity(100 * abs(values[worst] - middle) / middle, "%", 100 * rest * u[worst] / middle)


def _compensation(found: Mapping[float, list[Exposure]]) -> dict[str, Quantity]:
    if len(found) < 2:
        return {}
    signal = [_mean([e.signal for e in es], [e.u_signal for e in es]) for es in found.values()]
    values = {"signal_compensation": _deviation([s for s, _ in signal], [u for _, u in signal])}
    if all(e.snr is not None for es in found.values() for e in es):
        snr = [_mean([e.snr or 0.0 for e in es], [e.u_snr for e in es]) for es in found.values()]
        values["snr_compensation"] = _deviation([s for s, _ in snr], [u for _, u in snr])
    return values


def _curves(
    values: Mapping[str, Quantity], thicknesses: Sequence[float], unit: str
) -> tuple[Curve, ...]:
    made = []
    for key, title, symbol in (
        ("signal", "Signal", unit), ("snr", "SNR", "1"), ("mas", "Tube charge", "mAs"),
        ("organ_dose", "Organ dose", "mGy"),
    ):  # fmt: skip
        points = [
            (t, values[name]) for t in thicknesses if (name := f"{key}_{value_name(t)}mm") in values
        ]
        if len(points) > 1:
            made.append(
                Curve(title, tuple(t for t, _ in points), tuple(q.value for _, q in points),
                      "PMMA", "mm", title, symbol, tuple(q.u or 0.0 for _, q in points))
            )  # fmt: skip
    return tuple(made)
