"""Each image measurement: cost of an image, and how it grows with the number of pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerma import imaging
from kerma.core import Image
from kerma.simulate import ct, examples, planar
from tests.perf import catphan
from tests.perf.cost import Row, Rows, cpu_s

PIXEL_MM = 0.15
SIDES = (512, 1024, 2048)
KERMAS = (1.0, 2.0, 4.0, 8.0, 16.0)
Made = tuple[list[Image], dict[str, Any]]


def _flat(side: int, kerma: float = 5.0, seed: int = 1) -> Image:
    mean = 50.0 + 100.0 * kerma
    pixels = planar.flat_field((side, side), mean=mean, noise=mean**0.5, seed=seed)
    return planar.as_image(np.rint(pixels), PIXEL_MM)


def _edge(side: int) -> Made:
    clean = planar.edge((side, side), pixel_mm=PIXEL_MM, sigma_mm=0.12, tilt_deg=2.0)
    noisy = clean + np.random.default_rng(1).normal(0.0, 5.0, clean.shape)
    return [planar.as_image(noisy, PIXEL_MM)], {}


def _stp(side: int) -> Made:
    return [_flat(side, k, i) for i, k in enumerate(KERMAS)], {"kerma_ugy": list(KERMAS)}


def _dark(side: int) -> Made:
    frames = planar.dark_frames((side, side), offset=50.0, temporal=3.0, fixed=1.0, seed=1)
    return [planar.as_image(np.rint(f), PIXEL_MM) for f in frames], {}


def _water(side: int) -> Made:
    pixel_mm = 256.0 / side
    clean = ct.water_phantom((side, side), pixel_mm=pixel_mm)
    noise = ct.noise((side, side), sd_hu=5.0, seed=1)
    return [ct.as_image(clean + noise, pixel_mm)], {}


def _wire(side: int) -> Made:
    middle = (side / 2 + 0.3, side / 2 - 0.2)
    clean = ct.wires((side, side), [middle], pixel_mm=0.1, sigma_mm=0.3, peak_hu=1500.0)
    return [ct.as_image(clean + ct.noise((side, side), sd_hu=5.0, seed=1), 0.1)], {}


MAKERS: dict[str, tuple[Callable[[int], Made], Sequence[int]]] = {
    "planar-mtf-edge": (_edge, SIDES),
    "planar-uniformity": (lambda side: ([_flat(side)], {}), SIDES),
    "planar-snr": (lambda side: ([_flat(side)], {}), SIDES),
    "planar-stp": (_stp, SIDES),
    "planar-dark-noise": (_dark, SIDES),
    "ct-water": (_water, (256, 512, 1024)),
    "ct-wire-mtf": (_wire, (256, 512, 1024)),
}


def measurements() -> Rows:
    """Measure each measurement on simulated images of several sizes."""
    for name, (make, sides) in MAKERS.items():
        spent = []
        for side in sides:
            images, parameters = make(side)
            imaging.analyse(name, images, **parameters)
            cost = cpu_s(lambda i=images, p=parameters, n=name: imaging.analyse(n, i, **p), 2)
            spent.append(cost / len(images))
            told = f"{1e9 * spent[-1] / side**2:.0f} ns a pixel"
            yield Row(name, f"{side} × {side}", 1000 * spent[-1], "CPU ms an image", told)
        power = math.log(spent[-1] / spent[0]) / math.log((sides[-1] / sides[0]) ** 2)
        yield Row(name, "grows with pixels to the power", power, "")
    unmeasured = set(imaging.names()) - set(MAKERS)
    for name in sorted(unmeasured):
        if not name.startswith("ct-catphan"):
            example = examples.make(name)
            spent_s = cpu_s(lambda e=example, n=name: imaging.analyse(n, e.images, **e.parameters))
            told = f"{len(example.images)} images" if example.images else "readings"
            yield Row(name, f"its example, {told}", spent_s, "CPU s")
    yield from catphan.costs()


beside_pylinac = catphan.beside_pylinac
