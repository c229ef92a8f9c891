"""Simulated fields and markers the tests of `kerma.imaging.geometry` share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerma.core import Image
from kerma.simulate import geometry, planar

SHAPE = (512, 600)
PIXEL = 0.25
EDGES = (-50.0, -45.0, 52.3, 41.1)
FACTS = {"DistanceSourceToDetector": 1000.0}
SIDES = ("left", "top", "right", "bottom")


def field_pixels(
    edges: Sequence[float] = EDGES,
    *,
    sigma: float | tuple[float, float, float, float] = 0.8,
    turn: float = 0.0,
    lead: Sequence[np.ndarray] = (),
    heel: float = 1.0,
    share: float = 0.0,
    seed: int = 1,
    shape: tuple[int, int] = SHAPE,
    pixel: float = PIXEL,
) -> np.ndarray:
    """Render a field; `lead` are covers (1 under a marker), `share` the noise."""
    left, top, right, bottom = edges
    cover = geometry.rectangle(
        shape, pixel_mm=pixel, edges_mm=(left, top, right, bottom), sigma_mm=sigma, turn_deg=turn
    )
    for marker in lead:
        cover = cover * (1.0 - 0.95 * marker)
    clean = geometry.exposed(
        cover, inside=2000.0, outside=60.0, heel_percent_per_cm=heel, pixel_mm=pixel
    )
    return geometry.noisy(clean, seed=seed, share=share) if share else clean


def field(
    edges: Sequence[float] = EDGES, *, image: dict[str, Any] | None = None, **more: Any
) -> Image:
    """Return `field_pixels` as an image with a focus-detector distance of 1 m."""
    pixel = more.get("pixel", PIXEL)
    return planar.as_image(field_pixels(edges, **more), pixel, **{"facts": FACTS, **(image or {})})


def coin(x: float, y: float, radius: float = 9.0) -> np.ndarray:
    """Return the cover of a coin."""
    return geometry.disc(SHAPE, pixel_mm=PIXEL, centre_mm=(x, y), radius_mm=radius, sigma_mm=0.2)


def bar(left: float, top: float, right: float, bottom: float, turn: float = 0.0) -> np.ndarray:
    """Return the cover of a lead strip."""
    return geometry.rectangle(
        SHAPE, pixel_mm=PIXEL, edges_mm=(left, top, right, bottom), sigma_mm=0.2, turn_deg=turn
    )


def corner(x: float, y: float, towards: tuple[int, int], **more: Any) -> np.ndarray:
    """Return the cover of an L whose middle lines meet at a point."""
    return geometry.l_corner(SHAPE, pixel_mm=PIXEL, corner_mm=(x, y), towards=towards, **more)


def pixel_of(x: float, y: float) -> tuple[float, float]:
    """Return column and row of a point of the shared frame."""
    return geometry.to_px(SHAPE, PIXEL, x, y)
