"""Single modules of a CatPhan in a few CT slices, with everything about them known.

Places and materials are those of the phantoms' descriptions; the drawing is that of
`kerma.simulate.ct_objects`, so that an error of the analysis cannot hide in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image
from kerma.imaging.phantoms._describe import load_spec
from kerma.imaging.phantoms._spec import polar
from kerma.simulate import ct, ct_objects
from kerma.simulate.ct_objects import Place, Ramp

Array = npt.NDArray[np.floating[Any]]

_HOUSING_HU = 10.0
_HOUSING_MM = 100.0


@dataclass(frozen=True, slots=True)
class ModuleScan:
    """How a module is scanned; every value is the truth an analysis should find.

    Attributes
    ----------
    slices, thickness_mm, increment_mm
        Contiguous when `increment_mm` is absent; the middle slice goes through the module's middle.
    matrix, pixel_mm
        Square images.
    centre_mm
        Middle of the module from the middle of the image.
    roll_deg, mirrored
        How the module is turned, clockwise as displayed; whether it is seen from its other end.
    sigma_mm
        Standard deviation of the Gaussian point spread.
    profile
        Slice sensitivity: ``box``, ``gaussian`` or ``triangle``.
    noise_hu, seed
        Standard deviation of filtered-back-projection noise with a peak at 0.3 mm⁻¹.
    hu
        CT numbers of inserts that differ from nominal, by key.
    scale
        Distances in the image over true ones: a scanner whose pixel size is wrong.
    wire_mm
        Diameter of the ramp wires.
    """

    slices: int = 3
    thickness_mm: float = 2.5
    increment_mm: float | None = None
    matrix: int = 512
    pixel_mm: float = 0.45
    centre_mm: Place = (0.0, 0.0)
    roll_deg: float = 0.0
    mirrored: bool = False
    sigma_mm: float = 0.5
    profile: str = "box"
    noise_hu: float = 0.0
    seed: int = 1
    hu: dict[str, float] = field(default_factory=dict)
    scale: float = 1.0
    wire_mm: float = 0.2

    def place(self, x_mm: float, y_mm: float) -> Place:
        """Return where a point of the module is, (column, row)."""
        dx, dy = self.direction(x_mm, y_mm)
        middle = (self.matrix - 1) / 2
        return (
            middle + (self.centre_mm[0] + self.scale * dx) / self.pixel_mm,
            middle + (self.centre_mm[1] + self.scale * dy) / self.pixel_mm,
        )

    def direction(self, x: float, y: float) -> tuple[float, float]:
        """Return a direction of the module in the image."""
        roll = math.radians(self.roll_deg)
        x = -x if self.mirrored else x
        return x * math.cos(roll) - y * math.sin(roll), x * math.sin(roll) + y * math.cos(roll)

    @property
    def heights_mm(self) -> list[float]:
        """Return the slices' distances from the module's middle."""
        step = self.thickness_mm if self.increment_mm is None else self.increment_mm
        return [(k - (self.slices - 1) / 2) * step for k in range(self.slices)]


def insert_module(scan: ModuleScan) -> list[Image]:
    """Return slices through CTP404: inserts, rods and wire ramps in plastic of 95 HU."""
    sens = load_spec("catphan504").sensitometry
    body_hu = 95.0
    plain = _housing(scan, body_hu)
    for insert in sens.inserts:
        contrast = scan.hu.get(insert.key, insert.nominal_hu) - body_hu
        _rod(plain, scan, insert.xy_mm, sens.insert_radius_mm, contrast)
    for number, xy in enumerate(sens.rods.values()):
        # Three holes and one rod of Teflon, as in the module.
        _rod(plain, scan, xy, sens.rod_radius_mm, 900.0 if number == 3 else ct.AIR_HU - body_hu)
    slope = math.tan(math.radians(sens.ramps.slope_deg))

    def draw(z_mm: float) -> Array:
        pixels = plain.copy()
        for angle in sens.ramps.angles_deg:
            _ramp(pixels, scan, sens.ramps.radius_mm, angle, shift_mm=z_mm / slope)
        return pixels

    return _images(scan, draw)


def _ramp(
    pixels: Array, scan: ModuleScan, radius_mm: float, angle_deg: float, *, shift_mm: float
) -> None:
    x, y = polar(radius_mm, angle_deg)
    ux, uy = polar(1.0, angle_deg + 90)
    along = scan.direction(ux, uy)
    what = Ramp(
        (0.0, 0.0),
        math.degrees(math.atan2(along[1], along[0])),
        diameter_mm=scan.wire_mm,
        hu_mm2=400.0,
    )

    def draw(shape: tuple[int, int], at: Place) -> Array:
        placed = Ramp(at, what.direction_deg, what.angle_deg, what.diameter_mm, 0.0, what.hu_mm2)
        return ct_objects.ramp(
            shape, placed, pixel_mm=scan.pixel_mm / scan.scale, sigma_mm=scan.sigma_mm,
            thickness_mm=scan.thickness_mm, profile=scan.profile,
        )  # fmt: skip

    half = math.ceil((scan.thickness_mm * 1.5 + 6 * scan.sigma_mm) / 0.42 / scan.pixel_mm)
    ct_objects.pasted(pixels, scan.place(x + shift_mm * ux, y + shift_mm * uy), half, draw)


def homogeneous_module(scan: ModuleScan, *, hu: float = 12.0, cup_hu: float = 0.0) -> list[Image]:
    """Return slices through CTP486: an even disc of 150 mm in its housing, with a gap between.

    `cup_hu` is added quadratically from the middle to 75 mm.
    """
    plain = _housing(scan, hu, gap=True)
    rows, columns = np.indices(plain.shape, dtype=float)
    x, y = scan.place(0.0, 0.0)
    r = np.hypot(columns - x, rows - y) * scan.pixel_mm
    plain = plain + np.where(r < 74.0, cup_hu * (r / 75.0) ** 2, 0.0)
    return _images(scan, lambda _: plain.copy())


def bead_module(scan: ModuleScan, *, bead_hu_mm2: float = 900.0) -> list[Image]:
    """Return slices through CTP591: rows of beads, a wire, in plastic of 60 HU.

    Beads are Gaussians weighted by the slice's sensitivity at their height; so is the wire.
    """
    spec = load_spec("catphan600")
    assert spec.beads is not None
    plain = _housing(scan, 60.0)
    for point in spec.points:
        if point.kind == "wire":
            _gaussian(plain, scan, (point.x_mm, point.y_mm), bead_hu_mm2)

    def draw(z_mm: float) -> Array:
        pixels = plain.copy()
        for row in spec.beads.ramps if spec.beads else ():
            for angle in row.angles_deg:
                x, y = polar(row.radius_mm, angle)
                ux, uy = polar(row.pitch_mm, angle + 90)
                for k in range(-9, 10):
                    weight = _sensitivity(scan, k * row.rise_mm - z_mm)
                    if weight > 1e-3:
                        _gaussian(pixels, scan, (x + k * ux, y + k * uy), weight * bead_hu_mm2)
        return pixels

    return _images(scan, draw)


def _sensitivity(scan: ModuleScan, z_mm: float) -> float:
    share = abs(z_mm) / scan.thickness_mm
    if scan.profile == "gaussian":
        return math.exp(-4 * math.log(2) * share**2)
    if scan.profile == "triangle":
        return max(0.0, 1.0 - share)
    return float(share <= 0.5)


def _housing(scan: ModuleScan, module_hu: float, *, gap: bool = False) -> Array:
    """Return the plastic of the housing (200 mm) and of the module in it (150 mm)."""
    shape = (scan.matrix, scan.matrix)
    pixels = np.full(shape, ct.AIR_HU)
    _rod(pixels, scan, (0.0, 0.0), _HOUSING_MM, _HOUSING_HU - ct.AIR_HU)
    if gap:
        _rod(pixels, scan, (0.0, 0.0), 75.6, -150.0)
        _rod(pixels, scan, (0.0, 0.0), 75.0, module_hu - _HOUSING_HU + 150.0)
    else:
        _rod(pixels, scan, (0.0, 0.0), 75.0, module_hu - _HOUSING_HU)
    return pixels


def _rod(pixels: Array, scan: ModuleScan, xy: Place, radius_mm: float, contrast_hu: float) -> None:
    radius = radius_mm * scan.scale
    half = math.ceil((radius + 9 * scan.sigma_mm) / scan.pixel_mm) + 2

    def draw(shape: tuple[int, int], at: Place) -> Array:
        return ct_objects.rod(
            shape, at, pixel_mm=scan.pixel_mm, radius_mm=radius, sigma_mm=scan.sigma_mm,
            contrast_hu=contrast_hu,
        )  # fmt: skip

    ct_objects.pasted(pixels, scan.place(*xy), half, draw)


def _gaussian(pixels: Array, scan: ModuleScan, xy: Place, hu_mm2: float) -> None:
    half = math.ceil(8 * scan.sigma_mm / scan.pixel_mm)
    peak = hu_mm2 / (2 * math.pi * scan.sigma_mm**2)

    def draw(shape: tuple[int, int], at: Place) -> Array:
        return ct.wires(shape, [at], pixel_mm=scan.pixel_mm, sigma_mm=scan.sigma_mm, peak_hu=peak)

    ct_objects.pasted(pixels, scan.place(*xy), half, draw)


def _images(scan: ModuleScan, draw: Callable[[float], Array]) -> list[Image]:
    found = []
    for number, z_mm in enumerate(scan.heights_mm):
        pixels = draw(z_mm)
        if scan.noise_hu:
            pixels = pixels + ct_objects.ramp_noise(
                (scan.matrix, scan.matrix), pixel_mm=scan.pixel_mm, sd_hu=scan.noise_hu,
                peak_per_mm=0.3, seed=scan.seed * 100 + number,
            )  # fmt: skip
        found.append(
            ct.as_image(
                pixels.astype(np.float32),
                scan.pixel_mm,
                z_mm=z_mm,
                thickness_mm=scan.thickness_mm,
                saturated_at=3071.0,
                facts={"SliceThickness": scan.thickness_mm, "ConvolutionKernel": "simulated"},
            )
        )
    return found
