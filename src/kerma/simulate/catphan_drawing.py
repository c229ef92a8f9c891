"""Slices through a CatPhan, in closed form."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.phantoms._spec import Insert, LinePairGroup, PhantomSpec, PointSource, polar
from kerma.imaging.tools.untyped import special

if TYPE_CHECKING:
    from kerma.simulate.catphan import CatphanScan

Array = npt.NDArray[np.float64]
Place = tuple[float, float, float]

AIR_HU = -1000.0
# Half lengths along the axis of the drawn modules and bars, mm; radius of the modules.
_MODULE_HALF_MM = 12.5
_BAR_HALF_MM = 1.0
_MODULE_RADIUS_MM = 75.0
_FAR = 6.0


def grid(scan: CatphanScan) -> tuple[Array, Array]:
    """Return x and y of the pixel centres, mm from the middle of the image."""
    line = (np.arange(scan.matrix) - (scan.matrix - 1) / 2) * scan.pixel_mm
    x, y = np.meshgrid(line, line)
    return x, y


def disc(r: Array, radius: float, sigma: float) -> Array:
    """Return a disc blurred at its edge, 0 to 1 (edge taken as straight)."""
    found = (r < radius).astype(np.float64)
    near = np.abs(r - radius) < _FAR * sigma
    found[near] = special.erfc((r[near] - radius) / (math.sqrt(2) * sigma)) / 2
    return found


def box(u: Any, low: Any, high: Any, sigma: float) -> Any:
    """Return a box from low to high blurred by a Gaussian, 0 to 1."""
    width = math.sqrt(2) * sigma
    return (special.erf((u - low) / width) - special.erf((u - high) / width)) / 2


class Drawing:
    """The phantom in the scanner: one slice at a time.

    Coordinates: the scanner's, x and y in the slice and z along its normal from the origin; the
    phantom's X, Y, Z. `matrix` turns the second into the first.
    """

    def __init__(self, scan: CatphanScan, spec: PhantomSpec) -> None:
        self.scan, self.spec = scan, spec
        self.x, self.y = grid(scan)
        ax, ay = math.tan(math.radians(scan.tilt_x_deg)), math.tan(math.radians(scan.tilt_y_deg))
        axis = np.array([ax, ay, 1.0]) / math.sqrt(ax * ax + ay * ay + 1)
        # Smallest rotation carrying the slice normal onto the phantom's axis, after the roll.
        v = np.cross([0.0, 0.0, 1.0], axis)
        k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
        lean = np.eye(3) + k + k @ k / (1 + axis[2])
        c, s = math.cos(math.radians(scan.roll_deg)), math.sin(math.radians(scan.roll_deg))
        roll = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
        turn = np.diag([-1.0, 1.0, -1.0]) if scan.turned else np.eye(3)
        self.matrix = lean @ roll @ turn
        self.shift = 0.0
        self._plain: tuple[tuple[float, ...], Array] | None = None
        self._beads = list(self._ramp_beads())

    def draw(self, z_mm: float) -> Array:
        """Return one noise-free slice, HU."""
        # A tilted gantry moves the image's middle along y from slice to slice.
        self.shift = -z_mm * math.tan(math.radians(self.scan.gantry_tilt_deg))
        image = self._body(z_mm).copy()
        self._inserts(image, z_mm)
        self._ramps(image, z_mm)
        self._bars(image, z_mm)
        self._points(image, z_mm)
        self._bead_ramps(image, z_mm)
        self._low_contrast(image, z_mm)
        return image

    def _body(self, z_mm: float) -> Array:
        """Return the plastic alone; in a phantom that lies straight the same in all slices."""
        scan, spec = self.scan, self.spec
        z = z_mm - scan.origin_mm
        lies = (float(self.matrix[2, 0] * z), float(self.matrix[2, 1] * z), self.shift)
        if self._plain is not None and self._plain[0] == lies:
            return self._plain[1]
        x, y, _ = self.inside((slice(None), slice(None)), z_mm)
        r = np.hypot(x, y)
        plastic = scan.body_hu + scan.cup_hu * (r / spec.body_radius_mm) ** 2
        if scan.wall_hu is not None:
            module = disc(r, _MODULE_RADIUS_MM, scan.psf_sigma_mm)
            plastic = plastic + (scan.wall_hu - scan.body_hu) * (1 - module)
        image = AIR_HU + (plastic - AIR_HU) * disc(r, spec.body_radius_mm, scan.psf_sigma_mm)
        self._plain = (lies, image)
        return image

    def inside(self, window: tuple[slice, slice], z_mm: float) -> tuple[Array, Array, Array]:
        """Return the phantom's X, Y, Z of the pixels of a window of a slice."""
        x = self.x[window] - self.scan.offset_mm[0]
        y = self.y[window] + self.shift - self.scan.offset_mm[1]
        z, m = z_mm - self.scan.origin_mm, self.matrix
        return (
            m[0, 0] * x + m[1, 0] * y + m[2, 0] * z,
            m[0, 1] * x + m[1, 1] * y + m[2, 1] * z,
            m[0, 2] * x + m[1, 2] * y + m[2, 2] * z,
        )

    def outside(self, x: float, y: float, z: float) -> Array:
        """Return x and y in the image, and the position, of a point of the phantom."""
        ox, oy = self.scan.offset_mm
        found: Array = self.matrix @ np.array([x, y, z]) + np.array(
            [ox, oy - self.shift, self.scan.origin_mm]
        )
        return found

    def meets(self, x: float, y: float, z_mm: float) -> tuple[float, float, float]:
        """Return where a line along the phantom's axis meets a slice, and its Z there."""
        start = self.outside(x, y, 0.0)
        z = (z_mm - start[2]) / self.matrix[2, 2]
        at = self.outside(x, y, float(z))
        return float(at[0]), float(at[1]), float(z)

    def share(self, z: Any, low: float, high: float) -> Any:
        """Return how much of the slice at Z lies between two Z of the phantom."""
        half = self.scan.thickness_mm / 2
        return np.maximum(0.0, np.minimum(z + half, high) - np.maximum(z - half, low)) / (2 * half)

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """Return the pixels around a place of the image."""

        def part(v: float) -> slice:
            middle = v / self.scan.pixel_mm + (self.scan.matrix - 1) / 2
            half = reach / self.scan.pixel_mm
            return slice(max(0, math.floor(middle - half)), max(0, math.ceil(middle + half) + 1))

        return part(y), part(x)

    def _rod(
        self, image: Array, z_mm: float, xy: tuple[float, float], radius: float, *,
        contrast: float, extent: tuple[float, float],
    ) -> None:  # fmt: skip
        x, y, z = self.meets(*xy, z_mm)
        if abs(z - sum(extent) / 2) > (extent[1] - extent[0]) / 2 + self.scan.thickness_mm:
            return
        w = self.window(x, y, radius + _FAR * self.scan.psf_sigma_mm)
        px, py, pz = self.inside(w, z_mm)
        r = np.hypot(px - xy[0], py - xy[1])
        share = self.share(pz, *extent)
        image[w] += share * contrast * disc(r, radius, self.scan.psf_sigma_mm)

    def _reading(self, insert: Insert) -> float:
        if insert.key == self.scan.vial:
            return 0.0
        own = insert.expected("electron density" if self.scan.density else "CT number")
        return self.scan.hu.get(insert.key, own)

    def _inserts(self, image: Array, z_mm: float) -> None:
        sens, whole, body = self.spec.sensitometry, (-_MODULE_HALF_MM, _MODULE_HALF_MM), (
            self.scan.body_hu
        )  # fmt: skip
        for insert in sens.inserts:
            contrast = self._reading(insert) - body
            self._rod(image, z_mm, insert.xy_mm, sens.insert_radius_mm, contrast=contrast,
                      extent=whole)  # fmt: skip
        for xy in sens.rods.values():
            self._rod(image, z_mm, xy, sens.rod_radius_mm, contrast=AIR_HU - body, extent=whole)
        if sens.vial_mm is not None and self.scan.vial == "vial":
            place = polar(sens.vial_mm[1], sens.vial_mm[0])
            self._rod(image, z_mm, place, 6.0, contrast=-body, extent=whole)

    def _low_contrast(self, image: Array, z_mm: float) -> None:
        lc = self.spec.low_contrast
        if lc is None:
            return
        extent = (lc.offset_mm - 20, lc.offset_mm + 15)
        for group in lc.groups:
            for diameter, angle in group.discs:
                xy, hu = polar(lc.radius_mm, angle), 10 * group.contrast_percent
                self._rod(image, z_mm, xy, diameter / 2, contrast=hu, extent=extent)

    def _ramps(self, image: Array, z_mm: float) -> None:
        ramps, scan = self.spec.sensitometry.ramps, self.scan
        slope = math.tan(math.radians(ramps.slope_deg)) * (ramps.sense or scan.ramp_sense)
        end = _MODULE_HALF_MM / abs(slope)
        for angle in ramps.angles_deg:
            start = self.outside(*polar(ramps.radius_mm, angle), 0.0)
            tx, ty = polar(1.0, angle + 90)
            step = self.matrix @ np.array([tx, ty, slope])
            ends = ((z_mm + half - start[2]) / step[2]
                    for half in (-scan.thickness_mm / 2, scan.thickness_mm / 2))  # fmt: skip
            low, high = (float(np.clip(t, -end, end)) for t in sorted(ends))
            if high - low < 1e-9:
                continue
            length = math.hypot(step[0], step[1])
            dx, dy = step[0] / length, step[1] / length
            middle = start + step * (low + high) / 2
            reach = length * (high - low) / 2
            w = self.window(float(middle[0]), float(middle[1]), reach + _FAR * scan.psf_sigma_mm)
            u = (self.x[w] - middle[0]) * dx + (self.y[w] - middle[1]) * dy
            v = -(self.x[w] - middle[0]) * dy + (self.y[w] - middle[1]) * dx
            along = box(u, -reach, reach, scan.psf_sigma_mm)
            image[w] += scan.ramp_hu * along * np.exp(-(v**2) / (2 * scan.psf_sigma_mm**2))

    def _bars(self, image: Array, z_mm: float) -> None:
        lp, scan = self.spec.line_pairs, self.scan
        extent = (lp.offset_mm - _BAR_HALF_MM, lp.offset_mm + _BAR_HALF_MM)
        zero = np.zeros(1)
        for group in lp.groups:
            gx, gy = lp.place(group, zero, zero)
            x, y, z = self.meets(float(gx[0]), float(gy[0]), z_mm)
            if abs(z - lp.offset_mm) > scan.thickness_mm / 2 + _BAR_HALF_MM + 2:
                continue
            w = self.window(x, y, group.bars / group.lp_per_mm / 2 + 6)
            px, py, pz = self.inside(w, z_mm)
            image[w] += self.share(pz, *extent) * scan.bars_hu * self._group(group, px, py)

    def _group(self, group: LinePairGroup, px: Array, py: Array) -> Array:
        lp, sigma = self.spec.line_pairs, self.scan.psf_sigma_mm
        if group.along_mm is None:
            angle = (np.degrees(np.arctan2(py, px)) - group.angle_deg + 180) % 360 - 180
            along, depth = np.radians(angle) * lp.radius_mm, np.hypot(px, py) - lp.radius_mm
        else:
            c, s = polar(1.0, group.angle_deg)
            along, depth = py * c - px * s - group.along_mm, px * c + py * s - lp.radius_mm
        pitch = 1 / group.lp_per_mm
        bars: Array = np.zeros_like(along)
        for k in range(group.bars):
            at = (k - (group.bars - 1) / 2) * pitch
            bars += box(along, at - pitch / 4, at + pitch / 4, sigma)
        found: Array = bars * box(depth, -2.5, 2.5, sigma)
        return found

    def _points(self, image: Array, z_mm: float) -> None:
        for point in self.spec.points:
            low, high = point.z_mm
            if high > low:
                x, y, z = self.meets(point.x_mm, point.y_mm, z_mm)
                share = float(self.share(z, low, high))
            else:
                x, y, z = (float(v) for v in self.outside(point.x_mm, point.y_mm, low))
                share = float(abs(z - z_mm) <= self.scan.thickness_mm / 2)
            if share:
                self._spot(image, x, y, share * self.scan.bead_hu_mm2, _spread2(point))

    def _ramp_beads(self) -> Iterator[tuple[float, Place]]:
        """Yield each bead of the ramps: its position along the scan, and its place."""
        beads = self.spec.beads
        for ramp in beads.ramps if beads else ():
            count = round(2 * ramp.reach_mm / ramp.rise_mm)
            for angle in ramp.angles_deg:
                x0, y0 = polar(ramp.radius_mm, angle)
                tx, ty = polar(ramp.pitch_mm, angle + 90)
                for k in range(-count, count + 1):
                    height = beads.offset_mm + k * ramp.rise_mm if beads else 0.0
                    place = (x0 + k * tx, y0 + k * ty, height)
                    yield float(self.outside(*place)[2]), place

    def _bead_ramps(self, image: Array, z_mm: float) -> None:
        half = self.scan.thickness_mm / 2
        for z, place in self._beads:
            if -half < z - z_mm <= half:
                x, y, _ = self.outside(*place)
                self._spot(image, x, y, self.scan.ramp_bead_hu_mm2, 0.0)

    def _spot(self, image: Array, x: float, y: float, hu_mm2: float, more2: float) -> None:
        sigma = self.scan.psf_sigma_mm
        spread2 = sigma**2 + more2
        w = self.window(x, y, 8 * sigma)
        r2 = (self.x[w] - x) ** 2 + (self.y[w] - y) ** 2
        image[w] += hu_mm2 / (2 * math.pi * spread2) * np.exp(-r2 / (2 * spread2))


def _spread2(point: PointSource) -> float:
    """Return the variance of a sphere or wire: its transform's to second order."""
    return point.diameter_mm**2 / (20 if point.kind == "bead" else 16)
