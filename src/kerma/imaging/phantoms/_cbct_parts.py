"""Grey values of the rods, contrast to noise, homogeneity and noise of a cone-beam phantom."""

from __future__ import annotations

import math

import numpy as np

from kerma.core import Curve, quantity
from kerma.imaging.phantoms._acr_modules import linearity
from kerma.imaging.phantoms._cbct_locate import CbctFound
from kerma.imaging.phantoms._cbct_spec import CbctSpec
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import DiscStatistics, disc, shape
from kerma.imaging.phantoms._spec import polar
from kerma.imaging.phantoms._spectrum import spectrum
from kerma.imaging.phantoms._squares import squares

_PLACES = {"centre": None, "right": 0.0, "bottom": 90.0, "left": 180.0, "top": 270.0}


def materials(found: CbctFound, spec: CbctSpec) -> Part:
    """Return the grey value of each rod, its contrast to noise ratio, and the linearity.

    CNR = |rod - body| / pixel standard deviation of the body beside the rods, in single slices.
    """
    part = Part()
    name = "hu" if spec.unit == "HU" else "grey"
    slices = found.slices(spec.measured_z_mm)
    middle = slices[len(slices) // 2]
    body = _shown(part, found, slices, middle, spec, spec.background.key)
    part.values[f"{name}_body"] = quantity(body.mean, spec.unit, body.u)
    stats: list[DiscStatistics] = []
    for item in spec.inserts:
        own = _shown(part, found, slices, middle, spec, item.key)
        stats.append(own)
        part.values[f"{name}_{item.key}"] = quantity(own.mean, spec.unit, own.u)
        if abs(item.nominal_hu - spec.body_hu) < 1:
            continue
        if body.sd > 0:
            cnr = abs(own.mean - body.mean) / body.sd
            u = math.hypot(math.hypot(own.u, body.u) / body.sd, cnr * _relative_sd(found, spec))
            part.values[f"cnr_{item.key}"] = quantity(cnr, "1", u)
    if body.sd <= 0:
        part.warnings.append("No CNR: the images hold no noise at all.")
    if spec.target:
        target = stats[[i.key for i in spec.inserts].index(spec.target)]
        if target.sd > 0 and spec.unit == "HU":
            snr = (target.mean + 1000) / target.sd
            part.values["snr"] = quantity(snr, "1", snr * _relative_sd(found, spec))
        if f"cnr_{spec.target}" in part.values:
            part.values["cnr"] = part.values[f"cnr_{spec.target}"]
    tight = [k for k, item in enumerate(spec.inserts) if not item.loose]
    part.add(
        linearity(
            np.array([spec.inserts[k].nominal_hu for k in tight] + [spec.body_hu]),
            np.array([stats[k].mean for k in tight] + [body.mean]),
            np.array([stats[k].u for k in tight] + [body.u]),
            spec.unit,
        )
    )
    part.facts["insert_slices"] = [found.volume.order[i] for i in slices]
    part.facts["nominal_hu"] = {i.key: i.nominal_hu for i in spec.inserts}
    return part


def _relative_sd(found: CbctFound, spec: CbctSpec) -> float:
    """Return the relative standard uncertainty of the noise in the body's disc, all slices."""
    dy, dx = found.volume.spacing_mm
    pixels = math.pi * spec.background.roi_radius_mm**2 / (dx * dy)
    return 1 / math.sqrt(2 * max(1.0, pixels - 1))


def _shown(
    part: Part, found: CbctFound, slices: list[int], middle: int, spec: CbctSpec, key: str
) -> DiscStatistics:
    item = spec.background if key == spec.background.key else spec.insert(key)
    xy = found.place(item.xy_mm)
    stats = disc(found.volume, found.pose, slices, xy, item.roi_radius_mm)
    x, y = found.pose.place(*xy, float(found.volume.s_mm[middle]))
    values = {
        "mean": quantity(stats.mean, spec.unit, stats.u),
        "noise": quantity(stats.sd, spec.unit),
    }
    part.regions.append(
        shape(found.volume, middle, "circle", item.material, [(x, y), (x + item.roi_radius_mm, y)],
              values=values)
    )  # fmt: skip
    return stats


def homogeneity(found: CbctFound, spec: CbctSpec) -> Part:
    """Return the five discs of the homogeneous part, their differences, noise and its spectrum.

    Means over the slices of the part; noise is the mean over the slices of the pixel standard
    deviation in the centre. Relative values are shares of the step from air to the centre.
    """
    part, u = Part(), spec.uniformity
    slices = found.slices(u.z_mm)
    part.add(
        five_discs(
            found.volume,
            found.pose,
            slices,
            unit=spec.unit,
            edge_mm=u.edge_radius_mm,
            radius_mm=u.roi_radius_mm,
        )
    )
    part.add(relative(part, found.body.air))
    part.add(noise_power(found.volume, found.pose, slices, 0.85 * spec.body_radius_mm, spec.unit))
    part.facts["homogeneous_slices"] = [found.volume.order[i] for i in slices]
    part.facts["air_level"] = round(found.body.air, 2)
    return part


def five_discs(
    volume: Volume, pose: Pose, slices: list[int], *, unit: str, edge_mm: float, radius_mm: float
) -> Part:
    """Return mean of five discs, the largest difference from the centre, and noise."""
    part, middle = Part(), slices[len(slices) // 2]
    found: dict[str, DiscStatistics] = {}
    for name, angle in _PLACES.items():
        xy = (0.0, 0.0) if angle is None else as_shown(pose, edge_mm, angle)
        stats = found[name] = disc(volume, pose, slices, xy, radius_mm)
        part.values[f"uniformity_{name}"] = quantity(stats.mean, unit, stats.u)
        x, y = pose.place(*xy, float(volume.s_mm[middle]))
        values = {"mean": quantity(stats.mean, unit, stats.u), "noise": quantity(stats.sd, unit)}
        part.regions.append(
            shape(volume, middle, "circle", f"uniformity, {name}", [(x, y), (x + radius_mm, y)],
                  values=values)
        )  # fmt: skip
    centre = found["centre"]
    edges = [v for k, v in found.items() if k != "centre"]
    worst = max(edges, key=lambda v: abs(v.mean - centre.mean))
    part.values["uniformity_max_difference"] = quantity(
        abs(worst.mean - centre.mean), unit, math.hypot(worst.u, centre.u)
    )
    pixels = math.pi * radius_mm**2 / (volume.spacing_mm[0] * volume.spacing_mm[1])
    part.values["noise"] = quantity(
        centre.sd, unit, centre.sd / math.sqrt(2 * max(1.0, pixels - 1))
    )
    return part


def relative(part: Part, air: float) -> Part:
    """Return differences and noise as shares of the step from air to the centre, %.

    Cupping is the mean of the four edges less the centre: positive when the middle is dark.
    """
    names = [n for n in _PLACES if n != "centre"]
    centre = part.values["uniformity_centre"]
    step = centre.value - air
    if step <= 0:
        return Part(warnings=["No relative values: the phantom is no brighter than the air."])
    edges = [part.values[f"uniformity_{n}"] for n in names]
    mean = sum(e.value for e in edges) / len(edges)
    u_mean = math.hypot(*(e.u or 0.0 for e in edges)) / len(edges)
    worst, noise = part.values["uniformity_max_difference"], part.values["noise"]
    percent = 100 / step
    return Part(
        values={
            "cupping": quantity(
                percent * (mean - centre.value), "%", percent * math.hypot(u_mean, centre.u or 0.0)
            ),
            "uniformity_relative": quantity(percent * worst.value, "%", percent * (worst.u or 0.0)),
            "noise_relative": quantity(percent * noise.value, "%", percent * (noise.u or 0.0)),
        }
    )


def as_shown(pose: Pose, radius_mm: float, angle_deg: float) -> tuple[float, float]:
    """Return the place in the phantom's frame of an angle of the picture."""
    if pose.turned:
        return polar(radius_mm, 180 - angle_deg + pose.roll_deg)
    return polar(radius_mm, angle_deg - pose.roll_deg)


def noise_power(volume: Volume, pose: Pose, slices: list[int], radius_mm: float, unit: str) -> Part:
    """Return the noise power spectrum of the squares that fit into a circle about the axis."""
    part = Part()
    blocks, corners = squares(volume, pose, slices, radius_mm, side_mm=min(32.0, 0.6 * radius_mm))
    if not len(blocks):
        part.warnings.append("Noise power not measured: the squares do not fit into the part.")
        return part
    power = spectrum(blocks, volume.spacing_mm)
    f, mean, u = power.radial()
    sd = math.sqrt(power.variance)
    part.values["nps_noise"] = quantity(sd, unit, sd / math.sqrt(2 * power.count * blocks.shape[1]))
    if sd > 0:
        part.values["nps_peak_frequency"] = quantity(
            float(f[int(np.argmax(mean))]), "1/mm", max(power.step_mm) / math.sqrt(12)
        )
    part.curves.append(
        Curve("Noise power spectrum", tuple(f.tolist()), tuple(mean.tolist()), "Spatial frequency",
              "1/mm", "Noise power", f"{unit}^2.mm^2", tuple(u.tolist()))
    )  # fmt: skip
    for a, b in corners:
        part.regions.append(shape(volume, slices[0], "rectangle", "noise power", [a, b]))
    return part
