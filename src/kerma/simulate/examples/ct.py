"""Examples of the measurements on CT slices of one simple object."""

from __future__ import annotations

from kerma.simulate import ct
from kerma.simulate.examples import Example, example


@example("ct-water")
def water() -> Example:
    """Return three slices of a 200 mm water phantom, 5 HU of noise."""
    clean = ct.water_phantom((512, 512), pixel_mm=0.5)
    slices = [
        ct.as_image(clean + ct.noise(clean.shape, sd_hu=5.0, seed=i), 0.5, z_mm=5.0 * i)
        for i in range(3)
    ]
    return Example(tuple(slices), truth={"ct_number_water": 0.0, "noise": 5.0})


@example("ct-wire-mtf")
def wire() -> Example:
    """Return one slice of a wire blurred by a Gaussian of 0.3 mm."""
    shape = (512, 512)
    clean = ct.wires(shape, [(256.3, 255.8)], pixel_mm=0.1, sigma_mm=0.3, peak_hu=1500.0)
    noisy = clean + ct.noise(shape, sd_hu=5.0, seed=1)
    # exp(-2 pi² s² f²) = 0.5 at f = sqrt(ln 2 / 2) / (pi s).
    return Example((ct.as_image(noisy, 0.1),), truth={"mtf50": 0.6247})
