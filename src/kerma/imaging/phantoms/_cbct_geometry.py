"""Lengths in a cone-beam phantom: outer diameter, lattice of holes, slice thickness from slits."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Curve, Region, quantity
from kerma.imaging.phantoms._cbct_locate import CbctFound
from kerma.imaging.phantoms._cbct_spec import CbctSpec, HoleGrid, Slits
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._rim import outline
from kerma.imaging.phantoms._spec import polar
from kerma.imaging.tools.lattice import Lattice, fit_lattice
from kerma.imaging.tools.spots import Search, find_spots

Array = npt.NDArray[np.float64]

_MOST_SLICES = 12
_STANDS_OUT = 5.0


def geometry(found: CbctFound, spec: CbctSpec) -> Part:
    """Return what the description holds of the three; the rest is left out with the reason."""
    part = Part()
    if spec.diameter_z_mm is not None:
        part.add(diameters(found, spec.diameter_z_mm))
    if spec.grid is not None:
        part.add(_grid(found, spec, spec.grid))
    if spec.ramps is not None:
        part.add(_slits(found, spec.ramps))
    return part


def diameters(found: CbctFound, z_mm: tuple[float, float]) -> Part:
    """Return the outer diameter across, down and on average, and how far it is from round."""
    volume, pose = found.volume, found.pose
    slices = found.slices(z_mm)
    part = Part()
    rims = []
    for index in slices[:: max(1, len(slices) // _MOST_SLICES)]:
        centre = pose.axis.at(float(volume.s_mm[index]))
        rim = outline(volume, index, centre, pose.axis.radius_mm, air=found.body.air)
        if rim is not None:
            rims.append((index, rim))
    if not rims:
        part.warnings.append("Diameter not measured: the outline is not clear.")
        return part
    tables = {
        "diameter": [2 * r.radius_mm for _, r in rims],
        "diameter_across": [r.width_mm(0.0) for _, r in rims],
        "diameter_down": [r.width_mm(90.0) for _, r in rims],
    }
    # Half height between pixels is known to a small part of a pixel, whatever the scatter.
    least = 0.05 * volume.pixel_mm
    for name, values in tables.items():
        u = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
        u = math.hypot(u, 2 * rims[0][1].u_mm / math.sqrt(len(values)), least)
        part.values[name] = quantity(float(np.mean(values)), "mm", u)
    second = np.mean([r.second for _, r in rims], axis=0)
    part.values["out_of_round"] = quantity(4 * float(np.hypot(*second)), "mm", 2 * least)
    index, rim = rims[len(rims) // 2]
    at = (rim.x_mm, rim.y_mm)
    part.regions.append(
        shape(volume, index, "circle", "outline", [at, (rim.x_mm + rim.radius_mm, rim.y_mm)],
              values={"diameter": part.values["diameter"]})
    )  # fmt: skip
    return part


def _grid(found: CbctFound, spec: CbctSpec, grid: HoleGrid) -> Part:
    slices = found.slices(grid.z_mm)
    if not slices:
        return Part(warnings=["Lattice of holes not measured: the series does not hold its layer."])
    middle = slices[len(slices) // 2]
    s = float(found.volume.s_mm[middle])
    cx, cy = found.pose.centre(s)
    try:
        part = lattice_part(
            found.volume,
            slices,
            (float(cx), float(cy)),
            reach_mm=grid.reach_mm,
            pitch_mm=grid.pitch_mm * found.scale,
            spot_radius_mm=grid.hole_radius_mm,
            bright=grid.kind == "beads",
        )
    except AnalysisError as error:
        return Part(warnings=[f"Lattice of holes not measured: {error.message}"])
    part.facts["lattice_pitch_described_mm"] = grid.pitch_mm
    if "recalled" in spec.sources.get("grid", ""):
        part.facts["lattice_pitch_is"] = "recalled; compare with your phantom's certificate"
    return part


def lattice_part(
    volume: Volume,
    slices: list[int],
    centre_mm: tuple[float, float],
    *,
    reach_mm: float,
    pitch_mm: float,
    spot_radius_mm: float,
    bright: bool,
) -> Part:
    """Return pitches, squareness and distortion of a lattice of spots in one layer.

    The mean of the slices; each spot's centroid; the affine lattice that fits best. Distortion is
    the distance of a spot from its node of that lattice: it does not depend on the nominal pitch.

    Raises
    ------
    AnalysisError
        Code ``no-lattice``.
    """
    part, middle = Part(), slices[len(slices) // 2]
    mean = np.mean([volume.images[i].pixels for i in slices], axis=0)
    rows, columns = volume.shape
    x, y = volume.to_mm(*np.meshgrid(np.arange(columns), np.arange(rows)), middle)
    inside = np.hypot(x - centre_mm[0], y - centre_mm[1]) < reach_mm
    spots = find_spots(mean, Search(spot_radius_mm / volume.pixel_mm, bright), inside)
    places = np.array([volume.to_mm(s.x, s.y, middle) for s in spots]).reshape(-1, 2)
    lattice = fit_lattice(places, pitch_mm)
    first, second = lattice.pitches
    u_pixel = 0.02 * volume.pixel_mm
    part.values = {
        "lattice_pitch_x": quantity(first, "mm", math.hypot(lattice.u_pitch, u_pixel / 5)),
        "lattice_pitch_y": quantity(second, "mm", math.hypot(lattice.u_pitch, u_pixel / 5)),
        "lattice_pitch_ratio": quantity(
            first / second, "1", math.sqrt(2) * max(lattice.u_pitch, u_pixel / 5) / first
        ),
        "lattice_squareness": quantity(
            lattice.square_deg, "deg", math.degrees(lattice.u_pitch * math.sqrt(2) / first)
        ),
        "distortion_rms": quantity(lattice.rms, "mm", u_pixel),
        "distortion_max": quantity(lattice.largest, "mm", 2 * u_pixel),
    }
    part.facts["lattice_spots"] = len(lattice.nodes)
    part.facts["lattice_angle_deg"] = round(lattice.angle_deg, 3)
    part.curves.append(_by_distance(lattice, centre_mm))
    for (px, py), away in zip(lattice.places, np.hypot(*lattice.residuals.T), strict=True):
        part.regions.append(
            shape(volume, middle, "circle", "spot",
                  [(float(px), float(py)), (float(px) + spot_radius_mm, float(py))],
                  values={"distortion": quantity(float(away), "mm", u_pixel)})
        )  # fmt: skip
    return part


def _by_distance(lattice: Lattice, centre: tuple[float, float]) -> Curve:
    r = np.hypot(lattice.places[:, 0] - centre[0], lattice.places[:, 1] - centre[1])
    order = np.argsort(r, kind="stable")
    away = np.hypot(*lattice.residuals.T)
    return Curve(
        "Distortion", tuple(r[order].tolist()), tuple(away[order].tolist()),
        "From the middle", "mm", "Spot from its node", "mm",
    )  # fmt: skip


def _slits(found: CbctFound, ramps: Slits) -> Part:
    """Return the slice thickness: width of a slit's image x tan(slope), the slits averaged.

    The slit's own width is in it, and the blur of the slice plane when the image is short.
    """
    part, volume = Part(), found.volume
    slices = found.slices(ramps.z_mm)
    if not slices:
        return Part(warnings=["Slice thickness not measured: the series does not hold the slits."])
    slope = math.tan(math.radians(ramps.slope_deg))
    widths: list[list[float]] = []
    shown = sorted(slices, key=lambda i: abs(float(volume.s_mm[i]) - found.pose.origin_mm))[:5]
    for place in ramps.places:
        own = []
        for index in shown:
            width = _slit_width(found, ramps, place, index)
            if width is None:
                continue
            own.append(width[0] * slope)
            if index == shown[0]:
                part.curves.append(width[1])
                part.regions.append(_slit_region(found, ramps, place, index))
        if own:
            widths.append(own)
    if len(widths) < len(ramps.places):
        part.warnings.append("Slice thickness not measured: a slit does not stand out.")
        return part
    means = [float(np.mean(w)) for w in widths]
    scatter = float(np.mean([np.std(w) / math.sqrt(len(w)) for w in widths]))
    u = math.hypot(scatter, (max(means) - min(means)) / 2, 0.05 * volume.pixel_mm * slope)
    part.values["slice_thickness"] = quantity(float(np.mean(means)), "mm", u)
    if volume.thickness_mm is not None:
        part.facts["slice_thickness_nominal_mm"] = volume.thickness_mm
    if min(means) / slope < 4 * volume.pixel_mm:
        part.warnings.append(
            "The slits' images are shorter than four pixels: the slice thickness includes the blur "
            "of the slice plane."
        )
    return part


def _slit_width(
    found: CbctFound, ramps: Slits, place: tuple[float, float], index: int
) -> tuple[float, Curve] | None:
    volume = found.volume
    step = volume.pixel_mm / 4
    u = np.arange(-ramps.half_length_mm, ramps.half_length_mm + step / 2, step)
    v = np.arange(-3 * ramps.half_width_mm, 3 * ramps.half_width_mm + step, 2 * step)
    px, py = found.place(place)
    ax, ay = polar(1.0, ramps.along_deg)
    x = px + u[None, :] * ax - v[:, None] * ay
    y = py + u[None, :] * ay + v[:, None] * ax
    patch = volume.read_smooth(index, *found.pose.place(x, y, float(volume.s_mm[index])))
    slit = patch[np.abs(v) <= ramps.half_width_mm].mean(axis=0)
    sides = patch[np.abs(v) >= 2 * ramps.half_width_mm].mean(axis=0)
    depth = sides - slit
    depth = depth if abs(depth.max()) >= abs(depth.min()) else -depth
    noise = max(float(np.std(np.diff(depth, n=2))) / 2, 1e-6)
    peak = int(np.argmax(depth))
    base = float(np.median(depth[np.abs(u - u[peak]) > 0.5 * ramps.half_length_mm]))
    if depth[peak] - base < max(_STANDS_OUT * noise, 0.02 * found.body.range):
        return None
    half = base + (depth[peak] - base) / 2
    below = depth < half
    left, right = np.flatnonzero(below[:peak]), np.flatnonzero(below[peak:])
    if not len(left) or not len(right):
        return None
    i, j = int(left[-1]), peak + int(right[0])

    def cross(a: int, b: int) -> float:
        return float(u[a] + (half - depth[a]) / (depth[b] - depth[a]) * (u[b] - u[a]))

    curve = Curve(
        f"Slit at {place[1]:g} mm", tuple(u.tolist()), tuple(depth.tolist()), "Along the slit",
        "mm", "Contrast", "PV",
    )  # fmt: skip
    return cross(j - 1, j) - cross(i, i + 1), curve


def _slit_region(found: CbctFound, ramps: Slits, place: tuple[float, float], index: int) -> Region:
    px, py = found.place(place)
    ax, ay = polar(ramps.half_length_mm, ramps.along_deg)
    ends = [
        found.pose.place(px + k * ax, py + k * ay, float(found.volume.s_mm[index])) for k in (-1, 1)
    ]
    return shape(found.volume, index, "line", "slit", ends)
