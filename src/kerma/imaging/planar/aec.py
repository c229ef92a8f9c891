"""Consistency of automatic exposure control: signal, exposure index and mAs over conditions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, InputError, Quantity, quantity
from kerma.imaging import identity
from kerma.imaging.planar._headers import number, require_one_detector, tube_charge_mas
from kerma.imaging.planar.region import central_region, linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.flat import require_flat
from kerma.imaging.tools.flat_fields import require_distinct
from kerma.imaging.tools.statistics import Moments

NAME, VERSION = "planar-aec", "1"
EDITION = "Coefficient of variation and largest deviation over conditions and repeats"
# Signal: mean of the region, in PV or, linearised, in µGy.
QUANTITIES = ("signal", "snr", "ei", "mas")
DEFINITIONS: Mapping[str, str] = {
    "cv": "standard deviation (n - 1) over the means of the conditions / their mean",
    "max_deviation": "largest |mean of a condition - mean of the conditions| / the latter",
    "max_deviation_from_baseline": "largest |mean of a condition - its baseline| / baseline",
    "repeatability": "standard deviation (n - 1) about the condition's mean / that mean, pooled",
    "max_repeat_deviation": "largest |image - mean of its condition| / that mean",
}
_MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    conditions
        What each image was exposed with beside the tube voltage, in the order of the images:
        ``"20 cm, centre chamber"``. Images of one condition and tube voltage are repeats.
    thickness_mm
        Thickness of the absorber of each image.
    kv
        Tube voltage of each image, where the headers do not say.
    mas
        Tube current-time product of each image as displayed, where the headers do not say.
    baseline
        Quantity (``signal``, ``ei``, ``snr``, ``mas``) -> its baseline: a number for all
        conditions, or condition -> number, spelled as in the facts.
    side_mm, roi
        Central square (design choice), or left, top, right, bottom in pixels.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    allow_processed
        Measure images processed for display, with a warning.
    """

    conditions: tuple[str, ...] | None = None
    thickness_mm: tuple[float, ...] | None = None
    kv: tuple[float, ...] | None = None
    mas: tuple[float, ...] | None = None
    baseline: Mapping[str, Any] | None = None
    side_mm: float = 20.0
    roi: tuple[int, int, int, int] | None = None
    stp: Mapping[str, Any] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.side_mm > 0, "side_mm", "The side of the region must be above zero.")
        for name in ("thickness_mm", "kv", "mas"):
            numbers = getattr(self, name)
            require(
                numbers is None or all(math.isfinite(n) and n >= 0 for n in numbers),
                name,
                f"{name} must hold numbers of zero or more.",
            )
        for name, held in (self.baseline or {}).items():
            numbers = list(held.values()) if isinstance(held, Mapping) else [held]
            require(
                name in QUANTITIES
                and all(
                    isinstance(n, int | float) and not isinstance(n, bool) and n > 0
                    for n in numbers
                ),
                "baseline",
                f"A baseline is a number above zero for one of {', '.join(QUANTITIES)}.",
            )


@dataclass(frozen=True, slots=True)
class _Exposure:
    """One image: its condition and what was measured on it, with standard uncertainties."""

    condition: str
    kv: float | None
    thickness_mm: float | None
    found: Mapping[str, tuple[float, float]]


@measurement(
    NAME,
    version=VERSION,
    title="Consistency of automatic exposure control",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Compare what the automatic exposure control gave at several conditions and repeats.

    For each of ``signal`` (mean of the region), ``snr``, ``ei`` (header) and ``mas`` (header): with
    two or more conditions ``signal_cv``, ``signal_max_deviation`` and, with a baseline,
    ``signal_max_deviation_from_baseline``; with repeats ``signal_repeatability`` and
    ``signal_max_repeat_deviation``, all in %, see `DEFINITIONS`. Tube charge differs from
    condition to condition by intent, so ``mas`` has its repeats and its baseline only. ``facts``
    hold a row for each image and each condition.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``list-length``, ``mixed-detectors``, ``same-frame``,
        ``not-flat``, ``unknown-condition``, ``region-outside-image``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_least=2)
    require_one_detector(images)
    require_distinct(images)
    warnings = list(identity.require_raw(images, allow_processed=chosen.allow_processed))
    exposures, drawn, unit = [], [], "PV"
    for place, image in enumerate(images):
        identity.require_not_clinical(image)
        region = central_region(image, chosen.side_mm, chosen.roi)
        require_flat(region.cut(image.pixels))
        pixels, unit = linearised(image, chosen.stp)
        seen = region.moments(pixels)
        exposures.append(_exposure(place, image, seen, len(images), chosen))
        drawn.append(region.region(exposures[-1].condition, frame=place, values=seen.values(unit)))
    groups: dict[str, list[_Exposure]] = {}
    for exposure in exposures:
        groups.setdefault(exposure.condition, []).append(exposure)
    warnings += _notes(images, exposures, groups, unit)
    values: dict[str, Quantity] = {}
    for name in QUANTITIES:
        if all(name in e.found for e in exposures):
            values |= _spread(name, groups, chosen.baseline or {})
    return Analysis(
        name=NAME,
        status="measured" if values else "not measurable",
        reason="" if values else "No condition was repeated and there is only one condition.",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen, definitions=dict(DEFINITIONS)
        ),
        values=values,
        regions=tuple(drawn),
        curves=_curves(groups, unit),
        warnings=tuple(dict.fromkeys(warnings)),
        facts={"images": [_row(e) for e in exposures], "conditions": _table(groups), "unit": unit},
    )


def _exposure(place: int, image: Image, seen: Moments, count: int, chosen: Parameters) -> _Exposure:
    def stated(name: str) -> Any:
        held = getattr(chosen, name)
        if held is not None and len(held) != count:
            raise InputError(
                f"{count} images and {len(held)} entries of {name} were given; each image needs "
                "its own.",
                code="list-length",
                detail={"parameter": name},
            )
        return None if held is None else held[place]

    header_kv, given_kv = number(image, "KVP"), stated("kv")
    kv = header_kv if given_kv is None else given_kv
    thickness, label = stated("thickness_mm"), stated("conditions")
    words = [
        None if kv is None else f"{kv:g} kV",
        None if thickness is None else f"{thickness:g} mm",
        label,
    ]
    found = {"signal": (seen.mean, seen.u_mean)}
    if seen.snr is not None:
        found["snr"] = (seen.snr, seen.u_snr)
    index = number(image, "ExposureIndex")
    if index is not None and index > 0:
        found["ei"] = (index, 0.0)
    given_mas = stated("mas")
    mas = tube_charge_mas(image) if given_mas is None else given_mas
    if mas:
        found["mas"] = (mas, 0.0)
    return _Exposure(", ".join(w for w in words if w) or "as exposed", kv, thickness, found)


def _notes(
    images: Sequence[Image], exposures: Sequence[_Exposure],
    groups: Mapping[str, Sequence[_Exposure]], unit: str,
) -> list[str]:  # fmt: skip
    notes = []
    if any(str(i.facts.get("ExposureControlMode", "")).upper() == _MANUAL for i in images):
        notes.append(
            "The header of at least one image says its exposure was set by hand, so it shows "
            "nothing of the automatic exposure control."
        )
    for name, words in (("ei", "exposure index"), ("mas", "tube current-time product")):
        stating = sum(name in e.found for e in exposures)
        if stating < len(exposures):
            notes.append(
                f"{len(exposures) - stating} of {len(exposures)} images do not state their "
                f"{words}, so it was left out."
            )
    if unit == "PV":
        notes.append(
            "No signal transfer property was given, so the signal is in pixel values, which "
            "follow air kerma only without offset and in proportion."
        )
    if all(len(g) == 1 for g in groups.values()):
        notes.append("No condition was repeated, so there is no repeatability.")
    return notes


@dataclass(frozen=True, slots=True)
class _Means:
    """One quantity over the conditions: means with standard uncertainty, and the repeats."""

    mean: Mapping[str, float]
    u: Mapping[str, float]
    repeatability: float | None
    most: float | None
    freedom: int

    @classmethod
    def of(cls, name: str, groups: Mapping[str, Sequence[_Exposure]]) -> _Means:
        held = {c: np.array([e.found[name] for e in g]) for c, g in groups.items()}
        mean = {c: float(found[:, 0].mean()) for c, found in held.items()}
        off = [found[:, 0] / mean[c] - 1.0 for c, found in held.items() if len(found) > 1]
        freedom = sum(len(part) - 1 for part in off)
        steady = math.sqrt(sum(float((part**2).sum()) for part in off) / freedom) if off else None
        u = {}
        for c, found in held.items():
            pixels = float(np.sqrt((found[:, 1] ** 2).sum())) / len(found)
            # What repeats scatter by holds the pixels' own noise as well.
            u[c] = max(pixels, (steady or 0.0) * mean[c] / math.sqrt(len(found)))
        most = max((float(np.abs(part).max()) for part in off), default=None)
        return cls(mean, u, steady, most, freedom)


def _spread(
    name: str, groups: Mapping[str, Sequence[_Exposure]], baseline: Mapping[str, Any]
) -> dict[str, Quantity]:
    """Return the values of one quantity; a scatter s of n results has u = s / sqrt(2 (n - 1))."""
    found = _Means.of(name, groups)
    mean, values = found.mean, {}
    if min(mean.values()) <= 0:
        return {}
    # What a header says scatters by an unknown amount unless it was repeated.
    known = found.repeatability is not None or name in ("signal", "snr")

    def percent(value: float, u: float) -> Quantity:
        return quantity(100.0 * value, "%", 100.0 * u if known else None)

    if len(mean) > 1 and name != "mas":
        n, middle = len(mean), sum(mean.values()) / len(mean)
        spread = float(np.std(list(mean.values()), ddof=1)) / middle
        values[f"{name}_cv"] = percent(spread, spread / math.sqrt(2.0 * (n - 1)))
        worst = max(mean, key=lambda c: abs(mean[c] - middle))
        # The condition itself is part of the mean it is compared with.
        others = math.hypot(*(v for c, v in found.u.items() if c != worst)) / n
        u = math.hypot(found.u[worst] * (1.0 - 1.0 / n), others) / middle
        values[f"{name}_max_deviation"] = percent(abs(mean[worst] / middle - 1.0), u)
    if name in baseline:
        off = {c: _off_baseline(name, c, m, baseline[name]) for c, m in mean.items()}
        worst = max(off, key=lambda c: abs(off[c]))
        u = found.u[worst] / mean[worst] * (1.0 + off[worst])
        values[f"{name}_max_deviation_from_baseline"] = percent(abs(off[worst]), u)
    if found.repeatability is not None and found.most is not None:
        u = found.repeatability / math.sqrt(2.0 * found.freedom)
        values[f"{name}_repeatability"] = percent(found.repeatability, u)
        values[f"{name}_max_repeat_deviation"] = percent(found.most, found.repeatability)
    return values


def _off_baseline(name: str, condition: str, mean: float, baseline: Any) -> float:
    if isinstance(baseline, Mapping):
        if condition not in baseline:
            raise InputError(
                f"The baseline of {name} has nothing for the condition “{condition}”. It has "
                f"{', '.join(map(str, baseline))}.",
                code="unknown-condition",
                detail={"condition": condition},
            )
        baseline = baseline[condition]
    return mean / float(baseline) - 1.0


def _row(exposure: _Exposure) -> dict[str, Any]:
    row = {"condition": exposure.condition, "kv": exposure.kv,
           "thickness_mm": exposure.thickness_mm}  # fmt: skip
    return {**row, **{name: value for name, (value, _) in exposure.found.items()}}


def _table(groups: Mapping[str, Sequence[_Exposure]]) -> list[dict[str, Any]]:
    table = []
    for condition, group in groups.items():
        row: dict[str, Any] = {"condition": condition, "images": len(group)}
        for name in QUANTITIES:
            found = [e.found[name][0] for e in group if name in e.found]
            if found:
                row[name] = sum(found) / len(found)
        table.append(row)
    return table


def _curves(groups: Mapping[str, Sequence[_Exposure]], unit: str) -> tuple[Curve, ...]:
    """Draw the means of the conditions over tube voltage and over thickness, where they differ."""
    curves = []
    axes = (("kv", "Tube voltage", "kV"), ("thickness_mm", "Thickness", "mm"))
    for name, y_label, y_unit in (("signal", "Signal", unit), ("ei", "Exposure index", "1"),
                                  ("mas", "Tube charge", "mAs")):  # fmt: skip
        for field, label, x_unit in axes:
            points = sorted(
                (float(getattr(g[0], field)), sum(e.found[name][0] for e in g) / len(g))
                for g in groups.values()
                if getattr(g[0], field) is not None and all(name in e.found for e in g)
            )
            if len({x for x, _ in points}) > 1:
                x, y = zip(*points, strict=True)
                curves.append(
                    Curve(f"{y_label} over {label.lower()}", x, y, label, x_unit, y_label, y_unit)
                )
    return tuple(curves)
