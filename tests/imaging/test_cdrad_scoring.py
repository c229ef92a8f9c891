"""CDRAD: the key, the correction scheme, the figure, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.imaging.objects import _cells, _scoring
from kerma.simulate import cdrad
from kerma.simulate.planar import as_image
from tests.imaging.helpers import refused, u, value

NAME = "cdrad"
SCAN = cdrad.CdradImage(side=(820, 820), pixel_mm=0.31, turn_deg=-0.7, noise=40.0)
KEY = cdrad.key()
PLAN = _cells.layout()


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    return cdrad.expected(SCAN)


@pytest.fixture(scope="module")
def image(clean) -> Image:
    return cdrad.image(SCAN, clean)


@pytest.fixture(scope="module")
def read(image) -> Analysis:
    return imaging.analyse(NAME, [image], corners=KEY)


def test_without_the_key_nothing_is_scored(image) -> None:
    one = imaging.analyse(NAME, [image])
    assert "correct" not in one.values
    assert "iqf_inv" not in one.values
    assert value(one, "iqf_inv_rose") > 0
    assert any("key" in w for w in one.warnings)


def test_a_key_of_another_phantom_is_refused(image) -> None:
    error = refused(NAME, [image], "wrong-key", corners=cdrad.key(seed=8))
    assert error.detail["agree"] < 0.6
    turned = np.rot90(KEY).tolist()
    refused(NAME, [image], "wrong-key", corners=turned)


@pytest.mark.parametrize("corners", [[[0] * 15] * 14, [[0] * 14] * 15, [[4] * 15] * 15])
def test_an_impossible_key_is_refused(image, corners) -> None:
    refused(NAME, [image], "bad-parameter", corners=corners)


def test_the_correction_scheme_on_patterns_done_by_hand() -> None:
    right = np.ones((15, 15), dtype=bool)
    right[7, 7] = False
    assert _scoring.corrected(right).all()  # four right neighbours: becomes right
    lone = np.zeros((15, 15), dtype=bool)
    lone[7, 7] = True
    assert not _scoring.corrected(lone).any()  # no right neighbour: becomes wrong
    pair = np.zeros((15, 15), dtype=bool)
    pair[0, 0] = pair[0, 1] = True
    done = _scoring.corrected(pair)
    assert done[0, 0]  # a corner of the grid stays with one
    assert not done[0, 1]
    edge = np.zeros((15, 15), dtype=bool)
    edge[0, 1] = edge[1, 0] = True
    assert _scoring.corrected(edge)[0, 0]  # and becomes right with both
    half = np.zeros((15, 15), dtype=bool)
    half[:, :7] = True
    assert (_scoring.corrected(half) == half).all()


def test_the_figure_is_its_definition() -> None:
    seen = np.zeros((15, 15), dtype=bool)
    for column in range(15):
        seen[: column + 1, column] = True
    # Column k shows down to the k-th largest diameter.
    truth = sum(t * d for t, d in zip(PLAN.depths_mm, PLAN.diameters_mm, strict=True))
    figure, inverse, none = _scoring.quality_figure(seen, PLAN)
    assert figure == pytest.approx(truth)
    assert inverse == pytest.approx(100 / truth)
    assert none == 0
    seen[:, 2] = False
    figure, _, none = _scoring.quality_figure(seen, PLAN)
    assert none == 1
    assert figure == pytest.approx(truth + PLAN.depths_mm[2] * (10.0 - PLAN.diameters_mm[2]))


def test_more_noise_lowers_the_figure_and_the_uncertainty_holds(clean, read) -> None:
    images = [cdrad.image(cdrad.with_seed(SCAN, seed), clean) for seed in range(4)]
    several = imaging.analyse(NAME, images, corners=KEY)
    scatter = np.std(several.facts["iqf_inv_by_image"], ddof=1)
    assert 0.4 < u(read, "iqf_inv") / scatter < 2.5
    assert u(several, "iqf_inv") == pytest.approx(scatter / 2.0)
    worse = imaging.analyse(NAME, [cdrad.image(replace(SCAN, noise=110.0), clean)], corners=KEY)
    assert value(worse, "iqf_inv") < value(several, "iqf_inv") - 2 * u(worse, "iqf_inv")


def test_grid_and_scale_by_hand_are_held_and_recorded(image, read) -> None:
    half = 7.5 * 16 / 0.31
    corners: list[float] = []
    for x, y in ((-half, -half), (half, -half), (-half, half)):
        corners += SCAN.to_pixels(x * 0.31, y * 0.31)
    one = imaging.analyse(NAME, [image], corners=KEY, pixels_per_mm=1 / 0.31, grid_px=corners)
    assert value(one, "pitch") == pytest.approx(16.0, rel=1e-6)
    assert value(one, "correct") == pytest.approx(value(read, "correct"), abs=6)
    assert one.provenance.parameters["set_by_hand"] is True
    assert sum("set by hand" in w for w in one.warnings) == 2
    moved = [v + 17.0 for v in corners]
    refused(NAME, [image], "wrong-phantom", corners=KEY, grid_px=moved)


def test_a_grid_without_holes_cut_or_of_other_squares_is_refused(image) -> None:
    bare = replace(SCAN, mu_per_mm=0.0)
    refused(NAME, [cdrad.image(bare)], "wrong-phantom")
    cut = as_image(np.ascontiguousarray(image.pixels[:, 100:]), 0.31)
    refused(NAME, [cut], "wrong-phantom")
    covered = image.pixels.copy()
    covered[:, :120] *= 0.03
    refused(NAME, [as_image(covered, 0.31)], "wrong-phantom")


def test_regions_show_every_choice(read) -> None:
    named = [r.name for r in read.regions]
    assert named[0] == "Grid"
    assert sum(n.endswith(("right", "wrong")) for n in named) == 180
