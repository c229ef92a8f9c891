"""Examples of the detector measurements on projection images."""

from __future__ import annotations

import math

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
    """Return an edge and two flat fields at 5 µGy of RQA5, its half-value layer measured."""
    parameters = {
        "kerma_ugy": [5.0, 5.0], "quality": "RQA5", "edition": "2015",
        "beam": {"hvl_mm_al": 6.8, "u_hvl_mm_al": 0.07},
    }  # fmt: skip
    linear = {"model": "linear", "a": OFFSET, "b": GAIN}
    return Example(
        (edge(), flat(seed=1), flat(seed=2)), {**parameters, "stp": linear}, {"hvl": 6.8}
    )


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


@example("planar-sdnr")
def sdnr() -> Example:
    """Return a square of 10 mm that takes a tenth of the signal, in a field of known noise."""
    side = 10.0 / PIXEL_MM
    cover = planar.rectangle_cover((SIDE, SIDE), x=600.2, y=450.7, width_px=side, height_px=side)
    clean = planar.flat_field((SIDE, SIDE), mean=550.0, noise=0.0, seed=0) * (1.0 - 0.1 * cover)
    noisy = clean + np.random.default_rng(1).normal(0.0, 10.0, clean.shape)
    truth = {"contrast": 10.0, "sdnr_background_noise": 5.5, "sdnr_rms_noise": 5.5}
    return Example((planar.as_image(noisy, PIXEL_MM),), truth=truth)


@example("planar-exposure-index")
def exposure_index() -> Example:
    """Return flat fields whose headers state an exposure index 4 % too high."""
    kermas = (1.0, 2.5, 2.5, 2.5, 5.0, 10.0)
    images = []
    for seed, kerma in enumerate(kermas):
        stated = {
            "ExposureIndex": 104.0 * kerma, "TargetExposureIndex": 250.0,
            "DeviationIndex": round(10.0 * math.log10(1.04 * kerma / 2.5), 1),
        }  # fmt: skip
        image = flat(kerma, seed, 512)
        images.append(planar.as_image(image.pixels, PIXEL_MM, facts={"KVP": 70.0, **stated}))
    return Example(
        tuple(images), {"kerma_ugy": list(kermas), "u_kerma_percent": 2.0},
        {"slope": 104.0, "max_deviation": 4.0, "repeatability": 0.0},
    )  # fmt: skip


@example("planar-aec")
def aec() -> Example:
    """Return exposures at three tube voltages, repeated, of which one gives 6 % less signal."""
    images = []
    for place, (kv, signal) in enumerate(((60.0, 470.0), (80.0, 500.0), (100.0, 530.0))):
        for repeat in range(2):
            pixels = planar.flat_field((512, 512), mean=signal, noise=signal**0.5,
                                       seed=10 * place + repeat)  # fmt: skip
            facts = {"KVP": kv, "ExposureIndex": signal / 2.0, "ExposureInuAs": round(8e5 / kv)}
            images.append(planar.as_image(pixels, PIXEL_MM, facts=facts))
    return Example(tuple(images), truth={"signal_max_deviation": 6.0, "ei_max_deviation": 6.0})


@example("planar-line-pairs")
def line_pairs() -> Example:
    """Return a bar pattern of seven groups, turned by 12 degrees, blurred by a Gaussian."""
    frequencies, sigma, angle = (0.5, 0.7, 1.0, 1.4, 1.8, 2.2, 2.6), 0.12, 12.0
    bars = planar.Bars(frequencies, angle_deg=angle)
    clean = planar.bar_pattern((600, 700), bars, pixel_mm=PIXEL_MM, sigma_mm=sigma)
    noisy = clean + np.random.default_rng(1).normal(0.0, 5.0, clean.shape)
    mtf = planar.edge_mtf(np.array(frequencies), sigma, PIXEL_MM, angle)
    truth = {"rmtf_at_1": float(mtf[2] / mtf[0]), "rmtf_at_1_8": float(mtf[4] / mtf[0])}
    return Example(
        (planar.as_image(noisy, PIXEL_MM),),
        {"frequencies_per_mm": list(frequencies)},
        {**truth, "angle": angle, "magnification": 1.0},
    )


@example("planar-grid")
def grid() -> Example:
    """Return a field behind a grid of 4 lines per mm, seen folded, and one without the grid."""
    columns = np.indices((SIDE, SIDE))[1]
    wave = 1.0 + 0.01 * np.cos(2.0 * math.pi * 4.0 * PIXEL_MM * columns)
    behind, plain = flat(5.0, 1), flat(8.0, 2)
    images = (planar.as_image(behind.pixels * wave, PIXEL_MM), plain)
    truth = {"lines": 1.0, "amplitude": 1.0, "frequency": 1.0 / PIXEL_MM - 4.0, "asymmetry_x": 0.0}
    return Example(images, {"grid_per_mm": 4.0}, truth)


@example("planar-tcdd")
def tcdd() -> Example:
    """Return two flat fields; a disc of 4 mm holds so many pixels that its rim hardly counts."""
    mean = OFFSET + GAIN * 5.0
    noise = mean**0.5 * PIXEL_MM / (math.sqrt(math.pi) * 2.0)
    return Example((flat(seed=1), flat(seed=2)), truth={"tcdd_at_4": 329.0 * noise / mean})


@example("planar-temporal")
def temporal() -> Example:
    """Return twelve frames of a run, of whose noise a fifth returns in the next."""
    frames = planar.fluoroscopy((512, 512), count=12, mean=600.0, temporal=12.0, fixed=5.0,
                                lag=0.2, seed=1)  # fmt: skip
    images = tuple(planar.as_image(f, 0.2, modality="RF") for f in frames)
    truth = {"temporal_noise": 12.0, "fixed_pattern": 5.0, "lag_factor": 0.2}
    return Example(images, truth=truth)
