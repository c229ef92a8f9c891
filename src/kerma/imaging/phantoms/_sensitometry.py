"""CT numbers of the inserts, their linearity, and distances between the rods."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from kerma.core import Curve, quantity
from kerma.imaging.phantoms._locate import insert_centroid
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import disc, shape, shown_disc
from kerma.imaging.phantoms._spec import PhantomSpec, Sensitometry
from kerma.imaging.phantoms._volume import Volume

Array = npt.NDArray[np.float64]


def ct_numbers(volume: Volume, pose: Pose, spec: PhantomSpec) -> Part:
    """Return the CT number of each insert and the line through measured against nominal.

    Mean of a disc of `roi_radius_mm` inside each insert over the slices within `half_range_mm` of
    the module's middle. Slope, intercept, R² and the largest residual are of the least-squares
    line of measured on nominal CT number (nominal linear attenuation relative to water, on the
    Hounsfield scale); the CT number scale is (acrylic - air) measured over nominal.
    """
    sens, part = spec.sensitometry, Part()
    slices = volume.within(pose.s_mm(-sens.half_range_mm), pose.s_mm(sens.half_range_mm))
    middle = volume.nearest(pose.origin_mm)
    found = {}
    for insert in sens.inserts:
        stats = disc(volume, pose, slices, insert.xy_mm, sens.roi_radius_mm)
        found[insert.key] = stats
        part.values[f"hu_{insert.key}"] = quantity(stats.mean, "HU", stats.u)
        part.regions.append(
            shown_disc(
                volume,
                pose,
                middle,
                insert.xy_mm,
                sens.roi_radius_mm,
                name=insert.material,
                values=stats.values(),
            )
        )
    nominal = np.array([i.nominal_hu for i in sens.inserts])
    measured = np.array([found[i.key].mean for i in sens.inserts])
    part.add(_linearity(nominal, measured))
    part.add(_scale(sens, {k: (v.mean, v.u) for k, v in found.items()}))
    order = np.argsort(nominal)
    part.curves.append(
        Curve(
            "CT number linearity",
            tuple(float(v) for v in nominal[order]),
            tuple(float(v) for v in measured[order]),
            "Nominal CT number",
            "HU",
            "Measured CT number",
            "HU",
            tuple(found[sens.inserts[i].key].u for i in order),
        )
    )
    part.facts["insert_ranges_hu"] = {i.key: list(i.range_hu) for i in sens.inserts}
    part.facts["sensitometry_slices"] = len(slices)
    return part


def _linearity(nominal: Array, measured: Array) -> Part:
    (slope, intercept), cov = np.polyfit(nominal, measured, 1, cov=True)
    residual = measured - slope * nominal - intercept
    spread = float(np.sum((measured - measured.mean()) ** 2))
    return Part(
        values={
            "linearity_slope": quantity(slope, "1", math.sqrt(cov[0, 0])),
            "linearity_intercept": quantity(intercept, "HU", math.sqrt(cov[1, 1])),
            "linearity_r2": quantity(1 - float(np.sum(residual**2)) / spread, "1"),
            "linearity_max_residual": quantity(float(np.abs(residual).max()), "HU"),
            "linearity_max_deviation": quantity(float(np.abs(measured - nominal).max()), "HU"),
        }
    )


def _scale(sens: Sensitometry, found: dict[str, tuple[float, float]]) -> Part:
    nominal = {i.key: i.nominal_hu for i in sens.inserts}
    air = [k for k in found if k.startswith("air")]
    if not air or "acrylic" not in found:
        return Part()
    low = float(np.mean([found[k][0] for k in air]))
    u_low = math.sqrt(sum(found[k][1] ** 2 for k in air)) / len(air)
    span = nominal["acrylic"] - float(np.mean([nominal[k] for k in air]))
    high, u_high = found["acrylic"]
    scale = (high - low) / span
    return Part(values={"ct_number_scale": quantity(scale, "1", math.hypot(u_high, u_low) / span)})


_SIDES = {
    "top": ("upper_left", "upper_right", "x"),
    "bottom": ("lower_left", "lower_right", "x"),
    "left": ("upper_left", "lower_left", "y"),
    "right": ("upper_right", "lower_right", "y"),
}


def rod_spacing(volume: Volume, pose: Pose, spec: PhantomSpec) -> Part:
    """Return the distances between the four rods, along both axes of the image.

    Centroids of the rods' contrast, to a fraction of a pixel, averaged over the slices of the
    module. A turned phantom or a roll changes which rod is which, not the distances.
    """
    sens, part = spec.sensitometry, Part()
    slices = volume.within(pose.s_mm(-sens.half_range_mm), pose.s_mm(sens.half_range_mm))
    found = {
        name: np.array(
            [insert_centroid(volume, pose, i, xy, sens.rod_radius_mm)[:2] for i in slices]
        )
        for name, xy in sens.rods.items()
    }
    lengths: dict[str, tuple[float, float, str]] = {}
    middle = volume.nearest(pose.origin_mm)
    ax, ay = pose.axis.at(float(volume.s_mm[middle]))
    for side, (a, b, _) in _SIDES.items():
        between = np.hypot(*(found[a] - found[b]).T)
        u = float(between.std(ddof=1)) / math.sqrt(len(slices)) if len(slices) > 1 else 0.0
        # Which image axis the side lies along depends on the roll, which may be any angle.
        dx, dy = np.abs((found[a] - found[b]).mean(axis=0))
        lengths[side] = (float(between.mean()), u, "x" if dx > dy else "y")
        ends = [found[n].mean(axis=0) + np.array([ax, ay]) for n in (a, b)]
        part.regions.append(
            shape(
                volume,
                middle,
                "line",
                f"rods, {side}",
                [(float(e[0]), float(e[1])) for e in ends],
                values={"length": quantity(float(between.mean()), "mm", u)},
            )
        )
    table = np.array([v[0] for v in lengths.values()])
    scatter = float(table.std(ddof=1)) / math.sqrt(len(table))
    worst = float(table[np.argmax(np.abs(table - sens.rod_spacing_mm))] - sens.rod_spacing_mm)
    part.values["rod_spacing_mean"] = quantity(float(table.mean()), "mm", scatter)
    part.values["rod_spacing_max_error"] = quantity(abs(worst), "mm")
    for axis in ("x", "y"):
        along = [v for v in lengths.values() if v[2] == axis]
        if along:
            u = math.hypot(*(v[1] for v in along)) / len(along)
            part.values[f"rod_spacing_{axis}"] = quantity(
                float(np.mean([v[0] for v in along])), "mm", u
            )
    part.facts["rod_spacing_nominal_mm"] = sens.rod_spacing_mm
    return part
