"""Examples of the detector measurements on projection images."""

from __future__ import annotations

import numpy as np

from kerma.core import Image
from kerma.simulate import planar
from kerma.simulate.examples import Example, example

PIXEL_MM = 0.15
SIDE = 1024
KERMAS = (1.0, 2.0, 4.0, 8.0, 16.0)
# PV = 50 + 100 K/µGy, Poisson-like noise: variance equal to the pixel value.
OFFSET, GAIN = 50.0, 100.0


def flat(kerma_ugy: float = 5.0, seed: int = 1, side: int = SIDE) -> Image:
    """Return a flat field of the detector all these examples share."""
    mean = OFFSET + GAIN * kerma_ugy
    pixels = planar.flat_field((side, side), mean=mean, noise=mean**0.5, seed=seed)
    return planar.as_image(np.rint(pixels), PIXEL_MM, facts={"KVP": 70.0})


def edge(side: int = SIDE, tilt_deg: float = 2.0) -> Image:
    """Return an edge blurred by a Gaussian of 0.12 mm."""
    clean = planar.edge((side, side), pixel_mm=PIXEL_MM, sigma_mm=0.12, tilt_deg=tilt_deg)
    noisy = clean + np.random.default_rng(1).normal(0.0, 5.0, clean.shape)
    return planar.as_image(noisy, PIXEL_MM, facts={"KVP": 70.0})


def series() -> tuple[Image, ...]:
    """Return flat fields at rising air kerma."""
    return tuple(flat(k, i) for i, k in enumerate(KERMAS))


@example("planar-snr")
def snr() -> Example:
    """Return one flat field of known mean and noise."""
    return Example((flat(),), truth={"mean": 550.0, "noise": 550.0**0.5})


@example("planar-uniformity")
def uniformity() -> Example:
    """Return one flat field."""
    return Example((flat(),))


@example("planar-dark-noise")
def dark_noise() -> Example:
    """Return two unexposed frames with fixed pattern and temporal noise."""
    frames = planar.dark_frames((SIDE, SIDE), offset=50.0, temporal=3.0, fixed=1.0, seed=1)
    return Example(tuple(planar.as_image(np.rint(f), PIXEL_MM) for f in frames))


@example("planar-defects")
def defects() -> Example:
    """Return a flat field with a dead pixel, a hot one and a dead line."""
    image = flat()
    pixels = image.pixels.copy()
    pixels[300, 400], pixels[700, 200], pixels[500, 100:900] = 0.0, 1100.0, 0.0
    return Example((planar.as_image(pixels, PIXEL_MM),))


@example("planar-stp")
def stp() -> Example:
    """Return the flat fields of a linear detector."""
    return Example(series(), {"kerma_ugy": list(KERMAS)}, {"a": OFFSET, "b": GAIN})


@example("planar-noise-split")
def noise_split() -> Example:
    """Return the flat fields of a detector whose noise is quantum noise and an offset."""
    return Example(series(), {"kerma_ugy": list(KERMAS)})


@example("planar-mtf-edge")
def mtf_edge() -> Example:
    """Return one edge."""
    return Example((edge(),))


@example("planar-nnps")
def nnps() -> Example:
    """Return two flat fields of the same exposure."""
    return Example((flat(seed=1), flat(seed=2)))


@example("planar-dqe")
def dqe() -> Example:
    """Return an edge and two flat fields at 5 µGy of RQA5."""
    parameters = {"kerma_ugy": [5.0, 5.0], "quality": "RQA5", "edition": "2015"}
    linear = {"model": "linear", "a": OFFSET, "b": GAIN}
    return Example((edge(), flat(seed=1), flat(seed=2)), {**parameters, "stp": linear})


@example("planar-lag")
def lag() -> Example:
    """Return an exposure behind a plate over half the field and a dark image with 1 % lag."""
    shape = (512, 512)
    plate = np.where(np.arange(shape[1]) < shape[1] // 2, 0.02, 1.0) * np.ones(shape)
    random = np.random.default_rng(1)
    darks = [100.0 + random.normal(0.0, 10.0, shape) for _ in range(3)]
    exposure, after = darks[1] + 4000.0 * plate, darks[2] + 40.0 * plate
    images = tuple(planar.as_image(p, PIXEL_MM) for p in (darks[0], exposure, after))
    half, end = shape[1] // 2, shape[1] - 60
    parameters = {
        "roles": ["before-dark", "exposure", "dark"], "delays_s": [0.0, 0.0, 1.0],
        "exposed": [half + 60, 60, end, 450], "reference": [60, 60, half - 60, 450],
    }  # fmt: skip
    return Example(images, parameters)
