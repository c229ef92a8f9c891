"""A round phantom in a CT scanner: one slice at a time, with everything about it known.

What is in the phantom (rods, balls, bars, ladders of wires, straight edges) is drawn with its edges
blurred analytically by a Gaussian point spread, at any roll, tilt, offset and position. Nothing of
the analyses is used, so that an error in their geometry cannot hide.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image
from kerma.imaging.tools.untyped import special

Array = npt.NDArray[np.float64]

AIR_HU = -1000.0
_TABLE_GAP_MM, _TABLE_THICKNESS_MM = 2.0, 12.0


@dataclass(frozen=True, slots=True)
class Scan:
    """How the phantom lies and is scanned.

    Attributes
    ----------
    roll_deg, tilt_x_deg, tilt_y_deg
        Rotation about the axis, clockwise as displayed; angle of the axis from the table's,
        towards +x and +y.
    offset_mm
        Middle of the phantom from the middle of the image, in the slice of the origin.
    origin_mm
        Table position of the phantom's Z = 0.
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
    streaks_hu
        Amplitude of streaks through the middle of the image, fixed in all slices.
    table_hu
        CT number of a table under the phantom; none when absent.
    scale, shift
        Grey value = scale x HU + shift, for machines that are not calibrated in HU.
    fov_mm, padding
        Diameter of the reconstructed circle, and the stored value outside of it.
    patient_position
        As DICOM; feet first mirrors x and z, as the coordinates of DICOM do.
    """

    roll_deg: float = 0.0
    tilt_x_deg: float = 0.0
    tilt_y_deg: float = 0.0
    offset_mm: tuple[float, float] = (0.0, 0.0)
    origin_mm: float = 0.0
    turned: bool = False
    first_mm: float = -20.0
    last_mm: float = 140.0
    increment_mm: float = 2.5
    thickness_mm: float = 2.5
    matrix: int = 400
    pixel_mm: float = 0.55
    psf_sigma_mm: float = 0.5
    noise_hu: float = 0.0
    seed: int = 1
    streaks_hu: float = 0.0
    table_hu: float | None = None
    scale: float = 1.0
    shift: float = 0.0
    fov_mm: float | None = None
    padding: float = -1000.0
    patient_position: str = "HFS"
    series_uid: str = "1.2.826.0.1.3680043.10.999.2"


Paint = Callable[["Slice"], None]


def series(scan: Scan, radius_mm: float, paint: Paint) -> list[Image]:
    """Return the slices of a scan, in order of increasing table position.

    `paint` draws the phantom into a slice that holds air; under its radius lies the table.
    """
    random = np.random.default_rng(scan.seed)
    frame = _Frame(scan)
    count = math.floor((scan.last_mm - scan.first_mm) / scan.increment_mm + 1e-9) + 1
    found = []
    for number in range(count):
        z = scan.first_mm + number * scan.increment_mm
        part = Slice(scan, frame, z)
        paint(part)
        part.surroundings(radius_mm)
        pixels = part.image
        if scan.noise_hu:
            pixels = pixels + scan.noise_hu * random.standard_normal(pixels.shape)
        found.append(_as_image(scan, part.finished(pixels), z, number + 1))
    return found


def _as_image(scan: Scan, pixels: Array, z: float, number: int) -> Image:
    kept = pixels.astype(np.float32)
    feet = scan.patient_position.startswith("FF")
    return Image(
        pixels=kept[:, ::-1] if feet else kept,
        spacing_mm=(scan.pixel_mm, scan.pixel_mm),
        modality="CT",
        sha256=hashlib.sha256(kept.tobytes()).hexdigest(),
        facts={
            "SeriesInstanceUID": scan.series_uid,
            "ImageOrientationPatient": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            "PatientPosition": scan.patient_position,
            "ConvolutionKernel": "simulated",
            "SliceThickness": scan.thickness_mm,
            "InstanceNumber": number,
        },
        z_mm=-z if feet else z,
        thickness_mm=scan.thickness_mm,
    )


def disc(r: Any, radius: float, sigma: float) -> Any:
    """Return a disc blurred at its edge, 0 to 1 (edge taken as straight)."""
    return special.erfc((r - radius) / (math.sqrt(2) * sigma)) / 2


def box(u: Any, low: Any, high: Any, sigma: float) -> Any:
    """Return a box from low to high blurred by a Gaussian, 0 to 1."""
    width = math.sqrt(2) * sigma
    return (special.erf((u - low) / width) - special.erf((u - high) / width)) / 2


class _Frame:
    """The phantom's frame in the scanner: x, y, z of the phantom to the table's."""

    def __init__(self, scan: Scan) -> None:
        line = (np.arange(scan.matrix) - (scan.matrix - 1) / 2) * scan.pixel_mm
        self.x, self.y = np.meshgrid(line, line)
        ax, ay = math.tan(math.radians(scan.tilt_x_deg)), math.tan(math.radians(scan.tilt_y_deg))
        axis = np.array([ax, ay, 1.0]) / math.sqrt(ax * ax + ay * ay + 1)
        # Smallest rotation carrying the table axis onto the phantom's, after the roll.
        v = np.cross([0.0, 0.0, 1.0], axis)
        k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
        lean = np.eye(3) + k + k @ k / (1 + axis[2])
        c, s = math.cos(math.radians(scan.roll_deg)), math.sin(math.radians(scan.roll_deg))
        roll = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
        turn = np.diag([-1.0, 1.0, -1.0]) if scan.turned else np.eye(3)
        self.matrix: Array = lean @ roll @ turn
        self.offset = np.array([*scan.offset_mm, scan.origin_mm])
        self._bodies: dict[tuple[float, ...], tuple[Array, Array]] = {}

    def body(self, at: tuple[float, float], radius: float, cup_hu: float, sigma: float) -> Any:
        """Return the cupping and the blurred disc of a body; a straight one's are the same in all.

        Kept for one place of the axis: a leaning body lies elsewhere in each slice.
        """
        key = (*at, radius, cup_hu, sigma)
        if key not in self._bodies:
            if any(old[:2] != at for old in self._bodies):
                self._bodies.clear()
            r = np.hypot(self.x - at[0], self.y - at[1])
            self._bodies[key] = cup_hu * (r / radius) ** 2, disc(r, radius, sigma)
        return self._bodies[key]


class Slice:
    """One slice being drawn, HU; places are in the phantom's own frame, mm."""

    def __init__(self, scan: Scan, frame: _Frame, z_mm: float) -> None:
        self.scan, self.frame, self.z_mm = scan, frame, z_mm
        self.sigma = scan.psf_sigma_mm
        self.image: Array = np.full(frame.x.shape, AIR_HU)

    def place(self, x: float, y: float) -> tuple[float, float, float]:
        """Return where a line along the phantom's axis meets the slice, (x, y), and its Z there."""
        m = self.frame.matrix
        z = (self.z_mm - self.scan.origin_mm - m[2, 0] * x - m[2, 1] * y) / m[2, 2]
        at = m @ np.array([x, y, z]) + self.frame.offset
        return float(at[0]), float(at[1]), float(z)

    def share(self, z: float, low: float, high: float) -> float:
        """Return how much of the slice at Z lies between two Z of the phantom."""
        half = self.scan.thickness_mm / 2
        return max(0.0, min(z + half, high) - max(z - half, low)) / self.scan.thickness_mm

    def local(self, x: float, y: float, reach: float) -> tuple[tuple[slice, slice], Array, Array]:
        """Return the window around a place, and its pixels' places from there.

        In the phantom's frame; lean neglected (2 degrees change a distance by 0.06 %).
        """
        px, py, _ = self.place(x, y)
        w = self._window(px, py, reach)
        dx, dy = self.frame.x[w] - px, self.frame.y[w] - py
        back = self.frame.matrix[:2, :2].T
        return w, back[0, 0] * dx + back[0, 1] * dy, back[1, 0] * dx + back[1, 1] * dy

    def _window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        def part(v: float) -> slice:
            middle = v / self.scan.pixel_mm + (self.scan.matrix - 1) / 2
            half = reach / self.scan.pixel_mm
            return slice(max(0, math.floor(middle - half)), max(0, math.ceil(middle + half) + 1))

        return part(y), part(x)

    def body(
        self, radius: float, hu: float, *, cup_hu: float = 0.0, low: float, high: float
    ) -> None:
        """Draw the body; `cup_hu` is added at the rim, quadratically from the middle."""
        x, y, z = self.place(0.0, 0.0)
        share = self.share(z, low, high)
        if share:
            cup, round_body = self.frame.body((x, y), radius, cup_hu, self.sigma)
            self.image += share * (hu + cup - AIR_HU) * round_body

    def rod(
        self, xy: tuple[float, float], radius: float, contrast: float, low: float, high: float
    ) -> None:
        """Add a rod along the axis."""
        share = self.share(self.place(*xy)[2], low, high)
        if share:
            w, u, v = self.local(*xy, radius + 6 * self.sigma)
            self.image[w] += share * contrast * disc(np.hypot(u, v), radius, self.sigma)

    def half_rod(
        self, xy: tuple[float, float], radius: float, contrast: float, low: float, high: float,
        *, normal_deg: float,
    ) -> None:  # fmt: skip
        """Add the half of a rod on the side of a straight edge its normal points to."""
        share = self.share(self.place(*xy)[2], low, high)
        if share:
            w, u, v = self.local(*xy, radius + 6 * self.sigma)
            n = math.radians(normal_deg)
            side = disc(-(u * math.cos(n) + v * math.sin(n)), 0.0, self.sigma)
            rim = disc(np.hypot(u, v), radius, self.sigma)
            self.image[w] += share * contrast * side * rim

    def ball(self, xyz: tuple[float, float, float], hu_mm3: float) -> None:
        """Add a small ball: a Gaussian in the slice that holds its middle."""
        at = self.frame.matrix @ np.array(xyz) + self.frame.offset
        if not -0.5 <= (self.z_mm - at[2]) / self.scan.thickness_mm < 0.5:
            return
        w = self._window(float(at[0]), float(at[1]), 8 * self.sigma)
        r2 = (self.frame.x[w] - at[0]) ** 2 + (self.frame.y[w] - at[1]) ** 2
        peak = hu_mm3 / self.scan.thickness_mm / (2 * math.pi * self.sigma**2)
        self.image[w] += peak * np.exp(-r2 / (2 * self.sigma**2))

    def wire(
        self, xy: tuple[float, float], hu_mm2: float, low: float, high: float, *, diameter: float
    ) -> None:
        """Add a thin wire along the axis: a Gaussian as wide as its section and the spread."""
        x, y, z = self.place(*xy)
        share = self.share(z, low, high)
        if share:
            spread2 = self.sigma**2 + diameter**2 / 16
            w = self._window(x, y, 8 * math.sqrt(spread2))
            r2 = (self.frame.x[w] - x) ** 2 + (self.frame.y[w] - y) ** 2
            peak = share * hu_mm2 / (2 * math.pi * spread2)
            self.image[w] += peak * np.exp(-r2 / (2 * spread2))

    def bars(
        self, xy: tuple[float, float], side: tuple[float, float], contrast: float,
        low: float, high: float, *, per_mm: float, across_deg: float,
    ) -> None:  # fmt: skip
        """Add a rectangle of bars half a period wide; `across_deg` is the direction across them."""
        share = self.share(self.place(*xy)[2], low, high)
        if not share:
            return
        w, u, v = self.local(*xy, max(side) + 6 * self.sigma)
        a = math.radians(across_deg)
        across, along = u * math.cos(a) + v * math.sin(a), -u * math.sin(a) + v * math.cos(a)
        count = math.floor(side[0] * per_mm + 1e-9)
        drawn: Array = np.zeros_like(u)
        for k in range(count):
            at = (k - (count - 1) / 2) / per_mm
            drawn += box(across, at - 0.25 / per_mm, at + 0.25 / per_mm, self.sigma)
        self.image[w] += (
            share * contrast * drawn * box(along, -side[1] / 2, side[1] / 2, self.sigma)
        )

    def surroundings(self, radius_mm: float) -> None:
        """Add the table and streaks, if the scan has them."""
        scan = self.scan
        if scan.table_hu is not None:
            x0, y0, _ = self.place(0.0, 0.0)
            top = y0 + radius_mm + _TABLE_GAP_MM
            slab = box(self.frame.y, top, top + _TABLE_THICKNESS_MM, self.sigma)
            self.image += (scan.table_hu - AIR_HU) * slab * (np.abs(self.frame.x - x0) < 200)
        if scan.streaks_hu:
            angle = np.arctan2(self.frame.y, self.frame.x)
            self.image += scan.streaks_hu * np.cos(23 * angle) ** 9

    def finished(self, pixels: Array) -> Array:
        """Return grey values, padded outside of the reconstructed circle."""
        grey = self.scan.scale * pixels + self.scan.shift
        if self.scan.fov_mm is None:
            return np.asarray(grey)
        outside = np.hypot(self.frame.x, self.frame.y) > self.scan.fov_mm / 2
        return np.asarray(np.where(outside, self.scan.padding, grey))
