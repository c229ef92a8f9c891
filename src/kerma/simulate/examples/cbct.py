"""Examples of the cone-beam CT measurements: phantoms, and simple cylinders."""

from __future__ import annotations

from typing import Any

from kerma.simulate import cbct
from kerma.simulate.cylinder import Scan
from kerma.simulate.examples import Example, example

# A machine whose grey values are no Hounsfield units: 0.7 HU + 900 inside a circle of 170 mm.
_GREY: dict[str, Any] = {"scale": 0.7, "shift": 900.0, "padding": 0.0}


@example("cbct-quart-dvt")
def quart() -> Example:
    """Return a scan of 2 mm slices in HU, rolled by 3 degrees."""
    scan = Scan(
        first_mm=-62.0, last_mm=60.0, increment_mm=2.0, thickness_mm=2.0, matrix=384, pixel_mm=0.5,
        roll_deg=3.0, offset_mm=(4.0, -3.0), noise_hu=12.0, psf_sigma_mm=0.45,
    )  # fmt: skip
    truth = {
        "roll": 3.0, "hu_teflon": 990.0, "hu_polystyrene": -35.0, "cnr": 155 / 12,
        "diameter": 160.0, "noise": 12.0, "mtf50_edge": 0.4165, "slice_thickness": 2.0,
    }  # fmt: skip
    return Example(tuple(cbct.cbct_series("cbct-quart-dvt", scan)), truth=truth)


@example("cbct-sedentexct-iq")
def sedentexct() -> Example:
    """Return a scan of 2 mm slices in grey values, rolled by -4 degrees."""
    scan = Scan(
        first_mm=-90.0, last_mm=32.0, increment_mm=2.0, thickness_mm=1.0, matrix=448, pixel_mm=0.4,
        roll_deg=-4.0, offset_mm=(2.0, -1.0), noise_hu=20.0, psf_sigma_mm=0.3, fov_mm=172.0,
        **_GREY,
    )  # fmt: skip
    inside = cbct.CbctObject(cup_hu=-30.0, shadow_hu=80.0, streak_hu=40.0)
    truth = {"roll": -4.0, "lattice_pitch_x": 10.0, "diameter": 160.0, "noise": 14.0}
    return Example(tuple(cbct.cbct_series("cbct-sedentexct-iq", scan, inside)), truth=truth)


@example("cbct-uniformity")
def uniformity() -> Example:
    """Return a water cylinder of 120 mm with 40 HU of cupping in grey values."""
    scan = Scan(
        first_mm=-10.0, last_mm=10.0, increment_mm=0.5, thickness_mm=0.5, matrix=400, pixel_mm=0.35,
        offset_mm=(3.0, -2.0), noise_hu=25.0, psf_sigma_mm=0.3, fov_mm=138.0, **_GREY,
    )  # fmt: skip
    images = cbct.cylinder_series(scan, 60.0, 0.0, cup_hu=40.0)
    # Grey = 0.7 HU + 900; the mean of r² over a disc adds half its radius squared, which cancels.
    return Example(tuple(images), truth={"noise": 17.5, "cupping": 4.0 * 0.7**2})


@example("cbct-geometry")
def geometry() -> Example:
    """Return a lattice of holes 10 mm apart in a cylinder of 160 mm."""
    scan = Scan(
        first_mm=-8.0, last_mm=8.0, increment_mm=0.5, thickness_mm=0.5, matrix=448, pixel_mm=0.4,
        roll_deg=6.0, noise_hu=30.0, psf_sigma_mm=0.25, fov_mm=172.0, **_GREY,
    )  # fmt: skip
    images = cbct.lattice_series(scan, 80.0, 10.0)
    truth = {"lattice_pitch_x": 10.0, "lattice_pitch_y": 10.0, "diameter": 160.0}
    return Example(tuple(images), {"pitch_mm": 10.0}, truth)


@example("cbct-artefact")
def artefact() -> Example:
    """Return three metal rods in a line with a dark band of 100 HU between them."""
    scan = Scan(
        first_mm=-30.0, last_mm=30.0, increment_mm=1.0, thickness_mm=1.0, matrix=448, pixel_mm=0.4,
        noise_hu=20.0, psf_sigma_mm=0.25, fov_mm=172.0, **_GREY,
    )  # fmt: skip
    rods = [(-15.0, 0.0), (0.0, 0.0), (15.0, 0.0)]
    images = cbct.metal_series(scan, 80.0, rods, shadow_hu=100.0)
    return Example(tuple(images), truth={"shadow": 100.0 / 1120.0 * 100.0})
