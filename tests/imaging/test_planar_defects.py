"""Defective pixels: what was planted is found, and nothing else (methods, case 14)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma import imaging
from kerma.core import Analysis
from kerma.imaging.tools import outliers
from kerma.simulate import planar
from tests.imaging.helpers import refused, u, value

NAME = "planar-defects"
P, MEAN, SIGMA, SHAPE = 0.15, 1000.0, 10.0, (768, 1000)

Planted = dict[tuple[int, int], float]


def single_pixels() -> Planted:
    """Return (column, row) -> factor: corners, borders and places off the blocks of the search."""
    spots = [(0, 0), (999, 767), (0, 400), (512, 0), (999, 0), (100, 95), (333, 666), (998, 300)]
    factors = [0.0, 2.0, 0.0, 0.85, 1.15, 1.9, 0.2, 1.3]
    return dict(zip(spots, factors, strict=True))


def groups() -> dict[str, Planted]:
    """Return clusters by name: joined by sides, by corners only, and larger than a block."""
    return {
        "pair": {(200, 200): 0.0, (201, 200): 0.0},
        "diagonal": {(250 + i, 300 + i): 0.0 for i in range(5)},
        "square": {(400 + i, 500 + j): 1.6 for i in range(6) for j in range(6)},
        "block": {(600 + i, 150 + j): 0.0 for i in range(24) for j in range(24)},
    }


def line_pixels() -> dict[str, Planted]:
    return {
        "column": {(700, y): 0.0 for y in range(768)},
        "part of a row": {(x, 640): 1.2 for x in range(40, 140)},
        "double column": {(x, y): 0.85 for x in (850, 851) for y in range(500, 768)},
    }


def with_defects(pixels: np.ndarray, planted: Planted) -> np.ndarray:
    made = pixels.copy()
    for (x, y), factor in planted.items():
        made[y, x] *= factor
    return made


def flat(seed: int = 1, **more: object) -> np.ndarray:
    return planar.flat_field(SHAPE, mean=MEAN, noise=SIGMA, seed=seed, **more)  # type: ignore[arg-type]


def measure(*pixels: np.ndarray, **parameters: object) -> Analysis:
    return imaging.analyse(NAME, [planar.as_image(p, P) for p in pixels], **parameters)


def seen(found: Analysis) -> set[tuple[int, int]]:
    return {(x, y) for x, y, _, _ in found.facts["pixels"]}


@pytest.fixture(scope="module")
def planted() -> Planted:
    every: Planted = dict(single_pixels())
    for some in (*groups().values(), *line_pixels().values()):
        every |= some
    return every


@pytest.fixture(scope="module")
def found(planted: Planted) -> Analysis:
    return measure(with_defects(flat(), planted))


def test_case_14_the_list_is_exactly_what_was_planted(found: Analysis, planted: Planted) -> None:
    assert seen(found) == set(planted)
    assert value(found, "defective_pixels") == len(planted)
    assert value(found, "defective_share") == pytest.approx(100 * len(planted) / (768 * 1000))
    assert found.facts["pixels_complete"]


def test_case_14_nothing_is_found_in_healthy_fields() -> None:
    """Under one in a million; 6 million pixels, so a threshold of 5 sigmas would show."""
    false = [value(measure(flat(seed)), "defective_pixels") for seed in range(8)]
    assert sum(false) <= 1e-6 * 8 * 768 * 1000


def test_without_a_limit_in_sigmas_there_are_chance_findings() -> None:
    """Negative control for the count above: at 4 sigmas some must show."""
    middle, sd = outliers.local_median_and_sd(flat())
    assert (np.abs(flat() - middle) > 4 * sd).sum() > 20


def test_every_kind_is_named_for_what_it_does(found: Analysis) -> None:
    kinds = {(x, y): kind for x, y, kind, _ in found.facts["pixels"]}
    for at, factor in single_pixels().items():
        expected = "dead" if factor < 0.5 else "low" if factor < 1 else "high"
        assert kinds[at] == ("hot" if factor > 1.5 else expected), at
    away = {(x, y): percent for x, y, _, percent in found.facts["pixels"]}
    for at, factor in single_pixels().items():
        assert away[at] == pytest.approx(100 * (factor - 1), abs=10)


def test_clusters_are_joined_by_sides_and_corners(found: Analysis) -> None:
    listed = {(c["left"], c["top"], c["right"], c["bottom"], c["pixels"])
              for c in found.facts["clusters"]}  # fmt: skip
    expected = set()
    for some in groups().values():
        xs, ys = [x for x, _ in some], [y for _, y in some]
        expected.add((min(xs), min(ys), max(xs), max(ys), len(some)))
    assert listed == expected
    assert value(found, "clusters") == 4
    assert value(found, "largest_cluster") == 24 * 24
    assert value(found, "isolated_pixels") == len(single_pixels())


def test_lines_are_told_from_clusters(found: Analysis) -> None:
    listed = {(i["direction"], i["left"], i["top"], i["right"], i["bottom"])
              for i in found.facts["lines"]}  # fmt: skip
    assert listed == {
        ("down", 700, 0, 700, 767),
        ("along", 40, 640, 139, 640),
        ("down", 850, 500, 851, 767),
    }
    assert value(found, "lines") == 3


def test_regions_show_lines_clusters_and_pixels(found: Analysis) -> None:
    names = [r.name for r in found.regions]
    assert names.count("Pixel") == len(single_pixels())
    assert sum(n.startswith("Line") for n in names) == 3
    assert "Cluster of 576" in names
    points = {r.points[0] for r in found.regions if r.shape == "point"}
    assert points == {(float(x), float(y)) for x, y in single_pixels()}


def test_crossing_lines_are_two_lines() -> None:
    cross = {(500, y): 0.0 for y in range(100, 300)} | {(x, 200): 0.0 for x in range(400, 600)}
    found = measure(with_defects(flat(), cross))
    assert value(found, "lines") == 2
    assert value(found, "clusters") == 0
    assert value(found, "defective_pixels") == 399


@settings(max_examples=12, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=40), st.booleans())
def test_any_set_of_dead_pixels_comes_back(spots: set[tuple[int, int]], hot: bool) -> None:
    pixels = planar.flat_field((256, 256), mean=MEAN, noise=SIGMA, seed=2)
    found = measure(with_defects(pixels, dict.fromkeys(spots, 2.0 if hot else 0.0)))
    assert seen(found) == spots
    assert value(found, "hot_pixels" if hot else "dead_pixels") == len(spots)


def test_a_heel_effect_hides_nothing_and_adds_nothing() -> None:
    sloped = flat(gradient_percent_per_cm=(1.5, -0.5))
    assert seen(measure(with_defects(sloped, single_pixels()))) == set(single_pixels())


def test_frames_over_time_show_stuck_and_noisy_pixels() -> None:
    rng = np.random.default_rng(5)
    frames = [flat(seed) for seed in range(5)]
    for frame in frames:
        frame[50, 60] = 1003.0
        frame[70, 80] += rng.normal(0, 12 * SIGMA)
    frames[0][70, 80], frames[1][70, 80] = 900.0, 1100.0
    found = measure(*frames, percent=30.0)
    kinds = {(x, y): kind for x, y, kind, _ in found.facts["pixels"]}
    assert kinds == {(60, 50): "dead", (80, 70): "noisy"}


def test_many_stuck_pixels_do_not_pass_for_chance() -> None:
    rng = np.random.default_rng(8)
    spots = {(int(x), int(y)) for x, y in rng.integers(0, 768, (400, 2))}
    frames = [flat(seed) for seed in range(3)]
    for frame in frames:
        for x, y in spots:
            frame[y, x] = 1001.0
    found = measure(*frames)
    assert seen(found) == spots
    assert found.warnings == ()


def test_two_frames_of_whole_numbers_cannot_show_stuck_pixels() -> None:
    found = measure(*(np.rint(flat(seed)) for seed in range(2)))
    assert any("never change" in w for w in found.warnings)
    assert value(found, "defective_pixels") == 0
    many = measure(*(np.rint(flat(seed)) for seed in range(9)))
    assert many.warnings == ()
    assert value(many, "defective_pixels") == 0


def test_compared_with_the_detectors_own_map() -> None:
    spots = single_pixels()
    known = [[0, 0], [999, 767], [5, 5]]
    found = measure(with_defects(flat(), spots), known=known)
    assert value(found, "new_defects") == len(spots) - 2
    assert found.facts["known_not_seen"] == [[5, 5]]
    assert [0, 0] not in found.facts["new_defects"]


def test_only_the_exposed_field_is_searched() -> None:
    pixels = np.random.default_rng(1).normal(20, 2, SHAPE)
    pixels[200:700, 150:900] = flat()[200:700, 150:900]
    pixels[400, 500] = 0.0
    pixels[50, 50] = 4000.0
    found = measure(pixels)
    assert seen(found) == {(500, 400)}


def test_the_uncertainty_is_the_chance_findings_expected(found: Analysis) -> None:
    assert u(found, "defective_pixels") == pytest.approx(np.sqrt(768e3 * 1.97e-9), rel=0.01)


def test_the_same_image_gives_the_same_bits(found: Analysis, planted: Planted) -> None:
    assert measure(with_defects(flat(), planted)).as_dict() == found.as_dict()


def test_refusals() -> None:
    image = planar.as_image(flat(), P)
    hole = planar.with_disc(flat(), x=500, y=300, radius_px=120, change=-0.3)
    refused(NAME, [planar.as_image(hole, P)], "not-flat")
    salted = flat()
    salted[np.random.default_rng(1).random(SHAPE) < 0.03] = 0.0
    refused(NAME, [planar.as_image(salted, P)], "too-many-defects")
    refused(NAME, [image, image], "same-frame")
    refused(NAME, [planar.as_image(planar.anatomy(seed=3), P)], "clinical-looking")
    refused(NAME, [image], "bad-parameter", sigmas=3.0)
    refused(NAME, [image], "bad-parameter", line_px=1)
    refused(NAME, [], "no-images")
    shown = planar.as_image(flat(), P, processing="presentation")
    refused(NAME, [shown], "processed-image")
