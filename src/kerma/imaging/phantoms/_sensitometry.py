"""CT numbers of the inserts and their linearity."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kerma.core import Curve, Quantity, quantity
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import DiscStatistics, discs, shown_disc
from kerma.imaging.phantoms._rings import Match
from kerma.imaging.phantoms._spec import Insert, PhantomSpec, polar

Array = npt.NDArray[np.float64]

SEED = 404
_REPLICATES = 400
# A vial's wall keeps its region smaller than an insert's (design choice).
_VIAL_RADIUS_MM = 3.0
_VIAL_HU = 100.0
# Shift of all CT numbers, and error of their scale, that are worth a warning.
_SHIFT_HU, _SCALE = 100.0, 0.15


def ct_numbers(volume: Volume, pose: Pose, spec: PhantomSpec, match: Match) -> Part:
    """Return the CT number of each insert and the line through measured against nominal.

    Mean of a disc of `roi_radius_mm` inside each insert over the slices within `half_range_mm` of
    the module's middle. Slope, intercept, R² and the residuals are of the least-squares line of
    measured on nominal CT number (nominal linear attenuation relative to water, on the Hounsfield
    scale); the CT number scale is (acrylic - air) measured over nominal. A hole that holds water
    in place of air is reported as the vial, and not part of the line.
    """
    sens, part = spec.sensitometry, Part()
    slices = volume.within(pose.s_mm(-sens.half_range_mm), pose.s_mm(sens.half_range_mm))
    middle = volume.nearest(pose.origin_mm)
    xy = np.array([i.xy_mm for i in sens.inserts])
    seen = discs(volume, pose, slices, xy, sens.roi_radius_mm)
    used: list[tuple[Insert, DiscStatistics]] = []
    for insert, stats in zip(sens.inserts, seen, strict=True):
        if stats is None:
            part.warnings.append(f"{insert.material} not measured: it is out of the field of view.")
            continue
        key, name, radius = f"hu_{insert.key}", insert.material, sens.roi_radius_mm
        if insert.vial and _holds_water(stats.mean, match):
            small = discs(volume, pose, slices, np.array([insert.xy_mm]), _VIAL_RADIUS_MM)[0]
            stats, key, name, radius = small or stats, "hu_vial", "vial", _VIAL_RADIUS_MM
        else:
            used.append((insert, stats))
        part.values[key] = quantity(stats.mean, "HU", stats.u)
        part.regions.append(
            shown_disc(volume, pose, middle, insert.xy_mm, radius, name=name, values=stats.values())
        )
    if sens.vial_mm is not None:
        part.add(_vial(volume, pose, slices, polar(sens.vial_mm[1], sens.vial_mm[0]), match))
    if len(used) >= 3:
        part.add(_linearity(used))
    part.add(_scale([(i, s) for i, s in used]))
    part.warnings += _scale_warnings(match)
    part.facts["insert_ranges_hu"] = {i.key: list(i.range_hu) for i in sens.inserts}
    part.facts["sensitometry_slices"] = len(slices)
    part.facts["ct_number_scale_seen"] = match.scale
    return part


def _holds_water(value: float, match: Match) -> bool:
    """Return whether a hole reads like water rather than air, on the scale the inserts show."""
    return value > match.offset_hu - 500 * match.slope


def _vial(
    volume: Volume, pose: Pose, slices: Sequence[int], xy: tuple[float, float], match: Match
) -> Part:
    """Return the CT number of the vial of a module that has a place of its own for it."""
    part = Part()
    turns = [xy, (-xy[1], xy[0]), (-xy[0], -xy[1]), (xy[1], -xy[0])]
    stats, *others = discs(volume, pose, slices, np.array(turns), _VIAL_RADIUS_MM)
    body = float(np.median([o.mean for o in others if o is not None] or [np.inf]))
    # Nearer to water than to the plastic a quarter turn further on, and near to water.
    away = np.inf if stats is None else abs(stats.mean - match.offset_hu)
    if stats is None or away > min(_VIAL_HU, abs(stats.mean - body)):
        part.warnings.append("No vial of water was found in its place.")
        return part
    middle = volume.nearest(pose.origin_mm)
    part.values["hu_vial"] = quantity(stats.mean, "HU", stats.u)
    part.regions.append(
        shown_disc(volume, pose, middle, xy, _VIAL_RADIUS_MM, name="vial", values=stats.values())
    )
    return part


def _linearity(used: Sequence[tuple[Insert, DiscStatistics]]) -> Part:
    nominal = np.array([i.nominal_hu for i, _ in used])
    measured = np.array([s.mean for _, s in used])
    u = np.array([s.u for _, s in used])
    design = np.column_stack([np.ones_like(nominal), nominal])
    inverse = np.linalg.pinv(design)
    # The values themselves first, then replicates with the noise of the values added.
    noise = np.random.default_rng(SEED).standard_normal((_REPLICATES, len(u))) * u
    tried = np.vstack([measured, measured + noise])
    fits = tried @ inverse.T
    residual = tried - fits @ design.T
    r2 = 1 - (residual**2).sum(axis=1) / ((tried - tried.mean(axis=1, keepdims=True)) ** 2).sum(
        axis=1
    )
    rms = np.sqrt((residual**2).sum(axis=1) / (len(u) - 2))
    # Lack of fit is part of what the line is known to.
    cov = float(rms[0]) ** 2 * np.linalg.inv(design.T @ design)
    worst = np.abs(residual).max(axis=1)
    off = int(np.argmax(np.abs(measured - nominal)))
    values: dict[str, Quantity] = {
        "linearity_slope": quantity(
            fits[0, 1], "1", math.hypot(float(fits[1:, 1].std()), math.sqrt(cov[1, 1]))
        ),
        "linearity_intercept": quantity(
            fits[0, 0], "HU", math.hypot(float(fits[1:, 0].std()), math.sqrt(cov[0, 0]))
        ),
        "linearity_r2": quantity(r2[0], "1", float(r2[1:].std())),
        "linearity_rms_residual": quantity(rms[0], "HU", float(rms[1:].std())),
        "linearity_max_residual": quantity(worst[0], "HU", float(worst[1:].std())),
        "linearity_max_deviation": quantity(abs(measured - nominal)[off], "HU", float(u[off])),
    }
    order = np.argsort(nominal)
    curve = Curve(
        "CT number linearity",
        tuple(nominal[order].tolist()),
        tuple(measured[order].tolist()),
        "Nominal CT number",
        "HU",
        "Measured CT number",
        "HU",
        tuple(u[order].tolist()),
    )
    names = [i.key for i, _ in used]
    left = {n: round(float(v), 2) for n, v in zip(names, residual[0], strict=True)}
    return Part(values=values, curves=[curve], facts={"linearity_residuals_hu": left})


def _scale(used: Sequence[tuple[Insert, DiscStatistics]]) -> Part:
    air = [s for i, s in used if i.material == "air"]
    acrylic = [(i, s) for i, s in used if i.key == "acrylic"]
    if not air or not acrylic:
        return Part()
    insert, stats = acrylic[0]
    nominal_air = next(i.nominal_hu for i, _ in used if i.material == "air")
    low = float(np.mean([s.mean for s in air]))
    u_low = math.sqrt(sum(s.u**2 for s in air)) / len(air)
    span = insert.nominal_hu - nominal_air
    scale = (stats.mean - low) / span
    return Part(values={"ct_number_scale": quantity(scale, "1", math.hypot(stats.u, u_low) / span)})


def _scale_warnings(match: Match) -> list[str]:
    if match.scale != "CT number":
        return [
            f"The inserts read like {match.scale}, not like CT numbers: the images were "
            "reconstructed for dose calculation. Their linearity against nominal CT numbers says "
            "nothing about the scanner."
        ]
    found = []
    if abs(match.offset_hu) > _SHIFT_HU:
        found.append(
            f"All CT numbers are shifted by about {match.offset_hu:.0f} HU. Check Rescale "
            "Intercept and the calibration of the scanner."
        )
    if abs(match.slope - 1) > _SCALE:
        found.append(
            f"The scale of the CT numbers is {match.slope:.2f} of what it should be. Check Rescale "
            "Slope and the calibration of the scanner."
        )
    return found
