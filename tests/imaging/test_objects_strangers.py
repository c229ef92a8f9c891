"""Planar test objects: everything that is no test object is refused, with a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kerma.core import Image, KermaError
from kerma.imaging.registry import find
from kerma.simulate import cdmam, planar

NAMES = ("leeds-tor-18fg", "leeds-tor-cdr", "leeds-to20", "leeds-to10", "cdrad")
SHAPE = (310, 330)


def others() -> dict[str, Image]:
    """Return images of no test object of this room."""
    random = np.random.default_rng(1)
    rows, columns = np.indices(SHAPE, dtype=float)
    disc = 1000 - 300 * (np.hypot(columns - 160, rows - 150) < 110)
    rings = 1000 + 200 * (np.hypot(columns - 160, rows - 150) % 25 < 5)
    spots = planar.flat_field(SHAPE, mean=1000, noise=5, seed=2)
    for k in range(12):
        x, y = 160 + 95 * np.cos(k * np.pi / 6), 150 + 95 * np.sin(k * np.pi / 6)
        spots = planar.with_disc(spots, x=x, y=y, radius_px=9, change=-0.1)
    squares = 1000 + 200 * ((columns // 20 + rows // 20) % 2)
    lines = 1000 - 200 * ((columns % 19 < 2) | (rows % 19 < 2))
    grain = random.normal(0, 5, SHAPE)
    plain = {"disc": disc, "rings": rings, "spots": spots, "squares": squares, "lines": lines}
    made = {name: planar.as_image(p + grain, 0.4) for name, p in plain.items()}
    made["flat"] = planar.as_image(planar.flat_field(SHAPE, mean=900, noise=9, seed=3), 0.2)
    edge = planar.edge(SHAPE, pixel_mm=0.2, sigma_mm=0.2, tilt_deg=2.0)
    made["edge"] = planar.as_image(edge + grain, 0.2)
    made["anatomy"] = planar.as_image(planar.anatomy((340, 340), seed=4), 0.4)
    mammo = cdmam.cdmam_images(cdmam.CdmamScan(shape=(430, 640), pixel_mm=0.3), 1)[0]
    made["cdmam"] = replace(mammo, modality="DX")
    return made


@pytest.fixture(scope="module")
def strangers() -> dict[str, Image]:
    return others()


@pytest.mark.parametrize("name", NAMES)
def test_everything_else_is_refused_with_a_reason(strangers, name: str) -> None:
    recognise = find(name).recognise
    assert recognise is not None
    for what, image in strangers.items():
        with pytest.raises(KermaError) as caught:
            recognise([image])
        assert caught.value.code == "wrong-phantom", what
        assert caught.value.message.endswith(".")
