"""A CatPhan in a CT scanner, with everything about it known.

Drawn straight from the description in the phantom's data file: discs, rods, ramps, bars and beads
with their edges blurred analytically, at any roll, tilt, offset and position. Nothing of the
analysis is used, so that an error in its geometry cannot hide.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image
from kerma.imaging.phantoms._describe import load_spec
from kerma.simulate.catphan_drawing import AIR_HU, Drawing, disc, grid
from kerma.simulate.ct import noise

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CatphanScan:
    """What is scanned and how; every value is the truth an analysis should find.

    Attributes
    ----------
    model
        Key of the phantom's description, ``catphan504`` and the like.
    roll_deg, tilt_x_deg, tilt_y_deg
        Rotation about the axis, clockwise as displayed; angle of the axis from the slice normal,
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
    noise_hu, noise_px, seed
        Gaussian noise, white or smoothed over so many pixels (1 SD).
    hu
        CT numbers of inserts that differ from nominal, by key.
    vial
        Key of the hole that holds water in place of air.
    density
        True for images on the scale of electron density, as reconstructed for dose calculation.
    body_hu, wall_hu
        CT number of the modules' plastic, and of the housing around them where it differs.
    cup_hu
        Added quadratically towards the rim of the homogeneous body (cupping).
    ramp_hu, bars_hu
        Contrast of ramps and bars.
    ramp_sense
        Which way round the ramps move with Z, where the description does not say.
    bead_hu_mm2, ramp_bead_hu_mm2
        Contrast of bead and wire, and of the beads of bead ramps, integrated over the slice plane.
    gantry_tilt_deg
        Slices of a tilted gantry: each is shifted against the last, and the header says so. The
        phantom's own tilt is from the slice normal all the same.
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
    noise_px: float = 0.0
    seed: int = 1
    hu: Mapping[str, float] = field(default_factory=dict)
    vial: str | None = None
    density: bool = False
    body_hu: float = 90.0
    wall_hu: float | None = None
    cup_hu: float = 0.0
    ramp_hu: float = 400.0
    bars_hu: float = 1500.0
    ramp_sense: int = 1
    bead_hu_mm2: float = 800.0
    ramp_bead_hu_mm2: float = 400.0
    gantry_tilt_deg: float = 0.0
    patient_position: str = "HFS"
    series_uid: str = "1.2.826.0.1.3680043.10.999.1"


def whole_scan(model: str, **changes: Any) -> CatphanScan:
    """Return a scan of a whole phantom of a model, as long as it needs to be."""
    at = load_spec(model).offsets_mm.values()
    # 20 mm beyond the middle of the last module at either end, in whole steps from zero.
    low, high = math.floor((min(at) - 20) / 5) * 5, math.ceil((max(at) + 20) / 5) * 5
    if changes.get("turned"):
        low, high = -high, -low
    ends: dict[str, Any] = {"first_mm": float(low), "last_mm": float(high)}
    return CatphanScan(**{"model": model, **ends, **changes})


def catphan_series(scan: CatphanScan) -> list[Image]:
    """Return the slices of a CatPhan scan, in order of increasing table position."""
    return _images(scan, Drawing(scan, load_spec(scan.model)).draw)


def water_series(scan: CatphanScan, radius_mm: float = 100.0) -> list[Image]:
    """Return the slices of a homogeneous water cylinder with the geometry of a CatPhan scan."""
    x, y = grid(scan)

    def draw(_: float) -> Array:
        r = np.hypot(x - scan.offset_mm[0], y - scan.offset_mm[1])
        return AIR_HU - AIR_HU * disc(r, radius_mm, scan.psf_sigma_mm)

    return _images(scan, draw)


def _images(scan: CatphanScan, draw: Callable[[float], Array]) -> list[Image]:
    count = round((scan.last_mm - scan.first_mm) / scan.increment_mm) + 1
    found = []
    for number in range(count):
        z = scan.first_mm + number * scan.increment_mm
        pixels = draw(z)
        if scan.noise_hu:
            rows, columns = pixels.shape
            pixels = pixels + noise(
                (rows, columns),
                sd_hu=scan.noise_hu,
                seed=1000 * scan.seed + number,
                correlation_px=scan.noise_px,
            )
        stored = pixels.astype(np.float32)
        feet = scan.patient_position.startswith("FF")
        stored = np.ascontiguousarray(stored[:, ::-1]) if feet else stored
        stored.flags.writeable = False
        found.append(
            Image(
                pixels=stored,
                spacing_mm=(scan.pixel_mm, scan.pixel_mm),
                modality="CT",
                sha256=hashlib.sha256(stored.tobytes()).hexdigest(),
                facts=_facts(scan, z, number),
                z_mm=-z if feet else z,
                thickness_mm=scan.thickness_mm,
            )
        )
    return found


def _facts(scan: CatphanScan, z_mm: float, number: int) -> dict[str, Any]:
    g = math.radians(scan.gantry_tilt_deg)
    facts: dict[str, Any] = {
        "SeriesInstanceUID": scan.series_uid,
        "ImageOrientationPatient": [1.0, 0.0, 0.0, 0.0, math.cos(g), -math.sin(g)],
        "PatientPosition": scan.patient_position,
        "ConvolutionKernel": "simulated",
        "SliceThickness": scan.thickness_mm,
        "InstanceNumber": number + 1,
    }
    if g:
        # The middle of every image is on the table axis; z is the position along the normal.
        half = (scan.matrix - 1) / 2 * scan.pixel_mm
        table = z_mm / math.cos(g)
        corner = [-half, -half * math.cos(g), table + half * math.sin(g)]
        facts["ImagePositionPatient"] = corner
    return facts
