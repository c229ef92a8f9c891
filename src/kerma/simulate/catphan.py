"""A CatPhan in a CT scanner, with everything about it known.

Drawn straight from the description in the phantom's data file: discs, rods, ramps, bars and beads
with their edges blurred analytically, at any roll, tilt, offset and position. Nothing of the
analysis is used, so that an error in its geometry cannot hide.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image
from kerma.imaging.phantoms._spec import LinePairGroup, PhantomSpec, load_spec, polar
from kerma.imaging.tools.untyped import special

Array = npt.NDArray[np.float64]

_AIR_HU = -1000.0
# Half lengths along the axis of the drawn modules and bars, mm.
_MODULE_HALF_MM = 12.5
_BAR_HALF_MM = 1.0


@dataclass(frozen=True, slots=True)
class CatphanScan:
    """What is scanned and how; every value is the truth an analysis should find.

    Attributes
    ----------
    model
        Key of the phantom's description, ``catphan504`` or ``catphan604``.
    roll_deg, tilt_x_deg, tilt_y_deg
        Rotation about the axis, clockwise as displayed; angle of the axis from the table's,
        towards +x and +y.
    offset_mm
        Middle of the phantom from the middle of the image, in the slice of the origin.
    origin_mm
        Table position of the ramp middle.
    turned
        True to put the phantom the other way round.
    first_mm, last_mm, increment_mm, thickness_mm
        Slices; their sensitivity profile is rectangular.
    matrix, pixel_mm
        Square images.
    psf_sigma_mm
        Standard deviation of the Gaussian in-plane point spread.
    noise_hu, seed
        White Gaussian noise.
    hu
        CT numbers of inserts that differ from nominal.
    body_hu
        CT number of all plastic.
    cup_hu
        Added quadratically towards the rim of the homogeneous body (cupping).
    ramp_hu, bars_hu
        Contrast of ramps and bars.
    bead_hu_mm2
        Contrast of bead and wire integrated over the slice plane.
    patient_position
        As DICOM; feet first mirrors x and z, as the coordinates of DICOM do.
    """

    model: str = "catphan504"
    roll_deg: float = 0.0
    tilt_x_deg: float = 0.0
    tilt_y_deg: float = 0.0
    offset_mm: tuple[float, float] = (0.0, 0.0)
    origin_mm: float = 0.0
    turned: bool = False
    first_mm: float = -90.0
    last_mm: float = 60.0
    increment_mm: float = 2.5
    thickness_mm: float = 2.5
    matrix: int = 400
    pixel_mm: float = 0.55
    psf_sigma_mm: float = 0.5
    noise_hu: float = 0.0
    seed: int = 1
    hu: Mapping[str, float] = field(default_factory=dict)
    body_hu: float = 90.0
    cup_hu: float = 0.0
    ramp_hu: float = 400.0
    bars_hu: float = 1500.0
    bead_hu_mm2: float = 800.0
    patient_position: str = "HFS"
    series_uid: str = "1.2.826.0.1.3680043.10.999.1"


def catphan_series(scan: CatphanScan) -> list[Image]:
    """Return the slices of a CatPhan scan, in order of increasing table position."""
    spec = load_spec(scan.model)
    drawing = _Drawing(scan, spec)
    return _images(scan, drawing.draw)


def water_series(scan: CatphanScan, radius_mm: float = 100.0) -> list[Image]:
    """Return the slices of a homogeneous water cylinder with the geometry of a CatPhan scan."""
    x, y = _grid(scan)

    def draw(_: float) -> Array:
        r = np.hypot(x - scan.offset_mm[0], y - scan.offset_mm[1])
        return _AIR_HU - _AIR_HU * _disc(r, radius_mm, scan.psf_sigma_mm)

    return _images(scan, draw)


def _images(scan: CatphanScan, draw: Any) -> list[Image]:
    random = np.random.default_rng(scan.seed)
    count = round((scan.last_mm - scan.first_mm) / scan.increment_mm) + 1
    found = []
    for number in range(count):
        z = scan.first_mm + number * scan.increment_mm
        pixels = draw(z)
        if scan.noise_hu:
            pixels = pixels + scan.noise_hu * random.standard_normal(pixels.shape)
        pixels = pixels.astype(np.float32)
        feet = scan.patient_position.startswith("FF")
        found.append(
            Image(
                pixels=pixels[:, ::-1] if feet else pixels,
                spacing_mm=(scan.pixel_mm, scan.pixel_mm),
                modality="CT",
                sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
                facts={
                    "SeriesInstanceUID": scan.series_uid,
                    "ImageOrientationPatient": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
                    "PatientPosition": scan.patient_position,
                    "ConvolutionKernel": "simulated",
                    "SliceThickness": scan.thickness_mm,
                    "InstanceNumber": number + 1,
                },
                z_mm=-z if feet else z,
                thickness_mm=scan.thickness_mm,
            )
        )
    return found


def _grid(scan: CatphanScan) -> tuple[Array, Array]:
    line = (np.arange(scan.matrix) - (scan.matrix - 1) / 2) * scan.pixel_mm
    x, y = np.meshgrid(line, line)
    return x, y


def _disc(r: Array, radius: float, sigma: float) -> Array:
    """Return a disc blurred at its edge, 0 to 1 (edge taken as straight)."""
    found: Array = special.erfc((r - radius) / (math.sqrt(2) * sigma)) / 2
    return found


def _box(u: Any, low: Any, high: Any, sigma: float) -> Any:
    """Return a box from low to high blurred by a Gaussian, 0 to 1."""
    width = math.sqrt(2) * sigma
    return (special.erf((u - low) / width) - special.erf((u - high) / width)) / 2


class _Drawing:
    """The phantom in the scanner: one slice at a time."""

    def __init__(self, scan: CatphanScan, spec: PhantomSpec) -> None:
        self.scan, self.spec = scan, spec
        self.x, self.y = _grid(scan)
        ax, ay = math.tan(math.radians(scan.tilt_x_deg)), math.tan(math.radians(scan.tilt_y_deg))
        axis = np.array([ax, ay, 1.0]) / math.sqrt(ax * ax + ay * ay + 1)
        # Smallest rotation carrying the table axis onto the phantom's, after the roll.
        v = np.cross([0.0, 0.0, 1.0], axis)
        k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
        lean = np.eye(3) + k + k @ k / (1 + axis[2])
        c, s = math.cos(math.radians(scan.roll_deg)), math.sin(math.radians(scan.roll_deg))
        roll = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
        turn = np.diag([-1.0, 1.0, -1.0]) if scan.turned else np.eye(3)
        self.matrix = lean @ roll @ turn
        self.axis = axis
        self.base = _AIR_HU

    def place(self, x: float, y: float, z_mm: float) -> tuple[float, float, float]:
        """Return where a line along the phantom's axis meets a slice, (x, y), and its Z there."""
        m = self.matrix
        z = (z_mm - self.scan.origin_mm - m[2, 0] * x - m[2, 1] * y) / m[2, 2]
        at = m @ np.array([x, y, z])
        return (
            float(at[0] + self.scan.offset_mm[0]),
            float(at[1] + self.scan.offset_mm[1]),
            float(z),
        )

    def share(self, z: float, low: float, high: float) -> float:
        """Return how much of the slice at Z lies between two Z of the phantom."""
        half = self.scan.thickness_mm / 2
        return max(0.0, min(z + half, high) - max(z - half, low)) / self.scan.thickness_mm

    def draw(self, z_mm: float) -> Array:
        """Return one noise-free slice, HU."""
        scan, spec = self.scan, self.spec
        x0, y0, _ = self.place(0.0, 0.0, z_mm)
        r = np.hypot(self.x - x0, self.y - y0)
        cup = scan.cup_hu * (r / spec.body_radius_mm) ** 2
        image = _AIR_HU + (scan.body_hu + cup - _AIR_HU) * _disc(
            r, spec.body_radius_mm, scan.psf_sigma_mm
        )
        self._inserts(image, z_mm)
        self._ramps(image, z_mm)
        self._bars(image, z_mm)
        self._points(image, z_mm)
        self._low_contrast(image, z_mm)
        return image

    def _window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        def part(v: float) -> slice:
            middle = v / self.scan.pixel_mm + (self.scan.matrix - 1) / 2
            half = reach / self.scan.pixel_mm
            return slice(max(0, math.floor(middle - half)), max(0, math.ceil(middle + half) + 1))

        return part(y), part(x)

    def _rod(
        self, image: Array, z_mm: float, xy: tuple[float, float], radius: float, *,
        contrast: float, extent: tuple[float, float],
    ) -> None:  # fmt: skip
        x, y, z = self.place(*xy, z_mm)
        share = self.share(z, *extent)
        if share:
            w = self._window(x, y, radius + 6 * self.scan.psf_sigma_mm)
            r = np.hypot(self.x[w] - x, self.y[w] - y)
            image[w] += share * contrast * _disc(r, radius, self.scan.psf_sigma_mm)

    def _inserts(self, image: Array, z_mm: float) -> None:
        sens, whole = self.spec.sensitometry, (-_MODULE_HALF_MM, _MODULE_HALF_MM)
        for insert in sens.inserts:
            hu = self.scan.hu.get(insert.key, insert.nominal_hu)
            self._rod(
                image,
                z_mm,
                insert.xy_mm,
                sens.insert_radius_mm,
                contrast=hu - self.scan.body_hu,
                extent=whole,
            )
        for xy in sens.rods.values():
            air = _AIR_HU - self.scan.body_hu
            self._rod(image, z_mm, xy, sens.rod_radius_mm, contrast=air, extent=whole)

    def _low_contrast(self, image: Array, z_mm: float) -> None:
        lc = self.spec.low_contrast
        extent = (lc.offset_mm - 20, lc.offset_mm + 15)
        for group in lc.groups:
            for diameter, angle in group.discs:
                xy = polar(lc.radius_mm, angle)
                hu = 10 * group.contrast_percent
                self._rod(image, z_mm, xy, diameter / 2, contrast=hu, extent=extent)

    def _ramps(self, image: Array, z_mm: float) -> None:
        sens, scan = self.spec.sensitometry, self.scan
        slope = math.tan(math.radians(sens.ramp_slope_deg))
        for angle in sens.ramp_angles_deg:
            px, py = polar(sens.ramp_radius_mm, angle)
            tx, ty = polar(1.0, angle + 90)
            x, y, z = self.place(px, py, z_mm)
            # Along the ramp Z changes too when the phantom is tilted.
            dx, dy, dz = self.matrix @ np.array([tx, ty, 0.0])
            lift = slope - dz * (-1 if scan.turned else 1)
            low, high = (
                (z + half) / lift for half in (-scan.thickness_mm / 2, scan.thickness_mm / 2)
            )
            if max(abs(low), abs(high)) > 2.2 * sens.ramp_reach_mm / slope:
                continue
            w = self._window(x, y, max(abs(low), abs(high)) + 5)
            u = (self.x[w] - x) * dx + (self.y[w] - y) * dy
            v = -(self.x[w] - x) * dy + (self.y[w] - y) * dx
            along = _box(u, min(low, high), max(low, high), scan.psf_sigma_mm)
            image[w] += scan.ramp_hu * along * np.exp(-(v**2) / (2 * scan.psf_sigma_mm**2))

    def _bars(self, image: Array, z_mm: float) -> None:
        lp, scan = self.spec.line_pairs, self.scan
        for group in lp.groups:
            x, y, z = self.place(*polar(lp.radius_mm, group.angle_deg), z_mm)
            share = self.share(z, lp.offset_mm - _BAR_HALF_MM, lp.offset_mm + _BAR_HALF_MM)
            if share:
                w = self._window(x, y, group.bars / group.lp_per_mm / 2 + 6)
                image[w] += share * scan.bars_hu * self._group(group, z_mm, w)

    def _group(self, group: LinePairGroup, z_mm: float, w: tuple[slice, slice]) -> Array:
        lp, sigma = self.spec.line_pairs, self.scan.psf_sigma_mm
        x0, y0, _ = self.place(0.0, 0.0, z_mm)
        dx, dy = self.x[w] - x0, self.y[w] - y0
        # Back to the phantom's frame (lean neglected: 2 degrees change it by 0.06 %).
        back = self.matrix[:2, :2].T
        px, py = back[0, 0] * dx + back[0, 1] * dy, back[1, 0] * dx + back[1, 1] * dy
        r = np.hypot(px, py)
        angle = (np.degrees(np.arctan2(py, px)) - group.angle_deg + 180) % 360 - 180
        along = np.radians(angle) * lp.radius_mm
        pitch = 1 / group.lp_per_mm
        bars: Array = np.zeros_like(r)
        for k in range(group.bars):
            at = (k - (group.bars - 1) / 2) * pitch
            bars += _box(along, at - pitch / 4, at + pitch / 4, sigma)
        found: Array = bars * _box(r, lp.radius_mm - 2.5, lp.radius_mm + 2.5, sigma)
        return found

    def _points(self, image: Array, z_mm: float) -> None:
        sigma = self.scan.psf_sigma_mm
        for point in self.spec.points:
            x, y, z = self.place(point.x_mm, point.y_mm, z_mm)
            low, high = point.z_mm
            share = self.share(z, low, high) if high > low else float(
                abs(z - low) <= self.scan.thickness_mm / 2
            )  # fmt: skip
            if share:
                # The Gaussian whose transform equals that of the sphere or wire to second order.
                spread2 = sigma**2 + point.diameter_mm**2 / (20 if point.kind == "bead" else 16)
                w = self._window(x, y, 8 * sigma)
                r2 = (self.x[w] - x) ** 2 + (self.y[w] - y) ** 2
                peak = share * self.scan.bead_hu_mm2 / (2 * math.pi * spread2)
                image[w] += peak * np.exp(-r2 / (2 * spread2))
