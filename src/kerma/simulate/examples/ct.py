"""Examples of the measurements on CT slices of one simple object, and of a patient's size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image
from kerma.simulate import ct, ct_objects
from kerma.simulate.ct_modules import ModuleScan, bead_module, homogeneous_module, insert_module
from kerma.simulate.ct_objects import Body, Ramp
from kerma.simulate.examples import Example, example

Array = npt.NDArray[np.floating[Any]]

_SHAPE = (512, 512)
# exp(-2 pi² s² f²) = 0.5 at f = sqrt(ln 2 / 2)/(pi s).
_HALF = math.sqrt(math.log(2) / 2) / math.pi


@example("ct-water")
def water() -> Example:
    """Return three slices of a 200 mm water phantom, 5 HU of noise."""
    clean = ct.water_phantom(_SHAPE, pixel_mm=0.5)
    slices = [
        ct.as_image(clean + ct.noise(clean.shape, sd_hu=5.0, seed=i), 0.5, z_mm=5.0 * i)
        for i in range(3)
    ]
    return Example(tuple(slices), truth={"ct_number_water": 0.0, "noise": 5.0})


@example("ct-wire-mtf")
def wire() -> Example:
    """Return one slice of a wire blurred by a Gaussian of 0.3 mm."""
    clean = ct.wires(_SHAPE, [(256.3, 255.8)], pixel_mm=0.1, sigma_mm=0.3, peak_hu=1500.0)
    noisy = clean + ct.noise(_SHAPE, sd_hu=5.0, seed=1)
    return Example((ct.as_image(noisy, 0.1),), truth={"mtf50": _HALF / 0.3})


@example("ct-bead-mtf")
def bead() -> Example:
    """Return three slices through a bead of 0.28 mm in water, blurred by a Gaussian of 0.35 mm."""
    clean = ct_objects.bead(
        _SHAPE, (256.3, 255.8), pixel_mm=0.12, diameter_mm=0.28, sigma_mm=0.35, hu_mm2=900.0
    )
    slices = [
        _noisy(share * clean, 0.12, k, sd=6.0, z_mm=0.6 * k)
        for k, share in enumerate((0.6, 1, 0.5))
    ]
    return Example(tuple(slices), {"bead_diameter_mm": 0.28}, {"mtf50": _HALF / 0.35})


@example("ct-ttf")
def rods() -> Example:
    """Return ten slices of a phantom with rods of +120 and -200 HU."""
    clean = _rods(((70.2, 0.3, 120.0), (-40.4, 55.7, -200.0)))
    slices = [_noisy(clean, 0.5, k, sd=12.0, z_mm=2.5 * k) for k in range(10)]
    return Example(tuple(slices), truth={"ttf50_rod1": _HALF / 0.6, "ttf50_rod2": _HALF / 0.6})


@example("ct-nps")
def uniform() -> Example:
    """Return four slices of water with the noise of filtered back projection."""
    clean = ct.water_phantom(_SHAPE, pixel_mm=0.5)
    slices = [_noisy(clean, 0.5, k, sd=8.0, z_mm=5.0 * k) for k in range(4)]
    return Example(
        tuple(slices),
        truth={
            "noise": 8.0,
            "nps_peak_frequency": 0.25,
            "nps_average_frequency": 0.25 * math.sqrt(math.pi / 2),
        },
    )


@example("ct-detectability")
def task() -> Example:
    """Return slices with rods and uniform slices of one setting; the task is a 5 mm disc."""
    with_rods = _rods(((70.2, 0.3, 60.0), (-40.4, 55.7, -200.0)))
    plain = _rods(())
    slices = [
        _noisy(with_rods if k < 6 else plain, 0.5, k, sd=5.0, z_mm=2.5 * k) for k in range(12)
    ]
    return Example(tuple(slices), {"contrast_hu": 10.0, "diameter_mm": 5.0})


@example("ct-detectability-curves")
def task_of_curves() -> Example:
    """Return a Gaussian task, Gaussian resolution and white noise: a closed form (case 24)."""
    f = [0.001 * k for k in range(2501)]
    contrast, b, s, level = 12.0, 1.3, 0.6, 150.0
    truth = contrast * 2 * math.pi * b**2 / math.sqrt(level * 4 * math.pi * (b**2 + s**2))
    return Example(
        (),
        {
            "frequency_per_mm": f,
            "ttf": [math.exp(-2 * (math.pi * s * x) ** 2) for x in f],
            "nps_hu2_mm2": [level] * len(f),
            "contrast_hu": contrast,
            "diameter_mm": b * 2 * math.sqrt(2 * math.log(2)),
            "task": "gaussian",
        },
        {"d_npw": truth},
    )


@example("ct-slice-thickness")
def ramps() -> Example:
    """Return three slices of 2.5 mm through two opposing wire ramps of 23 degrees."""
    clean = ct.water_phantom(_SHAPE, pixel_mm=0.35, diameter_mm=160.0, water_hu=90.0)
    slices = []
    for k in range(3):
        pixels = clean.copy()
        for side, turn in ((-1, 0.0), (1, 180.0)):
            shift = (k - 1) * 2.5 / math.tan(math.radians(23)) / 0.35 * (1 if turn == 0 else -1)
            what = Ramp((256.3 + shift, 255.8 + side * 110.0), turn, diameter_mm=0.2)
            _pasted_ramp(pixels, what, 0.35, 2.5)
        slices.append(_noisy(pixels, 0.35, k, sd=6.0, z_mm=2.5 * k))
    return Example(tuple(slices), {"wire_diameter_mm": 0.2}, {"slice_thickness_corrected": 2.5})


@example("ct-body-size")
def patient() -> Example:
    """Return five slices of a chest on a table."""
    lungs = ((-80.0, -10.0, 45.0, -800.0), (80.0, -10.0, 45.0, -800.0), (0.0, 70.0, 18.0, 700.0))
    what = Body(330.0, 230.0, 45.0, lungs, table=True)
    clean = ct_objects.body(_SHAPE, what, pixel_mm=0.8)
    slices = [_noisy(clean, 0.8, k, sd=10.0, z_mm=5.0 * k) for k in range(5)]
    return Example(
        tuple(slices),
        {"ctdivol_mgy": 8.0, "ctdi_phantom_cm": 32},
        {"water_equivalent_diameter": what.water_equivalent_mm},
    )


@example("ct-linearity")
def inserts() -> Example:
    """Return two slices of a phantom with five inserts that read 1.02 times nominal, less 3 HU."""
    nominal = (-1000.0, -200.0, -100.0, 350.0, 900.0)
    places = tuple(
        (70 * math.cos(2 * math.pi * k / 5), 70 * math.sin(2 * math.pi * k / 5)) for k in range(5)
    )
    clean = _rods(
        tuple((x, y, 1.02 * v - 3.0) for (x, y), v in zip(places, nominal, strict=True)), radius=8.0
    )
    slices = [_noisy(clean, 0.5, k, sd=5.0, z_mm=5.0 * k) for k in range(2)]
    return Example(
        tuple(slices),
        {
            "places": tuple((255.5 + x / 0.5, 255.5 + y / 0.5) for x, y in places),
            "nominal": nominal,
            "radius_mm": 5.0,
        },
        {"slope": 1.02, "intercept": -3.0},
    )


@example("ct-ctp404")
def ctp404() -> Example:
    """Return three slices of 2.5 mm through the insert module of a CatPhan."""
    scan = ModuleScan(roll_deg=3.0, noise_hu=5.0)
    return Example(
        tuple(insert_module(scan)),
        truth={
            "roll": 3.0,
            "rod_spacing_mean": 50.0,
            "slice_thickness": 2.5,
            "hu_delrin": 366.0,
        },
    )


@example("ct-ctp486")
def ctp486() -> Example:
    """Return three slices through the homogeneous module of a CatPhan."""
    scan = ModuleScan(noise_hu=6.0)
    return Example(
        tuple(homogeneous_module(scan)),
        truth={"uniformity_centre": 12.0, "noise": 6.0, "nps_peak_frequency": 0.3},
    )


@example("ct-ctp591")
def ctp591() -> Example:
    """Return three slices of 1 mm through the bead module of a CatPhan 600."""
    scan = ModuleScan(
        thickness_mm=1.0,
        profile="gaussian",
        pixel_mm=0.41,
        sigma_mm=0.45,
        noise_hu=15.0,
        roll_deg=2.0,
    )
    return Example(
        tuple(bead_module(scan)),
        truth={"slice_thickness_beads_fine": 1.0, "mtf50": _HALF / 0.45, "roll": 2.0},
    )


def _noisy(pixels: Array, pixel_mm: float, seed: int, *, sd: float, z_mm: float) -> Image:
    grain = ct_objects.ramp_noise(
        (pixels.shape[0], pixels.shape[1]),
        pixel_mm=pixel_mm,
        sd_hu=sd,
        peak_per_mm=min(0.25, 0.25 / pixel_mm),
        seed=seed + 1,
    )
    return ct.as_image(pixels + grain, pixel_mm, z_mm=z_mm, thickness_mm=2.5)


def _rods(places: tuple[tuple[float, float, float], ...], radius: float = 10.0) -> Array:
    """Return a water phantom with rods at (x, y) mm from its middle."""
    pixels = ct.water_phantom(_SHAPE, pixel_mm=0.5, diameter_mm=220.0)
    for x, y, contrast in places:

        def draw(
            shape: tuple[int, int], at: tuple[float, float], contrast: float = contrast
        ) -> Array:
            return ct_objects.rod(
                shape, at, pixel_mm=0.5, radius_mm=radius, sigma_mm=0.6, contrast_hu=contrast
            )

        ct_objects.pasted(pixels, (255.5 + x / 0.5, 255.5 + y / 0.5), 40, draw)
    return pixels


def _pasted_ramp(pixels: Array, what: Ramp, pixel_mm: float, thickness_mm: float) -> None:
    def draw(shape: tuple[int, int], at: tuple[float, float]) -> Array:
        placed = Ramp(at, what.direction_deg, what.angle_deg, what.diameter_mm, 0.0, what.hu_mm2)
        return ct_objects.ramp(
            shape, placed, pixel_mm=pixel_mm, sigma_mm=0.5, thickness_mm=thickness_mm
        )

    ct_objects.pasted(pixels, what.place, 60, draw)
