"""Panoramic test objects: one measurement for every description in ``panoramic_data``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, Region, quantity
from kerma.imaging.dental._panoramic_find import PanoramicFound, Station, find_arch
from kerma.imaging.dental._picture import one_image, state_warnings
from kerma.imaging.dental._spec import BarPatch, PanoramicSpec, load_panoramic
from kerma.imaging.phantoms._part import Part
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import Recognise, Run, measurement
from kerma.imaging.tools.bars import BarSignal, bar_signal

VERSION = "1"
EDITION = "Definitions in docs/methods/dental-projections.md; geometry in the object's data file"
MODALITIES = ("PX", "DX")

_WAYS = {0.0: "h", 90.0: "v"}


@dataclass(frozen=True, slots=True)
class PanoramicParameters:
    """What may be stated.

    Attributes
    ----------
    rotation_radius_mm
        Distance from the effective centre of rotation to the image layer at each station, from the
        maker, by station; gives the distance of the object from the layer.
    """

    rotation_radius_mm: Mapping[str, Any] | None = None


def analyse(spec: PanoramicSpec, images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure a panoramic test object in one image.

    Parameters
    ----------
    spec
        The object the image is said to show. Anything else is refused.
    images
        One image.
    parameters
        See `PanoramicParameters`.

    Raises
    ------
    InputError
        ``wrong-phantom``, ``no-pixel-spacing`` and those of `kerma.imaging.identity`.
    """
    given = choose(PanoramicParameters, parameters)
    radii = _radii(given, spec)
    image = one_image(images, MODALITIES)
    image.require_spacing()
    found = find_arch(image, spec)
    part = Part(warnings=list(state_warnings(image)))
    if found.mirrored:
        part.warnings.append(
            "The image shows the object mirrored; left and right are named as on the object."
        )
    part.add(_magnification(found, radii))
    part.add(_symmetry(found, spec))
    part.add(_bars(found, spec))
    return Analysis(
        name=spec.measurement,
        status="measured",
        provenance=provenance(
            spec.measurement, VERSION, EDITION, images, given,
            object=spec.key, object_sha256=spec.sha256,
        ),
        values=part.values,
        regions=tuple(part.regions),
        curves=tuple(part.curves),
        warnings=tuple(part.warnings),
        facts={
            "object": spec.title,
            "sources": dict(spec.sources),
            "mirrored": found.mirrored,
            "attenuation_raises_grey_values": found.bright,
            **part.facts,
        },
    )  # fmt: skip


def _radii(given: PanoramicParameters, spec: PanoramicSpec) -> dict[str, float]:
    radii = {}
    for name, value in (given.rotation_radius_mm or {}).items():
        require(
            name in spec.stations,
            "rotation_radius_mm",
            f"There is no station “{name}”. There are: {', '.join(spec.stations)}.",
        )
        number = isinstance(value, int | float) and not isinstance(value, bool)
        require(
            number and 5.0 <= float(value) <= 500.0,
            "rotation_radius_mm",
            "A rotation radius is a length from 5 to 500 mm.",
        )
        radii[name] = float(value)
    return radii


def _magnification(found: PanoramicFound, radii: Mapping[str, float]) -> Part:
    """Return both magnifications of each station and their ratio, and the offset from the layer.

    In the layer lengths along the arch are magnified as upright ones; in front of it and behind it
    the receptor moves at the wrong speed for them. With the beam turning about a point at distance
    R from the layer, the object at R + d has Mh / Mv = R / (R + d) while Mv hardly changes, so
    d = R (Mv / Mh - 1), positive away from the centre of rotation.
    """
    part = Part()
    ratios, us = [], []
    for station in found.stations:
        mh, mv, u = station.across, station.down, station.u
        ratio = mh / mv
        u_ratio = ratio * math.hypot(u[0] / mh, u[1] / mv)
        part.values[f"mh_{station.name}"] = quantity(mh, "1", u[0])
        part.values[f"mv_{station.name}"] = quantity(mv, "1", u[1])
        part.values[f"ratio_{station.name}"] = quantity(ratio, "1", u_ratio)
        ratios.append(ratio)
        us.append(u_ratio)
        if station.name in radii:
            radius = radii[station.name]
            part.values[f"layer_offset_{station.name}"] = quantity(
                radius * (1 / ratio - 1), "mm", radius * u_ratio / ratio**2
            )
        part.regions += _shown(station, found.radius_px)
    worst = int(np.argmax(np.abs(np.array(ratios) - 1)))
    part.values["ratio_max_departure"] = quantity(
        100 * abs(ratios[worst] - 1), "%", 100 * us[worst]
    )
    at = [s.corner[0] * found.pixel_mm[0] for s in found.stations]
    order = np.argsort(at)
    part.curves.append(
        Curve("Magnification ratio along the arch", tuple(float(at[k]) for k in order),
              tuple(ratios[k] for k in order), "Across the image", "mm", "Mh / Mv", "1",
              tuple(us[k] for k in order))
    )  # fmt: skip
    return part


def _shown(station: Station, radius_px: float) -> list[Region]:
    regions = []
    for x, y in (station.corner, station.top, station.side):
        regions.append(Region(f"ball, {station.name}", "circle", ((x, y), (x + radius_px, y))))
    regions.append(Region("upright", "line", (station.corner, station.top)))
    regions.append(Region("along the arch", "line", (station.corner, station.side)))
    return regions


def _symmetry(found: PanoramicFound, spec: PanoramicSpec) -> Part:
    """Return left against right: magnifications, and distances from the middle station."""
    part, by_name = Part(), {s.name: s for s in found.stations}
    for left, right in spec.pairs():
        a, b = by_name[left], by_name[right]
        name = left.removeprefix("left_")
        for word, x, y, u in (
            ("mh", a.across, b.across, math.hypot(a.u[0], b.u[0])),
            ("mv", a.down, b.down, math.hypot(a.u[1], b.u[1])),
        ):
            mean = (x + y) / 2
            part.values[f"asymmetry_{word}_{name}"] = quantity(
                100 * (x - y) / mean, "%", 100 * u / mean
            )
    middle = by_name[spec.stations[len(spec.stations) // 2]]
    first, last = (by_name[n] for n in spec.pairs()[0])
    one, two = (abs(s.corner[0] - middle.corner[0]) * found.pixel_mm[0] for s in (first, last))
    u = found.u_px * found.pixel_mm[0] * math.sqrt(2)
    part.values["distance_left"] = quantity(one, "mm", u)
    part.values["distance_right"] = quantity(two, "mm", u)
    part.values["asymmetry_position"] = quantity(
        200 * (one - two) / (one + two), "%", 200 * u * math.sqrt(2) / (one + two)
    )
    level = (first.corner[1] - last.corner[1]) * found.pixel_mm[1]
    part.values["occlusal_tilt"] = quantity(
        math.degrees(math.atan2(level, one + two)), "deg", math.degrees(u / (one + two))
    )
    return part


def _bars(found: PanoramicFound, spec: PanoramicSpec) -> Part:
    """Return at each station the finest group seen, bars upright (h) and along the arch (v).

    Frequencies are those of the object: pixels are taken back to it by the station's own
    magnifications.
    """
    part = Part()
    for station in found.stations:
        for way in sorted({b.across_deg for b in spec.bars}):
            part.add(_one_way(found, spec, station, way))
    return part


def _one_way(found: PanoramicFound, spec: PanoramicSpec, station: Station, way: float) -> Part:
    part = Part()
    label = f"{_WAYS.get(way, f'{way:g}deg')}_{station.name}"
    along = found.pixel_mm[0] / station.across, found.pixel_mm[1] / station.down
    finest = 0.95 / (2 * (along[0] if way == 0 else along[1]))
    patches = sorted((b for b in spec.bars if b.across_deg == way), key=lambda b: b.per_mm)
    read = [(b, _signal(found, station, b, spec)) for b in patches if b.per_mm < finest]
    signals = [(b, s) for b, s in read if s is not None]
    seen = 0
    while seen < len(signals) and signals[seen][1].seen:
        seen += 1
    for patch, signal in signals:
        x, y = station.place(patch.x_mm, patch.y_mm, found)
        reach = 0.48 * spec.bar_side_mm / along[0]
        words = "" if signal.seen else " (not visible)"
        name = f"{patch.per_mm:g} mm⁻¹ {label}{words}"
        part.regions.append(Region(name, "circle", ((x, y), (x + reach, y))))
    if not seen:
        part.warnings.append(f"No bars are seen at {station.name} ({label[0]}).")
        return part
    first = signals[0][1].amplitude
    part.values[f"limiting_{label}"] = quantity(signals[seen - 1][0].per_mm, "1/mm")
    part.curves.append(
        Curve(f"rMTF {label}", tuple(b.per_mm for b, _ in signals),
              tuple(s.amplitude / first for _, s in signals), "Line pairs", "1/mm",
              "Relative modulation", "1", tuple(s.u / first for _, s in signals))
    )  # fmt: skip
    return part


def _signal(
    found: PanoramicFound, station: Station, patch: BarPatch, spec: PanoramicSpec
) -> BarSignal | None:
    column, row = station.place(patch.x_mm, patch.y_mm, found)
    side = spec.bar_side_mm / 2
    wide = side * station.across / found.pixel_mm[0] + 1
    high = side * station.down / found.pixel_mm[1] + 1
    c0, r0 = max(0, int(column - wide)), max(0, int(row - high))
    cut = found.pixels[r0 : int(row + high) + 2, c0 : int(column + wide) + 2]
    if cut.size < 25:
        return None
    rows, columns = np.mgrid[r0 : r0 + cut.shape[0], c0 : c0 + cut.shape[1]]
    u = (columns - column) * found.pixel_mm[0] / station.across
    v = (rows - row) * found.pixel_mm[1] / station.down
    return bar_signal(
        u,
        v,
        cut,
        radius_mm=0.48 * spec.bar_side_mm,
        per_mm=patch.per_mm,
        across_deg=patch.across_deg,
    )


def _register(spec: PanoramicSpec) -> None:
    def run(images: Sequence[Image], **parameters: Any) -> Analysis:
        return analyse(spec, images, **parameters)

    def recognise(images: Sequence[Image]) -> str:
        image = one_image(images, MODALITIES)
        image.require_spacing()
        found = find_arch(image, spec)
        return f"{len(found.stations)} stations of three balls each along the arch"

    run.__doc__ = f"Measure the {spec.title}; see `analyse`."
    registered: Run = run
    evidence: Recognise = recognise
    measurement(
        spec.measurement,
        version=VERSION,
        title=spec.title,
        edition=EDITION,
        modalities=MODALITIES,
        recognise=evidence,
    )(registered)


for _spec in load_panoramic().values():
    _register(_spec)
